package io.mipd.proof;

import static io.mipd.proof.Case.everythingFrom;
import static io.mipd.proof.Case.leaves;
import static io.mipd.proof.Place.A;
import static io.mipd.proof.Place.ACCESS_GATEWAY;
import static io.mipd.proof.Place.ANY_AGENT;
import static io.mipd.proof.Place.C;
import static io.mipd.proof.Place.G;
import static io.mipd.proof.Place.GATEWAY;
import static io.mipd.proof.Place.H;
import static io.mipd.proof.Place.HOME_AGENT;
import static io.mipd.proof.Place.M;
import static io.mipd.proof.Place.MLD_ROUTERS;
import static io.mipd.proof.Place.MOBILE_NODE;
import static io.mipd.proof.Place.MOBILE_PEER;
import static io.mipd.proof.Place.P;
import static io.mipd.proof.Place.P3;
import static io.mipd.proof.Place.PEER;
import static io.mipd.proof.Place.ROUTER;
import static io.mipd.proof.Place.SOLICITED_NODE;
import static io.mipd.proof.Place.V;
import static io.mipd.xfrm.host.Datagram.icmpv6;
import static io.mipd.xfrm.host.Datagram.keyExchange;
import static io.mipd.xfrm.host.Datagram.mobility;
import static io.mipd.xfrm.model.Selector.between;
import static io.mipd.xfrm.model.TransformProtocol.AH;
import static io.mipd.xfrm.model.TransformProtocol.ESP;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.Finding;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.PortMatch;

/**
 * The table. SPI 0x1001 is the user's with the peer, 0x2001 the tunnel between care-of address and
 * home agent, 0x3001 that of Binding Updates, 0x5001 that of Home Test Inits, 0x7001 the access
 * network's; the odd ones lead away from the mobile node.
 */
final class Cases {
  private static final int HOME_TEST_INIT = 1;
  private static final int CARE_OF_TEST_INIT = 2;
  private static final int HOME_TEST = 3;
  private static final int CARE_OF_TEST = 4;
  private static final int BINDING_UPDATE = 5;
  private static final int BINDING_ACKNOWLEDGEMENT = 6;

  // ICMPv6 (RFC 4443, RFC 4861, RFC 3810, RFC 6275 section 6).
  private static final int DESTINATION_UNREACHABLE = 1;
  private static final int NEIGHBOR_SOLICITATION = 135;
  private static final int LISTENER_REPORT = 143;
  private static final int AGENT_DISCOVERY_REQUEST = 144;
  private static final int AGENT_DISCOVERY_REPLY = 145;
  private static final int MOBILE_PREFIX_SOLICITATION = 146;
  private static final int MOBILE_PREFIX_ADVERTISEMENT = 147;

  private static final Pair ESP_TRANSPORT = Pair.transport(ESP, H, P, 0x1001);
  private static final Pair ESP_TUNNEL = Pair.tunnel(ESP, H, P, 0x1001);
  private static final Pair AH_TRANSPORT = Pair.transport(AH, H, P, 0x1001);
  private static final Pair AH_TUNNEL = Pair.tunnel(AH, H, P, 0x1001);
  private static final Pair TO_GATEWAY = Pair.tunnel(ESP, H, G, 0x1001);
  private static final Pair OTHER_TUNNEL = Pair.tunnel(ESP, H, P, 0x4001);
  private static final Pair WITH_AGENT = Pair.transport(ESP, H, A, 0x1001);
  private static final Pair AGENT_TUNNEL = Pair.tunnel(ESP, H, A, 0x1001);
  static final Pair AGENT_VPN = Pair.tunnel(ESP, A, V, 0xb001);
  private static final Pair ACCESS_VPN = Pair.tunnel(ESP, C, V, 0x7001);

  private Cases() {}

  private static Datagram udp(Ipv6Address from, Ipv6Address to) {
    return Datagram.udp(from, to, "numbered 1");
  }

