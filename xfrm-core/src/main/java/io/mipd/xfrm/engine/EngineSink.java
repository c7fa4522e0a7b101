package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;

/**
 * What the engine hands over. Called on the engine's thread, within {@code input}, {@code output}
 * or {@code tick}; a buffer belongs to the engine again when the call returns, so whoever keeps the
 * packet copies it.
 */
public interface EngineSink {
  /** A complete outer packet for the wire; it leaves through the interface of its source. */
  void transmit(PacketBuffer packet);

  /** A packet for the TUN device: for the local stack, or to be forwarded by it. */
  void deliver(PacketBuffer packet);

  /**
   * A Mobility Header message for this node's core. The buffer holds the IPv6 packet, with the
   * stable addresses in its header, and the Mobility Header follows the IPv6 header at once.
   */
  void mobility(PacketBuffer packet, Arrival arrival);

  /**
   * A Mobile Prefix Solicitation or Advertisement for this node (RFC 6275 sections 6.7 and 6.8);
   * the buffer is as in {@link #mobility}. Who does not care has it delivered as any packet.
   */
  default void prefixDiscovery(PacketBuffer packet, Arrival arrival) {
    deliver(packet);
  }

  /**
   * A message of Multicast Listener Discovery out of a tunnel (RFC 6275 sections 10.4.3 and
   * 11.3.4); the buffer is as in {@link #mobility}. At a mobile node it came by the tunnel of the
   * home address that is the arrival's destination; at a home agent the arrival tells by which
   * tunnel, and whose that is no policy has said.
   *
   * @param group the destination in the packet
   */
  default void listener(PacketBuffer packet, Ipv6Address group, Arrival arrival) {}

  /**
   * A packet that is about to be delivered to a home address of ours came by its tunnel, and is not
   * one of key exchange, which always does.
   */
  default void tunnelled(Ipv6Address source, Ipv6Address homeAddress) {}

  /**
   * An ICMPv6 error says that a packet of ours failed, and not for its size: one with a Home
   * Address option or type 2 routing header, or a Mobility Header.
   */
  default void failed(FailedPacket packet) {}

  /** An association is needed, has expired, or a Binding Error is called for. */
  void notice(XfrmNotice notice);
}
