package io.mipd.sim.tcp;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Puts what arrives in order, and acknowledges it as RFC 5681 asks: each second segment, or after a
 * while; at once what comes out of order or fills a gap. Numbers count octets from 0.
 */
public final class TcpReceiver {
  /** How long an acknowledgement may wait for a second segment. */
  public static final Duration DELAY = Duration.ofMillis(40);

  /** What waits for what is before it: its first octet, and the one behind it. */
  private final NavigableMap<Long, Long> outOfOrder = new TreeMap<>();

  private long next;
  private @Nullable Instant waitsUntil;

  /** The number of the octet that is to come next. */
  public long next() {
    return next;
  }

  /** When an acknowledgement that waits is due. */
  public Optional<Instant> nextDeadline() {
    return Optional.ofNullable(waitsUntil);
  }

  /**
   * A segment has arrived.
   *
   * @param first the number of its first octet
   * @param length octets, not 0
   * @return whether it is to be acknowledged now; with {@link #next}
   */
  public boolean arrived(Instant now, long first, int length) {
    boolean hadGap = !outOfOrder.isEmpty();
    long end = first + length;
    if (first > next) {
      outOfOrder.merge(first, end, Math::max);
      return atOnce();
    }
    if (end <= next) {
      return atOnce();
    }
    next = end;
    for (Map.Entry<Long, Long> waiting = outOfOrder.firstEntry();
        waiting != null && waiting.getKey() <= next;
        waiting = outOfOrder.firstEntry()) {
      next = Math.max(next, waiting.getValue());
      outOfOrder.pollFirstEntry();
    }
    if (hadGap || waitsUntil != null) {
      return atOnce();
    }
    waitsUntil = now.plus(DELAY);
    return false;
  }

  private boolean atOnce() {
    waitsUntil = null;
    return true;
  }

  /** Time has passed. Returns whether to acknowledge now. */
  public boolean onDeadline(Instant now) {
    return waitsUntil != null && !now.isBefore(waitsUntil) && atOnce();
  }
}
