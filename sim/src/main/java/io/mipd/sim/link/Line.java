package io.mipd.sim.link;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What a line does to the frames of one sender.
 *
 * @param delay between the last octet that goes in and the last that comes out
 * @param rate bits per second; empty for a line that takes no time for a frame
 * @param queue frames that may wait while others are sent, 1 or more; what comes on top is dropped
 * @param loss of what has been sent
 * @param reordering of what has not been lost
 * @param mtu octets of the largest packet, at least 1280 (RFC 8200 section 5)
 */
public record Line(
    Duration delay, OptionalLong rate, int queue, LossModel loss, Reordering reordering, int mtu) {
  /** Like a cable of a laboratory. */
  public static final Line IDEAL =
      new Line(Duration.ZERO, OptionalLong.empty(), 1000, LossModel.NONE, Reordering.NONE, 1500);

  private static final int LEAST_MTU = 1280;
  private static final long NANOS = 1_000_000_000L;

  public Line {
    checkArgument(!delay.isNegative(), "negative delay: %s", delay);
    checkArgument(rate.isEmpty() || rate.getAsLong() > 0, "no rate: %s", rate);
    checkArgument(queue >= 1, "no queue: %s", queue);
    checkArgument(mtu >= LEAST_MTU && mtu <= 65535, "not 1280 to 65535: %s", mtu);
  }

  /**
   * Some frames take a longer way and are overtaken.
   *
   * @param probability for each frame, 0 to 1
   * @param extra delay of these
   */
  public record Reordering(double probability, Duration extra) {
    public static final Reordering NONE = new Reordering(0, Duration.ZERO);

    public Reordering {
      checkArgument(probability >= 0 && probability <= 1, "not 0 to 1: %s", probability);
      checkArgument(!extra.isNegative(), "negative delay: %s", extra);
    }
  }

  public Line withDelay(Duration other) {
    return new Line(other, rate, queue, loss, reordering, mtu);
  }

  /** The time that a frame of so many octets occupies the line. */
  public Duration sending(int octets) {
    if (rate.isEmpty()) {
      return Duration.ZERO;
    }
    // Rounded up to whole nanoseconds.
    long bits = 8L * octets;
    return Duration.ofNanos(Math.floorDiv(bits * NANOS + rate.getAsLong() - 1, rate.getAsLong()));
  }
}
