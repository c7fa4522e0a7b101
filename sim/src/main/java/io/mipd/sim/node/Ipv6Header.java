package io.mipd.sim.node;

import io.mipd.xfrm.model.Ipv6Address;
import io.netty.buffer.ByteBuf;

//  +-------+---------------+---------------------------------------+
//  |Version| Traffic Class |              Flow Label               |
//  +-------+-------+-------+-------+---------------+---------------+
//  |         Payload Length        |  Next Header  |   Hop Limit   |
//  +-------------------------------+---------------+---------------+
//  |                Source Address, 16 octets                      |
//  |              Destination Address, 16 octets                   |
//  +---------------------------------------------------------------+
//
// RFC 8200 section 3.
/** The fields that whoever forwards a packet looks at, in a packet of at least 40 octets. */
final class Ipv6Header {
  static final int LENGTH = 40;
  private static final int PAYLOAD_LENGTH = 4;
  private static final int HOP_LIMIT = 7;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;

  private Ipv6Header() {}

  /** Whether there is a whole packet of version 6. */
  static boolean isWhole(ByteBuf packet) {
    return packet.readableBytes() >= LENGTH
        && packet.getUnsignedByte(packet.readerIndex()) >>> 4 == 6
        && packet.readableBytes()
            == LENGTH + packet.getUnsignedShort(packet.readerIndex() + PAYLOAD_LENGTH);
  }

  static Ipv6Address source(ByteBuf packet) {
    return address(packet, SOURCE);
  }

  static Ipv6Address destination(ByteBuf packet) {
    return address(packet, DESTINATION);
  }

  static int hopLimit(ByteBuf packet) {
    return packet.getUnsignedByte(packet.readerIndex() + HOP_LIMIT);
  }

  /** A copy that a router passes on. */
  static ByteBuf withHopLimit(ByteBuf packet, int hopLimit) {
    ByteBuf copy = packet.copy();
    copy.setByte(HOP_LIMIT, hopLimit);
    return copy;
  }

  private static Ipv6Address address(ByteBuf packet, int offset) {
    int at = packet.readerIndex() + offset;
    return new Ipv6Address(packet.getLong(at), packet.getLong(at + 8));
  }
}
