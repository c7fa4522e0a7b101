package io.mipd.sim.tcp;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The window of RFC 9438: after a loss it grows by a cubic function of the time since, flat where
 * the loss was; at least as fast as Reno's would. Names are those of that text, in segments.
 */
final class Cubic implements CongestionControl {
  private static final double C = 0.4;
  private static final double BETA_CUBIC = 0.7;

  /** So that Reno's growth with this decrease takes the same share of a line as Reno. */
  private static final double ALPHA_CUBIC = 3 * (1 - BETA_CUBIC) / (1 + BETA_CUBIC);

  /** The window grows by no more than half in a round trip. */
  private static final double MOST_GROWTH = 1.5;

  private final int segment;
  private double cwnd;
  private double ssthresh = Integer.MAX_VALUE;
  private double wMax;
  private double cwndPrior;

  /** Since when the window has been growing by the cubic function; null before it does. */
  private @Nullable Instant epochStart;

  private double k;
  private double wEst;
  private boolean afterTimeout;

  Cubic(int segment, int initialWindow) {
    this.segment = segment;
    cwnd = (double) initialWindow / segment;
  }

  @Override
  public double window() {
    return cwnd * segment;
  }

  @Override
  public double threshold() {
    return Math.min(ssthresh * segment, Integer.MAX_VALUE);
  }

  @Override
  public void acknowledged(Instant now, int octets, Duration roundTrip) {
    double acked = (double) octets / segment;
    if (cwnd < ssthresh) {
      // As RFC 3465 asks.
      cwnd += Math.min(acked, afterTimeout ? 1 : 2);
      return;
    }
    double share = Math.min(1, acked / cwnd);
    if (epochStart == null) {
      beginEpoch(now);
    }
    double t = Duration.between(epochStart, now).toNanos() / 1e9;
    wEst += (wEst >= cwndPrior ? 1 : ALPHA_CUBIC) * share;
    if (cubic(t) < wEst) {
      cwnd = Math.max(cwnd, wEst);
      return;
    }
    double target =
        Math.max(cwnd, Math.min(cubic(t + roundTrip.toNanos() / 1e9), MOST_GROWTH * cwnd));
    cwnd += (target - cwnd) * share;
  }

  private void beginEpoch(Instant now) {
    epochStart = now;
    wEst = cwnd;
    // After a time-out, or if there was no loss yet, nothing is known of where there is one.
    if (afterTimeout || wMax <= cwnd) {
      wMax = cwnd;
      k = 0;
    } else {
      // Not Math's, which may differ from one machine to another.
      k = StrictMath.cbrt((wMax - cwnd) / C);
    }
    afterTimeout = false;
  }

  private double cubic(double t) {
    double d = t - k;
    return C * d * d * d + wMax;
  }

  @Override
  public void lost(Instant now, int flight) {
    fall(flight);
    cwnd = ssthresh;
    afterTimeout = false;
  }

  @Override
  public void timedOut(int flight, boolean first) {
    if (first) {
      fall(flight);
    }
    cwnd = 1;
    afterTimeout = true;
    epochStart = null;
  }

  private void fall(int flight) {
    // Fast convergence: who has lost before its last place leaves room to others.
    wMax = cwnd < wMax ? cwnd * (1 + BETA_CUBIC) / 2 : cwnd;
    cwndPrior = cwnd;
    ssthresh = Math.max((double) flight / segment * BETA_CUBIC, 2);
    epochStart = null;
  }
}
