package io.mipd.xfrm.netlink;

/** Something of the kernel's interfaces or routing has changed. */
public sealed interface RtnetlinkNotice {
  /** Whether the object went away; else it is new or has changed. */
  boolean gone();

  /** An interface. */
  record LinkNotice(Link link, boolean gone) implements RtnetlinkNotice {}

  /** An IPv6 address; its flags say where duplicate address detection stands. */
  record AddressNotice(InterfaceAddress address, boolean gone) implements RtnetlinkNotice {}

  /** An IPv6 route. */
  record RouteNotice(Route route, boolean gone) implements RtnetlinkNotice {}

  /** An IPv6 neighbour; only from a monitor that was asked for neighbours. */
  record NeighbourNotice(Neighbour neighbour, boolean gone) implements RtnetlinkNotice {}
}
