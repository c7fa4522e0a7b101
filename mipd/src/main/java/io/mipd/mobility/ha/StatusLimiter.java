package io.mipd.mobility.ha;

import io.mipd.mobility.ProtocolConstants;
import java.time.Duration;
import java.time.Instant;

/** At most MAX_UPDATE_RATE answers within a second to those whom nothing authenticates. */
final class StatusLimiter {
  private Instant secondBegan = Instant.EPOCH;
  private int answered;

  boolean mayAnswer(Instant now) {
    if (!now.isBefore(secondBegan.plus(Duration.ofSeconds(1)))) {
      secondBegan = now;
      answered = 0;
    }
    return answered++ < ProtocolConstants.MAX_UPDATE_RATE;
  }
}
