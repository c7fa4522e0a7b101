package io.mipd.mobility.wire;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;

/** A binding lifetime, carried on the wire in units of four seconds (RFC 6275 section 6.1.7). */
public record BindingLifetime(int units) {
  public static final BindingLifetime DEREGISTER = new BindingLifetime(0);
  public static final BindingLifetime LONGEST = new BindingLifetime(0xffff);
  private static final int SECONDS_PER_UNIT = 4;

  public BindingLifetime {
    checkArgument(units >= 0 && units <= 0xffff, "not 16 bits: %s", units);
  }

  /** The longest lifetime that is not longer than {@code duration}. */
  public static BindingLifetime atMost(Duration duration) {
    return new BindingLifetime(
        (int) Math.max(0, Math.min(0xffff, duration.toSeconds() / SECONDS_PER_UNIT)));
  }

  public Duration asDuration() {
    return Duration.ofSeconds((long) units * SECONDS_PER_UNIT);
  }

  public boolean isZero() {
    return units == 0;
  }

  @Override
  public String toString() {
    return asDuration().toSeconds() + " s";
  }
}
