package io.mipd.sim.node;

import io.mipd.mobility.ProtocolConstants;
import io.mipd.sim.event.EventQueue;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Asks for routers on an interface until one answers (RFC 4861 section 6.3.7). */
final class RouterSolicitor {
  /** RFC 4861 section 10. */
  static final Duration RTR_SOLICITATION_INTERVAL = Duration.ofSeconds(4);

  /** RFC 4861 section 10. */
  static final int MAX_RTR_SOLICITATIONS = 3;

  private final EventQueue events;
  private final RandomGenerator random;
  private final Runnable ask;
  private EventQueue.@Nullable Planned next;

  RouterSolicitor(EventQueue events, RandomGenerator random, Runnable ask) {
    this.events = events;
    this.random = random;
    this.ask = ask;
  }

  /** After a random delay: many hosts may have come up together. */
  void begin() {
    long most = ProtocolConstants.MAX_RTR_SOLICITATION_DELAY.toNanos();
    end();
    next = events.after(Duration.ofNanos(random.nextLong(most + 1)), () -> solicit(1));
  }

  /** At once, as a mobile node may that has moved (RFC 6275 section 11.5.1). */
  void beginAtOnce() {
    end();
    solicit(1);
  }

  private void solicit(int number) {
    next =
        number < MAX_RTR_SOLICITATIONS
            ? events.after(RTR_SOLICITATION_INTERVAL, () -> solicit(number + 1))
            : null;
    ask.run();
  }

  /** A router has spoken, or there is no link. */
  void end() {
    if (next != null) {
      next.cancel();
      next = null;
    }
  }
}
