package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;

/**
 * {@code struct xfrm_userpolicy_id} of {@code linux/xfrm.h}.
 *
 * <pre>
 *  0       56        60     61      64
 *  +-------+---------+------+-------+
 *  |  sel  |  index  | dir  | (pad) |
 *  +-------+---------+------+-------+
 * </pre>
 */
final class PolicyNameCodec {
  static final int LENGTH = 64;

  private PolicyNameCodec() {}

  static PolicyName decode(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var selector = KernelSelectorCodec.decode(in);
    int index = in.readIntLE();
    int direction = in.readUnsignedByte();
    in.skipBytes(3);
    return new PolicyName(selector, index, direction);
  }

  static void encode(PolicyName name, ByteBuf out) {
    KernelSelectorCodec.encode(name.selector(), out);
    out.writeIntLE(name.index());
    out.writeByte(name.direction());
    out.writeZero(3);
  }
}
