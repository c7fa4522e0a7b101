package io.mipd.sim.tcp;

import java.time.Duration;
import java.time.Instant;

/**
 * Slow start and congestion avoidance of RFC 5681, by octets that were acknowledged (RFC 3465, L =
 * 2, after a time-out 1).
 */
final class NewReno implements CongestionControl {
  private final int segment;
  private double window;
  private double threshold = Integer.MAX_VALUE;
  private boolean afterTimeout;

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

  @Override
  public void acknowledged(Instant now, int octets, Duration roundTrip) {
    if (window < threshold) {
      window += Math.min(octets, (afterTimeout ? 1 : 2) * segment);
      return;
    }
    afterTimeout = false;
    // Never more than a segment in a round trip (RFC 5681 section 3.1).
    window += segment * Math.min(1, octets / window);
  }

  @Override
  public void lost(Instant now, int flight) {
    threshold = half(flight);
    window = threshold;
    afterTimeout = false;
  }

  @Override
  public void timedOut(int flight, boolean first) {
    if (first) {
      threshold = half(flight);
    }
    window = segment;
    afterTimeout = true;
  }

  private double half(int flight) {
    return Math.max(flight / 2.0, 2 * segment);
  }
}
