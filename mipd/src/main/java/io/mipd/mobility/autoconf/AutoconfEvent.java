package io.mipd.mobility.autoconf;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;

/** What happens to an interface whose addresses are configured. */
public sealed interface AutoconfEvent {
  /**
   * It can send and receive; or its properties have changed.
   *
   * @param address what interface identifiers are made of
   * @param dupAddrDetectTransmits of RFC 4862 section 5.1; 0 for no Duplicate Address Detection
   * @param router whether it forwards: a router's addresses are not used optimistically (RFC 4429
   *     section 3.3)
   */
  record LinkUp(
      int interfaceIndex, LinkLayerAddress address, int dupAddrDetectTransmits, boolean router)
      implements AutoconfEvent {
    public LinkUp {
      checkArgument(dupAddrDetectTransmits >= 0, "negative: %s", dupAddrDetectTransmits);
    }
  }

  /** It cannot. What comes back may be another link. */
  record LinkDown(int interfaceIndex) implements AutoconfEvent {}

  /**
   * It is on another link.
   *
   * @param keep the router whose prefixes are the new link's
   */
  record LinkForgotten(int interfaceIndex, Ipv6Address keep) implements AutoconfEvent {}

  /** A message that has come with hop limit 255 and a right checksum (RFC 4861 section 7.1). */
  record Heard(
      int interfaceIndex, Ipv6Address source, Ipv6Address destination, Icmpv6Message message)
      implements AutoconfEvent {}

  /**
   * The interface has an address that somebody has put there, ourselves included.
   *
   * @param autoconfigured with lifetimes, and not a temporary one: the kernel has formed it
   */
  record AddressPresent(int interfaceIndex, Ipv6Address address, boolean autoconfigured)
      implements AutoconfEvent {}

  /** The interface has it no more. */
  record AddressAbsent(int interfaceIndex, Ipv6Address address) implements AutoconfEvent {}

  /** {@link Autoconfiguration#nextDeadline} has come. */
  record DeadlineReached() implements AutoconfEvent {}
}
