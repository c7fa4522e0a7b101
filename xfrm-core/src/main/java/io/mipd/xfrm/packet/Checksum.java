package io.mipd.xfrm.packet;

import io.mipd.xfrm.model.Ipv6Address;
import io.netty.buffer.ByteBuf;

/** The Internet checksum with IPv6's pseudo-header (RFC 1071, RFC 8200 section 8.1). */
public final class Checksum {
  private Checksum() {}

  /**
   * The field's value for a message whose checksum field is zero; over a message with its checksum
   * the result is 0 if that is right.
   *
   * @param protocol of the upper layer, as in the pseudo-header
   * @param message from its first octet to its last
   */
  public static int of(Ipv6Address source, Ipv6Address destination, int protocol, ByteBuf message) {
    long sum = pseudoHeader(source, destination, protocol, message.readableBytes());
    int index = message.readerIndex();
    int end = message.writerIndex();
    for (; index + 1 < end; index += 2) {
      sum += message.getUnsignedShort(index);
    }
    if (index < end) {
      sum += message.getUnsignedByte(index) << 8;
    }
    return ~fold(sum) & 0xffff;
  }

  private static long pseudoHeader(
      Ipv6Address source, Ipv6Address destination, int protocol, int length) {
    return words(source.high())
        + words(source.low())
        + words(destination.high())
        + words(destination.low())
        + length
        + protocol;
  }

  private static long words(long value) {
    return (value >>> 48) + (value >>> 32 & 0xffff) + (value >>> 16 & 0xffff) + (value & 0xffff);
  }

  private static int fold(long sum) {
    while (sum >>> 16 != 0) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (int) sum;
  }
}
