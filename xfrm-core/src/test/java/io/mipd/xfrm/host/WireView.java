package io.mipd.xfrm.host;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;

/**
 * The outermost header of a packet that arrives and what follows it, as far as it can be read
 * without keys.
 *
 * @param source where it seems to come from
 * @param destination where it is sent
 * @param hopLimit its Hop Limit
 * @param option whether a Home Address option is there
 * @param routing whether a type 2 routing header is
 * @param fragment whether a Fragment header is
 * @param atomic whether that holds the whole packet (RFC 6946)
 * @param optionInFragment whether a routing header or destination options come behind that
 * @param paddingSpeaks whether a PadN option has anything but zeros
 * @param upper the protocol behind these; -1 if the packet ends before
 */
record WireView(
    Ipv6Address source,
    Ipv6Address destination,
    int hopLimit,
    boolean option,
    boolean routing,
    boolean fragment,
    boolean atomic,
    boolean optionInFragment,
    boolean paddingSpeaks,
    int upper) {
  private static final int HEADER = 40;
  private static final int PAD1 = 0;
  private static final int PADN = 1;
  private static final int HOME_ADDRESS = 201;

  static WireView of(byte[] packet) {
    boolean option = false;
    boolean routing = false;
    boolean fragment = false;
    boolean atomic = false;
    boolean optionInFragment = false;
    boolean paddingSpeaks = false;
    int protocol = packet[6] & 0xff;
    int at = HEADER;
    while (isExtension(protocol)) {
      if (at + 8 > packet.length) {
        protocol = -1;
        break;
      }
      int length = protocol == IpProtocol.FRAGMENT ? 8 : 8 + 8 * (packet[at + 1] & 0xff);
      int end = Math.min(packet.length, at + length);
      optionInFragment |= fragment && protocol != IpProtocol.FRAGMENT;
      fragment |= protocol == IpProtocol.FRAGMENT;
      atomic |= protocol == IpProtocol.FRAGMENT && isAtomic(packet, at);
      routing |= protocol == IpProtocol.ROUTING && packet[at + 2] == 2;
      if (protocol == IpProtocol.DESTINATION_OPTIONS || protocol == IpProtocol.HOP_BY_HOP) {
        for (int i = at + 2; i + 1 < end; ) {
          int type = packet[i] & 0xff;
          int next = type == PAD1 ? i + 1 : i + 2 + (packet[i + 1] & 0xff);
          option |= type == HOME_ADDRESS;
          for (int data = i + 2; type == PADN && data < Math.min(next, end); data++) {
            paddingSpeaks |= packet[data] != 0;
          }
          i = next;
        }
      }
      protocol = packet[at] & 0xff;
      at += length;
    }
    return new WireView(
        Ipv6Address.read(packet, 8),
        Ipv6Address.read(packet, 24),
        packet[7] & 0xff,
        option,
        routing,
        fragment,
        atomic,
        optionInFragment,
        paddingSpeaks,
        protocol);
  }

  /** Fragment Offset and M flag are zero (RFC 8200 section 4.5). */
  private static boolean isAtomic(byte[] packet, int at) {
    return packet[at + 2] == 0 && (packet[at + 3] & 0xf9) == 0;
  }

  private static boolean isExtension(int protocol) {
    return protocol == IpProtocol.HOP_BY_HOP
        || protocol == IpProtocol.ROUTING
        || protocol == IpProtocol.FRAGMENT
        || protocol == IpProtocol.DESTINATION_OPTIONS;
  }

  /** Nothing of IPsec's, of a tunnel's or of Mobile IPv6's. */
  boolean isInClear() {
    return !option && !routing && !isProtected() && upper != IpProtocol.IPV6;
  }

  boolean isProtected() {
    return upper == IpProtocol.ESP || upper == IpProtocol.AH;
  }
}
