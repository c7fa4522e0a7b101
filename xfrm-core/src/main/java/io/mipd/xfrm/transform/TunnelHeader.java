package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.Ipv6Address;

/**
 * The outer IPv6 header of a tunnel (RFC 2473 section 3.1, RFC 4301 section 5.1.2.2).
 *
 * <p>Traffic class: the DSCP is copied, so that the inner packet's treatment goes on; ECN as RFC
 * 6040's normal mode has it, which copies too. The flow label is a hash of the inner addresses and
 * label (RFC 6438 section 3), so that a path with several equal ways keeps the packets of a flow
 * together; it tells nothing that the inner flow label does not. Hop limit 64.
 */
final class TunnelHeader {
  private static final int HOP_LIMIT = 64;
  private static final int ECN = 0x3;
  private static final int CONGESTION_EXPERIENCED = 3;
  private static final int ECT_0 = 2;
  private static final int ECT_1 = 1;

  private final byte[] addresses = new byte[32];

  TunnelHeader(Ipv6Address source, Ipv6Address destination) {
    put(source, 0);
    put(destination, 16);
  }

  private void put(Ipv6Address address, int at) {
    for (int i = 0; i < 8; i++) {
      addresses[at + i] = (byte) (address.high() >>> (56 - 8 * i));
      addresses[at + 8 + i] = (byte) (address.low() >>> (56 - 8 * i));
    }
  }

  /**
   * Puts the header at {@code outer}; Payload Length is for {@link Place#setPayloadLength}.
   *
   * @param inner where the inner IPv6 header is
   */
  void write(byte[] octets, int outer, int inner, int nextHeader) {
    int trafficClass = (octets[inner] & 0xf) << 4 | (octets[inner + 1] & 0xf0) >>> 4;
    int hash =
        (octets[inner + 1] & 0xf) << 16
            | (octets[inner + 2] & 0xff) << 8
            | (octets[inner + 3] & 0xff);
    for (int i = inner + 8; i < inner + 40; i += 4) {
      hash = hash * 0x9e3779b1 + Place.getInt(octets, i);
    }
    hash ^= hash >>> 15;
    Place.putInt(octets, outer, 6 << 28 | trafficClass << 20 | (hash * 0x85ebca6b) >>> 12);
    octets[outer + 6] = (byte) nextHeader;
    octets[outer + 7] = (byte) HOP_LIMIT;
    System.arraycopy(addresses, 0, octets, outer + 8, addresses.length);
  }

  /**
   * What the outer header tells of congestion goes into the inner one (RFC 6040 section 4.2).
   *
   * @return false if the packet is to be dropped: congestion that the inner header cannot tell of
   */
  static boolean propagateCongestion(byte[] octets, int outer, int inner) {
    int outside = (octets[outer + 1] & 0xf0) >>> 4 & ECN;
    int inside = (octets[inner + 1] & 0xf0) >>> 4 & ECN;
    int result = inside;
    if (outside == CONGESTION_EXPERIENCED) {
      if (inside == 0) {
        return false;
      }
      result = CONGESTION_EXPERIENCED;
    } else if (outside == ECT_1 && inside == ECT_0) {
      result = ECT_1;
    }
    octets[inner + 1] = (byte) ((octets[inner + 1] & ~(ECN << 4)) | (result << 4));
    return true;
  }
}
