package io.mipd.xfrm.packet;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.packet.MalformedPacketException.Reason;
import io.netty.buffer.ByteBuf;

// +---------------+---------------+--
// |     Type      |    Length     |   ...   Length in units of 8 octets, these two included
// +---------------+---------------+--
//
// RFC 4861 section 4.6. The ones with a body of their own:
//
//   Prefix Information (RFC 4861 section 4.6.2, R of RFC 6275 section 7.2), Length 4
//                                 +---------------+-+-+-+---------+
//                                 | Prefix Length |L|A|R| Reserved|
//   +-----------------------------+---------------+-+-+-+---------+
//   |      Valid Lifetime         |       Preferred Lifetime        |  32 bits each
//   |         Reserved (32)       |            Prefix (128)         |
//
//   Advertisement Interval (RFC 6275 section 7.3), MTU (RFC 4861 section 4.6.4), Length 1
//                                 +-------------------------------+
//                                 |           Reserved            |
//   +-----------------------------+-------------------------------+
//   |              Advertisement Interval / MTU                   |
//
//   Home Agent Information (RFC 6275 section 7.4), Length 1
//                                 +-------------------------------+
//                                 |           Reserved            |
//   +-----------------------------+-------------------------------+
//   |     Home Agent Preference   |      Home Agent Lifetime      |
/** Options of Neighbor Discovery from octets and to octets. */
final class NdOptionCodec {
  private static final int UNIT = 8;

  /** More than any message has; a larger number of options is an attack. */
  private static final int MAX_OPTIONS = 64;

  private NdOptionCodec() {}

  /** Reads options to the end of the buffer. */
  static ImmutableList<NdOption> decode(ByteBuf in) throws MalformedPacketException {
    var options = ImmutableList.<NdOption>builder();
    int count = 0;
    while (in.isReadable()) {
      Wire.require(in, 2);
      int at = in.readerIndex();
      int length = in.getUnsignedByte(at + 1) * UNIT;
      if (length == 0) {
        // RFC 4861 section 4.6: the packet is to be discarded.
        throw new MalformedPacketException(Reason.BAD_LENGTH, at + 1);
      }
      Wire.require(in, length);
      if (++count > MAX_OPTIONS) {
        throw new MalformedPacketException(Reason.TOO_MANY, at);
      }
      options.add(one(in.readUnsignedByte(), in.skipBytes(1).readSlice(length - 2), at));
    }
    return options.build();
  }

  private static NdOption one(int type, ByteBuf body, int at) throws MalformedPacketException {
    int length = body.readableBytes() + 2;
    return switch (type) {
      case NdOption.SOURCE_LINK_LAYER_ADDRESS, NdOption.TARGET_LINK_LAYER_ADDRESS ->
          // Not of six octets on a link of another kind.
          length == UNIT ? linkLayerAddress(type, body) : unknown(type, body);
      case NdOption.PREFIX_INFORMATION -> {
        demand(length == 4 * UNIT, at);
        yield prefix(body, at);
      }
      case NdOption.MTU -> {
        demand(length == UNIT, at);
        yield new NdOption.Mtu(body.skipBytes(2).readUnsignedInt());
      }
      case NdOption.ADVERTISEMENT_INTERVAL -> {
        demand(length == UNIT, at);
        yield new NdOption.AdvertisementInterval(body.skipBytes(2).readUnsignedInt());
      }
      case NdOption.HOME_AGENT_INFORMATION -> {
        demand(length == UNIT, at);
        body.skipBytes(2);
        yield new NdOption.HomeAgentInformation(body.readShort(), body.readUnsignedShort());
      }
      default -> unknown(type, body);
    };
  }

  private static NdOption linkLayerAddress(int type, ByteBuf body) {
    var address = new LinkLayerAddress(Octets.read(body, LinkLayerAddress.LENGTH));
    return type == NdOption.SOURCE_LINK_LAYER_ADDRESS
        ? new NdOption.SourceLinkLayerAddress(address)
        : new NdOption.TargetLinkLayerAddress(address);
  }

  private static NdOption unknown(int type, ByteBuf body) {
    return new NdOption.Unknown(type, Octets.read(body, body.readableBytes()));
  }

  private static NdOption prefix(ByteBuf body, int at) throws MalformedPacketException {
    int prefixLength = body.readUnsignedByte();
    if (prefixLength > 128) {
      throw new MalformedPacketException(Reason.BAD_VALUE, at + 2);
    }
    int flags = body.readUnsignedByte();
    long valid = body.readUnsignedInt();
    long preferred = body.readUnsignedInt();
    body.skipBytes(4);
    return new NdOption.PrefixInformation(
        prefixLength,
        Wire.readAddress(body),
        (flags & 0x80) != 0,
        (flags & 0x40) != 0,
        (flags & 0x20) != 0,
        valid,
        preferred);
  }

  private static void demand(boolean lengthFits, int at) throws MalformedPacketException {
    if (!lengthFits) {
      throw new MalformedPacketException(Reason.BAD_LENGTH, at + 1);
    }
  }

  static void encode(ImmutableList<NdOption> options, ByteBuf out) {
    for (NdOption option : options) {
      int start = out.writerIndex();
      out.writeByte(option.type()).writeByte(0);
      body(option, out);
      out.setByte(start + 1, (out.writerIndex() - start) / UNIT);
    }
  }

  private static void body(NdOption option, ByteBuf out) {
    if (option instanceof NdOption.SourceLinkLayerAddress it) {
      it.address().octets().writeTo(out);
    } else if (option instanceof NdOption.TargetLinkLayerAddress it) {
      it.address().octets().writeTo(out);
    } else if (option instanceof NdOption.PrefixInformation it) {
      out.writeByte(it.prefixLength());
      out.writeByte(
          (it.onLink() ? 0x80 : 0)
              | (it.autonomous() ? 0x40 : 0)
              | (it.routerAddress() ? 0x20 : 0));
      out.writeInt((int) it.validLifetime()).writeInt((int) it.preferredLifetime()).writeInt(0);
      Wire.write(out, it.address());
    } else if (option instanceof NdOption.Mtu it) {
      out.writeShort(0).writeInt((int) it.octets());
    } else if (option instanceof NdOption.AdvertisementInterval it) {
      out.writeShort(0).writeInt((int) it.milliseconds());
    } else if (option instanceof NdOption.HomeAgentInformation it) {
      out.writeShort(0).writeShort(it.preference()).writeShort(it.lifetime());
    } else if (option instanceof NdOption.Unknown it) {
      it.data().writeTo(out);
    }
  }
}
