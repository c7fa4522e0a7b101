package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.IpProtocol;

/**
 * Where in a packet a header of ours goes. Reads offsets only; one object per transform, filled
 * anew for each packet.
 *
 * <p>The order of RFC 8200 section 4.1, with RFC 6275 sections 6.3 and 6.4: Hop-by-Hop Options,
 * Destination Options for the routing header's stops, Routing, Home Address option, Fragment, AH
 * and ESP, other Destination Options.
 */
final class HeaderWalk {
  static final int IPV6_HEADER = 40;
  static final int NEXT_HEADER = 6;
  static final int HOME_ADDRESS_OPTION = 0xc9;

  /** What ends the walk. */
  enum Until {
    /** A type 2 routing header: behind Hop-by-Hop Options and other routing headers. */
    ROUTING_HEADER,
    /** A Home Address option: behind all routing headers, before Fragment, AH and ESP. */
    HOME_ADDRESS_OPTION,
    /** AH or ESP: behind a Home Address option too. */
    PROTECTION
  }

  private int offset;
  private int nextHeaderField;

  /** Where the header begins, in the array. */
  int offset() {
    return offset;
  }

  /** The Next Header field that is to name it. */
  int nextHeaderField() {
    return nextHeaderField;
  }

  /** Returns false if the headers do not hold together. */
  boolean find(PacketBuffer p, Until until) {
    byte[] octets = p.array();
    offset = p.start() + IPV6_HEADER;
    nextHeaderField = p.start() + NEXT_HEADER;
    if (p.length() < IPV6_HEADER) {
      return false;
    }
    while (true) {
      int type = octets[nextHeaderField] & 0xff;
      boolean pass =
          switch (type) {
            case IpProtocol.HOP_BY_HOP, IpProtocol.ROUTING -> true;
            case IpProtocol.DESTINATION_OPTIONS -> passesOptions(p, until);
            default -> false;
          };
      if (!pass) {
        return true;
      }
      int next = behind(p, offset);
      if (next < 0) {
        return false;
      }
      nextHeaderField = offset;
      offset = next;
    }
  }

  private boolean passesOptions(PacketBuffer p, Until until) {
    int next = behind(p, offset);
    if (next < 0) {
      return true; // and the walk ends with an error
    }
    if ((p.array()[offset] & 0xff) == IpProtocol.ROUTING) {
      return true;
    }
    return until == Until.PROTECTION && hasHomeAddressOption(p.array(), offset, next);
  }

  private static boolean hasHomeAddressOption(byte[] octets, int header, int end) {
    int at = header + 2;
    while (at < end) {
      int type = octets[at] & 0xff;
      if (type == HOME_ADDRESS_OPTION) {
        return true;
      }
      at += type == 0 || at + 1 >= end ? 1 : 2 + (octets[at + 1] & 0xff);
    }
    return false;
  }

  /** Where the extension header at {@code header} ends; negative if it is not all there. */
  private static int behind(PacketBuffer p, int header) {
    if (header + 8 > p.end()) {
      return -1;
    }
    int end = header + 8 * ((p.array()[header + 1] & 0xff) + 1);
    return end <= p.end() ? end : -1;
  }
}
