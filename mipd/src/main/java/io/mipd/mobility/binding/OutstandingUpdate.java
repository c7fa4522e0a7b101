package io.mipd.mobility.binding;

import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.SequenceNumber;
import java.time.Duration;
import java.time.Instant;

/**
 * A Binding Update that has been sent and may still be acknowledged (RFC 6275 section 11.1).
 *
 * @param careOf the home address for a de-registration at home
 */
public record OutstandingUpdate(
    SequenceNumber sequence, CareOfAddress careOf, BindingLifetime lifetime, Instant sentAt) {
  /** A binding is renewed when this part of its lifetime has passed, in percent. */
  private static final int RENEWAL_PERCENT = 75;

  /**
   * When a binding of the granted lifetime ends. It is counted from when the update was sent:
   * {@code L_remain - (L_update - L_ack)} of RFC 6275 section 11.7.3 at any later time.
   */
  public Instant expiry(BindingLifetime granted) {
    BindingLifetime shorter = granted.units() < lifetime.units() ? granted : lifetime;
    return sentAt.plus(shorter.asDuration());
  }

  /** When to send the next, "well before the expiration" (RFC 6275 section 11.7.3). */
  public Instant renewal(Instant expiry) {
    return sentAt.plus(
        Duration.between(sentAt, expiry).multipliedBy(RENEWAL_PERCENT).dividedBy(100));
  }
}
