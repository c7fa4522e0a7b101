package io.mipd.xfrm.packet;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.packet.MalformedPacketException.Reason;
import io.netty.buffer.ByteBuf;

// +-------+---------------+---------------------------------------+
// |Version| Traffic Class |              Flow Label               |
// +-------+---------------+-------+---------------+---------------+
// |         Payload Length        |  Next Header  |   Hop Limit   |
// +-------------------------------+---------------+---------------+
// |                   Source Address (128)                        |
// |                Destination Address (128)                      |
//
// RFC 8200 section 3. Options headers, Routing headers, Fragment and Authentication headers:
//
//   | Next Header   |  Hdr Ext Len  | options ...                       RFC 8200 sections 4.3, 4.6
//   | Next Header   |  Hdr Ext Len  | Routing Type  | Segments Left |   RFC 8200 section 4.4
//   | Next Header   |   Reserved    |    Fragment Offset (13) |00|M |   RFC 8200 section 4.5
//   |                     Identification                            |
//   | Next Header   |  Payload Len  |           RESERVED            |   RFC 4302 section 2
//   |             SPI (32)          |      Sequence Number (32)     |
//
// Hdr Ext Len in units of 8 octets less the first, Payload Len in units of 4 less two.
/** IPv6 packets from octets and to octets; for control messages, tests and what is shown. */
public final class Ipv6PacketCodec {
  private static final int HEADER = 40;
  private static final int UNIT = 8;

  /** More than any packet of ours has. */
  private static final int MAX_EXTENSIONS = 16;

  private Ipv6PacketCodec() {}

  /**
   * Reads one packet; octets behind it (of a link's padding) are left.
   *
   * @throws MalformedPacketException if it is none
   */
  public static Ipv6Packet decode(ByteBuf in) throws MalformedPacketException {
    int start = in.readerIndex();
    Wire.require(in, HEADER);
    int word = in.readInt();
    if (word >>> 28 != 6) {
      throw new MalformedPacketException(Reason.BAD_VERSION, start);
    }
    int length = in.readUnsignedShort();
    int next = in.readUnsignedByte();
    int hopLimit = in.readUnsignedByte();
    var source = Wire.readAddress(in);
    var destination = Wire.readAddress(in);
    Wire.require(in, length);
    ByteBuf rest = in.readSlice(length);
    var extensions = ImmutableList.<ExtensionHeader>builder();
    for (int count = 0; isExtension(next); count++) {
      if (count == MAX_EXTENSIONS) {
        throw new MalformedPacketException(Reason.TOO_MANY, start + HEADER + rest.readerIndex());
      }
      Wire.require(rest, UNIT);
      int following = rest.readUnsignedByte();
      ExtensionHeader extension = extension(next, rest);
      extensions.add(extension);
      next = following;
      if (extension instanceof ExtensionHeader.Fragment fragment && fragment.offset() > 0) {
        break; // What follows is the middle of something.
      }
    }
    return new Ipv6Packet(
        word >>> 20 & 0xff,
        word & 0xfffff,
        hopLimit,
        source,
        destination,
        extensions.build(),
        next,
        Octets.read(rest, rest.readableBytes()));
  }

  private static boolean isExtension(int protocol) {
    return switch (protocol) {
      case IpProtocol.HOP_BY_HOP,
          IpProtocol.DESTINATION_OPTIONS,
          IpProtocol.ROUTING,
          IpProtocol.FRAGMENT,
          IpProtocol.AH ->
          true;
      default -> false;
    };
  }

  /**
   * Reads one extension header, from its Next Header field on.
   *
   * @param protocol which one it is
   * @throws MalformedPacketException if it is truncated or its lengths do not fit
   */
  public static ExtensionHeader decodeExtension(int protocol, ByteBuf in)
      throws MalformedPacketException {
    checkArgument(isExtension(protocol), "not an extension header: %s", protocol);
    Wire.require(in, UNIT);
    in.skipBytes(1);
    return extension(protocol, in);
  }

  /** The Next Header field has been read, and seven octets more are there. */
  private static ExtensionHeader extension(int protocol, ByteBuf in)
      throws MalformedPacketException {
    if (protocol == IpProtocol.FRAGMENT) {
      in.skipBytes(1);
      int offsetAndFlag = in.readUnsignedShort();
      return new ExtensionHeader.Fragment(
          offsetAndFlag & 0xfff8, (offsetAndFlag & 1) != 0, in.readInt());
    }
    int at = in.readerIndex();
    int lengthField = in.readUnsignedByte();
    if (protocol == IpProtocol.AH) {
      int icv = (lengthField + 2) * 4 - 12;
      if (icv < 0) {
        throw new MalformedPacketException(Reason.BAD_LENGTH, at);
      }
      Wire.require(in, 10 + icv);
      in.skipBytes(2);
      return new ExtensionHeader.Authentication(in.readInt(), in.readInt(), Octets.read(in, icv));
    }
    int length = (lengthField + 1) * UNIT - 2;
    Wire.require(in, length);
    ByteBuf body = in.readSlice(length);
    return switch (protocol) {
      case IpProtocol.HOP_BY_HOP -> new ExtensionHeader.HopByHopOptions(options(body, at));
      case IpProtocol.DESTINATION_OPTIONS ->
          new ExtensionHeader.DestinationOptions(options(body, at));
      default -> routing(body);
    };
  }

