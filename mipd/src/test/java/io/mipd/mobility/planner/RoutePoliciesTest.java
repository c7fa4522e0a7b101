package io.mipd.mobility.planner;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.Change;
import io.mipd.merger.rule.StandingMerge;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Message;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What route optimization makes of the policies of both ends, alone and with a user's. */
class RoutePoliciesTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address Q = Ipv6Address.parse("2001:db8:d::2");
  private static final CareOfAddress OURS = new CareOfAddress(C);
  private static final CareOfAddress PEERS = new CareOfAddress(Q);

  private static final Template TESTS_OUT =
      Template.tunnel(TransformProtocol.ESP, C, A, new ReqId(4));
  private static final Template TESTS_IN =
      Template.tunnel(TransformProtocol.ESP, A, C, new ReqId(4));
  private static final Template OUT = Template.tunnel(TransformProtocol.ESP, C, A, new ReqId(5));
  private static final Template IN = Template.tunnel(TransformProtocol.ESP, A, C, new ReqId(5));
  private static final RouteRoles ROLES = new RouteRoles(true, true);
  private static final Template USERS = Template.transport(TransformProtocol.ESP, new ReqId(1));

  private final StandingMerge<WishOwner> merge = new StandingMerge<>(new XfrmBackend.Limits(5));
  private final HomePolicies home =
      new HomePolicies(
          new HomeAddress(H),
          A,
          new TunnelProtection(
              Optional.of(new ReqId(3)),
              Optional.empty(),
              Optional.of(new ReqId(4)),
              Optional.of(new ReqId(5))),
          ROLES);

  private MobilityWish want(Route ours, Route peers, Optional<Tunnel> tunnel) {
    MobilityWish wish = RoutePolicies.route(H, P, ours, peers, tunnel);
    merge.want(WishOwner.route(H, P), wish.policies());
    return wish;
  }

  private static Route route(CareOfAddress careOf) {
    return new Route(Optional.of(careOf), Optional.of(careOf));
  }

  private Bundle bundle(Direction direction, Flow flow) {
    Policy policy = merge.decides(direction, flow).orElseThrow().policy();
    assertThat(policy.action()).isEqualTo(Policy.Action.ALLOW);
    return policy.bundle();
  }

  private static Flow payload(Ipv6Address from, Ipv6Address to) {
    return Flow.withPorts(from, to, IpProtocol.UDP, 1000, 2000);
  }

  private static Flow message(Ipv6Address from, Ipv6Address to, int type) {
    return Flow.mobility(from, to, type);
  }

  @Nested
  class Away {
    @BeforeEach
    void away() {
      merge.want(WishOwner.of(H), home.mobileNodeAway(OURS).policies());
    }

    private Optional<Tunnel> tunnel() {
      return Optional.of(home.tunnel(OURS));
    }

    /** RFC 6275 sections 11.3.1 and 11.6.1. */
    @Test
    void beforeAnybodyIsKnown() {
      assertThat(bundle(Direction.OUT, payload(H, P))).isEqualTo(Bundle.of(OUT));
      assertThat(bundle(Direction.OUT, message(H, P, MobilityMessage.HOME_TEST_INIT)))
          .isEqualTo(Bundle.of(TESTS_OUT));
      assertThat(bundle(Direction.OUT, message(H, P, MobilityMessage.BINDING_UPDATE)))
          .as("with the Home Address option, and not in the tunnel (section 11.7.2)")
          .isEqualTo(
              Bundle.of(Template.homeAddressOption(H, Ipv6Address.UNSPECIFIED).asOptional()));
      assertThat(bundle(Direction.IN, message(P, H, MobilityMessage.HOME_TEST)).templates())
          .as("the Home Test comes through the tunnel")
          .endsWith(TESTS_IN);
    }

    @Test
    void withOurBindingAtThePeer() {
      MobilityWish wish = want(route(OURS), Route.NONE, tunnel());
      assertThat(bundle(Direction.OUT, payload(H, P)))
          .isEqualTo(Bundle.of(Template.homeAddressOption(H, P)));
      assertThat(bundle(Direction.IN, payload(P, H)))
          .isEqualTo(Bundle.of(Template.routingHeader(P, H).asOptional(), IN.asOptional()));
      assertThat(wish.states())
          .containsExactly(
              RouteOptimizationState.homeAddressOption(H, P, C),
              RouteOptimizationState.routingHeader(P, H, C));
      assertThat(bundle(Direction.OUT, payload(H, Q))).as("with others").isEqualTo(Bundle.of(OUT));
      assertThat(bundle(Direction.OUT, message(H, P, MobilityMessage.HOME_TEST_INIT)))
          .as("tests never go directly")
          .isEqualTo(Bundle.of(TESTS_OUT));
      assertThat(bundle(Direction.IN, message(P, H, MobilityMessage.BINDING_ACKNOWLEDGEMENT)))
          .isEqualTo(
              Bundle.of(
                  Template.homeAddressOption(P, H).asOptional(),
                  Template.routingHeader(P, H).asOptional(),
                  TESTS_IN.asOptional()));
    }

    /** An update is on its way: what comes may come directly; what leaves takes the tunnel. */
    @Test
    void untilThePeerHasAcknowledged() {
      want(new Route(Optional.empty(), Optional.of(OURS)), Route.NONE, tunnel());
      assertThat(bundle(Direction.OUT, payload(H, P))).isEqualTo(Bundle.of(OUT));
      assertThat(bundle(Direction.IN, payload(P, H)).templates())
          .contains(Template.routingHeader(P, H).asOptional());
    }

    /** Both are mobile, and both have bound: the routing header comes first on the wire. */
    @Test
    void withBothBindings() {
      want(route(OURS), route(PEERS), tunnel());
      assertThat(bundle(Direction.OUT, payload(H, P)))
          .isEqualTo(Bundle.of(Template.homeAddressOption(H, P), Template.routingHeader(H, P)));
      assertThat(bundle(Direction.IN, payload(P, H)))
          .isEqualTo(
              Bundle.of(
                  Template.homeAddressOption(P, H).asOptional(),
                  Template.routingHeader(P, H).asOptional(),
                  IN.asOptional()));
    }

    /** RFC 6275 section 6.1: whatever route payload takes. */
    @Test
    void messagesTakeNoRoute() {
      var plain = new HomePolicies(new HomeAddress(H), A, TunnelProtection.NONE, ROLES);
      Template tunnel = Template.ipv6InIpv6(C, A);
      merge.want(WishOwner.of(H), plain.mobileNodeAway(OURS).policies());
      want(route(OURS), route(PEERS), Optional.of(plain.tunnel(OURS)));
      assertThat(bundle(Direction.OUT, payload(H, P)).templates()).doesNotContain(tunnel);
      for (int type :
          new int[] {
            MobilityMessage.BINDING_REFRESH_REQUEST,
            MobilityMessage.HOME_TEST_INIT,
            MobilityMessage.HOME_TEST
          }) {
        assertThat(bundle(Direction.OUT, message(H, P, type))).isEqualTo(Bundle.of(tunnel));
      }
      assertThat(bundle(Direction.OUT, message(H, P, MobilityMessage.BINDING_ACKNOWLEDGEMENT)))
          .isEqualTo(Bundle.of(Template.routingHeader(H, P).asOptional(), tunnel));
      assertThat(bundle(Direction.OUT, message(H, P, MobilityMessage.BINDING_UPDATE)))
          .isEqualTo(Bundle.of(Template.homeAddressOption(H, P).asOptional()));
    }

    /** RFC 6275 sections 9.2, 9.3.2 and 11.3.1. */
    @Test
    void neighborDiscoveryAndParameterProblemsBearNoRoutingHeader() {
      want(route(OURS), route(PEERS), tunnel());
      for (int type = 133; type <= 137; type++) {
        assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, type, 0))).isEqualTo(Bundle.of(OUT));
      }
      assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, Icmpv6Message.PARAMETER_PROBLEM, 0)))
          .isEqualTo(Bundle.of(Template.homeAddressOption(H, P)));
      assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, Icmpv6Message.ECHO_REQUEST, 0)))
          .isEqualTo(Bundle.of(Template.homeAddressOption(H, P), Template.routingHeader(H, P)));
    }

    /** Its ports are to be seen where it arrives; data go directly meanwhile. */
    @Test
    void keyExchangeTakesNoRoute() {
      want(route(OURS), route(PEERS), tunnel());
      // charon's own policy for its port, and one of its tunnels.
      Selector toPeer = Selector.between(H, P);
      Template usersTunnel = Template.tunnel(TransformProtocol.ESP, H, P, new ReqId(1));
      Selector ofPort =
          Selector.ANY
              .withProtocol(IpProtocol.UDP)
              .withPorts(PortMatch.exactly(500), PortMatch.ANY);
      merge.users(
          ImmutableList.of(
              Policy.allow(ofPort, Direction.OUT, 32, Bundle.EMPTY),
              Policy.allow(toPeer, Direction.OUT, 1000, Bundle.of(usersTunnel))),
          ImmutableList.of());
      assertThat(bundle(Direction.OUT, Flow.withPorts(H, P, IpProtocol.UDP, 500, 500)))
          .isEqualTo(Bundle.of(OUT));
      assertThat(bundle(Direction.OUT, payload(H, P)))
          .isEqualTo(
              Bundle.of(
                  usersTunnel, Template.homeAddressOption(H, P), Template.routingHeader(H, P)));
      merge.users(ImmutableList.of(), ImmutableList.of());
      for (int port : new int[] {500, 4500}) {
        assertThat(bundle(Direction.OUT, Flow.withPorts(H, P, IpProtocol.UDP, port, port)))
            .isEqualTo(Bundle.of(OUT));
        assertThat(bundle(Direction.OUT, Flow.withPorts(H, P, IpProtocol.UDP, port, 53)))
            .as("something else")
            .isEqualTo(Bundle.of(Template.homeAddressOption(H, P), Template.routingHeader(H, P)));
      }
    }

    /** The peer is known here, we are not known there: nothing shows the home address outside. */
    @Test
    void withThePeersBindingOnly() {
      want(Route.NONE, route(PEERS), tunnel());
      assertThat(bundle(Direction.OUT, payload(H, P)))
          .isEqualTo(Bundle.of(Template.routingHeader(H, P), OUT));
      assertThat(bundle(Direction.OUT, message(H, P, MobilityMessage.BINDING_ACKNOWLEDGEMENT)))
          .isEqualTo(Bundle.of(Template.routingHeader(H, P).asOptional(), TESTS_OUT));
      assertThat(bundle(Direction.OUT, message(H, P, MobilityMessage.HOME_TEST)))
          .isEqualTo(Bundle.of(TESTS_OUT));
    }

    /** The rows of the design's table. */
    @Test
    void aUsersPolicyIsWithin() {
      want(route(OURS), Route.NONE, tunnel());
      Selector flows = Selector.between(H, P);
      Template usersTunnel = Template.tunnel(TransformProtocol.ESP, H, P, new ReqId(1));
      merge.users(
          ImmutableList.of(Policy.allow(flows, Direction.OUT, 1, Bundle.of(USERS))),
          ImmutableList.of());
      assertThat(bundle(Direction.OUT, payload(H, P)))
          .isEqualTo(Bundle.of(USERS, Template.homeAddressOption(H, P)));
      merge.users(
          ImmutableList.of(Policy.allow(flows, Direction.OUT, 1, Bundle.of(usersTunnel))),
          ImmutableList.of());
      assertThat(bundle(Direction.OUT, payload(H, P)))
          .isEqualTo(Bundle.of(usersTunnel, Template.homeAddressOption(H, P)));
    }

    /** What leaves as the care-of address is to go by a VPN: the tunnel does, and all with it. */
    @Test
    void aUsersPolicyForTheCareOfAddress() {
      Template vpn = Template.tunnel(TransformProtocol.ESP, C, Q, new ReqId(7));
      Selector fromHere = Selector.between(Ipv6Prefix.host(C), Ipv6Prefix.ANY);
      want(route(OURS), route(PEERS), tunnel());
      Change vpnComes =
          merge.users(
              ImmutableList.of(Policy.allow(fromHere, Direction.OUT, 1, Bundle.of(vpn))),
              ImmutableList.of());
      assertThat(bundle(Direction.OUT, payload(H, P))).isEqualTo(Bundle.of(OUT, vpn));
      assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, Icmpv6Message.PARAMETER_PROBLEM, 0)))
          .isEqualTo(Bundle.of(OUT, vpn));
      assertThat(vpnComes.appeared())
          .as("of payload, and of a Parameter Problem, which goes to the home address")
          .extracting(finding -> finding.kind() + finding.words().replaceAll(".* as ", " "))
          .containsExactlyInAnyOrder(
              "ROUTE_REFUSED " + C + " > " + Q, "ROUTE_REFUSED " + C + " > " + P);
      want(route(PEERS), route(PEERS), tunnel());
      assertThat(bundle(Direction.OUT, payload(H, P)).templates())
          .as("by another care-of address, which it is not for")
          .containsExactly(Template.homeAddressOption(H, P), Template.routingHeader(H, P));
      want(route(OURS), route(PEERS), tunnel());
      assertThat(bundle(Direction.OUT, payload(H, P))).isEqualTo(Bundle.of(OUT, vpn));
      merge.users(ImmutableList.of(), ImmutableList.of());
      assertThat(bundle(Direction.OUT, payload(H, P)).templates())
          .containsExactly(Template.homeAddressOption(H, P), Template.routingHeader(H, P));
    }

    @Test
    void nothingIsLeftOfARoute() {
      ImmutableList<Policy> before = merge.policies();
      want(route(OURS), route(PEERS), tunnel());
      merge.want(WishOwner.route(H, P), ImmutableList.of());
      assertThat(merge.policies()).isEqualTo(before);
    }
  }

  /** At home nothing is around what is said as a correspondent. */
  @Test
  void aCorrespondentAtHome() {
    merge.want(WishOwner.of(H), home.mobileNodeAtHome().policies());
    want(Route.NONE, route(PEERS), Optional.empty());
    assertThat(bundle(Direction.OUT, payload(H, P)))
        .isEqualTo(Bundle.of(Template.routingHeader(H, P)));
    assertThat(bundle(Direction.IN, message(P, H, MobilityMessage.BINDING_UPDATE)))
        .isEqualTo(Bundle.of(Template.homeAddressOption(P, H).asOptional()));
  }

  @Test
  void aCorrespondentWithoutAHome() {
    merge.want(
        WishOwner.route(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED),
        RoutePolicies.correspondent(Ipv6Prefix.ANY).policies());
    MobilityWish wish = RoutePolicies.route(P, H, Route.NONE, route(OURS), Optional.empty());
    merge.want(WishOwner.route(P, H), wish.policies());
    assertThat(bundle(Direction.OUT, Flow.icmpv6(P, H, Icmpv6Message.PARAMETER_PROBLEM, 0)))
        .as("to where its packet came from (section 9.2)")
        .isEqualTo(Bundle.EMPTY);
    for (int port : new int[] {500, 4500}) {
      assertThat(bundle(Direction.OUT, Flow.withPorts(P, H, IpProtocol.UDP, port, port)))
          .as("key exchange goes to the home address")
          .isEqualTo(Bundle.EMPTY);
    }
    merge.users(
        ImmutableList.of(Policy.allow(Selector.ANY, Direction.OUT, 1, Bundle.of(USERS))),
        ImmutableList.of());
    assertThat(bundle(Direction.OUT, payload(P, H)))
        .isEqualTo(Bundle.of(USERS, Template.routingHeader(P, H)));
    assertThat(bundle(Direction.OUT, message(P, H, MobilityMessage.HOME_TEST)))
        .as("to the home address, and not a user's business")
        .isEqualTo(Bundle.EMPTY);
    assertThat(bundle(Direction.OUT, message(P, H, MobilityMessage.BINDING_ACKNOWLEDGEMENT)))
        .isEqualTo(Bundle.of(Template.routingHeader(P, H).asOptional()));
    merge.users(
        ImmutableList.of(Policy.allow(Selector.between(P, C), Direction.OUT, 1, Bundle.of(USERS))),
        ImmutableList.of());
    assertThat(merge.decides(Direction.OUT, payload(P, H)))
        .as("a policy for the care-of address: to the home address, as if there were no binding")
        .isEmpty();
    assertThat(wish.states())
        .containsExactly(
            RouteOptimizationState.routingHeader(P, H, C),
            RouteOptimizationState.homeAddressOption(H, P, C));
  }
}
