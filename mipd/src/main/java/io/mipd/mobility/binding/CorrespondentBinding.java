package io.mipd.mobility.binding;

import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Instant;

/**
 * A Binding Cache entry that is not marked as a home registration (RFC 6275 section 9.1): a peer of
 * ours is mobile. Immutable: a Binding Update makes another.
 *
 * @param local the address of ours that has it; each has a cache of its own
 * @param sequence the last that was accepted
 * @param lifetime as granted
 */
public record CorrespondentBinding(
    Ipv6Address local,
    HomeAddress homeAddress,
    CareOfAddress careOf,
    SequenceNumber sequence,
    BindingLifetime lifetime,
    Instant expiry) {

  public boolean isExpired(Instant now) {
    return !now.isBefore(expiry);
  }
}
