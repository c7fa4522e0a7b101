package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;

/**
 * {@code struct xfrm_selector} of {@code linux/xfrm.h}; ports are in network order.
 *
 * <pre>
 *  0             16            32        34            36        38            40
 *  +-------------+-------------+---------+-------------+---------+-------------+
 *  |    daddr    |    saddr    |  dport  | dport_mask  |  sport  | sport_mask  |
 *  +-------------+-------------+---------+-------------+---------+-------------+
 *  40        42              43              44          45        48          52        56
 *  +---------+---------------+---------------+-----------+---------+-----------+---------+
 *  | family  |  prefixlen_d  |  prefixlen_s  |   proto   |  (pad)  |  ifindex  |  user   |
 *  +---------+---------------+---------------+-----------+---------+-----------+---------+
 * </pre>
 */
final class KernelSelectorCodec {
  static final int LENGTH = 56;

  private KernelSelectorCodec() {}

  static KernelSelector decode(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var destination = Ipv6Address.read(in);
    var source = Ipv6Address.read(in);
    int destinationPort = in.readUnsignedShort();
    int destinationPortMask = in.readUnsignedShort();
    int sourcePort = in.readUnsignedShort();
    int sourcePortMask = in.readUnsignedShort();
    int family = in.readUnsignedShortLE();
    int destinationLength = in.readUnsignedByte();
    int sourceLength = in.readUnsignedByte();
    int protocol = in.readUnsignedByte();
    in.skipBytes(3);
    int interfaceIndex = in.readIntLE();
    int user = in.readIntLE();
    return new KernelSelector(
        destination,
        source,
        destinationPort,
        destinationPortMask,
        sourcePort,
        sourcePortMask,
        family,
        destinationLength,
        sourceLength,
        protocol,
        interfaceIndex,
        user);
  }

  static void encode(KernelSelector selector, ByteBuf out) {
    selector.destination().write(out);
    selector.source().write(out);
    out.writeShort(selector.destinationPort());
    out.writeShort(selector.destinationPortMask());
    out.writeShort(selector.sourcePort());
    out.writeShort(selector.sourcePortMask());
    out.writeShortLE(selector.family());
    out.writeByte(selector.destinationLength());
    out.writeByte(selector.sourceLength());
    out.writeByte(selector.protocol());
    out.writeZero(3);
    out.writeIntLE(selector.interfaceIndex());
    out.writeIntLE(selector.user());
  }
}
