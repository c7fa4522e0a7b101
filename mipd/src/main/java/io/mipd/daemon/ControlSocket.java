package io.mipd.daemon;

import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers one line with one JSON document over a Unix domain socket that only its owner may use.
 * The line is a JSON object with a {@code request}, or a request's name alone. Waits in a thread of
 * its own; the answers are made in the event loop.
 */
final class ControlSocket implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ControlSocket.class);
  private static final int LONGEST_REQUEST = 4096;
  private static final int ANSWER_SECONDS = 5;

  private final Path path;
  private final ServerSocketChannel server;
  private final Function<String, Future<Map<String, Object>>> loop;
  private final Thread thread;

  private ControlSocket(
      Path path, ServerSocketChannel server, Function<String, Future<Map<String, Object>>> loop) {
    this.path = path;
    this.server = server;
    this.loop = loop;
    thread = new Thread(this::serve, "control");
    thread.setDaemon(true);
  }

  /**
   * Opens the socket; one that a dead daemon left is replaced.
   *
   * @throws IOException if it cannot, or a daemon answers there
   */
  static ControlSocket open(Path path, Function<String, Future<Map<String, Object>>> loop)
      throws IOException {
    Path folder = path.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    if (Files.exists(path)) {
      if (isServed(path)) {
        throw new IOException("another mipd serves " + path);
      }
      Files.delete(path);
    }
    var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    var socket = new ControlSocket(path, server, loop);
    socket.thread.start();
    return socket;
  }

  private static boolean isServed(Path path) throws IOException {
    try {
      SocketChannel.open(UnixDomainSocketAddress.of(path)).close();
      return true;
    } catch (ConnectException e) {
      return false;
    }
  }

  /** Asks the daemon behind {@code path}. */
  static String ask(Path path, String request) throws IOException {
    try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      channel.write(ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8)));
      return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private void serve() {
    while (server.isOpen()) {
      try (SocketChannel client = server.accept()) {
        byte[] answer = render(answer(line(client))).getBytes(StandardCharsets.UTF_8);
        var buffer = ByteBuffer.wrap(answer);
        while (buffer.hasRemaining()) {
          client.write(buffer);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } catch (IOException e) {
        if (server.isOpen()) {
          log.debug("control socket: {}", e.toString());
        }
      }
    }
  }

  private Map<String, Object> answer(String request) throws InterruptedException {
    Future<Map<String, Object>> answer = loop.apply(request);
    try {
      return answer.get(ANSWER_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      return Map.of("error", "no answer in " + ANSWER_SECONDS + " seconds");
    } catch (ExecutionException e) {
      return Map.of("error", String.valueOf(e.getCause()));
    }
  }

  private static String line(SocketChannel client) throws IOException {
    var buffer = ByteBuffer.allocate(LONGEST_REQUEST);
    while (buffer.hasRemaining() && client.read(buffer) >= 0) {
      if (buffer.position() > 0 && buffer.get(buffer.position() - 1) == '\n') {
        break;
      }
    }
    return new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8).strip();
  }

  /** Values are maps, lists, texts, numbers and truth values. */
  static String render(Map<String, Object> document) {
    return ConfigValueFactory.fromMap(document).render(ConfigRenderOptions.concise()) + "\n";
  }

  @Override
  public void close() throws IOException {
    server.close();
    Files.deleteIfExists(path);
  }
}
