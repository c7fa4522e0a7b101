package io.mipd.proof;

import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.AnycastAddress;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;

/**
 * The hosts of all scenes, and their addresses by the letters of the design.
 *
 * <pre>
 *   mobile node H, at C ── V access network's gateway ── A home agent ── G gateway ── P peer
 *                                                                     mobile peer M, at Q
 * </pre>
 */
enum Place {
  MOBILE_NODE,
  ACCESS_GATEWAY,
  HOME_AGENT,
  GATEWAY,
  PEER,
  MOBILE_PEER;

  static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  static final Ipv6Address NEW_C = Ipv6Address.parse("2001:db8:b::10");
  static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");

  /** The mobile peer's home agent. */
  static final Ipv6Address B = Ipv6Address.parse("2001:db8:2::1");

  /** Mobile IPv6 Home-Agents of the home link. */
  static final Ipv6Address ANY_AGENT =
      AnycastAddress.homeAgents(Ipv6Prefix.parse("2001:db8:1::/64"));

  /** A router of the foreign link. */
  static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::1");

  static final Ipv6Address SOLICITED_NODE = Ipv6Address.parse("ff02::1:ff00:2");
  static final Ipv6Address MLD_ROUTERS = Ipv6Address.parse("ff02::16");
  static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  static final Ipv6Address P3 = Ipv6Address.parse("2001:db8:c::3");
  static final Ipv6Address G = Ipv6Address.parse("2001:db8:d::3");
  static final Ipv6Address V = Ipv6Address.parse("2001:db8:f::1");
  static final Ipv6Address M = Ipv6Address.parse("2001:db8:2::20");
  static final Ipv6Address Q = Ipv6Address.parse("2001:db8:e::20");

  static final ImmutableMap<Ipv6Address, String> NAMES =
      ImmutableMap.<Ipv6Address, String>builder()
          .put(H, "H")
          .put(C, "C")
          .put(NEW_C, "C'")
          .put(A, "A")
          .put(B, "B")
          .put(ANY_AGENT, "A*")
          .put(ROUTER, "router")
          .put(SOLICITED_NODE, "solicited-node")
          .put(MLD_ROUTERS, "MLD-routers")
          .put(P, "P")
          .put(P3, "P3")
          .put(G, "G")
          .put(V, "V")
          .put(M, "M")
          .put(Q, "Q")
          .buildOrThrow();

  ImmutableMap<Ipv6Address, Role> addresses() {
    return switch (this) {
      case MOBILE_NODE -> ImmutableMap.of(H, Role.HOME, C, Role.LINK, NEW_C, Role.LINK);
      case ACCESS_GATEWAY -> ImmutableMap.of(V, Role.LINK, C, Role.SERVED, A, Role.SERVED);
      case HOME_AGENT -> ImmutableMap.of(A, Role.LINK, ANY_AGENT, Role.LINK, H, Role.SERVED);
      case GATEWAY -> ImmutableMap.of(G, Role.LINK, H, Role.SERVED);
      case PEER -> ImmutableMap.of(P, Role.LINK, P3, Role.LINK);
      case MOBILE_PEER -> ImmutableMap.of(M, Role.HOME, Q, Role.LINK);
    };
  }

  /** Whether packets for others pass here. */
  boolean forwards() {
    return addresses().containsValue(Role.SERVED);
  }

  boolean has(Ipv6Address address) {
    Role role = addresses().get(address);
    return role != null && role.isOurs();
  }
}
