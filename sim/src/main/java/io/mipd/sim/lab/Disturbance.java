package io.mipd.sim.lab;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;
import java.util.List;

/**
 * A time {@code [from, until)} in which a node was out of reach: it was on no link, or its mipd or
 * that of its home agent did not run. Nanoseconds since the epoch.
 */
record Disturbance(long from, long until) {
  /**
   * From a link's being up or a daemon's start until traffic must flow again: a JVM starts, the
   * home link is asked for a second (RFC 6275 section 10.3.1), a message may be lost once.
   */
  static final Duration SETTLING = Duration.ofSeconds(5);

  Disturbance {
    checkArgument(from <= until, "ends before it begins: %s, %s", from, until);
  }

  boolean overlaps(Disturbance other) {
    return from < other.until && other.from < until;
  }

  /** The same and the time until all is well again. */
  Disturbance withSettling() {
    return new Disturbance(from, until + SETTLING.toNanos());
  }

  /**
   * The end of the last disturbance that left a flow time to settle. It is the flow's start if none
   * did.
   *
   * @param start of the flow
   * @param stop of the flow
   */
  static long lastCalm(List<Disturbance> all, long start, long stop) {
    return all.stream()
        .mapToLong(Disturbance::until)
        .filter(end -> end > start && end <= stop - SETTLING.toNanos())
        .filter(
            end -> {
              var calm = new Disturbance(end, end).withSettling();
              return all.stream().noneMatch(calm::overlaps);
            })
        .max()
        .orElse(start);
  }
}
