package io.mipd.mobility.autoconf;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.xfrm.packet.Octets;
import java.time.Instant;

/**
 * Duplicate Address Detection under way (RFC 4862 section 5.4, with the nonces of RFC 7527).
 *
 * @param joined whether the solicited-node group has been joined: not during the random delay
 * @param left solicitations that are still to be sent
 * @param next when the next is sent, or with none left when it has ended
 * @param nonces of what has been sent, the newest last
 */
record Detection(boolean joined, int left, Instant next, ImmutableList<Octets> nonces) {
  /** Older ones have come back long ago, if they have come back at all. */
  private static final int MAX_NONCES = 16;

  static Detection beginning(Instant at, int transmits) {
    return new Detection(false, transmits, at, ImmutableList.of());
  }

  boolean isDue(Instant now) {
    return !next.isAfter(now);
  }

  boolean hasEnded(Instant now) {
    return left == 0 && isDue(now);
  }

  Detection sent(Octets nonce, Instant nextAt) {
    var all = ImmutableList.<Octets>builder();
    all.addAll(nonces.subList(Math.max(0, nonces.size() - MAX_NONCES + 1), nonces.size()));
    all.add(nonce);
    return new Detection(true, left - 1, nextAt, all.build());
  }

  boolean isOurs(Octets nonce) {
    return nonces.contains(nonce);
  }

  /** A solicitation of ours came back, so an answer might not have: RFC 7527 section 4.1. */
  Detection loopedBack() {
    return new Detection(joined, ProtocolConstants.MAX_MULTICAST_SOLICIT, next, nonces);
  }
}
