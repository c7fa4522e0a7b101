package io.mipd.sim.run;

import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What anybody on the way sees of a packet without any key: the flow of each IPv6 header, from the
 * outside in, up to the first encryption.
 */
final class VisibleHeaders {
  private static final int HEADER = 40;
  private static final int HOME_ADDRESS_OPTION = 201;
  private static final int TYPE_2 = 2;

  /**
   * One IPv6 header with what follows it.
   *
   * @param source as it is on the wire
   * @param destination likewise
   * @param flow as upper layers see it: home addresses in place of care-of addresses
   * @param routed the home address of a type 2 routing header
   */
  record Layer(
      Ipv6Address source, Ipv6Address destination, Flow flow, Optional<Ipv6Address> routed) {
    boolean isMobility() {
      return flow.protocol() == IpProtocol.MOBILITY;
    }

    /** Whether it is about a home registration, if it is between the two that have one. */
    boolean isRegistration() {
      return isMobility()
          && (flow.sourcePort() == MobilityMessage.BINDING_UPDATE
              || flow.sourcePort() == MobilityMessage.BINDING_ACKNOWLEDGEMENT);
    }
  }

  private VisibleHeaders() {}

  /** The layers of a packet; as many as can be read. */
  static List<Layer> of(byte[] octets, int start) {
    List<Layer> layers = new ArrayList<>(2);
    int at = start;
    while (at >= 0 && octets.length - at >= HEADER && (octets[at] & 0xf0) == 0x60) {
      at = layer(octets, at, layers);
    }
    return layers;
  }

  /** Reads one and returns where the next begins; negative if there is none. */
  private static int layer(byte[] octets, int header, List<Layer> layers) {
    Ipv6Address source = Ipv6Address.read(octets, header + 8);
    Ipv6Address destination = Ipv6Address.read(octets, header + 24);
    Ipv6Address stableSource = source;
    Ipv6Address stableDestination = destination;
    Optional<Ipv6Address> routed = Optional.empty();
    int protocol = octets[header + 6] & 0xff;
    int at = header + HEADER;
    while (octets.length - at >= 8) {
      if (protocol == IpProtocol.ROUTING) {
        if (octets[at + 2] == TYPE_2 && octets.length - at >= 24) {
          stableDestination = Ipv6Address.read(octets, at + 8);
          routed = Optional.of(stableDestination);
        }
      } else if (protocol == IpProtocol.DESTINATION_OPTIONS) {
        int option = homeAddress(octets, at);
        if (option >= 0) {
          stableSource = Ipv6Address.read(octets, option);
        }
      } else if (protocol == IpProtocol.FRAGMENT) {
        if (((octets[at + 2] & 0xff) << 8 | (octets[at + 3] & 0xf8)) != 0) {
          // What it is a part of was seen with the first.
          return -1;
        }
        protocol = octets[at] & 0xff;
        at += 8;
        continue;
      } else if (protocol != IpProtocol.HOP_BY_HOP) {
        break;
      }
      int next = at + 8 + 8 * (octets[at + 1] & 0xff);
      protocol = octets[at] & 0xff;
      at = next;
    }
    layers.add(
        new Layer(
            source,
            destination,
            flow(stableSource, stableDestination, protocol, octets, at),
            routed));
    return protocol == IpProtocol.IPV6 ? at : -1;
  }

  private static Flow flow(
      Ipv6Address source, Ipv6Address destination, int protocol, byte[] octets, int at) {
    boolean more = octets.length - at >= 4;
    if (more && protocol == IpProtocol.MOBILITY) {
      return Flow.mobility(source, destination, octets[at + 2] & 0xff);
    }
    if (more && protocol == IpProtocol.ICMPV6) {
      return Flow.icmpv6(source, destination, octets[at] & 0xff, octets[at + 1] & 0xff);
    }
    if (more && IpProtocol.hasPorts(protocol)) {
      return Flow.withPorts(
          source,
          destination,
          protocol,
          (octets[at] & 0xff) << 8 | (octets[at + 1] & 0xff),
          (octets[at + 2] & 0xff) << 8 | (octets[at + 3] & 0xff));
    }
    return Flow.of(source, destination, protocol);
  }

  private static int homeAddress(byte[] octets, int header) {
    int end = Math.min(octets.length, header + 8 + 8 * (octets[header + 1] & 0xff));
    int at = header + 2;
    while (at + 1 < end) {
      int type = octets[at] & 0xff;
      if (type == HOME_ADDRESS_OPTION && at + 18 <= end) {
        return at + 2;
      }
      at += type == 0 ? 1 : 2 + (octets[at + 1] & 0xff);
    }
    return -1;
  }
}