  static final ImmutableList<Case> ALL =
      ImmutableList.of(
          Case.of("no policy of the user's: the reverse tunnel alone")
              .away()
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H UDP")),
          Case.of("the user's ESP transport H-P, in the reverse tunnel")
              .away()
              .user(between(H, P), PEER, ESP_TRANSPORT)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x1001) UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x1002) UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H ESP(0x1002) UDP")),
          Case.of("the user's ESP tunnel H-P, in the reverse tunnel")
              .away()
              .user(between(H, P), PEER, ESP_TUNNEL)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x1002) P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H ESP(0x1002) P>H UDP")),
          Case.of("the same encrypted, compared after decryption")
              .away()
              .user(between(H, P), PEER, ESP_TUNNEL.encrypted())
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x1002) P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H ESP(0x1002) P>H UDP")),
          Case.of("the user's ESP transport H-P, in a plain tunnel")
              .awayWithAPlainTunnel()
              .user(between(H, P), PEER, ESP_TRANSPORT)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A H>P ESP(0x1001) UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x1002) UDP"),
                  leaves(HOME_AGENT, "A>C P>H ESP(0x1002) UDP")),
          Case.of("the user's ESP tunnel H-P, in a plain tunnel")
              .awayWithAPlainTunnel()
              .user(between(H, P), PEER, ESP_TUNNEL)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A H>P ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x1002) P>H UDP"),
                  leaves(HOME_AGENT, "A>C P>H ESP(0x1002) P>H UDP")),
          Case.of("the user's ESP transport H-P, route optimized")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, ESP_TRANSPORT)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) ESP(0x1001) UDP"))
              .packet(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) ESP(0x1002) UDP")),
          Case.of("the user's ESP tunnel H-P, route optimized")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, ESP_TUNNEL)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) ESP(0x1001) H>P UDP"))
              .packet(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) ESP(0x1002) P>H UDP")),
          Case.of("route optimized, and nothing of the user's")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .packet(udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) UDP"))
              .packet(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) UDP")),
          Case.of("the user's ESP transport H-P, route optimized, beside a plain tunnel")
              .optimizes()
              .awayWithAPlainTunnel()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, ESP_TRANSPORT)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) ESP(0x1001) UDP"))
              .packet(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) ESP(0x1002) UDP")),
          Case.of("the user's ESP transport H-P, route optimized: signalling knows nothing of it")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, ESP_TRANSPORT)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  mobility(H, P, HOME_TEST_INIT),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x5001) H>P MH(1)"),
                  leaves(HOME_AGENT, "H>P MH(1)"))
              .packet(
                  mobility(P, H, HOME_TEST),
                  MOBILE_NODE,
                  leaves(PEER, "P>H MH(3)"),
                  leaves(HOME_AGENT, "A>C ESP(0x5002) P>H MH(3)"))
              .packet(
                  mobility(H, P, BINDING_UPDATE), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) MH(5)"))
              .packet(
                  mobility(P, H, BINDING_ACKNOWLEDGEMENT),
                  MOBILE_NODE,
                  leaves(PEER, "P>C RH2(H) MH(6)")),
          Case.of("route optimized: key exchange goes by the home agent none the less")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .packet(
                  keyExchange(H, P, "numbered 1"),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP"))
              .packet(
                  keyExchange(P, H, "numbered 1"),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H UDP")),
          Case.of("the user's tunnel H-G to a gateway, for P")
              .away()
              .user(between(H, P), GATEWAY, TO_GATEWAY)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>G ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>G ESP(0x1001) H>P UDP"),
                  leaves(GATEWAY, "H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(GATEWAY, "G>H ESP(0x1002) P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) G>H ESP(0x1002) P>H UDP")),
          Case.of("the same; a binding at P is irrelevant")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), GATEWAY, TO_GATEWAY)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, P),
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>G ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>G ESP(0x1001) H>P UDP"),
                  leaves(GATEWAY, "H>P UDP"))
              .refused(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) UDP")),
          Case.of("the same; a binding at G counts")
              .optimizes()
              .away()
              .optimizedWith(GATEWAY, G)
              .user(between(H, P), GATEWAY, TO_GATEWAY)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>G DSTOPT(H) ESP(0x1001) H>P UDP"),
                  leaves(GATEWAY, "H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(GATEWAY, "G>C RH2(H) ESP(0x1002) P>H UDP")),
          Case.of(
                  "the user's ESP transport between H and the home agent itself, in the reverse tunnel")
              .away()
              .user(between(H, A), HOME_AGENT, WITH_AGENT)
              .packet(
                  udp(H, A), HOME_AGENT, leaves(MOBILE_NODE, "C>A ESP(0x2001) H>A ESP(0x1001) UDP"))
              .packet(
                  udp(A, H),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C ESP(0x2002) A>H ESP(0x1002) UDP")),
          Case.of(
                  "the user's ESP tunnel between H and the home agent itself, in the reverse tunnel")
              .away()
              .user(between(H, A), HOME_AGENT, AGENT_TUNNEL)
              .packet(
                  udp(H, A),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>A ESP(0x1001) H>A UDP"))
              .packet(
                  udp(A, H),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C ESP(0x2002) A>H ESP(0x1002) A>H UDP")),
          Case.of(
                  "the user's ESP tunnel between H and the home agent itself, payload not protected")
              .awayWithAPlainTunnel()
              .user(between(H, A), HOME_AGENT, AGENT_TUNNEL)
              .packet(
                  udp(H, A), HOME_AGENT, leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x1001) H>A UDP"))
              .packet(udp(A, H), MOBILE_NODE, leaves(HOME_AGENT, "A>C RH2(H) ESP(0x1002) A>H UDP")),
          Case.of("the user's ESP transport between H and the home agent itself, likewise")
              .awayWithAPlainTunnel()
              .user(between(H, A), HOME_AGENT, WITH_AGENT)
              .packet(udp(H, A), HOME_AGENT, leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x1001) UDP"))
              .packet(udp(A, H), MOBILE_NODE, leaves(HOME_AGENT, "A>C RH2(H) ESP(0x1002) UDP")),
          Case.of("the same for any, of mobility's nothing is protected: signalling goes without")
              .awayWithoutProtection()
              .user(between(H, A), HOME_AGENT, WITH_AGENT)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  mobility(H, A, BINDING_UPDATE),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) MH(5)"))
              .packet(
                  icmpv6(H, A, MOBILE_PREFIX_SOLICITATION),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) ICMPV6(146)"))
              .packet(
                  icmpv6(A, H, MOBILE_PREFIX_ADVERTISEMENT),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C RH2(H) ICMPV6(147)"))
              .packet(udp(H, A), HOME_AGENT, leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x1001) UDP"))
              .packet(udp(A, H), MOBILE_NODE, leaves(HOME_AGENT, "A>C RH2(H) ESP(0x1002) UDP")),
          Case.of("the same; one end names the messages, the other takes them sealed or not")
              .awayWithoutProtection()
              .userAt(
                  MOBILE_NODE,
                  between(H, A).withType(IpProtocol.ICMPV6, MOBILE_PREFIX_SOLICITATION),
                  WITH_AGENT)
              .userAt(HOME_AGENT, between(A, H), WITH_AGENT)
              .packet(
                  icmpv6(H, A, MOBILE_PREFIX_SOLICITATION),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x1001) ICMPV6(146)"))
              .refused(udp(H, A), HOME_AGENT, leaves(MOBILE_NODE, "C>A DSTOPT(H) UDP")),
          Case.of("the user's ESP transport H-M, the peer is mobile too")
              .optimizes()
              .away()
              .optimizedWithAMobilePeer()
              .user(between(H, M), MOBILE_PEER, Pair.transport(ESP, H, M, 0x1001))
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, M),
                  MOBILE_PEER,
                  leaves(MOBILE_NODE, "C>Q RH2(M) DSTOPT(H) ESP(0x1001) UDP"))
              .packet(
                  udp(M, H),
                  MOBILE_NODE,
                  leaves(MOBILE_PEER, "Q>C RH2(H) DSTOPT(M) ESP(0x1002) UDP")),
          Case.of("the user's ESP tunnel H-M, the peer is mobile too")
              .optimizes()
              .away()
              .optimizedWithAMobilePeer()
              .user(between(H, M), MOBILE_PEER, Pair.tunnel(ESP, H, M, 0x1001))
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, M),
                  MOBILE_PEER,
                  leaves(MOBILE_NODE, "C>Q RH2(M) DSTOPT(H) ESP(0x1001) H>M UDP"))
              .packet(
                  udp(M, H),
                  MOBILE_NODE,
                  leaves(MOBILE_PEER, "Q>C RH2(H) DSTOPT(M) ESP(0x1002) M>H UDP")),
          Case.of("the user's AH transport H-M, the peer is mobile too")
              .optimizes()
              .away()
              .optimizedWithAMobilePeer()
              .user(between(H, M), MOBILE_PEER, Pair.transport(AH, H, M, 0x1001))
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, M),
                  MOBILE_PEER,
                  leaves(MOBILE_NODE, "C>Q RH2(M) DSTOPT(H) AH(0x1001) UDP"))
              .packet(
                  udp(M, H),
                  MOBILE_NODE,
                  leaves(MOBILE_PEER, "Q>C RH2(H) DSTOPT(M) AH(0x1002) UDP")),
          Case.of("the user's ESP transport H-M; only the peer is bound directly")
              .optimizes()
              .away()
              .takesTheRouteOfAMobilePeer()
              .user(between(H, M), MOBILE_PEER, Pair.transport(ESP, H, M, 0x1001))
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, M),
                  MOBILE_PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>Q RH2(M) ESP(0x1001) UDP"),
                  leaves(HOME_AGENT, "H>Q RH2(M) ESP(0x1001) UDP"))
              .packet(
                  udp(M, H),
                  MOBILE_NODE,
                  leaves(MOBILE_PEER, "Q>H DSTOPT(M) ESP(0x1002) UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) Q>H DSTOPT(M) ESP(0x1002) UDP")),
          Case.of("an access network's VPN, around the reverse tunnel")
              .away()
              .user(everythingFrom(C), ACCESS_GATEWAY, ACCESS_VPN)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>V ESP(0x7001) C>A ESP(0x2001) H>P UDP"),
                  leaves(ACCESS_GATEWAY, "C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H UDP"),
                  leaves(ACCESS_GATEWAY, "V>C ESP(0x7002) A>C ESP(0x2002) P>H UDP")),
          Case.of(
                  "the same, route optimized: nothing leaves beside the VPN; what comes has come by it")
              .away()
              .optimizedWith(PEER, P)
              .user(everythingFrom(C), ACCESS_GATEWAY, ACCESS_VPN)
              .tells(Finding.Kind.ROUTE_REFUSED)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>V ESP(0x7001) C>A ESP(0x2001) H>P UDP"),
                  leaves(ACCESS_GATEWAY, "C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>C RH2(H) UDP"),
                  leaves(ACCESS_GATEWAY, "V>C ESP(0x7002) P>C RH2(H) UDP")),
          Case.of("the same, with the user's ESP transport H-P within")
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, ESP_TRANSPORT)
              .user(everythingFrom(C), ACCESS_GATEWAY, ACCESS_VPN)
              .tells(Finding.Kind.PROTECTION_LOST, Finding.Kind.ROUTE_REFUSED)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>V ESP(0x7001) C>A ESP(0x2001) H>P ESP(0x1001) UDP"),
                  leaves(ACCESS_GATEWAY, "C>A ESP(0x2001) H>P ESP(0x1001) UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>C RH2(H) ESP(0x1002) UDP"),
                  leaves(ACCESS_GATEWAY, "V>C ESP(0x7002) P>C RH2(H) ESP(0x1002) UDP")),
          Case.of("what the care-of address sends to P is blocked: the route is not taken")
              .away()
              .optimizedWith(PEER, P)
              .userBlocks(between(C, P))
              .tells(Finding.Kind.ROUTE_REFUSED)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP"))
              .packet(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) UDP")),
          Case.of(
                  "an access network's VPN for any: return routability of the care-of address is exempt")
              .optimizes()
              .away()
              .user(everythingFrom(C), ACCESS_GATEWAY, ACCESS_VPN)
              .packet(mobility(C, P, CARE_OF_TEST_INIT), PEER, leaves(MOBILE_NODE, "C>P MH(2)"))
              .packet(mobility(P, C, CARE_OF_TEST), MOBILE_NODE, leaves(PEER, "P>C MH(4)"))
              .packet(
                  mobility(C, P, HOME_TEST_INIT), leaves(MOBILE_NODE, "C>V ESP(0x7001) C>P MH(1)")),
          Case.of("the user's tunnels come round to each other: nothing leaves, and he is told")
              .away()
              .userAt(MOBILE_NODE, between(C, V), Pair.tunnel(ESP, C, P, 0x4001))
              .userAt(
                  MOBILE_NODE,
                  between(Ipv6Prefix.host(C), Ipv6Prefix.parse("2001:db8::/32")),
                  ACCESS_VPN)
              .tells(Finding.Kind.LOOP)
              .packet(udp(H, P), leaves(MOBILE_NODE, ""))
              .packet(
                  mobility(H, A, BINDING_UPDATE),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x3001) MH(5)")),
          Case.of("the correspondent's ESP with the care-of address: it sends to the home address")
              .away()
              .optimizedWith(PEER, P)
              .userAt(PEER, between(P, C), Pair.transport(ESP, P, C, 0x4001))
              .packet(udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H UDP")),
          Case.of(
                  "an access network's VPN for any: what the link and a registration need is exempt")
              .seeksItsAgent()
              .away()
              .user(everythingFrom(C), ACCESS_GATEWAY, ACCESS_VPN)
              .packet(
                  icmpv6(C, SOLICITED_NODE, NEIGHBOR_SOLICITATION),
                  leaves(MOBILE_NODE, "C>solicited-node ICMPV6(135)"))
              .packet(
                  icmpv6(C, ROUTER, NEIGHBOR_SOLICITATION),
                  leaves(MOBILE_NODE, "C>router ICMPV6(135)"))
              .packet(
                  icmpv6(C, MLD_ROUTERS, LISTENER_REPORT),
                  leaves(MOBILE_NODE, "C>MLD-routers ICMPV6(143)"))
              .packet(
                  icmpv6(C, ANY_AGENT, AGENT_DISCOVERY_REQUEST),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A* ICMPV6(144)"))
              .packet(
                  icmpv6(A, C, AGENT_DISCOVERY_REPLY),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C ICMPV6(145)"))
              .packet(keyExchange(C, A, "numbered 1"), HOME_AGENT, leaves(MOBILE_NODE, "C>A UDP"))
              .packet(keyExchange(A, C, "numbered 1"), MOBILE_NODE, leaves(HOME_AGENT, "A>C UDP"))
              .packet(
                  keyExchange(C, P, "numbered 1"),
                  PEER,
                  leaves(MOBILE_NODE, "C>V ESP(0x7001) C>P UDP"),
                  leaves(ACCESS_GATEWAY, "C>P UDP"))
              .packet(
                  icmpv6(C, P, AGENT_DISCOVERY_REPLY),
                  leaves(MOBILE_NODE, "C>V ESP(0x7001) C>P ICMPV6(145)"))
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>V ESP(0x7001) C>A ESP(0x2001) H>P UDP"),
                  leaves(ACCESS_GATEWAY, "C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP")),
          Case.of("the same, around the reverse tunnel around the user's tunnel H-P")
              .away()
              .user(everythingFrom(C), ACCESS_GATEWAY, ACCESS_VPN)
              .user(between(H, P), PEER, ESP_TUNNEL)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>V ESP(0x7001) C>A ESP(0x2001) H>P ESP(0x1001) H>P UDP"),
                  leaves(ACCESS_GATEWAY, "C>A ESP(0x2001) H>P ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x1002) P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H ESP(0x1002) P>H UDP"),
                  leaves(
                      ACCESS_GATEWAY, "V>C ESP(0x7002) A>C ESP(0x2002) P>H ESP(0x1002) P>H UDP")),
          Case.of("a VPN of the home agent's own, around the tunnel to the care-of address")
              .away()
              .user(HOME_AGENT, everythingFrom(A), ACCESS_GATEWAY, AGENT_VPN)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P UDP"),
                  leaves(ACCESS_GATEWAY, "V>A ESP(0xb002) C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>V ESP(0xb001) A>C ESP(0x2002) P>H UDP"),
                  leaves(ACCESS_GATEWAY, "A>C ESP(0x2002) P>H UDP")),
          Case.of("the user's AH transport H-P, in the reverse tunnel")
              .away()
              .user(between(H, P), PEER, AH_TRANSPORT)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P AH(0x1001) UDP"),
                  leaves(HOME_AGENT, "H>P AH(0x1001) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H AH(0x1002) UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H AH(0x1002) UDP")),
          Case.of("the user's AH tunnel H-P, in the reverse tunnel")
              .away()
              .user(between(H, P), PEER, AH_TUNNEL)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P AH(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P AH(0x1001) H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H AH(0x1002) P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H AH(0x1002) P>H UDP")),
          Case.of("the user's AH transport H-P, route optimized")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, AH_TRANSPORT)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) AH(0x1001) UDP"))
              .packet(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) AH(0x1002) UDP")),
          Case.of("the user's ESP in AH, both transport, in the reverse tunnel")
              .away()
              .user(between(H, P), PEER, Pair.transport(ESP, H, P, 0x4001), AH_TRANSPORT)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P AH(0x1001) ESP(0x4001) UDP"),
                  leaves(HOME_AGENT, "H>P AH(0x1001) ESP(0x4001) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H AH(0x1002) ESP(0x4002) UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H AH(0x1002) ESP(0x4002) UDP")),
          Case.of("the user's ESP in AH, both transport, route optimized")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, Pair.transport(ESP, H, P, 0x4001), AH_TRANSPORT)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) AH(0x1001) ESP(0x4001) UDP"))
              .packet(
                  udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) AH(0x1002) ESP(0x4002) UDP")),
          Case.of("a tunnel of the user's for any: signalling is exempt, payload is not")
              .away()
              .user(everythingFrom(H), GATEWAY, TO_GATEWAY)
              .packet(
                  mobility(H, A, BINDING_UPDATE),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x3001) MH(5)"))
              .packet(
                  mobility(A, H, BINDING_ACKNOWLEDGEMENT),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C RH2(H) ESP(0x3002) MH(6)"))
              .packet(
                  icmpv6(H, A, MOBILE_PREFIX_SOLICITATION),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x6001) ICMPV6(146)"))
              .packet(
                  icmpv6(A, H, MOBILE_PREFIX_ADVERTISEMENT),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C RH2(H) ESP(0x6002) ICMPV6(147)"))
              .packet(
                  mobility(H, P, HOME_TEST_INIT),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x5001) H>P MH(1)"),
                  leaves(HOME_AGENT, "H>P MH(1)"))
              .packet(
                  mobility(P, H, HOME_TEST),
                  MOBILE_NODE,
                  leaves(PEER, "P>H MH(3)"),
                  leaves(HOME_AGENT, "A>C ESP(0x5002) P>H MH(3)"))
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>G ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>G ESP(0x1001) H>P UDP"),
                  leaves(GATEWAY, "H>P UDP")),
          Case.of("the same; of return routability only payload's tunnel takes care")
              .optimizes()
              .awayWithAPlainTunnel()
              .user(everythingFrom(H), GATEWAY, TO_GATEWAY)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  mobility(H, P, HOME_TEST_INIT),
                  PEER,
                  leaves(MOBILE_NODE, "C>A H>P MH(1)"),
                  leaves(HOME_AGENT, "H>P MH(1)"))
              .packet(
                  mobility(P, H, HOME_TEST),
                  MOBILE_NODE,
                  leaves(PEER, "P>H MH(3)"),
                  leaves(HOME_AGENT, "A>C P>H MH(3)"))
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A H>G ESP(0x1001) H>P UDP"),
                  leaves(HOME_AGENT, "H>G ESP(0x1001) H>P UDP"),
                  leaves(GATEWAY, "H>P UDP")),
          Case.of("ICMPv6 errors take the reverse tunnel and no other; they may come by both")
              .away()
              .user(everythingFrom(H), GATEWAY, TO_GATEWAY)
              .packet(
                  icmpv6(H, P, DESTINATION_UNREACHABLE),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ICMPV6(1)"),
                  leaves(HOME_AGENT, "H>P ICMPV6(1)"))
              .packet(
                  icmpv6(P, H, DESTINATION_UNREACHABLE),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ICMPV6(1)"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H ICMPV6(1)"))
              .packet(
                  icmpv6(P, H, DESTINATION_UNREACHABLE),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ICMPV6(1)"),
                  leaves(GATEWAY, "G>H ESP(0x1002) P>H ICMPV6(1)"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) G>H ESP(0x1002) P>H ICMPV6(1)")),
          Case.of("a policy of the user's that names Mobility Headers wins")
              .away()
              .user(between(H, P).withProtocol(IpProtocol.MOBILITY), PEER, ESP_TUNNEL)
              .tells(Finding.Kind.SIGNALLING_OVERRIDDEN)
              .packet(
                  mobility(H, P, HOME_TEST_INIT),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x1001) H>P MH(1)"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) H>P MH(1)"))
              .packet(
                  mobility(P, H, HOME_TEST),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x1002) P>H MH(3)"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H ESP(0x1002) P>H MH(3)")),
          Case.of("the same of all Mobility Headers: the home agent hears of no binding")
              .away()
              .user(everythingFrom(H).withProtocol(IpProtocol.MOBILITY), GATEWAY, TO_GATEWAY)
              .tells(Finding.Kind.SIGNALLING_OVERRIDDEN)
              .refused(
                  mobility(H, A, BINDING_UPDATE),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>G ESP(0x1001) H>A MH(5)"),
                  leaves(HOME_AGENT, "H>G ESP(0x1001) H>A MH(5)"),
                  leaves(GATEWAY, "H>A MH(5)"))
              .refused(
                  mobility(A, H, BINDING_ACKNOWLEDGEMENT),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C RH2(H) ESP(0x3002) MH(6)")),
          Case.of("the user's block, also of signalling")
              .away()
              .userBlocks(everythingFrom(H))
              .tells(Finding.Kind.SIGNALLING_OVERRIDDEN, Finding.Kind.MOBILITY_BLOCKED)
              .packet(udp(H, P), leaves(MOBILE_NODE, ""))
              .packet(mobility(H, A, BINDING_UPDATE), leaves(MOBILE_NODE, ""))
              .packet(mobility(H, P, HOME_TEST_INIT), leaves(MOBILE_NODE, ""))
              .packet(icmpv6(H, A, MOBILE_PREFIX_SOLICITATION), leaves(MOBILE_NODE, ""))
              .packet(icmpv6(H, P, DESTINATION_UNREACHABLE), leaves(MOBILE_NODE, ""))
              .refused(
                  mobility(A, H, BINDING_ACKNOWLEDGEMENT),
                  MOBILE_NODE,
                  leaves(HOME_AGENT, "A>C RH2(H) ESP(0x3002) MH(6)"))
              .refused(
                  mobility(P, H, HOME_TEST),
                  MOBILE_NODE,
                  leaves(PEER, "P>H MH(3)"),
                  leaves(HOME_AGENT, "A>C ESP(0x5002) P>H MH(3)"))
              .refused(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H UDP")),
          Case.of("the user's block of one peer, the rest is tunnelled")
              .away()
              .userBlocks(between(H, P))
              .tells(Finding.Kind.SIGNALLING_OVERRIDDEN, Finding.Kind.MOBILITY_BLOCKED)
              .packet(udp(H, P), leaves(MOBILE_NODE, ""))
              .refused(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H UDP"))
              .packet(
                  udp(H, P3),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P3 UDP"),
                  leaves(HOME_AGENT, "H>P3 UDP"))
              .packet(
                  udp(P3, H),
                  MOBILE_NODE,
                  leaves(PEER, "P3>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P3>H UDP")),
          Case.of("the user's block of all traffic of the care-of address: the tunnel's, too")
              .away()
              .userBlocks(everythingFrom(C))
              .tells(Finding.Kind.OUTER_FLOW_BLOCKED, Finding.Kind.OUTER_FLOW_PASSES)
              .packet(udp(H, P), leaves(MOBILE_NODE, ""))
              .packet(mobility(H, P, HOME_TEST_INIT), leaves(MOBILE_NODE, ""))
              .packet(udp(C, P), leaves(MOBILE_NODE, ""))
              .refused(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H UDP"))
              .packet(
                  mobility(H, A, BINDING_UPDATE),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) ESP(0x3001) MH(5)")),
          Case.of("the user's AH tunnel H-P, route optimized: Linux has no list for it")
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, AH_TUNNEL)
              .tells(Finding.Kind.PROTECTION_LOST, Finding.Kind.NOT_EXPRESSIBLE)
              .packet(udp(H, P), leaves(MOBILE_NODE, "")),
          Case.of("more than a backend can apply to a packet")
              .away()
              .user(
                  between(H, P),
                  PEER,
                  Pair.transport(ESP, H, P, 0x4001),
                  AH_TRANSPORT,
                  Pair.tunnel(ESP, H, P, 0x8001),
                  Pair.tunnel(ESP, H, P, 0x9001),
                  Pair.tunnel(ESP, H, P, 0xa001))
              .tells(Finding.Kind.TOO_MANY_TEMPLATES)
              .packet(udp(H, P), leaves(MOBILE_NODE, "")),
          Case.of("the user allows, and mobility tunnels")
              .away()
              .userAllows(between(H, P))
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P UDP")),
          Case.of("policies that overlap partly: the first by priority")
              .away()
              .user(
                  everythingFrom(H)
                      .withProtocol(IpProtocol.UDP)
                      .withPorts(PortMatch.exactly(Datagram.OWN_PORT), PortMatch.ANY),
                  PEER,
                  ESP_TRANSPORT)
              .user(
                  between(Ipv6Prefix.host(H), Ipv6Prefix.parse("2001:db8:c::/64")),
                  PEER,
                  OTHER_TUNNEL)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x1001) UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x1001) UDP"))
              .packet(
                  Datagram.udp(H, 4001, P3, "numbered 1"),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x4001) H>P3 UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x4001) H>P3 UDP")),
          Case.of("the same the other way round")
              .away()
              .user(
                  between(Ipv6Prefix.host(H), Ipv6Prefix.parse("2001:db8:c::/64")),
                  PEER,
                  OTHER_TUNNEL)
              .user(between(H, P).withProtocol(IpProtocol.UDP), PEER, ESP_TRANSPORT)
              .tells(Finding.Kind.UNREACHABLE)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x4001) H>P UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x4001) H>P UDP")));

  /** Linux has no list for these, or too short ones. */
  static final ImmutableList<Case> OF_THE_ENGINE =
      ImmutableList.of(
          Case.of(
                  "an access network's VPN, and what needs no tunnel: it is dropped, for none is around")
              .awayWithoutProtection()
              .user(everythingFrom(C), ACCESS_GATEWAY, ACCESS_VPN)
              .tells(Finding.Kind.ROUTE_REFUSED)
              .packet(udp(H, A), leaves(MOBILE_NODE, ""))
              .packet(
                  mobility(H, A, BINDING_UPDATE),
                  HOME_AGENT,
                  leaves(MOBILE_NODE, "C>A DSTOPT(H) MH(5)")),
          Case.of("the user's AH tunnel H-P, route optimized")
              .onTheEngineAlone()
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, AH_TUNNEL)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) AH(0x1001) H>P UDP"))
              .packet(udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) AH(0x1002) P>H UDP")),
          Case.of("the user's ESP transport in his AH tunnel H-P, route optimized")
              .onTheEngineAlone()
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, Pair.transport(ESP, H, P, 0x4001), AH_TUNNEL)
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>P DSTOPT(H) AH(0x1001) H>P ESP(0x4001) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>C RH2(H) AH(0x1002) P>H ESP(0x4002) UDP")),
          Case.of("the user's AH tunnel H-G to a gateway that H is bound at, for P")
              .onTheEngineAlone()
              .optimizes()
              .away()
              .optimizedWith(GATEWAY, G)
              .user(between(H, P), GATEWAY, Pair.tunnel(AH, H, G, 0x1001))
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>G DSTOPT(H) AH(0x1001) H>P UDP"),
                  leaves(GATEWAY, "H>P UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H UDP"),
                  leaves(GATEWAY, "G>C RH2(H) AH(0x1002) P>H UDP")),
          Case.of("the user's AH tunnel H-M, the peer is mobile too")
              .onTheEngineAlone()
              .optimizes()
              .away()
              .optimizedWithAMobilePeer()
              .user(between(H, M), MOBILE_PEER, Pair.tunnel(AH, H, M, 0x1001))
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, M),
                  MOBILE_PEER,
                  leaves(MOBILE_NODE, "C>Q RH2(M) DSTOPT(H) AH(0x1001) H>M UDP"))
              .packet(
                  udp(M, H),
                  MOBILE_NODE,
                  leaves(MOBILE_PEER, "Q>C RH2(H) DSTOPT(M) AH(0x1002) M>H UDP")),
          Case.of("the user's AH tunnel between H and the home agent itself")
              .onTheEngineAlone()
              .awayWithAPlainTunnel()
              .user(between(H, A), HOME_AGENT, Pair.tunnel(AH, H, A, 0x1001))
              .packet(
                  udp(H, A), HOME_AGENT, leaves(MOBILE_NODE, "C>A DSTOPT(H) AH(0x1001) H>A UDP"))
              .packet(udp(A, H), MOBILE_NODE, leaves(HOME_AGENT, "A>C RH2(H) AH(0x1002) A>H UDP")),
          Case.of("the user's AH in ESP, both transport, in the reverse tunnel")
              .onTheEngineAlone()
              .away()
              .user(between(H, P), PEER, AH_TRANSPORT, Pair.transport(ESP, H, P, 0x4001))
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(MOBILE_NODE, "C>A ESP(0x2001) H>P ESP(0x4001) AH(0x1001) UDP"),
                  leaves(HOME_AGENT, "H>P ESP(0x4001) AH(0x1001) UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(PEER, "P>H ESP(0x4002) AH(0x1002) UDP"),
                  leaves(HOME_AGENT, "A>C ESP(0x2002) P>H ESP(0x4002) AH(0x1002) UDP")),
          Case.of("the same, route optimized")
              .onTheEngineAlone()
              .optimizes()
              .away()
              .optimizedWith(PEER, P)
              .user(between(H, P), PEER, AH_TRANSPORT, Pair.transport(ESP, H, P, 0x4001))
              .tells(Finding.Kind.PROTECTION_LOST)
              .packet(
                  udp(H, P), PEER, leaves(MOBILE_NODE, "C>P DSTOPT(H) ESP(0x4001) AH(0x1001) UDP"))
              .packet(
                  udp(P, H), MOBILE_NODE, leaves(PEER, "P>C RH2(H) ESP(0x4002) AH(0x1002) UDP")),
          Case.of("more than Linux can apply to a packet")
              .onTheEngineAlone()
              .away()
              .user(
                  between(H, P),
                  PEER,
                  Pair.transport(ESP, H, P, 0x4001),
                  AH_TRANSPORT,
                  Pair.tunnel(ESP, H, P, 0x8001),
                  Pair.tunnel(AH, H, P, 0x9001),
                  Pair.tunnel(ESP, H, P, 0xa001))
              .packet(
                  udp(H, P),
                  PEER,
                  leaves(
                      MOBILE_NODE,
                      "C>A ESP(0x2001) H>P ESP(0xa001) H>P AH(0x9001) H>P ESP(0x8001)"
                          + " H>P AH(0x1001) ESP(0x4001) UDP"),
                  leaves(
                      HOME_AGENT,
                      "H>P ESP(0xa001) H>P AH(0x9001) H>P ESP(0x8001) H>P AH(0x1001) ESP(0x4001)"
                          + " UDP"))
              .packet(
                  udp(P, H),
                  MOBILE_NODE,
                  leaves(
                      PEER,
                      "P>H ESP(0xa002) P>H AH(0x9002) P>H ESP(0x8002) P>H AH(0x1002) ESP(0x4002)"
                          + " UDP"),
                  leaves(
                      HOME_AGENT,
                      "A>C ESP(0x2002) P>H ESP(0xa002) P>H AH(0x9002) P>H ESP(0x8002)"
                          + " P>H AH(0x1002) ESP(0x4002) UDP")));
}
