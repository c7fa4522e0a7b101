package io.mipd.conformance;

import com.google.common.base.Splitter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** {@code mipd run} in a network namespace. */
final class LiveDaemon implements AutoCloseable {
  private final Process process;

  private LiveDaemon(Process process) {
    this.process = process;
  }

  /**
   * Starts it, and waits until it serves.
   *
   * @param folder for its files
   * @param configuration with paths relative to it
   * @param patience how long that may take
   */
  static LiveDaemon start(String namespace, Path folder, String configuration, Duration patience)
      throws Exception {
    Path file = Files.writeString(folder.resolve("mipd.conf"), configuration);
    Path log = folder.resolve("mipd.log");
    Process process =
        new ProcessBuilder(
                "ip",
                "netns",
                "exec",
                namespace,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                "io.mipd.daemon.Main",
                "run",
                "--config",
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    long end = System.nanoTime() + patience.toNanos();
    while (!Files.readString(log).contains("mipd ready: ")) {
      if (!process.isAlive() || System.nanoTime() > end) {
        process.destroyForcibly();
        throw new AssertionError("mipd does not become ready\n" + Files.readString(log));
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return new LiveDaemon(process);
  }

  /**
   * Carries out a command.
   *
   * @throws IOException if it fails, with what it has said
   */
  static void run(String command) throws IOException {
    Process process =
        new ProcessBuilder(Splitter.on(' ').splitToList(command)).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.onExit().join().exitValue() != 0) {
      throw new IOException(command + ": " + said);
    }
  }

  @Override
  public void close() {
    process.destroy();
    process.onExit().join();
  }
}
