package io.mipd.host;

import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
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
/** A message of Mobile IPv6 in an IPv6 packet without extension headers. */
public final class MobilityPacket {
  private static final int HEADER = 40;
  private static final int LENGTH_AT = 4;
  private static final int HOP_LIMIT_AT = 7;
  private static final int VERSION = 6 << 28;
  private static final int HOP_LIMIT = 64;

  /** Of Neighbor Discovery (RFC 4861 section 4). */
  private static final int LINK_HOP_LIMIT = 255;

  private MobilityPacket() {}

  /** Fills the buffer with a packet of ours, as it is before any policy. */
  public static void write(
      MobilityMessage message, Ipv6Address source, Ipv6Address destination, PacketBuffer into) {
    ByteBuf out = header(IpProtocol.MOBILITY, source, destination);
    MobilityCodec.encode(message, source, destination, out);
    complete(out, into);
  }

  /** Likewise. */
  public static void write(
      Icmpv6Message message, Ipv6Address source, Ipv6Address destination, PacketBuffer into) {
    ByteBuf out = header(IpProtocol.ICMPV6, source, destination);
    Icmpv6Codec.encode(message, source, destination, out);
    complete(out, into);
  }

  /** A packet of Neighbor Discovery. */
  public static byte[] onLink(Icmpv6Message message, Ipv6Address source, Ipv6Address destination) {
    ByteBuf out = header(IpProtocol.ICMPV6, source, destination);
    out.setByte(HOP_LIMIT_AT, LINK_HOP_LIMIT);
    Icmpv6Codec.encode(message, source, destination, out);
    out.setShort(LENGTH_AT, out.writerIndex() - HEADER);
    return ByteBufUtil.getBytes(out);
  }

  /**
   * Fills the buffer with a message of Multicast Listener Discovery, with hop limit 1 and the
   * Router Alert option (RFC 2711).
   */
  public static void ofListeners(
      Icmpv6Message message, Ipv6Address source, Ipv6Address destination, PacketBuffer into) {
    ByteBuf out = header(IpProtocol.HOP_BY_HOP, source, destination);
    out.setByte(HOP_LIMIT_AT, 1);
    // Next Header, Hdr Ext Len; Router Alert with value 0; PadN.
    out.writeByte(IpProtocol.ICMPV6).writeByte(0).writeInt(0x0502_0000).writeShort(0x0100);
    Icmpv6Codec.encode(message, source, destination, out);
    complete(out, into);
  }

  private static ByteBuf header(int nextHeader, Ipv6Address source, Ipv6Address destination) {
    ByteBuf out = Unpooled.buffer(HEADER + 64);
    out.writeInt(VERSION).writeShort(0).writeByte(nextHeader).writeByte(HOP_LIMIT);
    source.write(out);
    destination.write(out);
    return out;
  }

  private static void complete(ByteBuf out, PacketBuffer into) {
    out.setShort(LENGTH_AT, out.writerIndex() - HEADER);
    into.clear();
    into.set(out.array(), out.arrayOffset(), out.writerIndex());
  }

  /** The message of a packet as the engine hands it over. */
  public static ByteBuf message(PacketBuffer packet) {
    return Unpooled.wrappedBuffer(
        packet.array(), packet.start() + HEADER, packet.length() - HEADER);
  }
}
