package io.mipd.mobility.binding;

import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import java.time.Instant;

/**
 * A Binding Cache entry that is marked as a home registration (RFC 6275 section 9.1). Immutable: a
 * Binding Update makes another.
 *
 * @param sequence the last that was accepted
 * @param flags of the Binding Update, as on the wire
 */
public record HomeBinding(
    HomeAddress homeAddress,
    CareOfAddress careOf,
    SequenceNumber sequence,
    int flags,
    Instant expiry) {

  public boolean isExpired(Instant now) {
    return !now.isBefore(expiry);
  }
}
