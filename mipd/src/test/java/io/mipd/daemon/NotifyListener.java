package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Listens where a service manager would: Java has no datagrams of Unix domain sockets. */
final class NotifyListener implements AutoCloseable {
  private static final String PROGRAM =
      "socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind(S, pack_sockaddr_un(\"\\0$ARGV[0]\")) or"
          + " die $!; $| = 1; print \"listening\\n\"; while (defined recv(S, $b, 4096, 0)) { print"
          + " unpack(\"H*\", $b), \"\\n\" }";

  private final String name = "mipd-notify-" + ProcessHandle.current().pid() + "-" + hashCode();
  private final Process process;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

  NotifyListener() throws IOException, InterruptedException {
    TestNet.needsCommand("perl");
    process =
        new ProcessBuilder(List.of("perl", "-MSocket=:all", "-e", PROGRAM, name))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    var reader = new Thread(this::read, "notify-listener");
    reader.setDaemon(true);
    reader.start();
    assertThat(lines.poll(60, TimeUnit.SECONDS)).isEqualTo("listening");
  }

  private void read() {
    try (var in =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      lines.add("");
    }
  }

  /** As NOTIFY_SOCKET has it: of the abstract space. */
  String path() {
    return "@" + name;
  }

  /** The next datagrams, as texts; fewer if they do not come in time. */
  ImmutableList<String> heard(int count, Duration each) throws InterruptedException {
    var texts = ImmutableList.<String>builder();
    for (int i = 0; i < count; i++) {
      String line = lines.poll(each.toMillis(), TimeUnit.MILLISECONDS);
      if (line == null) {
        break;
      }
      texts.add(new String(HexFormat.of().parseHex(line), StandardCharsets.UTF_8));
    }
    return texts.build();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
