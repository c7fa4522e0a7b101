package io.mipd.sim.run;

import io.mipd.sim.event.EventQueue;
import java.time.Duration;
import java.time.Instant;

/** Virtual times as numbers. */
final class Times {
  private static final long SECOND = 1_000_000_000L;

  private Times() {}

  /** Nanoseconds since the epoch, as captures have them. */
  static long nanos(Instant time) {
    return time.getEpochSecond() * SECOND + time.getNano();
  }

  /** A time of a scenario, in nanoseconds since the epoch. */
  static long nanos(Duration sinceBeginning) {
    return nanos(EventQueue.BEGINNING.plus(sinceBeginning));
  }

  static double millis(long nanos) {
    return nanos / 1e6;
  }
}
