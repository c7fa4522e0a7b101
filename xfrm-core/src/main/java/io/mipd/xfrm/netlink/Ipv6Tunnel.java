package io.mipd.xfrm.netlink;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;

/**
 * An IPv6-in-IPv6 tunnel device (RFC 2473), kind {@code ip6tnl}.
 *
 * @param interfaceIndex of the device itself; 0 for one that is to be made
 * @param lowerIndex of the interface that outer packets use; 0 for any
 * @param hopLimit of outer packets; 0 for that of the inner
 * @param encapsulationLimit of the option of RFC 2473 section 4.1.1, if {@link
 *     #WITHOUT_ENCAPSULATION_LIMIT} does not leave it out
 * @param flags {@code IP6_TNL_F_*}
 */
public record Ipv6Tunnel(
    int interfaceIndex,
    String name,
    Ipv6Address local,
    Ipv6Address remote,
    int lowerIndex,
    int hopLimit,
    int encapsulationLimit,
    int flags) {
  /** {@code IP6_TNL_F_IGN_ENCAP_LIMIT}: {@code encaplimit none}. */
  public static final int WITHOUT_ENCAPSULATION_LIMIT = 0x1;

  /** {@code IP6_TNL_F_USE_ORIG_TCLASS}: {@code tclass inherit}. */
  public static final int INHERIT_TRAFFIC_CLASS = 0x2;

  private static final int HOP_LIMIT = 64;

  /** The kernel's own, of which no use is made. */
  private static final int ENCAPSULATION_LIMIT = 4;

  public Ipv6Tunnel {
    checkArgument(hopLimit >= 0 && hopLimit <= 255, "not a hop limit: %s", hopLimit);
    checkArgument(
        encapsulationLimit >= 0 && encapsulationLimit <= 255,
        "not an encapsulation limit: %s",
        encapsulationLimit);
    checkArgument(!name.isEmpty() && name.length() < 16, "not a name of an interface: %s", name);
  }

  /** A tunnel as Mobile IPv6 wants it: no option for each packet to carry, class of the inner. */
  public static Ipv6Tunnel between(String name, Ipv6Address local, Ipv6Address remote) {
    return new Ipv6Tunnel(
        0,
        name,
        local,
        remote,
        0,
        HOP_LIMIT,
        ENCAPSULATION_LIMIT,
        WITHOUT_ENCAPSULATION_LIMIT | INHERIT_TRAFFIC_CLASS);
  }

  public Ipv6Tunnel withEnds(Ipv6Address newLocal, Ipv6Address newRemote) {
    return new Ipv6Tunnel(
        interfaceIndex, name, newLocal, newRemote, lowerIndex, hopLimit, encapsulationLimit, flags);
  }

  /** Outer packets use this interface. */
  public Ipv6Tunnel over(int newLowerIndex) {
    return new Ipv6Tunnel(
        interfaceIndex, name, local, remote, newLowerIndex, hopLimit, encapsulationLimit, flags);
  }

  /** The same device, of which the index is known. */
  public Ipv6Tunnel at(int newInterfaceIndex) {
    return new Ipv6Tunnel(
        newInterfaceIndex, name, local, remote, lowerIndex, hopLimit, encapsulationLimit, flags);
  }
}
