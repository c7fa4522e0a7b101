package io.mipd.daemon;

import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

// +-------+---------------+---------------------------------------+
// |Version| Traffic Class |              Flow Label               |
// +-------+-------+-------+-------+---------------+---------------+
// |        Payload Length         |  Next Header  |   Hop Limit   |
// +-------------------------------+---------------+---------------+
// |                    Source Address (128 bits)                  |
// |                 Destination Address (128 bits)                |
// +---------------------------------------------------------------+
//
// RFC 8200 section 3.
/** A Mobility Header message in an IPv6 packet without extension headers. */
final class MobilityPacket {
  private static final int HEADER = 40;
  private static final int VERSION = 6 << 28;
  private static final int HOP_LIMIT = 64;

  private MobilityPacket() {}

  /** Fills the buffer with a packet of ours, as it is before any policy. */
  static void write(
      MobilityMessage message, Ipv6Address source, Ipv6Address destination, PacketBuffer into) {
    ByteBuf out = Unpooled.buffer(HEADER + 64);
    out.writeInt(VERSION).writeShort(0).writeByte(IpProtocol.MOBILITY).writeByte(HOP_LIMIT);
    source.write(out);
    destination.write(out);
    MobilityCodec.encode(message, source, destination, out);
    out.setShort(4, out.writerIndex() - HEADER);
    into.clear();
    into.set(out.array(), out.arrayOffset(), out.writerIndex());
  }

  /** The message of a packet as the engine hands it over: from the Payload Proto field on. */
  static ByteBuf message(PacketBuffer packet) {
    return Unpooled.wrappedBuffer(
        packet.array(), packet.start() + HEADER, packet.length() - HEADER);
  }
}
