package io.mipd.control;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import io.mipd.control.ControlException.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** Asks a running daemon. */
public final class ControlClient implements AutoCloseable {
  private final Path path;
  private final SocketChannel channel;
  private final BufferedReader reader;

  private ControlClient(Path path, SocketChannel channel) {
    this.path = path;
    this.channel = channel;
    reader =
        new BufferedReader(
            new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
  }

  /**
   * @throws IOException if no daemon answers there
   */
  public static ControlClient open(Path path) throws IOException {
    try {
      return new ControlClient(path, SocketChannel.open(UnixDomainSocketAddress.of(path)));
    } catch (IOException e) {
      throw new IOException("no mipd answers at " + path + ": " + e.getMessage(), e);
    }
  }

  /**
   * One question and its answer.
   *
   * @throws IOException if no daemon answers
   * @throws ControlException if it refuses
   */
  public static Config ask(Path path, ControlRequest request) throws IOException, ControlException {
    try (ControlClient client = open(path)) {
      return client.ask(request);
    }
  }

  /** Likewise; further questions may follow. */
  public Config ask(ControlRequest request) throws IOException, ControlException {
    var octets = ByteBuffer.wrap((request.render() + "\n").getBytes(StandardCharsets.UTF_8));
    try {
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
    } catch (IOException e) {
      // It has hung up, and may have said why.
      return next();
    }
    return next();
  }

  /** The answer that follows, of a request that has several. */
  public Config next() throws IOException, ControlException {
    String line = reader.readLine();
    if (line == null) {
      throw new IOException("mipd at " + path + " has hung up");
    }
    try {
      Config document = Json.parse(line);
      if (document.hasPath("error")) {
        String word = document.getString("error.reason");
        throw new ControlException(
            Arrays.stream(Reason.values())
                .filter(reason -> reason.word().equals(word))
                .findFirst()
                .orElse(Reason.FAILED),
            document.getString("error.message"));
      }
      return document.getConfig("answer");
    } catch (ConfigException | IllegalArgumentException e) {
      throw new IOException("not an answer of mipd's: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
