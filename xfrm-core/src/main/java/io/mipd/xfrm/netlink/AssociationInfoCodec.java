package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;

/**
 * {@code struct xfrm_usersa_info} of {@code linux/xfrm.h}, padded to a multiple of eight; the SPI
 * is in network order.
 *
 * <pre>
 *  0       56          72       76         77      80        96      160      192
 *  +-------+-----------+--------+----------+-------+---------+-------+--------+
 *  |  sel  | id.daddr  | id.spi | id.proto | (pad) |  saddr  |  lft  | curlft |
 *  +-------+-----------+--------+----------+-------+---------+-------+--------+
 *  192             196      200                204
 *  +---------------+--------+------------------+
 *  | replay_window | replay | integrity_failed |  stats
 *  +---------------+--------+------------------+
 *  204   208     212      214    215             216     217     224
 *  +-----+-------+--------+------+---------------+-------+-------+
 *  | seq | reqid | family | mode | replay_window | flags | (pad) |
 *  +-----+-------+--------+------+---------------+-------+-------+
 * </pre>
 */
final class AssociationInfoCodec {
  static final int LENGTH = 224;

  private AssociationInfoCodec() {}

  static AssociationInfo decode(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var selector = KernelSelectorCodec.decode(in);
    var destination = Ipv6Address.read(in);
    var spi = new Spi(in.readInt());
    int protocol = in.readUnsignedByte();
    in.skipBytes(3);
    var source = Ipv6Address.read(in);
    var limits = LifetimeCodec.decodeLimits(in);
    var use = LifetimeCodec.decodeUse(in);
    int windowExceeded = in.readIntLE();
    int replayed = in.readIntLE();
    int integrityFailed = in.readIntLE();
    int sequence = in.readIntLE();
    var reqId = new ReqId(in.readIntLE());
    int family = in.readUnsignedShortLE();
    int mode = in.readUnsignedByte();
    int replayWindow = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    in.skipBytes(7);
    return new AssociationInfo(
        selector,
        destination,
        spi,
        protocol,
        source,
        limits,
        use,
        windowExceeded,
        replayed,
        integrityFailed,
        sequence,
        reqId,
        family,
        mode,
        replayWindow,
        flags);
  }

  static void encode(AssociationInfo info, ByteBuf out) {
    KernelSelectorCodec.encode(info.selector(), out);
    info.destination().write(out);
    out.writeInt(info.spi().value());
    out.writeByte(info.protocol());
    out.writeZero(3);
    info.source().write(out);
    LifetimeCodec.encode(info.limits(), out);
    LifetimeCodec.encode(info.use(), out);
    out.writeIntLE(info.windowExceeded());
    out.writeIntLE(info.replayed());
    out.writeIntLE(info.integrityFailed());
    out.writeIntLE(info.sequence());
    out.writeIntLE(info.reqId().value());
    out.writeShortLE(info.family());
    out.writeByte(info.mode());
    out.writeByte(info.replayWindow());
    out.writeByte(info.flags());
    out.writeZero(7);
  }
}
