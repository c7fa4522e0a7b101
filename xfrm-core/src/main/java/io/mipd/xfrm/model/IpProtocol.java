package io.mipd.xfrm.model;

import com.google.common.collect.ImmutableBiMap;
import com.google.common.collect.ImmutableSet;

/** Protocol numbers and Next Header values, as IANA assigns them. */
public final class IpProtocol {
  /** In a selector: every protocol. On the wire: the Hop-by-Hop Options header. */
  public static final int ANY = 0;

  public static final int HOP_BY_HOP = 0;
  public static final int TCP = 6;
  public static final int UDP = 17;
  public static final int IPV6 = 41;
  public static final int ROUTING = 43;
  public static final int FRAGMENT = 44;
  public static final int ESP = 50;
  public static final int AH = 51;
  public static final int ICMPV6 = 58;
  public static final int NO_NEXT_HEADER = 59;
  public static final int DESTINATION_OPTIONS = 60;
  public static final int IPCOMP = 108;
  public static final int SCTP = 132;
  public static final int UDPLITE = 136;
  public static final int DCCP = 33;

  /** The Mobility Header (RFC 6275 section 6.1). */
  public static final int MOBILITY = 135;

  /** UDP ports of IKE, of both ends alike (RFC 7296 sections 2 and 2.23). */
  public static final ImmutableSet<Integer> KEY_EXCHANGE_PORTS = ImmutableSet.of(500, 4500);

  private static final ImmutableBiMap<Integer, String> NAMES =
      ImmutableBiMap.<Integer, String>builder()
          .put(TCP, "tcp")
          .put(UDP, "udp")
          .put(DCCP, "dccp")
          .put(IPV6, "ipv6")
          .put(ROUTING, "ipv6-route")
          .put(FRAGMENT, "ipv6-frag")
          .put(ESP, "esp")
          .put(AH, "ah")
          .put(ICMPV6, "ipv6-icmp")
          .put(NO_NEXT_HEADER, "ipv6-nonxt")
          .put(DESTINATION_OPTIONS, "ipv6-opts")
          .put(IPCOMP, "comp")
          .put(SCTP, "sctp")
          .put(MOBILITY, "mobility-header")
          .put(UDPLITE, "udplite")
          .buildOrThrow();

  private IpProtocol() {}

  /** The name that iproute2 prints for a protocol of a selector, or its number. */
  public static String nameOf(int protocol) {
    return protocol == ANY ? "any" : NAMES.getOrDefault(protocol, Integer.toString(protocol));
  }

  /**
   * The number for a name or a decimal number.
   *
   * @throws IllegalArgumentException if it is neither
   */
  public static int parse(String text) {
    if (text.equals("any")) {
      return ANY;
    }
    Integer known = NAMES.inverse().get(text);
    if (known != null) {
      return known;
    }
    if (text.matches("[0-9]{1,3}") && Integer.parseInt(text) <= 255) {
      return Integer.parseInt(text);
    }
    throw new IllegalArgumentException("not a protocol name or number: " + text);
  }

  /** Whether a packet to this port of this protocol is one of IKE. */
  public static boolean isKeyExchange(int protocol, int destinationPort) {
    return protocol == UDP && KEY_EXCHANGE_PORTS.contains(destinationPort);
  }

  /** Whether the first two 16-bit words of the protocol's header are ports. */
  public static boolean hasPorts(int protocol) {
    return protocol == TCP
        || protocol == UDP
        || protocol == SCTP
        || protocol == DCCP
        || protocol == UDPLITE;
  }
}
