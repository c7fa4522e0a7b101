package io.mipd.merger.rule;

import static io.mipd.xfrm.model.TransformProtocol.ESP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import org.junit.jupiter.api.Test;

/**
 * The consequences of the rule, one test each. H is the home address, C the care-of address, A the
 * home agent, P the peer, G a third party's gateway.
 */
class PolicyMergerTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address G = Ipv6Address.parse("2001:db8:d::3");
  private static final XfrmBackend.Limits LINUX = new XfrmBackend.Limits(5);

  private static final Template USER_TRANSPORT = Template.transport(ESP, new ReqId(1));
  private static final Template USER_TUNNEL = Template.tunnel(ESP, H, P, new ReqId(1));
  private static final Template REVERSE_TUNNEL = Template.tunnel(ESP, C, A, new ReqId(2));
  private static final Template PLAIN_TUNNEL = Template.ipv6InIpv6(C, A);
  private static final Template SIGNALLING = Template.transport(ESP, new ReqId(3));
  private static final Template HAO_TO_PEER = Template.homeAddressOption(H, P);
  private static final Template HAO_TO_AGENT = Template.homeAddressOption(H, A);

  private static final Selector FROM_HOME = Selector.between(Ipv6Prefix.host(H), Ipv6Prefix.ANY);
  private static final MobilityPolicy BINDING_UPDATE =
      new MobilityPolicy(
          Selector.between(H, A).withProtocol(IpProtocol.MOBILITY),
          Direction.OUT,
          Kind.SIGNALLING,
          Policy.Action.ALLOW,
          Bundle.of(SIGNALLING, HAO_TO_AGENT.asOptional()),
          "binding updates to the home agent");
  private static final MobilityPolicy TO_AGENT = payload(Selector.between(H, A), HAO_TO_AGENT);
  private static final MobilityPolicy TUNNELLED = payload(FROM_HOME, REVERSE_TUNNEL);
  private static final ImmutableList<MobilityPolicy> AWAY =
      ImmutableList.of(BINDING_UPDATE, TO_AGENT, TUNNELLED);
  private static final ImmutableList<MobilityPolicy> OPTIMIZED =
      ImmutableList.of(
          BINDING_UPDATE, TO_AGENT, payload(Selector.between(H, P), HAO_TO_PEER), TUNNELLED);

  private static final Flow TO_PEER = Flow.withPorts(H, P, IpProtocol.TCP, 1234, 80);
  private static final Flow UPDATE = Flow.mobility(H, A, 5);

  private static MobilityPolicy payload(Selector selector, Template... templates) {
    return new MobilityPolicy(
        selector,
        Direction.OUT,
        Kind.PAYLOAD,
        Policy.Action.ALLOW,
        Bundle.of(templates),
        "payload");
  }

  private static Policy user(Selector selector, Template... templates) {
    return Policy.allow(selector, Direction.OUT, 10, Bundle.of(templates));
  }

  private static Merged merge(ImmutableList<MobilityPolicy> mobility, Policy... user) {
    return PolicyMerger.merge(ImmutableList.copyOf(user), mobility, LINUX);
  }

  private static Bundle bundle(Merged merged, Flow flow) {
    var policy = merged.decides(Direction.OUT, flow).orElseThrow().policy();
    assertThat(policy.action()).isEqualTo(Policy.Action.ALLOW);
    return policy.bundle();
  }

  @Test
  void tunnelsWhatNoPolicyOfTheUsersProtects() {
    assertThat(bundle(merge(AWAY), TO_PEER)).isEqualTo(Bundle.of(REVERSE_TUNNEL));
  }

  @Test
  void putsTheUsersTransportModeInsideTheReverseTunnel() {
    var merged = merge(AWAY, user(Selector.between(H, P), USER_TRANSPORT));
    assertThat(bundle(merged, TO_PEER)).isEqualTo(Bundle.of(USER_TRANSPORT, REVERSE_TUNNEL));
    var plain = ImmutableList.of(BINDING_UPDATE, payload(FROM_HOME, PLAIN_TUNNEL));
    assertThat(bundle(merge(plain, user(FROM_HOME, USER_TRANSPORT)), TO_PEER))
        .isEqualTo(Bundle.of(USER_TRANSPORT, PLAIN_TUNNEL));
  }

  @Test
  void putsTheUsersTunnelInsideTheReverseTunnel() {
    var user = user(Selector.between(H, P), USER_TUNNEL);
    assertThat(bundle(merge(AWAY, user), TO_PEER))
        .isEqualTo(Bundle.of(USER_TUNNEL, REVERSE_TUNNEL));
  }

  @Test
  void putsTheHomeAddressOptionOutsideTheUsersTunnel() {
    var user = user(Selector.between(H, P), USER_TUNNEL);
    assertThat(bundle(merge(OPTIMIZED, user), TO_PEER))
        .isEqualTo(Bundle.of(USER_TUNNEL, HAO_TO_PEER));
  }

  /** Around what mobility's tunnel makes it would put the home address outside. */
  @Test
  void putsATunnelForAnyOnceAroundEverything() {
    Template toGateway = Template.tunnel(ESP, H, G, new ReqId(1));
    assertThat(bundle(merge(AWAY, user(Selector.ANY, toGateway)), TO_PEER))
        .isEqualTo(Bundle.of(toGateway, REVERSE_TUNNEL));
  }

  @Test
  void asksMobilityAboutTheGatewayAndNotAboutThePeerBehindIt() {
    Template toGateway = Template.tunnel(ESP, H, G, new ReqId(1));
    var user = user(Selector.between(H, P), toGateway);
    assertThat(bundle(merge(OPTIMIZED, user), TO_PEER))
        .as("the binding at the peer is irrelevant")
        .isEqualTo(Bundle.of(toGateway, REVERSE_TUNNEL));

    Template haoToGateway = Template.homeAddressOption(H, G);
    var bound =
        ImmutableList.of(
            BINDING_UPDATE,
            payload(Selector.between(H, G), haoToGateway),
            payload(FROM_HOME, REVERSE_TUNNEL));
    assertThat(bundle(merge(bound, user), TO_PEER)).isEqualTo(Bundle.of(toGateway, haoToGateway));
  }

  @Test
  void sendsTheUsersIpsecWithTheHomeAgentBesideTheTunnel() {
    var user = user(Selector.between(H, A), USER_TRANSPORT);
    Flow ssh = Flow.withPorts(H, A, IpProtocol.TCP, 1234, 22);
    assertThat(bundle(merge(AWAY, user), ssh)).isEqualTo(Bundle.of(USER_TRANSPORT, HAO_TO_AGENT));
  }

  @Test
  void keepsSignallingOutOfAPolicyForAny() {
    var merged = merge(AWAY, user(FROM_HOME, USER_TUNNEL));
    assertThat(bundle(merged, UPDATE)).isEqualTo(BINDING_UPDATE.bundle());
    assertThat(merged.findings()).isEmpty();
    assertThat(merged.decides(Direction.OUT, UPDATE).orElseThrow().trace())
        .extracting(MergedPolicy.Step::rule)
        .contains(Composition.NAME);
  }

  @Test
  void letsAPolicyThatNamesTheMobilityHeaderWinAndSaysSo() {
    var named = user(FROM_HOME.withProtocol(IpProtocol.MOBILITY), USER_TUNNEL);
    var merged = merge(AWAY, named);
    assertThat(bundle(merged, UPDATE)).isEqualTo(Bundle.of(USER_TUNNEL, REVERSE_TUNNEL));
    assertThat(merged.findings())
        .extracting(Finding::kind)
        .containsExactly(Finding.Kind.SIGNALLING_OVERRIDDEN);
    assertThat(named.selector().matches(merged.findings().get(0).witness())).isTrue();
  }

  @Test
  void letsTheUsersBlockWinAndSaysSo() {
    var merged = merge(AWAY, Policy.block(FROM_HOME, Direction.OUT, 10));
    assertThat(merged.decides(Direction.OUT, UPDATE).orElseThrow().policy().action())
        .isEqualTo(Policy.Action.BLOCK);
    assertThat(merged.decides(Direction.OUT, TO_PEER).orElseThrow().policy().action())
        .isEqualTo(Policy.Action.BLOCK);
    assertThat(merged.findings())
        .extracting(Finding::kind)
        .contains(Finding.Kind.SIGNALLING_OVERRIDDEN);
  }

  @Test
  void composesAPolicyForTheOuterFlow() {
    Template vpn = Template.tunnel(ESP, C, G, new ReqId(7));
    var user = user(Selector.between(Ipv6Prefix.host(C), Ipv6Prefix.ANY), vpn);
    assertThat(bundle(merge(AWAY, user), TO_PEER)).isEqualTo(Bundle.of(REVERSE_TUNNEL, vpn));
  }

  /** Else the home address would be the source of what leaves on a foreign link. */
  @Test
  void asksMobilityAgainAboutWhatLeavesTheUsersTunnelAroundTheOuterFlow() {
    Template toGateway = Template.tunnel(ESP, H, G, new ReqId(1));
    Policy vpn = user(Selector.between(C, A), toGateway);

    assertThat(bundle(merge(AWAY, vpn), TO_PEER))
        .isEqualTo(Bundle.of(REVERSE_TUNNEL, toGateway, REVERSE_TUNNEL));

    Template option = Template.homeAddressOption(H, G);
    ImmutableList<MobilityPolicy> optimized =
        ImmutableList.of(
            BINDING_UPDATE, TO_AGENT, payload(Selector.between(H, G), option), TUNNELLED);
    assertThat(bundle(merge(optimized, vpn), TO_PEER))
        .isEqualTo(Bundle.of(REVERSE_TUNNEL, toGateway, option));
  }

  @Test
  void blocksWhenTheUserBlocksTheOuterFlow() {
    var merged = merge(AWAY, Policy.block(Selector.between(C, A), Direction.OUT, 10));
    assertThat(merged.decides(Direction.OUT, TO_PEER).orElseThrow().policy().action())
        .isEqualTo(Policy.Action.BLOCK);
    assertThat(merged.findings())
        .extracting(Finding::kind)
        .contains(Finding.Kind.OUTER_FLOW_BLOCKED);
  }

  @Test
  void mirrorsTheBundleInbound() {
    Template fromPeer = Template.tunnel(ESP, P, H, new ReqId(1));
    Template fromAgent = Template.tunnel(ESP, A, C, new ReqId(2));
    var tunnelled =
        new MobilityPolicy(
            Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(H)),
            Direction.IN,
            Kind.PAYLOAD,
            Policy.Action.ALLOW,
            Bundle.of(fromAgent),
            "tunnelled payload");
    var user = Policy.allow(Selector.between(P, H), Direction.IN, 10, Bundle.of(fromPeer));
    var merged = PolicyMerger.merge(ImmutableList.of(user), ImmutableList.of(tunnelled), LINUX);
    assertThat(merged.decides(Direction.IN, TO_PEER.reversed()).orElseThrow().policy().bundle())
        .isEqualTo(Bundle.of(fromPeer, fromAgent));
  }

  @Test
  void saysBeforeTheBackendDoesThatABundleIsTooLong() {
    var merged =
        PolicyMerger.merge(
            ImmutableList.of(user(FROM_HOME, USER_TUNNEL)), AWAY, new XfrmBackend.Limits(1));
    assertThat(merged.decides(Direction.OUT, TO_PEER).orElseThrow().policy().action())
        .isEqualTo(Policy.Action.BLOCK);
    assertThat(merged.findings())
        .extracting(Finding::kind)
        .contains(Finding.Kind.TOO_MANY_TEMPLATES);
  }

  @Test
  void givesEachPolicyItsOwnPriorityAndIdentity() {
    var merged = merge(OPTIMIZED, user(FROM_HOME, USER_TRANSPORT));
    assertThat(merged.policies()).extracting(Policy::priority).doesNotHaveDuplicates().isSorted();
    assertThat(merged.policies()).extracting(Policy::id).doesNotHaveDuplicates();
  }

  @Test
  void refusesPayloadBeforeSignalling() {
    var wrong = ImmutableList.of(TUNNELLED, BINDING_UPDATE);
    assertThatThrownBy(() -> merge(wrong))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("signalling after payload");
  }
}
