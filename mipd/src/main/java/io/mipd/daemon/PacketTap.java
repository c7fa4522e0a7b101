package io.mipd.daemon;

import io.mipd.xfrm.transform.PacketBuffer;

/** Sees the packets that a world works on. In the event loop, which it must not keep waiting. */
interface PacketTap {

  /** Where a packet is seen. */
  enum Place {
    /** On a link: as it goes over the wire. */
    OUTER,
    /** On the tunnel device: as this node's programs and forwarding have it. */
    INNER
  }

  /**
   * @param packet only valid during the call, and not to be changed
   * @param inbound whether it comes from the link, or out of the tunnel to this node
   */
  void packet(Place place, boolean inbound, PacketBuffer packet);
}
