package io.mipd.xfrm.transform;

/** Moves octets and keeps the IPv6 header right. */
final class Place {
  private static final int PAYLOAD_LENGTH = 4;

  private Place() {}

  /**
   * Makes room for a header in front of what stands at {@code at}, by moving what is before it:
   * that is a few octets, what is behind may be 64 KiB.
   *
   * @return where the room begins, which lies {@code length} before {@code at}
   */
  static int open(PacketBuffer p, int at, int length) {
    int start = p.start();
    int before = at - start;
    int newStart = p.prepend(length);
    System.arraycopy(p.array(), start, p.array(), newStart, before);
    return newStart + before;
  }

  /** Takes {@code length} octets at {@code at} away, the same way. */
  static void close(PacketBuffer p, int at, int length) {
    int start = p.start();
    System.arraycopy(p.array(), start, p.array(), start + length, at - start);
    p.dropFront(length);
  }

  /** Sets Payload Length by the packet's length. False if that has no room in its 16 bits. */
  static boolean setPayloadLength(PacketBuffer p) {
    int length = p.length() - HeaderWalk.IPV6_HEADER;
    if (length > 0xffff) {
      return false;
    }
    putShort(p.array(), p.start() + PAYLOAD_LENGTH, length);
    return true;
  }

  static void putShort(byte[] octets, int at, int value) {
    octets[at] = (byte) (value >>> 8);
    octets[at + 1] = (byte) value;
  }

  static void putInt(byte[] octets, int at, int value) {
    putShort(octets, at, value >>> 16);
    putShort(octets, at + 2, value);
  }

  static int getInt(byte[] octets, int at) {
    return (octets[at] & 0xff) << 24
        | (octets[at + 1] & 0xff) << 16
        | (octets[at + 2] & 0xff) << 8
        | (octets[at + 3] & 0xff);
  }
}
