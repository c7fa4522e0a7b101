package io.mipd.mobility;

import java.time.Duration;
import java.time.Instant;

/** At most MAX_UPDATE_RATE answers within a second to those whom nothing authenticates. */
public final class StatusLimiter {
  private Instant secondBegan = Instant.EPOCH;
  private int answered;

  /** Asked before each answer; true is for one. */
  public boolean mayAnswer(Instant now) {
    if (!now.isBefore(secondBegan.plus(Duration.ofSeconds(1)))) {
      secondBegan = now;
      answered = 0;
    }
    return answered++ < ProtocolConstants.MAX_UPDATE_RATE;
  }
}
