package io.mipd.conformance;

import java.util.Arrays;

/**
 * The Authentication Header (RFC 4302) with HMAC-SHA1-96 (RFC 2404), over an IPv6 packet as RFC
 * 6275 has it: home and care-of address exchanged (section 11.3.2), the routing header processed
 * (section 9.3.2).
 */
final class Ah {
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |  Next Header  |  Payload Len  |           RESERVED            |
  //  |               Security Parameters Index (SPI)                 |
  //  |                   Sequence Number Field                       |
  //  |               Integrity Check Value (96 bits)                 |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //
  // RFC 4302 section 2. Payload Len is in units of four octets, less two.
  static final int PROTOCOL = 51;

  static final int LENGTH = 24;
  private static final int ICV_AT = 12;
  private static final int ICV = 12;

  private static final int HEADER = 40;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;

  private Ah() {}

  /** Without its integrity check value. */
  static byte[] header(int nextHeader, int spi, int number) {
    return new Octets()
        .octet(nextHeader)
        .octet(LENGTH / 4 - 2)
        .two(0)
        .four(spi)
        .four(number)
        .all(new byte[ICV])
        .toArray();
  }

  /** Fills the integrity check value in; does nothing to a packet without the header. */
  static void seal(byte[] packet) {
    int at = find(packet);
    if (at >= 0) {
      System.arraycopy(value(packet, at), 0, packet, at + ICV_AT, ICV);
    }
  }

  static boolean isGenuine(byte[] packet) {
    int at = find(packet);
    byte[] found = Arrays.copyOfRange(packet, at + ICV_AT, at + ICV_AT + ICV);
    return Arrays.equals(found, value(packet, at));
  }

  /** Where it begins, behind extension headers only; -1 if there is none. */
  private static int find(byte[] packet) {
    int type = packet[6] & 0xff;
    int at = HEADER;
    while (type == PacketMaker.DESTINATION_OPTIONS || type == PacketMaker.ROUTING) {
      type = packet[at] & 0xff;
      at += length(packet, at);
    }
    return type == PROTOCOL ? at : -1;
  }

  private static int length(byte[] packet, int at) {
    return 8 * ((packet[at + 1] & 0xff) + 1);
  }

  private static byte[] value(byte[] packet, int ah) {
    byte[] covered = packet.clone();
    // Traffic class, flow label and hop limit change on the way (RFC 4302 section 3.3.3.1.2.1).
    covered[0] = 0x60;
    covered[1] = 0;
    covered[2] = 0;
    covered[3] = 0;
    covered[7] = 0;
    Arrays.fill(covered, ah + ICV_AT, ah + ICV_AT + ICV, (byte) 0);
    int type = covered[6] & 0xff;
    for (int at = HEADER; at < ah; at += length(covered, at)) {
      if (type == PacketMaker.ROUTING) {
        covered[at + 3] = 0;
        exchange(covered, DESTINATION, at + 8);
      } else {
        for (int option = at + 2; option < at + length(covered, at); ) {
          if ((covered[option] & 0xff) == PacketMaker.HOME_ADDRESS) {
            exchange(covered, SOURCE, option + 2);
          }
          option += covered[option] == 0 ? 1 : 2 + (covered[option + 1] & 0xff);
        }
      }
      type = covered[at] & 0xff;
    }
    return Secrets.integrity(covered);
  }

  private static void exchange(byte[] octets, int one, int other) {
    byte[] kept = Arrays.copyOfRange(octets, one, one + 16);
    System.arraycopy(octets, other, octets, one, 16);
    System.arraycopy(kept, 0, octets, other, 16);
  }
}
