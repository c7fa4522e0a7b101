package io.mipd.xfrm.transform;

import org.jspecify.annotations.Nullable;

/** Checks and takes off one ESP or AH header of a packet that arrived; in place. */
public interface InboundTransform {
  /**
   * In transport mode the header is gone and the packet complete afterwards, its Payload Length and
   * Next Header set; what followed the header begins where the header was, counted from the
   * packet's start. In tunnel mode the packet begins with the inner IPv6 header.
   *
   * @param header where the header begins in the buffer's array
   * @param nextHeaderField where the Next Header field stands that names it
   * @return null if that went well, else why the packet is to be discarded
   */
  @Nullable Discard apply(PacketBuffer p, int header, int nextHeaderField);
}
