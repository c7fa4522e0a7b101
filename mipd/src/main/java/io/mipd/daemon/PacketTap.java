package io.mipd.daemon;

import java.nio.ByteBuffer;

/** Sees the packets of a world. In one thread, which it must not keep waiting. */
interface PacketTap {
  /** The name of all interfaces together, where it is not known which it was, or will be. */
  String OUTER = "outer";

  /**
   * @param where the interface: on the tunnel device a packet is as this node's programs and
   *     forwarding have it, on others as it goes over the wire
   * @param inbound whether it comes from the link, or out of the tunnel to this node
   * @param packet an IPv6 packet from its position to its limit; only valid during the call
   */
  void packet(String where, boolean inbound, ByteBuffer packet);

  /** So many more have not been seen. */
  void lost(long packets);
}
