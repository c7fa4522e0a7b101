package io.mipd.mobility.binding;

import io.mipd.mobility.ProtocolConstants;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;

/** No more than so many times within any second. */
public final class RateLimit {
  public static final Duration WINDOW = Duration.ofSeconds(1);

  private final int limit;
  private final Deque<Instant> recent = new ArrayDeque<>();

  /** {@link ProtocolConstants#MAX_UPDATE_RATE} times. */
  public RateLimit() {
    this(ProtocolConstants.MAX_UPDATE_RATE);
  }

  public RateLimit(int limit) {
    this.limit = limit;
  }

  /** The earliest moment from {@code now} on at which it may be done. */
  public Instant earliest(Instant now) {
    if (recent.size() < limit) {
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
    if (recent.size() > limit) {
      recent.removeFirst();
    }
    return true;
  }
}
