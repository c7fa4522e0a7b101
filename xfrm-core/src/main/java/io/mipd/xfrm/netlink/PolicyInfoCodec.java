package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;

/**
 * {@code struct xfrm_userpolicy_info} of {@code linux/xfrm.h}, padded to a multiple of eight.
 *
 * <pre>
 *  0       56      120         152         156       160    161      162     163     164     168
 *  +-------+-------+-----------+-----------+---------+------+--------+-------+-------+-------+
 *  |  sel  |  lft  |  curlft   | priority  |  index  | dir  | action | flags | share | (pad) |
 *  +-------+-------+-----------+-----------+---------+------+--------+-------+-------+-------+
 * </pre>
 */
final class PolicyInfoCodec {
  static final int LENGTH = 168;

  private PolicyInfoCodec() {}

  static PolicyInfo decode(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var selector = KernelSelectorCodec.decode(in);
    var limits = LifetimeCodec.decodeLimits(in);
    var use = LifetimeCodec.decodeUse(in);
    int priority = in.readIntLE();
    int index = in.readIntLE();
    int direction = in.readUnsignedByte();
    int action = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int share = in.readUnsignedByte();
    in.skipBytes(4);
    return new PolicyInfo(selector, limits, use, priority, index, direction, action, flags, share);
  }

  static void encode(PolicyInfo info, ByteBuf out) {
    KernelSelectorCodec.encode(info.selector(), out);
    LifetimeCodec.encode(info.limits(), out);
    LifetimeCodec.encode(info.use(), out);
    out.writeIntLE(info.priority());
    out.writeIntLE(info.index());
    out.writeByte(info.direction());
    out.writeByte(info.action());
    out.writeByte(info.flags());
    out.writeByte(info.share());
    out.writeZero(4);
  }
}
