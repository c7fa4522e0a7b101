package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmNotice;
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

  /** An association is needed, has expired, or a Binding Error is called for. */
  void notice(XfrmNotice notice);
}
