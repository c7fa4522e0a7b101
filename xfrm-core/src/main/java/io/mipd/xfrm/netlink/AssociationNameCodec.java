package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;

/**
 * {@code struct xfrm_usersa_id} of {@code linux/xfrm.h}; the SPI is in network order.
 *
 * <pre>
 *  0         16      20       22      23      24
 *  +---------+-------+--------+-------+-------+
 *  |  daddr  |  spi  | family | proto | (pad) |
 *  +---------+-------+--------+-------+-------+
 * </pre>
 */
final class AssociationNameCodec {
  static final int LENGTH = 24;

  private AssociationNameCodec() {}

  static AssociationName decode(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() < LENGTH) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var destination = Ipv6Address.read(in);
    var spi = new Spi(in.readInt());
    int family = in.readUnsignedShortLE();
    int protocol = in.readUnsignedByte();
    in.skipBytes(1);
    return new AssociationName(destination, spi, family, protocol);
  }

  static void encode(AssociationName name, ByteBuf out) {
    name.destination().write(out);
    out.writeInt(name.spi().value());
    out.writeShortLE(name.family());
    out.writeByte(name.protocol());
    out.writeZero(1);
  }
}
