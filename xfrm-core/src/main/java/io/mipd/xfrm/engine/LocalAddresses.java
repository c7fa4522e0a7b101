package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;

/**
 * Which addresses are this node's own. May change at any time; the engine asks for every packet, so
 * the answer must come without locks and without allocating.
 */
public interface LocalAddresses {

  /** What an address is to this node. */
  enum Role {
    /** Not ours: packets to it are forwarded, or are none of our business. */
    OTHER,
    /**
     * An address on a link of ours: a care-of address, the home agent's or a correspondent's own.
     */
    LINK,
    /** Our own home address (mobile node); what is sent to it is for us, wherever we are. */
    HOME,
    /** A home address that we serve as home agent: what is sent to it goes out by a tunnel. */
    SERVED;

    /** Whether what is sent to such an address is for this node. */
    public boolean isOurs() {
      return this == LINK || this == HOME;
    }
  }

  Role roleOf(Ipv6Address address);

  /** Those whose role is {@link Role#HOME}. */
  ImmutableSet<Ipv6Address> home();

  /**
   * The source of ICMPv6 errors that this node sends to {@code destination} (RFC 4443 section 2.2);
   * the unspecified address if there is none, and then no error is sent.
   */
  Ipv6Address errorSource(Ipv6Address destination);
}
