package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;

/**
 * {@code struct xfrm_user_tmpl} of {@code linux/xfrm.h}; the SPI is in network order.
 *
 * <pre>
 *  0             16          20          21        24         26        28
 *  +-------------+-----------+-----------+---------+----------+---------+
 *  |  id.daddr   |  id.spi   | id.proto  |  (pad)  |  family  |  (pad)  |
 *  +-------------+-----------+-----------+---------+----------+---------+
 *  28            44        48       49       50         51       52       56       60       64
 *  +-------------+---------+--------+--------+----------+--------+--------+--------+--------+
 *  |    saddr    |  reqid  |  mode  | share  | optional |  (pad) | aalgos | ealgos | calgos |
 *  +-------------+---------+--------+--------+----------+--------+--------+--------+--------+
 * </pre>
 */
final class KernelTemplateCodec {
  static final int LENGTH = 64;

  private KernelTemplateCodec() {}

  static KernelTemplate decode(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var destination = Ipv6Address.read(in);
    var spi = new Spi(in.readInt());
    int protocol = in.readUnsignedByte();
    in.skipBytes(3);
    int family = in.readUnsignedShortLE();
    in.skipBytes(2);
    var source = Ipv6Address.read(in);
    var reqId = new ReqId(in.readIntLE());
    int mode = in.readUnsignedByte();
    int share = in.readUnsignedByte();
    int optional = in.readUnsignedByte();
    in.skipBytes(1);
    return new KernelTemplate(
        destination,
        spi,
        protocol,
        family,
        source,
        reqId,
        mode,
        share,
        optional,
        in.readIntLE(),
        in.readIntLE(),
        in.readIntLE());
  }

  static void encode(KernelTemplate template, ByteBuf out) {
    template.destination().write(out);
    out.writeInt(template.spi().value());
    out.writeByte(template.protocol());
    out.writeZero(3);
    out.writeShortLE(template.family());
    out.writeZero(2);
    template.source().write(out);
    out.writeIntLE(template.reqId().value());
    out.writeByte(template.mode());
    out.writeByte(template.share());
    out.writeByte(template.optional());
    out.writeZero(1);
    out.writeIntLE(template.authAlgorithms());
    out.writeIntLE(template.encryptionAlgorithms());
    out.writeIntLE(template.compressionAlgorithms());
  }
}
