package io.mipd.xfrm.pfkey;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_LENGTH;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VALUE;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The extensions by which kernel and key managers tell each other what is to be negotiated, behind
 * length and type.
 *
 * <pre>
 *  0       2      4        6       8       10    11        12     13       14     15           16
 *  +-------+------+--------+-------+-------+-----+---------+------+---------+-----+------------+
 *  | len   | type | kind   | 0     | id (8), characters, 0, padding                            |  sadb_ident
 *  +-------+------+--------+-------+-------+-----+---------+------+--------------+------------+
 *  | len   | type | domain         | level | words, level, words (1 each), 0 (4), bitmaps      |  sadb_sens
 *  +-------+------+--------+-------+-------+--------------------------------------------------+
 *  | len   | type | replay, 0 (3)  | combinations                                             |  sadb_prop
 *  +-------+------+----------------+----------------------------------------------------------+
 *  | len   | type | 0              | algorithms                                               |  sadb_supported
 *  +-------+------+----------------+-------------------+-------------------------------------+
 *  | len   | type | least SPI      | greatest SPI      | 0 (4)                               |  sadb_spirange
 *  +-------+------+----------------+-------------------+-------------------------------------+
 *
 *  0      1         2       4                 8                   12   16
 *  +------+---------+-------+-----------------+-------------------+----+
 *  | auth | encrypt | flags | auth bits, 2 2  | encrypt bits, 2 2 | 0  |  sadb_comb
 *  +------+---------+-------+-----------------+-------------------+----+
 *  | allocations, soft hard (4 each); bytes, addtime, usetime, each    |
 *  | soft hard (8 each)                                                |
 *  +------+-----------+------------------+---+-------------------------+
 *  | id   | iv octets | key bits, 2 2    | 0 |                            sadb_alg
 *  +------+-----------+------------------+---+
 * </pre>
 *
 * RFC 2367 sections 2.3.5 to 2.3.9. All in the host's byte order, SPIs of a range as well.
 */
final class PfKeyNegotiationCodec {
  private static final int EXTENSION_HEADER = 4;
  private static final int COMBINATION = 72;
  private static final int ALGORITHM = 8;

  private PfKeyNegotiationCodec() {}

  /** Octets of the part that each extension of a type has; 0 where it is none of these. */
  static int leastLength(int type) {
    return switch (type) {
      case PfKeyExtension.IDENTITY_SRC,
          PfKeyExtension.IDENTITY_DST,
          PfKeyExtension.SENSITIVITY,
          PfKeyExtension.SPI_RANGE ->
          16;
      case PfKeyExtension.PROPOSAL,
          PfKeyExtension.SUPPORTED_AUTH,
          PfKeyExtension.SUPPORTED_ENCRYPT ->
          8;
      default -> 0;
    };
  }

  /** Nothing of one that is none of these. */
  static void encode(PfKeyExtension extension, ByteBuf out) {
    if (extension instanceof PfKeyExtension.Identity identity) {
      out.writeShortLE(identity.kind());
      out.writeShortLE(0);
      out.writeLongLE(identity.id());
      identity
          .text()
          .ifPresent(
              text -> {
                out.writeCharSequence(text, StandardCharsets.ISO_8859_1);
                out.writeByte(0);
              });
    } else if (extension instanceof PfKeyExtension.Sensitivity sensitivity) {
      out.writeIntLE(sensitivity.domain());
      encode(sensitivity.secrecy(), out);
      encode(sensitivity.integrity(), out);
      out.writeIntLE(0);
      sensitivity.secrecy().compartments().writeTo(out);
      sensitivity.integrity().compartments().writeTo(out);
    } else if (extension instanceof PfKeyExtension.Proposal proposal) {
      out.writeByte(proposal.replay());
      out.writeZero(3);
      proposal.combinations().forEach(combination -> encode(combination, out));
    } else if (extension instanceof PfKeyExtension.Supported supported) {
      out.writeIntLE(0);
      supported.algorithms().forEach(algorithm -> encode(algorithm, out));
    } else if (extension instanceof PfKeyExtension.SpiRange range) {
      out.writeIntLE(range.least().value());
      out.writeIntLE(range.greatest().value());
      out.writeIntLE(0);
    }
  }

  private static void encode(PfKeyExtension.Label label, ByteBuf out) {
    out.writeByte(label.level());
    out.writeByte(label.compartments().length() / PfKeyExtension.Label.WORD);
  }

  private static void encode(PfKeyExtension.Combination one, ByteBuf out) {
    out.writeByte(one.integrity());
    out.writeByte(one.encryption());
    out.writeShortLE(one.flags());
    encode(one.integrityKey(), out);
    encode(one.encryptionKey(), out);
    out.writeIntLE(0);
    out.writeIntLE(one.soft().allocations());
    out.writeIntLE(one.hard().allocations());
    out.writeLongLE(one.soft().bytes());
    out.writeLongLE(one.hard().bytes());
    out.writeLongLE(one.soft().addTime());
    out.writeLongLE(one.hard().addTime());
    out.writeLongLE(one.soft().useTime());
    out.writeLongLE(one.hard().useTime());
  }

