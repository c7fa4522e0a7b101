package io.mipd.mobility.planner;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.StandingMerge;
import io.mipd.mobility.ListenerDiscovery;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Message;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which policies let in what comes through the tunnel for groups, and is said of them there. */
class GroupPoliciesTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address GROUP = Ipv6Address.parse("ff1e::101");
  private static final Ipv6Address SITE_GROUP = Ipv6Address.parse("ff15::101");

  private static final Template USERS = Template.transport(TransformProtocol.ESP, new ReqId(1));
  private static final Template FROM_AGENT =
      Template.tunnel(TransformProtocol.ESP, A, C, new ReqId(5));
  private static final Template FROM_MOBILE_NODE =
      Template.tunnel(TransformProtocol.ESP, C, A, new ReqId(5));
  private static final TunnelProtection ESP =
      new TunnelProtection(
          Optional.of(new ReqId(3)), Optional.empty(), Optional.empty(), Optional.of(new ReqId(5)));

  private static final int REDIRECT = 137;

  private final StandingMerge<Ipv6Address> merge = new StandingMerge<>(new XfrmBackend.Limits(5));

  private static HomePolicies planner(TunnelProtection protection) {
    return new HomePolicies(new HomeAddress(H), A, protection);
  }

  private static MobilityWish mobileNode(TunnelProtection protection) {
    return planner(protection).mobileNodeAway(new CareOfAddress(C));
  }

  private static MobilityWish homeAgent(TunnelProtection protection) {
    return planner(protection).homeAgentBound(new CareOfAddress(C));
  }

  private void want(MobilityWish wish) {
    merge.want(H, wish.policies());
  }

  private Optional<Bundle> arriving(Flow flow) {
    return merge.decides(Direction.IN, flow).map(it -> it.policy().bundle());
  }

  private static Flow payload(Ipv6Address group) {
    return Flow.withPorts(P, group, IpProtocol.UDP, 7777, 7777);
  }

  private static Flow said(Ipv6Address end, Ipv6Address group, int type) {
    return Flow.icmpv6(ListenerDiscovery.source(end), group, type, 0);
  }

  private static Flow query() {
    return said(A, Ipv6Address.ALL_NODES, Icmpv6Message.LISTENER_QUERY);
  }

  private static Flow report() {
    return said(H, ListenerDiscovery.ALL_ROUTERS_2, Icmpv6Message.LISTENER_REPORT_2);
  }

  @Test
  void aMobileNodeTakesGroupsOfGlobalScopeFromTheTunnelOnly() {
    want(mobileNode(ESP.withGroups(true)));
    assertThat(arriving(payload(GROUP))).contains(Bundle.of(FROM_AGENT));
    assertThat(arriving(payload(SITE_GROUP))).isEmpty();
    assertThat(arriving(query())).contains(Bundle.of(FROM_AGENT));
  }

  @Test
  void aHomeAgentTakesReportsFromTheTunnelOnly() {
    want(homeAgent(ESP.withGroups(true)));
    assertThat(arriving(report())).contains(Bundle.of(FROM_MOBILE_NODE));
    assertThat(arriving(said(P, ListenerDiscovery.ALL_ROUTERS_2, 143))).isEmpty();
  }

  /** As {@code fe80::1} on each of two links. */
  @Test
  void aNeighbourMayHaveTheLinkLocalAddressOfTheOtherEnd() {
    want(mobileNode(ESP.withGroups(true)));
    for (int type = Icmpv6Message.ROUTER_SOLICITATION; type <= REDIRECT; type++) {
      assertThat(arriving(said(A, Ipv6Address.ALL_NODES, type))).contains(Bundle.EMPTY);
    }
    assertThat(arriving(query())).contains(Bundle.of(FROM_AGENT));
    want(homeAgent(ESP.withGroups(true)));
    assertThat(arriving(said(H, Ipv6Address.ALL_NODES, Icmpv6Message.NEIGHBOR_ADVERTISEMENT)))
        .contains(Bundle.EMPTY);
  }

  /** What comes for a group is payload like any other; what is said of it may come without. */
  @Test
  void aUsersPolicyForAnyIsAskedForPayload() {
    merge.want(HomePolicies.LINKS, HomePolicies.links().policies());
    want(mobileNode(ESP.withGroups(true)));
    merge.users(
        ImmutableList.of(Policy.allow(Selector.ANY, Direction.IN, 1, Bundle.of(USERS))),
        ImmutableList.of());
    assertThat(arriving(payload(GROUP)).orElseThrow().templates()).startsWith(USERS, FROM_AGENT);
    assertThat(arriving(query()).orElseThrow().templates())
        .startsWith(USERS.asOptional(), FROM_AGENT);
  }

  @Test
  void whereNobodyAskedOrNothingIsInEspPoliciesNameNoGroups() {
    assertThat(mobileNode(TunnelProtection.NONE.withGroups(true)))
        .isEqualTo(mobileNode(TunnelProtection.NONE));
    assertThat(homeAgent(TunnelProtection.NONE.withGroups(true)))
        .isEqualTo(homeAgent(TunnelProtection.NONE));
    want(mobileNode(ESP));
    assertThat(arriving(payload(GROUP))).isEmpty();
    assertThat(arriving(query())).isEmpty();
  }
}
