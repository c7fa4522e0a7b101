package io.mipd.mobility.binding;

import io.mipd.mobility.ProtocolConstants;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;

/** No more than {@link ProtocolConstants#MAX_UPDATE_RATE} times within any second. */
public final class RateLimit {
  private static final Duration WINDOW = Duration.ofSeconds(1);

  private final Deque<Instant> recent = new ArrayDeque<>();

  /** The earliest moment from {@code now} on at which it may be done. */
  public Instant earliest(Instant now) {
    if (recent.size() < ProtocolConstants.MAX_UPDATE_RATE) {
      return now;
    }
    Instant free = recent.getFirst().plus(WINDOW);
    return free.isAfter(now) ? free : now;
  }

  /** Takes one turn if there is one. */
  public boolean tryAcquire(Instant now) {
    if (earliest(now).isAfter(now)) {
      return false;
    }
    recent.addLast(now);
    if (recent.size() > ProtocolConstants.MAX_UPDATE_RATE) {
      recent.removeFirst();
    }
    return true;
  }
}