  private static void encode(PfKeyExtension.Algorithm one, ByteBuf out) {
    out.writeByte(one.id());
    out.writeByte(one.vectorLength());
    encode(one.key(), out);
    out.writeShortLE(0);
  }

  private static void encode(PfKeyExtension.KeyBits bits, ByteBuf out) {
    out.writeShortLE(bits.least());
    out.writeShortLE(bits.greatest());
  }

  /**
   * @param body what is behind length and type of an extension, with its {@link #leastLength}
   * @param at where the extension is in the message, for errors
   */
  static PfKeyExtension decode(int type, ByteBuf body, int at) throws MalformedPacketException {
    return switch (type) {
      case PfKeyExtension.IDENTITY_SRC, PfKeyExtension.IDENTITY_DST -> identity(type, body, at);
      case PfKeyExtension.SENSITIVITY -> sensitivity(body, at);
      case PfKeyExtension.PROPOSAL -> proposal(body, at);
      case PfKeyExtension.SUPPORTED_AUTH, PfKeyExtension.SUPPORTED_ENCRYPT -> supported(type, body);
      case PfKeyExtension.SPI_RANGE ->
          new PfKeyExtension.SpiRange(new Spi(body.readIntLE()), new Spi(body.readIntLE()));
      default -> throw new IllegalArgumentException("none of these: " + type);
    };
  }

  private static PfKeyExtension identity(int type, ByteBuf body, int at)
      throws MalformedPacketException {
    int kind = body.readUnsignedShortLE();
    body.skipBytes(2);
    long id = body.readLongLE();
    Optional<String> text = Optional.empty();
    if (body.isReadable()) {
      int length = body.bytesBefore((byte) 0);
      if (length < 0) {
        throw new MalformedPacketException(BAD_VALUE, at + EXTENSION_HEADER + body.readerIndex());
      }
      text = Optional.of(body.readCharSequence(length, StandardCharsets.ISO_8859_1).toString());
    }
    return new PfKeyExtension.Identity(type, kind, id, text);
  }

  private static PfKeyExtension sensitivity(ByteBuf body, int at) throws MalformedPacketException {
    int domain = body.readIntLE();
    int secrecy = body.readUnsignedByte();
    int secrecyOctets = body.readUnsignedByte() * PfKeyExtension.Label.WORD;
    int integrity = body.readUnsignedByte();
    int integrityOctets = body.readUnsignedByte() * PfKeyExtension.Label.WORD;
    body.skipBytes(4);
    if (secrecyOctets + integrityOctets != body.readableBytes()) {
      throw new MalformedPacketException(BAD_LENGTH, at);
    }
    return new PfKeyExtension.Sensitivity(
        domain,
        new PfKeyExtension.Label(secrecy, Octets.read(body, secrecyOctets)),
        new PfKeyExtension.Label(integrity, Octets.read(body, integrityOctets)));
  }

  private static PfKeyExtension proposal(ByteBuf body, int at) throws MalformedPacketException {
    int replay = body.readUnsignedByte();
    body.skipBytes(3);
    if (body.readableBytes() % COMBINATION != 0) {
      throw new MalformedPacketException(BAD_LENGTH, at);
    }
    var all = ImmutableList.<PfKeyExtension.Combination>builder();
    while (body.isReadable()) {
      all.add(combination(body));
    }
    return new PfKeyExtension.Proposal(replay, all.build());
  }

  private static PfKeyExtension.Combination combination(ByteBuf in) {
    int integrity = in.readUnsignedByte();
    int encryption = in.readUnsignedByte();
    int flags = in.readUnsignedShortLE();
    PfKeyExtension.KeyBits integrityKey = keyBits(in);
    PfKeyExtension.KeyBits encryptionKey = keyBits(in);
    in.skipBytes(4);
    int softAllocations = in.readIntLE();
    int hardAllocations = in.readIntLE();
    long softBytes = in.readLongLE();
    long hardBytes = in.readLongLE();
    long softAddTime = in.readLongLE();
    long hardAddTime = in.readLongLE();
    long softUseTime = in.readLongLE();
    long hardUseTime = in.readLongLE();
    return new PfKeyExtension.Combination(
        integrity,
        encryption,
        flags,
        integrityKey,
        encryptionKey,
        new PfKeyExtension.Limits(softAllocations, softBytes, softAddTime, softUseTime),
        new PfKeyExtension.Limits(hardAllocations, hardBytes, hardAddTime, hardUseTime));
  }

  /** Its algorithms fill it: both are of eight octets. */
  private static PfKeyExtension supported(int type, ByteBuf body) {
    body.skipBytes(4);
    var all = ImmutableList.<PfKeyExtension.Algorithm>builder();
    while (body.readableBytes() >= ALGORITHM) {
      int id = body.readUnsignedByte();
      int vectorLength = body.readUnsignedByte();
      PfKeyExtension.KeyBits key = keyBits(body);
      body.skipBytes(2);
      all.add(new PfKeyExtension.Algorithm(id, vectorLength, key));
    }
    return new PfKeyExtension.Supported(type, all.build());
  }

  private static PfKeyExtension.KeyBits keyBits(ByteBuf in) {
    return new PfKeyExtension.KeyBits(in.readUnsignedShortLE(), in.readUnsignedShortLE());
  }
}
