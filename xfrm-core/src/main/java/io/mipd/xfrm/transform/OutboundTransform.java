package io.mipd.xfrm.transform;

import org.jspecify.annotations.Nullable;

/** One step of a bundle at work on a packet that leaves; in place. Used by one thread. */
public interface OutboundTransform {
  /**
   * Transforms the packet and leaves a complete IPv6 packet.
   *
   * @return null if that went well, else why the packet is to be discarded
   */
  @Nullable Discard apply(PacketBuffer p);

  /**
   * Octets by which a packet of {@code length} octets grows. With padding it depends on the length;
   * {@code length + overhead(length)} never falls when {@code length} rises.
   */
  int overhead(int length);
}
