package io.mipd.daemon;

import com.google.common.collect.ImmutableMap;
import io.mipd.control.ControlSocket;
import io.mipd.control.EventLog;
import io.mipd.http.HttpServer;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How an operator reaches a running node: the control socket, and HTTP if it is configured. */
final class OperatorAccess implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(OperatorAccess.class);

  private final ControlSocket control;
  private final Optional<Http> http;

  /**
   * @param events what has happened
   * @param messages that came and went
   */
  record Logs(EventLog events, EventLog messages) {}

  private record Http(HttpServer server, Metrics metrics) {}

  private OperatorAccess(ControlSocket control, Optional<Http> http) {
    this.control = control;
    this.http = http;
  }

  /**
   * @param numbers for monitoring, told in the event loop
   * @throws IOException if it cannot listen
   */
  static OperatorAccess open(
      DaemonConfiguration configuration,
      ControlDesk desk,
      Logs logs,
      EventLoop loop,
      Supplier<ImmutableMap<Series, Double>> numbers,
      NodeShell shell)
      throws IOException {
    ControlSocket control =
        ControlSocket.open(
            new ControlSocket.Settings(configuration.controlSocket(), configuration.controlGroup()),
            desk,
            logs.events());
    if (configuration.http().isEmpty()) {
      return new OperatorAccess(control, Optional.empty());
    }
    var metrics = new Metrics(loop, numbers, () -> shell.tallies().policies().isBehind());
    try {
      HttpServer server =
          HttpServer.open(
              configuration.http().get(), desk, metrics, logs.events(), logs.messages());
      return new OperatorAccess(control, Optional.of(new Http(server, metrics)));
    } catch (IOException e) {
      metrics.close();
      control.close();
      throw e;
    }
  }

  /** Where. */
  void tell() {
    log.info("control socket {}", control.path());
    http.ifPresent(
        it -> {
          log.info("HTTP at {}", it.server().address());
          if (!it.server().address().getAddress().isLoopbackAddress()) {
            log.warn(
                "HTTP is not on loopback: who is on the path can read what is said, the token");
          }
        });
  }

  @Override
  public void close() throws IOException {
    http.ifPresent(
        it -> {
          it.server().close();
          it.metrics().close();
        });
    control.close();
  }
}
