package io.mipd.mobility.autoconf;

import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Instant;
import java.util.Optional;

/**
 * An address that was formed from an advertised prefix.
 *
 * @param optimistic while {@code detection} is under way: used already (RFC 4429); else tentative
 * @param detection empty when it has ended, and the address is the interface's
 * @param told what the system knows of {@code lifetimes}
 */
record OwnAddress(
    Ipv6Prefix prefix,
    boolean optimistic,
    Optional<Detection> detection,
    Lifetimes lifetimes,
    Lifetimes told) {

  OwnAddress with(Detection next) {
    return new OwnAddress(prefix, optimistic, Optional.of(next), lifetimes, told);
  }

  OwnAddress with(Lifetimes next) {
    return new OwnAddress(prefix, optimistic, detection, next, told);
  }

  OwnAddress assigned() {
    return new OwnAddress(prefix, false, Optional.empty(), lifetimes, lifetimes);
  }

  /** The next time that something is to be done about it; {@link Lifetimes#NEVER} for never. */
  Instant nextDeadline() {
    Instant end = lifetimes.valid();
    return detection.map(Detection::next).filter(next -> next.isBefore(end)).orElse(end);
  }
}
