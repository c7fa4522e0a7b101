package io.mipd.mobility.wire;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.MalformedPacketException.Reason;
import io.mipd.xfrm.packet.Octets;
import io.mipd.xfrm.packet.Wire;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

// +---------------+---------------+---------------+---------------+
// | Payload Proto |  Header Len   |    MH Type    |   Reserved    |
// +---------------+---------------+---------------+---------------+
// |           Checksum            |        Message Data ...
// +-------------------------------+
//
// RFC 6275 section 6.1.1. Header Len in units of 8 octets, not counting the first 8. Message data,
// before the mobility options:
//
//   Binding Refresh Request   Reserved (16)                                          6.1.2
//   Home, Care-of Test Init   Reserved (16), cookie (64)                             6.1.3, 6.1.4
//   Home, Care-of Test        nonce index (16), cookie (64), keygen token (64)       6.1.5, 6.1.6
//   Binding Error             status (8), reserved (8), home address (128)           6.1.9
//
//   Binding Update                                                                   6.1.7
//                                   +-------------------------------+
//                                   |          Sequence #           |
//   +-+-+-+-+-----------------------+-------------------------------+
//   |A|H|L|K|       Reserved        |           Lifetime            |
//   +-+-+-+-+-----------------------+-------------------------------+
//
//   Binding Acknowledgement                                                          6.1.8
//                                   +---------------+-+-------------+
//                                   |    Status     |K|  Reserved   |
//   +-------------------------------+---------------+-+-------------+
//   |           Sequence #          |           Lifetime            |
//   +-------------------------------+-------------------------------+
/** Mobility Header messages from octets and to octets. */
public final class MobilityCodec {
  private static final int HEADER = 6;
  private static final int UNIT = 8;

  private MobilityCodec() {}

  /**
   * Reads a message; the buffer must end with it.
   *
   * @param in from the Payload Proto field on
   * @param source as the pseudo-header has it: after a Home Address option (section 6.1.1)
   * @throws MalformedPacketException if it is none. Too short a Header Len, a Payload Proto that is
   *     not 59 (section 9.2), a wrong checksum
   */
  public static MobilityMessage decode(ByteBuf in, Ipv6Address source, Ipv6Address destination)
      throws MalformedPacketException {
    int start = in.readerIndex();
    Wire.require(in, UNIT);
    int length = (in.getUnsignedByte(start + 1) + 1) * UNIT;
    Wire.require(in, length);
    if (in.readableBytes() != length) {
      throw new MalformedPacketException(Reason.BAD_LENGTH, start + 1);
    }
    if (Checksum.of(source, destination, IpProtocol.MOBILITY, in) != 0) {
      throw new MalformedPacketException(Reason.BAD_CHECKSUM, start + 4);
    }
    if (in.getUnsignedByte(start) != IpProtocol.NO_NEXT_HEADER) {
      throw new MalformedPacketException(Reason.BAD_VALUE, start);
    }
    int type = in.getUnsignedByte(start + 2);
    in.skipBytes(HEADER);
    return switch (type) {
      case MobilityMessage.BINDING_REFRESH_REQUEST -> {
        in.skipBytes(2);
        yield new MobilityMessage.BindingRefreshRequest(options(in, start));
      }
      case MobilityMessage.HOME_TEST_INIT -> {
        Wire.require(in, 10);
        yield new MobilityMessage.HomeTestInit(in.skipBytes(2).readLong(), options(in, start));
      }
      case MobilityMessage.CARE_OF_TEST_INIT -> {
        Wire.require(in, 10);
        yield new MobilityMessage.CareOfTestInit(in.skipBytes(2).readLong(), options(in, start));
      }
      case MobilityMessage.HOME_TEST -> {
        Wire.require(in, 18);
        yield new MobilityMessage.HomeTest(
            in.readUnsignedShort(), in.readLong(), token(in), options(in, start));
      }
      case MobilityMessage.CARE_OF_TEST -> {
        Wire.require(in, 18);
        yield new MobilityMessage.CareOfTest(
            in.readUnsignedShort(), in.readLong(), token(in), options(in, start));
      }
      case MobilityMessage.BINDING_UPDATE -> {
        Wire.require(in, 6);
        yield new MobilityMessage.BindingUpdate(
            new SequenceNumber(in.readUnsignedShort()),
            BindingFlag.of(in.readUnsignedShort()),
            new BindingLifetime(in.readUnsignedShort()),
            options(in, start));
      }
      case MobilityMessage.BINDING_ACKNOWLEDGEMENT -> {
        Wire.require(in, 6);
        yield new MobilityMessage.BindingAcknowledgement(
            new BindingStatus(in.readUnsignedByte()),
            (in.readUnsignedByte() & 0x80) != 0,
            new SequenceNumber(in.readUnsignedShort()),
            new BindingLifetime(in.readUnsignedShort()),
            options(in, start));
      }
      case MobilityMessage.BINDING_ERROR -> {
        Wire.require(in, 18);
        int status = in.readUnsignedByte();
        in.skipBytes(1);
        yield new MobilityMessage.BindingError(status, Wire.readAddress(in), options(in, start));
      }
      default -> new MobilityMessage.Unknown(type, Octets.read(in, in.readableBytes()));
    };
  }

