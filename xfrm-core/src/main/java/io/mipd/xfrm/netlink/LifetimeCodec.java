package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;

/**
 * {@code struct xfrm_lifetime_cfg} and {@code struct xfrm_lifetime_cur} of {@code linux/xfrm.h}.
 *
 * <pre>
 *  0                 8                 16                  24                  32
 *  +-----------------+-----------------+-------------------+-------------------+
 *  | soft_byte_limit | hard_byte_limit | soft_packet_limit | hard_packet_limit |
 *  +-----------------+-----------------+-------------------+-------------------+
 *  32                40                48                  56                  64
 *  +-----------------+-----------------+-------------------+-------------------+
 *  | soft_add_exp... | hard_add_exp... |   soft_use_exp... |   hard_use_exp... |  ..ires_seconds
 *  +-----------------+-----------------+-------------------+-------------------+
 *
 *  0                 8                 16                  24                  32
 *  +-----------------+-----------------+-------------------+-------------------+
 *  |      bytes      |     packets     |     add_time      |     use_time      |
 *  +-----------------+-----------------+-------------------+-------------------+
 * </pre>
 */
final class LifetimeCodec {
  static final int LIMITS_LENGTH = 64;
  static final int USE_LENGTH = 32;

  private LifetimeCodec() {}

  static LifetimeLimits decodeLimits(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < LIMITS_LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    return new LifetimeLimits(
        in.readLongLE(),
        in.readLongLE(),
        in.readLongLE(),
        in.readLongLE(),
        in.readLongLE(),
        in.readLongLE(),
        in.readLongLE(),
        in.readLongLE());
  }

  static void encode(LifetimeLimits limits, ByteBuf out) {
    out.writeLongLE(limits.softBytes());
    out.writeLongLE(limits.hardBytes());
    out.writeLongLE(limits.softPackets());
    out.writeLongLE(limits.hardPackets());
    out.writeLongLE(limits.softAddSeconds());
    out.writeLongLE(limits.hardAddSeconds());
    out.writeLongLE(limits.softUseSeconds());
    out.writeLongLE(limits.hardUseSeconds());
  }

  static LifetimeUse decodeUse(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < USE_LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    return new LifetimeUse(in.readLongLE(), in.readLongLE(), in.readLongLE(), in.readLongLE());
  }

  static void encode(LifetimeUse use, ByteBuf out) {
    out.writeLongLE(use.bytes());
    out.writeLongLE(use.packets());
    out.writeLongLE(use.addTime());
    out.writeLongLE(use.useTime());
  }
}
