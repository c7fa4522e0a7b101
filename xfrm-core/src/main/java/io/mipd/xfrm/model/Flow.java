package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * What a policy look-up sees of a packet.
 *
 * <p>As in Linux, the ports carry the Mobility Header type or the ICMPv6 type in {@code sourcePort}
 * and the ICMPv6 code in {@code destinationPort}.
 *
 * @param protocol the upper-layer protocol, 0 to 255
 * @param sourcePort 0 to 65535, or {@link #NO_PORT}
 * @param destinationPort 0 to 65535, or {@link #NO_PORT}
 * @param mark the firewall mark, 0 where there is none
 * @param interfaceId the xfrm interface id ({@code if_id}), 0 where there is none
 */
public record Flow(
    Ipv6Address source,
    Ipv6Address destination,
    int protocol,
    int sourcePort,
    int destinationPort,
    int mark,
    int interfaceId) {

  /** The protocol has no ports, or they cannot be seen (OPAQUE, RFC 4301 section 4.4.1.1). */
  public static final int NO_PORT = -1;

  public Flow {
    checkArgument(protocol >= 0 && protocol <= 255, "not a protocol: %s", protocol);
    checkArgument(sourcePort >= NO_PORT && sourcePort <= 0xffff, "not a port: %s", sourcePort);
    checkArgument(
        destinationPort >= NO_PORT && destinationPort <= 0xffff, "not a port: %s", destinationPort);
  }

  /** A flow without ports. */
  public static Flow of(Ipv6Address source, Ipv6Address destination, int protocol) {
    return new Flow(source, destination, protocol, NO_PORT, NO_PORT, 0, 0);
  }

  public static Flow withPorts(
      Ipv6Address source,
      Ipv6Address destination,
      int protocol,
      int sourcePort,
      int destinationPort) {
    return new Flow(source, destination, protocol, sourcePort, destinationPort, 0, 0);
  }

  /** The flow of a Mobility Header message of the given type. */
  public static Flow mobility(Ipv6Address source, Ipv6Address destination, int type) {
    return withPorts(source, destination, IpProtocol.MOBILITY, type, 0);
  }

  public static Flow icmpv6(Ipv6Address source, Ipv6Address destination, int type, int code) {
    return withPorts(source, destination, IpProtocol.ICMPV6, type, code);
  }

  /** The flow of what a transform makes: other end points, another protocol, no ports any more. */
  public Flow wrapped(Ipv6Address newSource, Ipv6Address newDestination, int newProtocol) {
    return new Flow(newSource, newDestination, newProtocol, NO_PORT, NO_PORT, mark, interfaceId);
  }

  /** The flow in the other direction; ICMPv6 and Mobility Header types stay where they are. */
  public Flow reversed() {
    return IpProtocol.hasPorts(protocol)
        ? new Flow(destination, source, protocol, destinationPort, sourcePort, mark, interfaceId)
        : new Flow(destination, source, protocol, sourcePort, destinationPort, mark, interfaceId);
  }

  @Override
  public String toString() {
    var text = new StringBuilder().append(source).append(" > ").append(destination);
    text.append(' ').append(IpProtocol.nameOf(protocol));
    boolean typed = protocol == IpProtocol.MOBILITY || protocol == IpProtocol.ICMPV6;
    if (typed && sourcePort != NO_PORT) {
      text.append(" type ").append(sourcePort);
      if (protocol == IpProtocol.ICMPV6 && destinationPort != NO_PORT) {
        text.append(" code ").append(destinationPort);
      }
    } else if (!typed && (sourcePort != NO_PORT || destinationPort != NO_PORT)) {
      text.append(' ').append(portWord(sourcePort)).append(" > ").append(portWord(destinationPort));
    }
    if (mark != 0) {
      text.append(" mark 0x").append(Integer.toHexString(mark));
    }
    if (interfaceId != 0) {
      text.append(" if_id ").append(interfaceId);
    }
    return text.toString();
  }

  private static String portWord(int port) {
    return port == NO_PORT ? "opaque" : Integer.toString(port);
  }
}
