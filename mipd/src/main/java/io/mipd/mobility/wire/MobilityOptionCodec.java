package io.mipd.mobility.wire;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.MalformedPacketException.Reason;
import io.mipd.xfrm.packet.Octets;
import io.mipd.xfrm.packet.Wire;
import io.netty.buffer.ByteBuf;

// +---------------+---------------+--
// |  Option Type  | Option Length |   Option Data ...     Option Length counts the data only
// +---------------+---------------+--
//
// RFC 6275 section 6.2.1; Pad1 (6.2.2) is one octet of zero, PadN (6.2.3) has type 1. Each begins
// where its alignment xn+y says, counted from the start of the Mobility Header:
//
//   Binding Refresh Advice      2n      interval (16)                       6.2.4
//   Alternate Care-of Address   8n+6    address (128)                       6.2.5
//   Nonce Indices               2n      home (16), care-of (16)             6.2.6
//   Binding Authorization Data  8n+2    authenticator (normally 96)         6.2.7
/** Mobility options from octets and to octets. */
final class MobilityOptionCodec {
  private static final int UNIT = 8;
  private static final int CHECKSUM = 4;

  private MobilityOptionCodec() {}

  /**
   * Reads options to the end of the buffer, without the padding.
   *
   * @param start where the Mobility Header begins in the buffer
   * @throws MalformedPacketException also for a Binding Authorization Data option that is not the
   *     last, or has padding behind it (sections 9.5.1 and 11.7.3)
   */
  static ImmutableList<MobilityOption> decode(ByteBuf in, int start)
      throws MalformedPacketException {
    var options = ImmutableList.<MobilityOption>builder();
    while (in.isReadable()) {
      int at = in.readerIndex();
      int type = in.readUnsignedByte();
      if (type == MobilityOption.PAD1) {
        continue;
      }
      Wire.require(in, 1);
      int length = in.readUnsignedByte();
      Wire.require(in, length);
      ByteBuf data = in.readSlice(length);
      if (type == MobilityOption.BINDING_AUTHORIZATION_DATA) {
        if (in.isReadable()) {
          throw new MalformedPacketException(Reason.BAD_VALUE, at);
        }
        options.add(
            new MobilityOption.BindingAuthorizationData(
                Octets.read(data, length), mhData(in, start, length)));
      } else if (type != MobilityOption.PADN) {
        options.add(one(type, data, at));
      }
    }
    return options.build();
  }

  private static MobilityOption one(int type, ByteBuf data, int at)
      throws MalformedPacketException {
    int length = data.readableBytes();
    return switch (type) {
      case MobilityOption.BINDING_REFRESH_ADVICE -> {
        demand(length == 2, at);
        yield new MobilityOption.BindingRefreshAdvice(data.readUnsignedShort());
      }
      case MobilityOption.ALTERNATE_CARE_OF_ADDRESS -> {
        demand(length == 16, at);
        yield new MobilityOption.AlternateCareOfAddress(new CareOfAddress(Wire.readAddress(data)));
      }
      case MobilityOption.NONCE_INDICES -> {
        demand(length == 4, at);
        yield new MobilityOption.NonceIndices(data.readUnsignedShort(), data.readUnsignedShort());
      }
      default -> new MobilityOption.Unknown(type, Octets.read(data, length));
    };
  }

  /**
   * What an authenticator covers that ends the buffer: "the content of the Mobility Header,
   * excluding the Authenticator field itself", as if the checksum were zero (section 6.2.7).
   *
   * @param start where the Mobility Header begins in the buffer
   * @param length of the authenticator
   */
  static Octets mhData(ByteBuf whole, int start, int length) {
    byte[] covered = new byte[whole.writerIndex() - length - start];
    whole.getBytes(start, covered);
    covered[CHECKSUM] = 0;
    covered[CHECKSUM + 1] = 0;
    return Octets.of(covered);
  }

  private static void demand(boolean lengthFits, int at) throws MalformedPacketException {
    if (!lengthFits) {
      throw new MalformedPacketException(Reason.BAD_LENGTH, at + 1);
    }
  }

  /**
   * Writes options, each at its alignment, and pads the message to a multiple of eight octets.
   *
   * @param start where the Mobility Header begins in the buffer
   */
  static void encode(ImmutableList<MobilityOption> options, ByteBuf out, int start) {
    for (MobilityOption option : options) {
      pad(out, start, alignment(option), offset(option));
      int at = out.writerIndex();
      out.writeByte(option.type()).writeByte(0);
      data(option, out);
      out.setByte(at + 1, out.writerIndex() - at - 2);
    }
    pad(out, start, UNIT, 0);
  }

  private static int alignment(MobilityOption option) {
    return switch (option.type()) {
      case MobilityOption.ALTERNATE_CARE_OF_ADDRESS, MobilityOption.BINDING_AUTHORIZATION_DATA -> 8;
      case MobilityOption.BINDING_REFRESH_ADVICE, MobilityOption.NONCE_INDICES -> 2;
      default -> 1;
    };
  }

  private static int offset(MobilityOption option) {
    return switch (option.type()) {
      case MobilityOption.ALTERNATE_CARE_OF_ADDRESS -> 6;
      case MobilityOption.BINDING_AUTHORIZATION_DATA -> 2;
      default -> 0;
    };
  }

  private static void pad(ByteBuf out, int start, int alignment, int offset) {
    int padding = Math.floorMod(offset - (out.writerIndex() - start), alignment);
    if (padding == 1) {
      out.writeByte(MobilityOption.PAD1);
    } else if (padding > 1) {
      out.writeByte(MobilityOption.PADN).writeByte(padding - 2).writeZero(padding - 2);
    }
  }

  private static void data(MobilityOption option, ByteBuf out) {
    if (option instanceof MobilityOption.BindingRefreshAdvice it) {
      out.writeShort(it.units());
    } else if (option instanceof MobilityOption.AlternateCareOfAddress it) {
      Wire.write(out, it.careOf().value());
    } else if (option instanceof MobilityOption.NonceIndices it) {
      out.writeShort(it.home()).writeShort(it.careOf());
    } else if (option instanceof MobilityOption.BindingAuthorizationData it) {
      it.authenticator().writeTo(out);
    } else if (option instanceof MobilityOption.Unknown it) {
      it.data().writeTo(out);
    }
  }
}
