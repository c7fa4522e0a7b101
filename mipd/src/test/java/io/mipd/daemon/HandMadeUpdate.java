package io.mipd.daemon;

import io.mipd.xfrm.model.Ipv6Address;
import java.nio.ByteBuffer;

/**
 * A home registration's Binding Update, put together from the octets that the RFC draws and nothing
 * of mipd's, so that who sends it proves something about mipd.
 *
 * <pre>
 *   0   IPv6: care-of address to home agent               RFC 8200 section 3
 *   40  destination options: PadN, Home Address           RFC 6275 section 6.3
 *   64  Mobility Header: Binding Update                   RFC 6275 section 6.1.7
 *   76  PadN, Alternate Care-of Address                   RFC 6275 section 6.2.5
 * </pre>
 */
final class HandMadeUpdate {
  private static final int LENGTH = 96;
  private static final int HEADER = 40;
  private static final int MESSAGE = 64;
  private static final int CHECKSUM = MESSAGE + 4;
  private static final int DESTINATION_OPTIONS = 60;
  private static final int MOBILITY_HEADER = 135;
  private static final int NO_NEXT_HEADER = 59;

  private HandMadeUpdate() {}

  /**
   * @param units the lifetime in units of four seconds; 0 ends the binding
   */
  static byte[] of(
      Ipv6Address home, Ipv6Address careOf, Ipv6Address agent, int sequence, int units) {
    var packet = ByteBuffer.allocate(LENGTH);
    packet.putInt(6 << 28).putShort((short) (LENGTH - HEADER));
    packet.put((byte) DESTINATION_OPTIONS).put((byte) 64);
    address(packet, careOf);
    address(packet, agent);

    packet.put((byte) MOBILITY_HEADER).put((byte) 2);
    packet.put(new byte[] {1, 2, 0, 0});
    packet.put(new byte[] {(byte) 0xc9, 16});
    address(packet, home);

    packet.put((byte) NO_NEXT_HEADER).put((byte) 3).put((byte) 5).put((byte) 0).putShort((short) 0);
    // A and H.
    packet.putShort((short) sequence).putShort((short) 0xc000).putShort((short) units);
    packet.put(new byte[] {1, 0});
    packet.put(new byte[] {3, 16});
    address(packet, careOf);
    packet.putShort(CHECKSUM, checksum(packet.array(), home, agent));
    return packet.array();
  }

  private static void address(ByteBuffer packet, Ipv6Address address) {
    packet.putLong(address.high()).putLong(address.low());
  }

  /** With the home address for the source (RFC 6275 section 6.1.1), summed by RFC 1071. */
  private static short checksum(byte[] packet, Ipv6Address home, Ipv6Address agent) {
    var summed = ByteBuffer.allocate(HEADER + LENGTH - MESSAGE);
    address(summed, home);
    address(summed, agent);
    summed.putInt(LENGTH - MESSAGE).putInt(MOBILITY_HEADER);
    summed.put(packet, MESSAGE, LENGTH - MESSAGE).flip();
    int sum = 0;
    while (summed.hasRemaining()) {
      sum += summed.getShort() & 0xffff;
    }
    while (sum >>> 16 != 0) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (short) ~sum;
  }
}
