package io.mipd.sim.tcp;

import static com.google.common.collect.Comparators.max;
import static com.google.common.collect.Comparators.min;

import java.time.Duration;

/** The retransmission time-out of RFC 6298, from round trips that were measured. */
final class RoundTripTimer {
  private static final Duration INITIAL = Duration.ofSeconds(1);

  /** That of data, if a SYN was lost. */
  private static final Duration AFTER_LOST_SYN = Duration.ofSeconds(3);

  private static final Duration LONGEST = Duration.ofSeconds(60);

  /** The granularity of the clock, G. */
  private static final Duration GRANULARITY = Duration.ofMillis(1);

  private static final double ALPHA = 1.0 / 8;
  private static final double BETA = 1.0 / 4;
  private static final int VARIANCES = 4;

  private final Duration least;
  private Duration timeout = INITIAL;
  private double smoothed = -1;
  private double variance;

  /**
   * @param least no time-out is shorter
   */
  RoundTripTimer(Duration least) {
    this.least = least;
  }

  Duration timeout() {
    return timeout;
  }

  /** SRTT; the first time-out while nothing was measured. */
  Duration smoothed() {
    return smoothed < 0 ? INITIAL : Duration.ofNanos(Math.round(smoothed));
  }

  /** A segment that was sent once was acknowledged after that time (Karn's algorithm). */
  void measured(Duration roundTrip) {
    double r = roundTrip.toNanos();
    if (smoothed < 0) {
      smoothed = r;
      variance = r / 2;
    } else {
      variance = (1 - BETA) * variance + BETA * Math.abs(smoothed - r);
      smoothed = (1 - ALPHA) * smoothed + ALPHA * r;
    }
    double around = Math.max((double) GRANULARITY.toNanos(), VARIANCES * variance);
    timeout = bounded(Duration.ofNanos(Math.round(smoothed + around)));
  }

  /** A SYN was sent again, so that nothing was measured (RFC 6298, 5.7). */
  void synLost() {
    timeout = bounded(AFTER_LOST_SYN);
  }

  /** Nothing came in time: the next wait is twice as long. */
  void backOff() {
    timeout = bounded(timeout.multipliedBy(2));
  }

  private Duration bounded(Duration one) {
    return min(LONGEST, max(least, one));
  }
}
