package io.mipd.conformance;

import java.io.ByteArrayOutputStream;

/** Octets that grow. */
final class Octets {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  Octets octet(int value) {
    out.write(value);
    return this;
  }

  Octets two(int value) {
    return octet(value >>> 8).octet(value);
  }

  Octets four(long value) {
    return two((int) (value >>> 16)).two((int) value);
  }

  Octets all(byte[] octets) {
    out.writeBytes(octets);
    return this;
  }

  int length() {
    return out.size();
  }

  byte[] toArray() {
    return out.toByteArray();
  }

  static int two(byte[] octets, int at) {
    return (octets[at] & 0xff) << 8 | (octets[at + 1] & 0xff);
  }

  static long four(byte[] octets, int at) {
    return (long) two(octets, at) << 16 | two(octets, at + 2);
  }

  static void putTwo(byte[] octets, int at, int value) {
    octets[at] = (byte) (value >>> 8);
    octets[at + 1] = (byte) value;
  }

  /** RFC 8200 section 8.1; zero over octets whose own checksum is right. */
  static int checksum(byte[] source, byte[] destination, int protocol, byte[] octets) {
    byte[] all =
        new Octets()
            .all(source)
            .all(destination)
            .four(octets.length)
            .four(protocol)
            .all(octets)
            .octet(0)
            .toArray();
    int sum = 0;
    for (int i = 0; i + 1 < all.length; i += 2) {
      sum += two(all, i);
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return ~sum & 0xffff;
  }
}
