package io.mipd.mobility.planner;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.StandingMerge;
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
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a user's policy for any is not for, on a mobile node that is away. */
class ExemptionsTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address LINK = Ipv6Address.parse("fe80::1");
  private static final Ipv6Address GROUP = Ipv6Address.parse("ff02::1:ff00:1");

  private static final Template USERS = Template.transport(TransformProtocol.ESP, new ReqId(1));
  private static final Template OUT = Template.tunnel(TransformProtocol.ESP, C, A, new ReqId(5));
  private static final Template IN = Template.tunnel(TransformProtocol.ESP, A, C, new ReqId(5));

  private final StandingMerge<Ipv6Address> merge = new StandingMerge<>(new XfrmBackend.Limits(5));

  @BeforeEach
  void away() {
    var planner =
        new HomePolicies(
            new HomeAddress(H),
            A,
            new TunnelProtection(
                Optional.of(new ReqId(3)),
                Optional.of(new ReqId(4)),
                Optional.empty(),
                Optional.of(new ReqId(5))));
    merge.want(HomePolicies.LINKS, HomePolicies.links().policies());
    assertThat(merge.policies()).as("what is exempt is no policy by itself").isEmpty();
    merge.want(H, planner.mobileNodeAway(new CareOfAddress(C)).policies());
    merge.users(ImmutableList.of(forAny(Direction.OUT), forAny(Direction.IN)), ImmutableList.of());
  }

  private static Policy forAny(Direction direction) {
    return Policy.allow(Selector.ANY, direction, 1, Bundle.of(USERS));
  }

  private Bundle bundle(Direction direction, Flow flow) {
    Policy policy = merge.decides(direction, flow).orElseThrow().policy();
    assertThat(policy.action()).isEqualTo(Policy.Action.ALLOW);
    return policy.bundle();
  }

  @Test
  void allElseIsMeant() {
    assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, 128, 0)).templates()).startsWith(USERS, OUT);
    assertThat(bundle(Direction.OUT, Flow.icmpv6(LINK, GROUP, 128, 0))).isEqualTo(Bundle.of(USERS));
    assertThat(bundle(Direction.OUT, Flow.withPorts(C, A, IpProtocol.UDP, 500, 53)))
        .isEqualTo(Bundle.of(USERS));
  }

  /** Listeners, routers and neighbours (RFC 2710, RFC 3810, RFC 4861). */
  @ParameterizedTest
  @ValueSource(ints = {130, 131, 132, 133, 134, 135, 136, 137, 143})
  void whatALinkNeeds(int type) {
    assertThat(bundle(Direction.OUT, Flow.icmpv6(LINK, GROUP, type, 0)).isEmpty()).isTrue();
    assertThat(bundle(Direction.OUT, Flow.icmpv6(C, LINK, type, 0)).isEmpty()).isTrue();
    // It may come in ESP none the less.
    assertThat(bundle(Direction.IN, Flow.icmpv6(LINK, GROUP, type, 0)))
        .isEqualTo(Bundle.of(USERS.asOptional()));
  }

  /** The kernel asks, and is answered, at addresses of any scope. */
  @ParameterizedTest
  @ValueSource(ints = {135, 136})
  void whatNeighboursAskEachOther(int type) {
    assertThat(bundle(Direction.OUT, Flow.icmpv6(C, P, type, 0)).isEmpty()).isTrue();
    assertThat(bundle(Direction.IN, Flow.icmpv6(P, C, type, 0)))
        .isEqualTo(Bundle.of(USERS.asOptional()));
    assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, type, 0)).templates()).startsWith(OUT);
  }

  @ParameterizedTest
  @ValueSource(ints = {130, 131, 132, 133, 134, 137, 143})
  void listenersAndRoutersSpeakOnTheLink(int type) {
    assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, type, 0)).templates())
        .as("beyond the link it is meant")
        .startsWith(USERS, OUT);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 127})
  void errors(int type) {
    assertThat(bundle(Direction.OUT, Flow.icmpv6(H, P, type, 0)).templates()).startsWith(OUT);
    assertThat(bundle(Direction.IN, Flow.icmpv6(P, H, type, 0)).templates())
        .startsWith(USERS.asOptional(), IN);
  }

  @ParameterizedTest
  @ValueSource(ints = {500, 4500})
  void keyExchangeWithTheHomeAgent(int port) {
    assertThat(bundle(Direction.OUT, Flow.withPorts(C, A, IpProtocol.UDP, port, port)).isEmpty())
        .isTrue();
    assertThat(bundle(Direction.IN, Flow.withPorts(A, C, IpProtocol.UDP, port, port)))
        .isEqualTo(Bundle.of(USERS.asOptional()));
    assertThat(bundle(Direction.OUT, Flow.withPorts(C, P, IpProtocol.UDP, port, port)))
        .as("not with the home agent")
        .isEqualTo(Bundle.of(USERS));
  }
}
