package io.mipd.merger.rule;

import static io.mipd.xfrm.model.TransformProtocol.AH;
import static io.mipd.xfrm.model.TransformProtocol.ESP;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.merger.source.MobilityPolicy.Kind;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What the user is told of, once where it is so and not where it is not. */
class FindingsTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address GATEWAY = Ipv6Address.parse("2001:db8:d::3");
  private static final XfrmBackend.Limits LINUX =
      new XfrmBackend.Limits(5, /* ahTunnelsUnderOptions= */ false);

  private static final Selector FROM_HOME = Selector.between(Ipv6Prefix.host(H), Ipv6Prefix.ANY);
  private static final Template MESSAGE = Template.transport(ESP, new ReqId(3));
  private static final Template HAO = Template.homeAddressOption(H, A).asOptional();
  private static final MobilityPolicy UPDATE =
      mobility(
          Kind.SIGNALLING, Selector.between(H, A).withProtocol(IpProtocol.MOBILITY), MESSAGE, HAO);
  private static final MobilityPolicy UPDATE_IN_CLEAR =
      mobility(Kind.SIGNALLING, Selector.between(H, A).withProtocol(IpProtocol.MOBILITY), HAO);
  private static final MobilityPolicy TUNNEL =
      mobility(Kind.PAYLOAD, FROM_HOME, Template.tunnel(ESP, C, A, new ReqId(2)));
  private static final Template USERS = Template.transport(ESP, new ReqId(1));

  private static MobilityPolicy mobility(Kind kind, Selector selector, Template... templates) {
    return new MobilityPolicy(
        selector, Direction.OUT, kind, Policy.Action.ALLOW, Bundle.of(templates), "" + kind);
  }

  private static Policy user(int priority, Selector selector, Template... templates) {
    return Policy.allow(selector, Direction.OUT, priority, Bundle.of(templates));
  }

  private static ImmutableList<Finding> findings(List<MobilityPolicy> mobility, Policy... user) {
    ImmutableList<Finding> all =
        PolicyMerger.merge(ImmutableList.copyOf(user), ImmutableList.copyOf(mobility), LINUX)
            .findings();
    // Whoever comes last, it is told then.
    var usersLast = new StandingMerge<String>(LINUX);
    usersLast.want("H", ImmutableList.copyOf(mobility));
    assertThat(usersLast.users(ImmutableList.copyOf(user), ImmutableList.of()).appeared())
        .containsExactlyInAnyOrderElementsOf(all);
    var mobilityLast = new StandingMerge<String>(LINUX);
    List<Finding> told =
        new ArrayList<>(
            mobilityLast.users(ImmutableList.copyOf(user), ImmutableList.of()).appeared());
    told.addAll(mobilityLast.want("H", ImmutableList.copyOf(mobility)).appeared());
    assertThat(told).containsExactlyInAnyOrderElementsOf(all);
    return all;
  }

  /** The only one; its witness is among the flows. */
  private static void only(Finding.Kind kind, Selector among, ImmutableList<Finding> findings) {
    assertThat(findings)
        .singleElement()
        .satisfies(
            one -> {
              assertThat(one.kind()).isEqualTo(kind);
              assertThat(among.matches(one.witness())).as("%s", one).isTrue();
            });
  }

  @Test
  void nothingIsSaidOfWhatGoesTogether() {
    assertThat(findings(List.of(UPDATE, TUNNEL), user(1, Selector.between(H, P), USERS))).isEmpty();
    assertThat(findings(List.of(UPDATE, TUNNEL), user(1, FROM_HOME, USERS))).isEmpty();
  }

  @Test
  void signallingThatLosesAProtectionForAny() {
    only(
        Finding.Kind.PROTECTION_LOST,
        UPDATE_IN_CLEAR.selector(),
        findings(List.of(UPDATE_IN_CLEAR, TUNNEL), user(1, FROM_HOME, USERS)));
  }

  @Test
  void aBlockOfWhatMobilityWouldCarry() {
    Selector toPeer = Selector.between(H, P);
    only(
        Finding.Kind.MOBILITY_BLOCKED,
        toPeer,
        findings(List.of(UPDATE, TUNNEL), Policy.block(toPeer, Direction.OUT, 1)));
  }

  @Test
  void whatNoFlowReachesIsNotSaidToBlock() {
    Selector toPeer = Selector.between(H, P);
    only(
        Finding.Kind.UNREACHABLE,
        toPeer,
        findings(
            List.of(UPDATE, TUNNEL),
            user(1, FROM_HOME, USERS),
            Policy.block(toPeer, Direction.OUT, 2)));
  }

  /** Two halves that together take all. */
  @Test
  void aPolicyBehindOthersThatTakeItsFlowsTogether() {
    Selector low = Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.parse("::/1"));
    Selector high = Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.parse("8000::/1"));
    only(
        Finding.Kind.UNREACHABLE,
        FROM_HOME,
        findings(List.of(), user(1, low, USERS), user(2, high, USERS), user(3, FROM_HOME)));
  }

  /** A policy for what leaves as the care-of address, whatever it carries. */
  @Test
  void aWayThatIsNotDirectForAUsersPolicyIsInIt() {
    Selector toPeer = Selector.between(H, P);
    Selector onLink = Selector.between(C, P);
    List<MobilityPolicy> mobility = List.of(UPDATE, DIRECT_WAY, TUNNEL);
    Template vpn = Template.tunnel(ESP, C, A, new ReqId(7));
    for (Policy inTheWay :
        List.of(
            user(2, Selector.between(Ipv6Prefix.host(C), Ipv6Prefix.ANY), vpn),
            user(2, onLink.withProtocol(IpProtocol.UDP), USERS),
            Policy.block(onLink, Direction.OUT, 2),
            user(2, Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(P)), vpn))) {
      // What is for the home address has its say before: the last one has not.
      Policy ofHome = user(1, toPeer, USERS);
      only(Finding.Kind.ROUTE_REFUSED, toPeer, findings(mobility, ofHome, inTheWay));
      assertThat(taken(mobility, ofHome, inTheWay)).startsWith(USERS, TUNNEL_OUT);
      // A way that the user leaves open before is open.
      assertThat(findings(mobility, ofHome, user(0, onLink), inTheWay))
          .noneMatch(finding -> finding.kind() == Finding.Kind.ROUTE_REFUSED);
      assertThat(taken(mobility, ofHome, user(0, onLink), inTheWay)).containsExactly(USERS, DIRECT);
    }
    // One that is for both addresses is in the packet already.
    Policy forAny = user(1, Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(P)), USERS);
    assertThat(findings(mobility, forAny)).isEmpty();
    assertThat(taken(mobility, forAny)).containsExactly(USERS, DIRECT);
    // Messages of Mobile IPv6 do not take the way of payload.
    assertThat(findings(mobility, user(1, onLink.withProtocol(IpProtocol.MOBILITY), USERS)))
        .isEmpty();
  }

  private static final Template DIRECT = Template.homeAddressOption(H, P);
  private static final MobilityPolicy DIRECT_WAY =
      new MobilityPolicy(
          Selector.between(H, P),
          Direction.OUT,
          Kind.OPTIMIZED,
          Policy.Action.ALLOW,
          Bundle.of(DIRECT),
          "direct",
          Optional.of(new MobilityPolicy.OnLink(C, P)));
  private static final Template TUNNEL_OUT = Template.tunnel(ESP, C, A, new ReqId(2));

  /** By payload from home address to peer. */
  private static ImmutableList<Template> taken(List<MobilityPolicy> mobility, Policy... user) {
    Flow flow = Flow.withPorts(H, P, IpProtocol.UDP, 1000, 2000);
    return PolicyMerger.merge(ImmutableList.copyOf(user), ImmutableList.copyOf(mobility), LINUX)
        .all()
        .stream()
        .map(MergedPolicy::policy)
        .filter(policy -> policy.selector().matches(flow))
        .findFirst()
        .orElseThrow()
        .bundle()
        .templates();
  }

  @Test
  void aPolicyThatIsShadowedWhileThereIsNoBinding() {
    var blocked =
        new MobilityPolicy(
            FROM_HOME,
            Direction.OUT,
            Kind.PAYLOAD,
            Policy.Action.BLOCK,
            Bundle.EMPTY,
            "no binding");
    Selector toPeer = Selector.between(H, P);
    only(
        Finding.Kind.USER_POLICY_SHADOWED,
        toPeer,
        findings(List.of(UPDATE, blocked), user(1, toPeer, USERS)));
  }

  /** What goes by an xfrm interface has its id, and mobility's policies have none. */
  @Test
  void aHomeAddressOutside() {
    Selector byInterface =
        new Selector(
            FROM_HOME.source(),
            FROM_HOME.destination(),
            IpProtocol.ANY,
            PortMatch.ANY,
            PortMatch.ANY,
            FROM_HOME.mark(),
            7);
    only(
        Finding.Kind.HOME_ADDRESS_OUTSIDE,
        byInterface,
        findings(List.of(UPDATE, TUNNEL), user(1, byInterface, USERS)));
  }

  @Test
  void associationsThatBothWouldFind() {
    Selector toAgent = Selector.between(H, A).withProtocol(IpProtocol.TCP);
    only(
        Finding.Kind.REQID_SHARED,
        toAgent,
        findings(List.of(UPDATE, TUNNEL), user(1, toAgent, MESSAGE)));
    // As "ip xfrm" has it: with addresses that say nothing in transport mode.
    only(
        Finding.Kind.REQID_SHARED,
        toAgent,
        findings(List.of(UPDATE, TUNNEL), user(1, toAgent, MESSAGE.withAddresses(H, A))));
    only(
        Finding.Kind.REQID_SHARED,
        toAgent,
        findings(List.of(UPDATE, TUNNEL), user(1, toAgent, Template.transport(ESP, ReqId.ANY))));
    // Between others no association of mobility's is found, whatever its request id.
    Selector others = Selector.between(P, A).withProtocol(IpProtocol.TCP);
    assertThat(findings(List.of(UPDATE, TUNNEL), user(1, others, MESSAGE))).isEmpty();
  }

  @Test
  void whatTheBackendHasNoListFor() {
    Selector toPeer = Selector.between(H, P);
    var optimized = mobility(Kind.PAYLOAD, toPeer, Template.homeAddressOption(H, P));
    ImmutableList<Finding> findings =
        findings(
            List.of(UPDATE, optimized, TUNNEL),
            user(1, toPeer, Template.tunnel(AH, H, P, new ReqId(1))));
    only(Finding.Kind.NOT_EXPRESSIBLE, toPeer, findings);
    assertThat(findings(List.of(UPDATE, optimized, TUNNEL), user(1, toPeer, USERS))).isEmpty();
  }

  /** What comes from the peer by its route bears a routing header. */
  @Test
  void portsThatLinuxDoesNotSeeBehindARoutingHeader() {
    var old =
        new XfrmBackend.Limits(
            5, /* ahTunnelsUnderOptions= */ false, 0, /* portsBehindOptions= */ false);
    Selector received = Selector.between(P, H);
    Selector toPort =
        received.withProtocol(IpProtocol.UDP).withPorts(PortMatch.ANY, PortMatch.exactly(53));
    var route =
        new MobilityPolicy(
            received,
            Direction.IN,
            Kind.OPTIMIZED,
            Policy.Action.ALLOW,
            Bundle.of(Template.routingHeader(P, H).asOptional()),
            "what comes directly");
    for (Policy user :
        List.of(
            Policy.allow(toPort, Direction.IN, 1, Bundle.of(USERS)),
            Policy.allow(
                toPort, Direction.IN, 1, Bundle.of(Template.tunnel(ESP, P, H, new ReqId(1)))),
            Policy.block(toPort, Direction.IN, 1))) {
      only(Finding.Kind.PORTS_UNSEEN, toPort, findings(old, route, user));
      assertThat(findings(LINUX, route, user))
          .extracting(Finding::kind)
          .as("%s", user)
          .doesNotContain(Finding.Kind.PORTS_UNSEEN);
    }
    for (Selector seen :
        List.of(
            received,
            received.withProtocol(IpProtocol.UDP),
            Selector.between(GATEWAY, H)
                .withProtocol(IpProtocol.UDP)
                .withPorts(PortMatch.ANY, PortMatch.exactly(53)))) {
      assertThat(findings(old, route, Policy.allow(seen, Direction.IN, 1, Bundle.of(USERS))))
          .as("%s", seen)
          .isEmpty();
    }
  }

  private static ImmutableList<Finding> findings(
      XfrmBackend.Limits limits, MobilityPolicy mobility, Policy user) {
    return PolicyMerger.merge(ImmutableList.of(user), ImmutableList.of(mobility), limits)
        .findings();
  }

  /** To the gateway the route is optimized, to the peer it is not. */
  @Test
  void anOptionalTunnelWithoutWhichMobilityWouldHaveSomethingElse() {
    Selector toPeer = Selector.between(H, P);
    Template tunnel = Template.tunnel(ESP, H, GATEWAY, new ReqId(1));
    var toGateway =
        mobility(
            Kind.OPTIMIZED, Selector.between(H, GATEWAY), Template.homeAddressOption(H, GATEWAY));
    only(
        Finding.Kind.TUNNEL_SKIPPED,
        toPeer,
        findings(List.of(UPDATE, toGateway, TUNNEL), user(1, toPeer, tunnel.asOptional())));
    only(
        Finding.Kind.TUNNEL_SKIPPED,
        toPeer,
        findings(List.of(UPDATE, toGateway, TUNNEL), user(1, toPeer, USERS, tunnel.asOptional())));
    assertThat(findings(List.of(UPDATE, toGateway, TUNNEL), user(1, toPeer, tunnel))).isEmpty();
    // Both go to the home agent, tunnel or not.
    assertThat(findings(List.of(UPDATE, TUNNEL), user(1, toPeer, tunnel.asOptional()))).isEmpty();
  }

  @Test
  void anOptionalTunnelWithoutWhichMobilityHasNoPart() {
    var toGateway = mobility(Kind.OPTIMIZED, Selector.between(C, GATEWAY), HAO);
    Selector others = Selector.between(C, P);
    only(
        Finding.Kind.TUNNEL_SKIPPED,
        others,
        findings(
            List.of(UPDATE, toGateway, TUNNEL),
            user(1, others, Template.tunnel(ESP, C, GATEWAY, new ReqId(1)).asOptional())));
  }

  @Test
  void aTunnelWithoutEndPoints() {
    Selector toPeer = Selector.between(H, P);
    only(
        Finding.Kind.UNKNOWN_END_POINTS,
        toPeer,
        findings(
            List.of(UPDATE, TUNNEL),
            user(
                1,
                toPeer,
                Template.tunnel(
                    ESP, Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED, new ReqId(1)))));
  }

  /** Nine gateways, each behind the next. */
  @Test
  void tunnelsWithinTunnelsWithoutEnd() {
    var users = new Policy[10];
    for (int i = 0; i < users.length; i++) {
      Ipv6Address end = gateway(i);
      Selector selector = i == 0 ? Selector.between(C, A) : Selector.between(C, gateway(i - 1));
      users[i] = user(1 + i, selector, Template.tunnel(ESP, C, end, new ReqId(10 + i)));
    }
    assertThat(
            PolicyMerger.merge(
                    ImmutableList.copyOf(users),
                    ImmutableList.of(UPDATE, TUNNEL),
                    new XfrmBackend.Limits(100))
                .findings())
        .extracting(Finding::kind)
        .containsExactly(Finding.Kind.LOOP);
  }

  /** Two gateways, each behind the other. */
  @Test
  void gatewaysBehindEachOther() {
    Policy toFirst = user(1, Selector.between(C, A), gatewayTunnel(0));
    Policy throughSecond = user(2, Selector.between(C, gateway(0)), gatewayTunnel(1));
    Policy throughFirst = user(3, Selector.between(C, gateway(1)), gatewayTunnel(0));
    Merged merged =
        PolicyMerger.merge(
            ImmutableList.of(toFirst, throughSecond, throughFirst),
            ImmutableList.of(UPDATE, TUNNEL),
            new XfrmBackend.Limits(100));
    assertThat(merged.findings()).extracting(Finding::kind).containsExactly(Finding.Kind.LOOP);
    assertThat(
            merged.policies().stream()
                .filter(one -> one.selector().source().contains(H))
                .filter(one -> one.selector().destination().isAny()))
        .extracting(Policy::action)
        .containsOnly(Policy.Action.BLOCK);
  }

  /** One for any is meant once around everything, whatever is within; also one to its own end. */
  @Test
  void aTunnelForAnyIsNoLoop() {
    Policy toFirst = user(1, Selector.between(C, gateway(0)), gatewayTunnel(1));
    Policy all = user(2, Selector.between(Ipv6Prefix.host(C), Ipv6Prefix.ANY), gatewayTunnel(0));
    Policy toItself = user(3, Selector.between(C, A), Template.tunnel(ESP, C, A, new ReqId(7)));
    for (ImmutableList<Policy> users :
        ImmutableList.of(ImmutableList.of(toFirst, all), ImmutableList.of(toItself))) {
      assertThat(
              PolicyMerger.merge(
                      users, ImmutableList.of(UPDATE, TUNNEL), new XfrmBackend.Limits(100))
                  .findings())
          .extracting(Finding::kind)
          .doesNotContain(Finding.Kind.LOOP);
    }
  }

  private static Template gatewayTunnel(int number) {
    return Template.tunnel(ESP, C, gateway(number), new ReqId(10 + number));
  }

  /** The marks of the user's policy and of one on its outer flow, together all that are free. */
  @Test
  void aComposedMarkIsOneThatTheBackendCanBear() {
    var limits = new XfrmBackend.Limits(5, false, 0xc000_0000, true);
    Policy inner = user(1, Selector.between(H, P).withMark(new Mark(0x1, 0x0fff_ffff)), USERS);
    Policy outer =
        user(
            2,
            Selector.between(C, A).withMark(new Mark(0x1000_0000, 0x7000_0000)),
            Template.tunnel(ESP, C, GATEWAY, new ReqId(9)));

    Merged merged =
        PolicyMerger.merge(
            ImmutableList.of(inner, outer), ImmutableList.of(UPDATE, TUNNEL), limits);

    assertThat(merged.findings()).isEmpty();
    assertThat(merged.policies())
        .extracting(policy -> policy.selector().mark())
        .contains(new Mark(0x1000_0001, ~0), new Mark(0x1, 0x0fff_ffff))
        .allMatch(mark -> limits.bearable(mark).equals(mark));
    var flow = new Flow(H, P, IpProtocol.UDP, 1, 2, 0x1000_0001, 0);
    assertThat(merged.decides(Direction.OUT, flow).orElseThrow().policy().bundle().templates())
        .hasSize(3);
  }

  @Test
  void aMarkThatIsTheBackendsOwnIsLeftOut() {
    var limits = new XfrmBackend.Limits(5, false, 0xc000_0000, true);
    Selector marked = Selector.between(H, P).withMark(new Mark(0x8000_0001, ~0));
    Merged merged =
        PolicyMerger.merge(
            ImmutableList.of(user(1, marked, USERS)), ImmutableList.of(UPDATE, TUNNEL), limits);

    only(Finding.Kind.NOT_EXPRESSIBLE, marked, merged.findings());
    assertThat(merged.findings().get(0).words()).contains("0xc0000000", "take a mark without them");
    assertThat(merged.policies())
        .noneMatch(policy -> limits.isImpossible(policy.selector().mark()));
    assertThat(merged.policies()).isEqualTo(withoutUser(limits));
  }

  /** Nor for one whose packets are another's, who leaves the way open. */
  @Test
  void noWayIsRefusedForAMarkThatNoPacketHas() {
    var limits = new XfrmBackend.Limits(5, false, 0xc000_0000, true);
    Selector onLink = Selector.between(C, P);
    Policy ofNobody = user(1, onLink.withMark(new Mark(0x8000_0000, 0x8000_0000)), USERS);
    Policy open = user(2, onLink.withMark(new Mark(0x1, 0xc000_0001)));
    Policy ofTheSame = user(3, onLink.withMark(new Mark(0x1, 0x1)), USERS);
    ImmutableList<MobilityPolicy> mobility = ImmutableList.of(UPDATE, DIRECT_WAY, TUNNEL);

    Merged merged =
        PolicyMerger.merge(ImmutableList.of(ofNobody, open, ofTheSame), mobility, limits);

    var flow = Flow.withPorts(H, P, IpProtocol.UDP, 1, 2);
    assertThat(merged.decides(Direction.OUT, flow).orElseThrow().policy().bundle())
        .isEqualTo(Bundle.of(DIRECT));
    assertThat(
            PolicyMerger.merge(ImmutableList.of(ofTheSame), mobility, limits)
                .decides(Direction.OUT, flow)
                .orElseThrow()
                .policy()
                .bundle())
        .isEqualTo(TUNNEL.bundle());
  }

  private static ImmutableList<Policy> withoutUser(XfrmBackend.Limits limits) {
    return PolicyMerger.merge(ImmutableList.of(), ImmutableList.of(UPDATE, TUNNEL), limits)
        .policies();
  }

  private static Ipv6Address gateway(int number) {
    return new Ipv6Address(0x2001_0db8_000e_0000L, 1 + number);
  }

  /** What was said is said again only when it has not been so meanwhile. */
  @Test
  void isToldOnceWhileItIsSo() {
    var merge = new StandingMerge<String>(LINUX);
    Policy shared = user(1, Selector.between(H, A).withProtocol(IpProtocol.TCP), MESSAGE);
    Policy other = user(2, Selector.between(H, P), USERS);
    merge.want("H", ImmutableList.of(UPDATE, TUNNEL));
    assertThat(merge.users(ImmutableList.of(shared), ImmutableList.of()).appeared()).hasSize(1);
    assertThat(merge.users(ImmutableList.of(shared, other), ImmutableList.of()).appeared())
        .isEmpty();
    Change gone = merge.want("H", ImmutableList.of());
    assertThat(gone.appeared()).isEmpty();
    gone.undo();
    assertThat(merge.users(ImmutableList.of(other), ImmutableList.of()).appeared()).isEmpty();
    Change again = merge.users(ImmutableList.of(shared), ImmutableList.of());
    assertThat(again.appeared()).hasSize(1);
    // What was undone has not been said.
    again.undo();
    assertThat(merge.users(ImmutableList.of(shared), ImmutableList.of()).appeared()).hasSize(1);
  }
}
