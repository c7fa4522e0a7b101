package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_LENGTH;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One attribute of a netlink message.
 *
 * <pre>
 *  0            2                              4
 *  +------------+------------------------------+------------------------------+
 *  |  nla_len   | nla_type, with NLA_F_NESTED  | value, then padding to 4 ... |
 *  |            | (0x8000) and                 |                              |
 *  |            | NLA_F_NET_BYTEORDER (0x4000) |                              |
 *  +------------+------------------------------+------------------------------+
 * </pre>
 *
 * <p>{@code struct nlattr} of {@code linux/netlink.h}; {@code nla_len} counts the header and not
 * the padding.
 */
final class NetlinkAttribute {
  private static final int HEADER = 4;
  private static final int TYPE_MASK = 0x3fff;

  private final int type;
  private final ByteBuf value;

  private NetlinkAttribute(int type, ByteBuf value) {
    this.type = type;
    this.value = value;
  }

  /** Reads the next attribute, or null at the end. The value is a view of {@code in}. */
  static @Nullable NetlinkAttribute read(ByteBuf in) throws MalformedPacketException {
    int start = in.readerIndex();
    if (in.readableBytes() == 0) {
      return null;
    }
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, start);
    }
    int length = in.readUnsignedShortLE();
    int type = in.readUnsignedShortLE() & TYPE_MASK;
    if (length < HEADER || length - HEADER > in.readableBytes()) {
      throw new MalformedPacketException(BAD_LENGTH, start);
    }
    var value = in.readSlice(length - HEADER);
    in.skipBytes(Math.min(in.readableBytes(), -length & 3));
    return new NetlinkAttribute(type, value);
  }

  int type() {
    return type;
  }

  ByteBuf value() {
    return value;
  }

  int asInt() throws MalformedPacketException {
    return require(4).getIntLE(value.readerIndex());
  }

  int asUnsignedByte() throws MalformedPacketException {
    return require(1).getUnsignedByte(value.readerIndex());
  }

  Ipv6Address asAddress() throws MalformedPacketException {
    return Ipv6Address.read(require(Ipv6Address.LENGTH).duplicate());
  }

  /** Up to the first zero octet. */
  String asString() {
    int zero = value.bytesBefore((byte) 0);
    int length = zero < 0 ? value.readableBytes() : zero;
    return value.toString(value.readerIndex(), length, StandardCharsets.UTF_8);
  }

  byte[] asOctets() {
    var octets = new byte[value.readableBytes()];
    value.getBytes(value.readerIndex(), octets);
    return octets;
  }

  private ByteBuf require(int octets) throws MalformedPacketException {
    if (value.readableBytes() < octets) {
      throw new MalformedPacketException(TRUNCATED, value.readerIndex());
    }
    return value;
  }

  static void write(ByteBuf out, int type, int value) {
    out.writeShortLE(HEADER + 4);
    out.writeShortLE(type);
    out.writeIntLE(value);
  }

  static void writeByte(ByteBuf out, int type, int value) {
    out.writeShortLE(HEADER + 1);
    out.writeShortLE(type);
    out.writeByte(value);
    pad(out);
  }

  static void write(ByteBuf out, int type, Ipv6Address address) {
    out.writeShortLE(HEADER + Ipv6Address.LENGTH);
    out.writeShortLE(type);
    address.write(out);
  }

  static void write(ByteBuf out, int type, byte[] octets) {
    out.writeShortLE(HEADER + octets.length);
    out.writeShortLE(type);
    out.writeBytes(octets);
    pad(out);
  }

  /** Begins an attribute that holds attributes; returns where, for {@link #end}. */
  static int begin(ByteBuf out, int type) {
    int start = out.writerIndex();
    out.writeShortLE(0);
    out.writeShortLE(type);
    return start;
  }

  static void end(ByteBuf out, int start) {
    out.setShortLE(start, out.writerIndex() - start);
    pad(out);
  }

  /** Messages and attributes begin at multiples of four octets. */
  static void pad(ByteBuf out) {
    out.writeZero(-out.writerIndex() & 3);
  }
}
