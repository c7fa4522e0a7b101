package io.mipd.sim.tcp;

import java.time.Duration;
import java.time.Instant;

/** Slow start and congestion avoidance of RFC 5681. */
final class NewReno implements CongestionControl {
  private final int segment;
  private double window;
  private double threshold = Integer.MAX_VALUE;

  NewReno(int segment, int initialWindow) {
    this.segment = segment;
    window = initialWindow;
  }

  @Override
  public double window() {
    return window;
  }

  @Override
  public double threshold() {
    return threshold;
  }

  /** By a segment for each that is acknowledged, or for each window. */
  @Override
  public void acknowledged(Instant now, int octets, Duration roundTrip) {
    window +=
        window < threshold ? Math.min(octets, 2 * segment) : (double) segment * octets / window;
  }

  @Override
  public void lost(Instant now, int flight) {
    threshold = half(flight);
    window = threshold;
  }

  @Override
  public void timedOut(int flight, boolean first) {
    if (first) {
      threshold = half(flight);
    }
    window = segment;
  }

  private double half(int flight) {
    return Math.max(flight / 2.0, 2 * segment);
  }
}
