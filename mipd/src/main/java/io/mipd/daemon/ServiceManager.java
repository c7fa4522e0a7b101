package io.mipd.daemon;

import io.mipd.xfrm.linux.NotifySocket;
import io.mipd.xfrm.linux.SystemCallException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a service manager, if one has started us, that we serve, that we stop, and that we are not
 * stuck ({@code sd_notify(3)}, {@code sd_watchdog_enabled(3)}). The last is said by the thread that
 * does everything, so that it is not said when that is stuck.
 */
final class ServiceManager implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ServiceManager.class);

  private final Optional<NotifySocket> socket;
  private final Optional<Duration> interval;
  private Instant next = Instant.MIN;

  private ServiceManager(Optional<NotifySocket> socket, Optional<Duration> interval) {
    this.socket = socket;
    this.interval = interval;
  }

  /**
   * @param environment with {@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC} and {@code WATCHDOG_PID},
   *     if there is a service manager
   * @param process our process id
   */
  static ServiceManager of(Map<String, String> environment, long process) {
    String path = environment.getOrDefault("NOTIFY_SOCKET", "");
    if (path.isEmpty()) {
      return new ServiceManager(Optional.empty(), Optional.empty());
    }
    try {
      return new ServiceManager(
          Optional.of(NotifySocket.connect(path)), interval(environment, process));
    } catch (SystemCallException | IllegalArgumentException e) {
      log.warn("the service manager is not told anything: {}", e.getMessage());
      return new ServiceManager(Optional.empty(), Optional.empty());
    }
  }

  /** Twice within the time that it allows, as sd_watchdog_enabled(3) recommends. */
  private static Optional<Duration> interval(Map<String, String> environment, long process) {
    String pid = environment.getOrDefault("WATCHDOG_PID", "" + process);
    String micros = environment.getOrDefault("WATCHDOG_USEC", "");
    if (micros.isEmpty() || !pid.equals("" + process)) {
      return Optional.empty();
    }
    try {
      long allowed = Long.parseLong(micros);
      return allowed > 1 ? Optional.of(Duration.ofNanos(allowed * 1000 / 2)) : Optional.empty();
    } catch (NumberFormatException e) {
      log.warn("WATCHDOG_USEC is no number: {}", micros);
      return Optional.empty();
    }
  }

  /**
   * @param status a line for people
   */
  void ready(String status) {
    say("READY=1\nSTATUS=" + status);
  }

  void stopping() {
    say("STOPPING=1");
  }

  private void say(String text) {
    if (socket.isPresent()) {
      try {
        socket.get().send(text);
      } catch (SystemCallException e) {
        log.warn("the service manager does not hear us: {}", e.getMessage());
      }
    }
  }

  /** The same work, and a sign of life in time. */
  EventLoop.Work alive(EventLoop.Work work) {
    if (interval.isEmpty()) {
      return work;
    }
    return new EventLoop.Work() {
      @Override
      public void turn(Instant now) {
        work.turn(now);
        if (!now.isBefore(next)) {
          say("WATCHDOG=1");
          next = now.plus(interval.get());
        }
      }

      @Override
      public Optional<Instant> nextDeadline() {
        return Optional.of(work.nextDeadline().filter(it -> it.isBefore(next)).orElse(next));
      }
    };
  }

  @Override
  public void close() {
    socket.ifPresent(NotifySocket::close);
  }
}
