package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;

/**
 * Reads the headers of a packet of which only the beginning is there, as ICMPv6 errors quote it.
 * Used again from packet to packet.
 */
final class QuotedHeaders {
  private Ipv6Address wireSource = Ipv6Address.UNSPECIFIED;
  private Ipv6Address wireDestination = Ipv6Address.UNSPECIFIED;
  private Ipv6Address source = Ipv6Address.UNSPECIFIED;
  private Ipv6Address destination = Ipv6Address.UNSPECIFIED;
  private int protocol = IpProtocol.NO_NEXT_HEADER;
  private int upperOffset;

  /**
   * Reads as far as the octets go, and never past {@code end}.
   *
   * @return false if not even an IPv6 header is there
   */
  boolean read(byte[] octets, int start, int end) {
    if (end - start < Wire.IPV6_HEADER || Wire.version(octets, start) != 6) {
      return false;
    }
    wireSource = Ipv6Address.read(octets, start + Wire.SOURCE);
    wireDestination = Ipv6Address.read(octets, start + Wire.DESTINATION);
    source = wireSource;
    destination = wireDestination;
    int next = Wire.octet(octets, start + Wire.NEXT_HEADER);
    int at = start + Wire.IPV6_HEADER;
    for (int headers = 0; isExtension(next); headers++) {
      if (headers == FlowReader.MAX_HEADERS || end - at < 8) {
        next = IpProtocol.NO_NEXT_HEADER;
        break;
      }
      int length =
          next == IpProtocol.FRAGMENT
              ? Wire.FRAGMENT_HEADER
              : FlowReader.extensionLength(octets, at);
      readAddress(octets, next, at, Math.min(end, at + length));
      next = Wire.octet(octets, at);
      at += length;
    }
    protocol = at < end ? next : IpProtocol.NO_NEXT_HEADER;
    upperOffset = at;
    return true;
  }

  private static boolean isExtension(int next) {
    return next == IpProtocol.HOP_BY_HOP
        || next == IpProtocol.DESTINATION_OPTIONS
        || next == IpProtocol.ROUTING
        || next == IpProtocol.FRAGMENT;
  }

  private void readAddress(byte[] octets, int header, int at, int end) {
    if (header == IpProtocol.ROUTING) {
      if (Wire.octet(octets, at + RoutingHeader.TYPE) == RoutingHeader.TYPE_2
          && end - at >= RoutingHeader.LENGTH) {
        destination = Ipv6Address.read(octets, at + RoutingHeader.ADDRESS);
      }
    } else if (header == IpProtocol.DESTINATION_OPTIONS) {
      int option = DestinationOptions.findHomeAddress(octets, at, end);
      int home = option + DestinationOptions.DATA;
      if (option >= 0 && home + Ipv6Address.LENGTH <= end) {
        source = Ipv6Address.read(octets, home);
      }
    }
  }

  Ipv6Address wireSource() {
    return wireSource;
  }

  Ipv6Address wireDestination() {
    return wireDestination;
  }

  /** Beneath a type 2 routing header. */
  Ipv6Address destination() {
    return destination;
  }

  /** Behind all headers that were read. */
  int protocol() {
    return protocol;
  }

  /** Whether it has a Home Address option, a type 2 routing header, or is a Mobility Header. */
  boolean isOfMobility() {
    return protocol == IpProtocol.MOBILITY
        || !source.equals(wireSource)
        || !destination.equals(wireDestination);
  }

  /** Where that begins. */
  int upperOffset() {
    return upperOffset;
  }

  /** What was read, as an error message of this type and code tells it. */
  FailedPacket of(int type, int code) {
    return new FailedPacket(type, code, wireSource, wireDestination, source, destination, protocol);
  }
}
