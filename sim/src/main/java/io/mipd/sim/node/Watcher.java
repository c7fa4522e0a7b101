package io.mipd.sim.node;

import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.netty.buffer.ByteBuf;

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

  /**
   * A packet of this node's own is ready for the wire; it may have to wait for a link-layer
   * address.
   *
   * @param packet only read
   */
  default void leaving(ByteBuf packet) {}

  /** A carrier has come or gone. */
  default void carrierChanged(int interfaceIndex, boolean carrier) {}

  /** An address was added, has another state, or is {@link AddressState#GONE}. */
  default void addressChanged(
      int interfaceIndex, Ipv6Address address, int prefixLength, AddressState state) {}
}