  private static MobilityMessage.KeygenToken token(ByteBuf in) {
    return new MobilityMessage.KeygenToken(in.readLong());
  }

  private static ImmutableList<MobilityOption> options(ByteBuf in, int start)
      throws MalformedPacketException {
    return MobilityOptionCodec.decode(in, start);
  }

  /** Writes a message with its checksum, padded to a multiple of eight octets. */
  public static void encode(
      MobilityMessage message, Ipv6Address source, Ipv6Address destination, ByteBuf out) {
    int start = out.writerIndex();
    out.writeByte(IpProtocol.NO_NEXT_HEADER).writeByte(0);
    out.writeByte(message.type()).writeByte(0).writeShort(0);
    data(message, out);
    MobilityOptionCodec.encode(message.options(), out, start);
    int length = out.writerIndex() - start;
    out.setByte(start + 1, length / UNIT - 1);
    out.setShort(
        start + 4, Checksum.of(source, destination, IpProtocol.MOBILITY, out.slice(start, length)));
  }

  /**
   * What the authenticator at the end of a message covers, beside the addresses (section 6.2.7).
   *
   * @param message whose last option is Binding Authorization Data; its contents do not matter
   * @param length of the authenticator
   */
  public static Octets mhData(MobilityMessage message, int length) {
    ByteBuf out = Unpooled.buffer();
    encode(message, Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED, out);
    return MobilityOptionCodec.mhData(out, 0, length);
  }

  private static void data(MobilityMessage message, ByteBuf out) {
    if (message instanceof MobilityMessage.BindingRefreshRequest) {
      out.writeShort(0);
    } else if (message instanceof MobilityMessage.HomeTestInit it) {
      out.writeShort(0).writeLong(it.cookie());
    } else if (message instanceof MobilityMessage.CareOfTestInit it) {
      out.writeShort(0).writeLong(it.cookie());
    } else if (message instanceof MobilityMessage.HomeTest it) {
      out.writeShort(it.nonceIndex()).writeLong(it.cookie()).writeLong(it.token().value());
    } else if (message instanceof MobilityMessage.CareOfTest it) {
      out.writeShort(it.nonceIndex()).writeLong(it.cookie()).writeLong(it.token().value());
    } else if (message instanceof MobilityMessage.BindingUpdate it) {
      out.writeShort(it.sequence().value());
      out.writeShort(BindingFlag.bitsOf(it.flags())).writeShort(it.lifetime().units());
    } else if (message instanceof MobilityMessage.BindingAcknowledgement it) {
      out.writeByte(it.status().code()).writeByte(it.keyManagement() ? 0x80 : 0);
      out.writeShort(it.sequence().value()).writeShort(it.lifetime().units());
    } else if (message instanceof MobilityMessage.BindingError it) {
      out.writeByte(it.status()).writeByte(0);
      Wire.write(out, it.homeAddress());
    } else if (message instanceof MobilityMessage.Unknown it) {
      it.data().writeTo(out);
    }
  }
}
