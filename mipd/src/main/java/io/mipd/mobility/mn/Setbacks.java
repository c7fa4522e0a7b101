package io.mipd.mobility.mn;

import io.mipd.mobility.ProtocolConstants;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What went wrong with one correspondent, and may be set right by another attempt: at once for the
 * first time, then later and later, as messages are repeated (RFC 6275 section 11.8), up to a
 * limit.
 */
final class Setbacks {
  private static final Duration LONGEST = ProtocolConstants.MAX_BINDACK_TIMEOUT;

  private int inARow;
  private Instant last = Instant.MIN;
  private Optional<Instant> pausedUntil = Optional.empty();

  /** Another one; those before count if they are not long past. */
  void add(Instant now) {
    inARow = now.isAfter(last.plus(LONGEST)) ? 1 : inARow + 1;
    last = now;
    if (areTooMany()) {
      pausedUntil = Optional.of(now.plus(LONGEST));
    } else if (inARow > 1) {
      Duration wait = ProtocolConstants.INITIAL_BINDACK_TIMEOUT.multipliedBy(1L << (inARow - 2));
      pausedUntil = Optional.of(now.plus(wait));
    }
  }

  /** More than MAX_RO_FAILURE attempts were of no use. */
  boolean areTooMany() {
    return inARow > ProtocolConstants.MAX_RO_FAILURE;
  }

  /** Nothing is to be tried now. */
  boolean isPause(Instant now) {
    return pausedUntil.filter(now::isBefore).isPresent();
  }

  Optional<Instant> pausedUntil() {
    return pausedUntil;
  }
}