  private static ExtensionHeader routing(ByteBuf body) {
    int type = body.readUnsignedByte();
    int segmentsLeft = body.readUnsignedByte();
    boolean type2 = type == ExtensionHeader.Type2Routing.TYPE && body.readableBytes() == 20;
    if (type2 && body.getInt(body.readerIndex()) == 0) {
      body.skipBytes(4);
      return new ExtensionHeader.Type2Routing(segmentsLeft, Wire.readAddress(body));
    }
    return new ExtensionHeader.OtherRouting(
        type, segmentsLeft, Octets.read(body, body.readableBytes()));
  }

  private static ImmutableList<Ipv6Option> options(ByteBuf body, int at)
      throws MalformedPacketException {
    var options = ImmutableList.<Ipv6Option>builder();
    while (body.isReadable()) {
      int type = body.readUnsignedByte();
      if (type == Ipv6Option.PAD1) {
        options.add(new Ipv6Option.Pad1());
        continue;
      }
      Wire.require(body, 1);
      int length = body.readUnsignedByte();
      Wire.require(body, length);
      if (type == Ipv6Option.PADN) {
        options.add(new Ipv6Option.PadN(Octets.read(body, length)));
      } else if (type == Ipv6Option.HOME_ADDRESS) {
        if (length != 16) {
          throw new MalformedPacketException(Reason.BAD_LENGTH, at);
        }
        options.add(new Ipv6Option.HomeAddressOption(Wire.readAddress(body)));
      } else {
        options.add(new Ipv6Option.Unknown(type, Octets.read(body, length)));
      }
    }
    return options.build();
  }

  /**
   * Writes a packet at the buffer's end.
   *
   * @throws IllegalArgumentException if a header or the packet is longer than its length field says
   */
  public static void encode(Ipv6Packet packet, ByteBuf out) {
    int start = out.writerIndex();
    out.writeInt(6 << 28 | packet.trafficClass() << 20 | packet.flowLabel());
    out.writeShort(0).writeByte(0).writeByte(packet.hopLimit());
    Wire.write(out, packet.source());
    Wire.write(out, packet.destination());
    int nextHeaderField = start + 6;
    for (ExtensionHeader extension : packet.extensions()) {
      out.setByte(nextHeaderField, extension.protocol());
      nextHeaderField = out.writerIndex();
      extension(extension, out);
    }
    out.setByte(nextHeaderField, packet.protocol());
    packet.payload().writeTo(out);
    int length = out.writerIndex() - start - HEADER;
    if (length > 0xffff) {
      throw new IllegalArgumentException("too long for IPv6: " + length);
    }
    out.setShort(start + 4, length);
  }

  private static void extension(ExtensionHeader extension, ByteBuf out) {
    int start = out.writerIndex();
    out.writeShort(0);
    if (extension instanceof ExtensionHeader.Fragment it) {
      out.writeShort(it.offset() | (it.more() ? 1 : 0)).writeInt(it.identification());
      return;
    }
    if (extension instanceof ExtensionHeader.Authentication it) {
      out.writeShort(0).writeInt(it.spi()).writeInt(it.sequence());
      it.icv().writeTo(out);
      setLength(out, start, 4, 2);
      return;
    }
    if (extension instanceof ExtensionHeader.HopByHopOptions it) {
      it.options().forEach(option -> option(option, out));
    } else if (extension instanceof ExtensionHeader.DestinationOptions it) {
      it.options().forEach(option -> option(option, out));
    } else if (extension instanceof ExtensionHeader.Type2Routing it) {
      out.writeByte(ExtensionHeader.Type2Routing.TYPE).writeByte(it.segmentsLeft()).writeInt(0);
      Wire.write(out, it.homeAddress());
    } else if (extension instanceof ExtensionHeader.OtherRouting it) {
      out.writeByte(it.type()).writeByte(it.segmentsLeft());
      it.data().writeTo(out);
    }
    setLength(out, start, UNIT, 1);
  }

  private static void setLength(ByteBuf out, int start, int unit, int less) {
    int length = out.writerIndex() - start;
    int field = length / unit - less;
    if (length % unit != 0 || field > 255) {
      throw new IllegalArgumentException("no length of an extension header: " + length);
    }
    out.setByte(start + 1, field);
  }

  private static void option(Ipv6Option option, ByteBuf out) {
    out.writeByte(option.type());
    if (option instanceof Ipv6Option.PadN it) {
      out.writeByte(it.data().length());
      it.data().writeTo(out);
    } else if (option instanceof Ipv6Option.HomeAddressOption it) {
      out.writeByte(16);
      Wire.write(out, it.homeAddress());
    } else if (option instanceof Ipv6Option.Unknown it) {
      out.writeByte(it.data().length());
      it.data().writeTo(out);
    }
  }
}
