package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Words in network order in an array, and where the IPv6 header has its fields. */
final class Wire {
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |Version| Traffic Class |           Flow Label                  |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |         Payload Length        |  Next Header  |   Hop Limit   |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |                Source Address, 16 octets                      |
  //  |                Destination Address, 16 octets                 |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //
  // RFC 8200 section 3.
  static final int PAYLOAD_LENGTH = 4;
  static final int NEXT_HEADER = 6;
  static final int HOP_LIMIT = 7;
  static final int SOURCE = 8;
  static final int DESTINATION = 24;
  static final int IPV6_HEADER = 40;

  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |  Next Header  |   Reserved    |      Fragment Offset    |Res|M|
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |                         Identification                        |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //
  // RFC 8200 section 4.5. The offset, in units of eight octets, stands in the upper thirteen bits.
  static final int FRAGMENT_OFFSET_AND_FLAG = 2;
  static final int FRAGMENT_IDENTIFICATION = 4;
  static final int FRAGMENT_HEADER = 8;
  static final int MORE_FRAGMENTS = 1;
  static final int FRAGMENT_OFFSET_MASK = 0xfff8;

  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private Wire() {}

  static int octet(byte[] octets, int at) {
    return octets[at] & 0xff;
  }

  static int getShort(byte[] octets, int at) {
    return (short) SHORT.get(octets, at) & 0xffff;
  }

  static void putShort(byte[] octets, int at, int value) {
    SHORT.set(octets, at, (short) value);
  }

  static int getInt(byte[] octets, int at) {
    return (int) INT.get(octets, at);
  }

  static void putInt(byte[] octets, int at, int value) {
    INT.set(octets, at, value);
  }

  static long getLong(byte[] octets, int at) {
    return (long) LONG.get(octets, at);
  }

  static int version(byte[] octets, int header) {
    return octet(octets, header) >>> 4;
  }

  /**
   * The Internet checksum's sum of an even or odd number of octets (RFC 1071), not yet folded nor
   * inverted.
   */
  static long sum(byte[] octets, int from, int to, long start) {
    long sum = start;
    int at = from;
    for (; to - at >= 8; at += 8) {
      long word = (long) LONG.get(octets, at);
      sum += (word >>> 32) + (word & 0xffff_ffffL);
    }
    for (; to - at >= 2; at += 2) {
      sum += getShort(octets, at);
    }
    if (at < to) {
      sum += octet(octets, at) << 8;
    }
    return sum;
  }

  /** The sum of an address. */
  static long sum(Ipv6Address address, long start) {
    return start
        + (address.high() >>> 32)
        + (address.high() & 0xffff_ffffL)
        + (address.low() >>> 32)
        + (address.low() & 0xffff_ffffL);
  }

  /** Sixteen bits, ones' complement. */
  static int fold(long sum) {
    long folded = (sum >>> 32) + (sum & 0xffff_ffffL);
    folded = (folded >>> 32) + (folded & 0xffff_ffffL);
    folded = (folded >>> 16) + (folded & 0xffff);
    folded = (folded >>> 16) + (folded & 0xffff);
    return (int) ((folded >>> 16) + (folded & 0xffff));
  }

  /** The sum of the pseudo-header (RFC 8200 section 8.1) with the addresses of a header. */
  static long pseudoHeader(byte[] octets, int header, int protocol, int length) {
    return sum(octets, header + SOURCE, header + IPV6_HEADER, (long) protocol + length);
  }
}
