package io.mipd.sim.node;

import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;

/** Hears what happens to a node's {@link Stack}. */
public interface Watcher {
  /** An ICMPv6 message for this node has arrived, and the stack has done its part. */
  default void icmpv6(
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      int hopLimit,
      Icmpv6Message message) {}

  /** A packet is handed to whom it is for at this node. */
  default void delivered(Ipv6Address source, Ipv6Address destination) {}

  /** A carrier has come or gone. */
  default void carrierChanged(int interfaceIndex, boolean carrier) {}

  /** An address was added, has another state, or is {@link AddressState#GONE}. */
  default void addressChanged(
      int interfaceIndex, Ipv6Address address, int prefixLength, AddressState state) {}
}
