package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.Ipv6Address;
import java.util.Optional;

/**
 * An entry of the neighbour cache, or an address that the kernel answers for as a proxy.
 *
 * @param state {@code NUD_*} of {@code linux/neighbour.h}
 * @param proxy the kernel answers neighbour solicitations for it; it has no state then
 * @param router RFC 4861 section 5.1: its IsRouter flag
 */
public record Neighbour(
    int interfaceIndex,
    Ipv6Address address,
    Optional<MacAddress> linkLayerAddress,
    int state,
    boolean proxy,
    boolean router) {
  public static final int NUD_INCOMPLETE = 0x01;
  public static final int NUD_REACHABLE = 0x02;
  public static final int NUD_STALE = 0x04;
  public static final int NUD_DELAY = 0x08;
  public static final int NUD_PROBE = 0x10;
  public static final int NUD_FAILED = 0x20;
  public static final int NUD_NOARP = 0x40;
  public static final int NUD_PERMANENT = 0x80;

  /** Confirmed not long ago, or for ever. */
  public boolean isReachable() {
    return (state & (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP)) != 0;
  }

  /** Packets can be sent to it without a solicitation first. */
  public boolean hasLinkLayerAddress() {
    return linkLayerAddress.isPresent() && (state & (NUD_INCOMPLETE | NUD_FAILED)) == 0;
  }
}
