package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.AGENT_INTERFACE;
import static io.mipd.mobility.Exchange.AGENT_MAC;
import static io.mipd.mobility.Exchange.HOME_PREFIX;
import static io.mipd.mobility.Exchange.LIFETIME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The home agent's own router advertisements on the home link (RFC 6275 sections 7 and 10.5). */
class RouterAdvertisingTest {
  private static final Ipv6Address LINK_LOCAL = Ipv6Address.parse("fe80::1");
  private static final Duration LONGEST = Duration.ofSeconds(3);

  private final HomeAgent agent = agent(Optional.of(advertising()));
  private Instant now = Instant.EPOCH;

  private static HomeAgentSettings.Advertising advertising() {
    return new HomeAgentSettings.Advertising(LONGEST, Duration.ofSeconds(30), -7);
  }

  private static HomeAgent agent(Optional<HomeAgentSettings.Advertising> advertising) {
    return new HomeAgent(
        new HomeAgentSettings("eth1", AGENT, HOME_PREFIX, LIFETIME, advertising, ImmutableMap.of()),
        ImmutableList.of(),
        new Random(7));
  }

  private static NodeEvent link(boolean up) {
    return new NodeEvent.LinkChanged(AGENT_INTERFACE, "eth1", up, Optional.of(AGENT_MAC));
  }

  private static NodeEvent linkLocal(NodeEvent.AddressState state) {
    return new NodeEvent.AddressChanged(AGENT_INTERFACE, LINK_LOCAL, 64, state);
  }

  private static NodeEvent solicitation(int hopLimit) {
    return new NodeEvent.Icmpv6Arrived(
        AGENT_INTERFACE,
        Ipv6Address.UNSPECIFIED,
        Ipv6Address.ALL_ROUTERS,
        hopLimit,
        new Icmpv6Message.RouterSolicitation(ImmutableList.of()));
  }

  /** The advertisements that an event brings about. */
  private ImmutableList<RouterAdvertisement> on(NodeEvent event) {
    return agent.handle(now, event).stream()
        .filter(NodeAction.SendIcmpv6.class::isInstance)
        .map(NodeAction.SendIcmpv6.class::cast)
        .peek(
            sent -> {
              assertThat(sent.interfaceIndex()).isEqualTo(AGENT_INTERFACE);
              assertThat(sent.source()).isEqualTo(LINK_LOCAL);
              assertThat(sent.destination()).isEqualTo(Ipv6Address.ALL_NODES);
            })
        .map(sent -> (RouterAdvertisement) sent.message())
        .collect(ImmutableList.toImmutableList());
  }

  private void serve() {
    on(new NodeEvent.Started());
    on(link(true));
    assertThat(on(linkLocal(NodeEvent.AddressState.USABLE))).hasSize(1);
  }

  @Test
  void saysThatItIsAHomeAgentAndWhichAddressItHas() {
    assertThat(on(new NodeEvent.Started())).isEmpty();
    assertThat(on(link(true))).isEmpty();
    assertThat(on(linkLocal(NodeEvent.AddressState.TENTATIVE))).isEmpty();
    RouterAdvertisement said = on(linkLocal(NodeEvent.AddressState.USABLE)).get(0);
    assertThat(said.homeAgent()).isTrue();
    assertThat(said.routerLifetime()).isEqualTo(30);
    assertThat(said.option(NdOption.SourceLinkLayerAddress.class))
        .hasValue(new NdOption.SourceLinkLayerAddress(AGENT_MAC));
    assertThat(said.option(NdOption.HomeAgentInformation.class))
        .hasValue(new NdOption.HomeAgentInformation(-7, 30));
    assertThat(said.option(NdOption.AdvertisementInterval.class))
        .hasValueSatisfying(it -> assertThat(it.asDuration()).isEqualTo(LONGEST));
    // R flag: the prefix field has the whole address (section 7.2).
    assertThat(said.option(NdOption.PrefixInformation.class))
        .hasValueSatisfying(
            it -> {
              assertThat(it.routerAddress()).isTrue();
              assertThat(it.address()).isEqualTo(AGENT);
              assertThat(it.prefix()).isEqualTo(HOME_PREFIX);
            });
  }

  @Test
  void repeatsItselfWithinItsIntervals() {
    serve();
    List<Duration> gaps = new ArrayList<>();
    Instant last = now;
    for (int i = 0; i < 100; i++) {
      now = agent.nextDeadline().orElseThrow();
      assertThat(on(new NodeEvent.DeadlineReached())).hasSize(1);
      gaps.add(Duration.between(last, now));
      last = now;
    }
    assertThat(gaps).allMatch(gap -> gap.compareTo(Duration.ofSeconds(1)) >= 0);
    assertThat(gaps).allMatch(gap -> gap.compareTo(LONGEST) <= 0);
    assertThat(gaps).doesNotHaveDuplicates();
  }

  @Test
  void answersSolicitationsSoonButNotTooOften() {
    serve();
    now = now.plusMillis(1200);
    // Passed on by a router: none of this link's (RFC 4861 section 6.1.1).
    Instant due = agent.nextDeadline().orElseThrow();
    on(solicitation(64));
    assertThat(agent.nextDeadline()).hasValue(due);
    on(solicitation(255));
    Instant soon = agent.nextDeadline().orElseThrow();
    assertThat(Duration.between(now, soon)).isBetween(Duration.ZERO, Duration.ofMillis(500));
    now = soon;
    assertThat(on(new NodeEvent.DeadlineReached())).hasSize(1);
    on(solicitation(255));
    assertThat(Duration.between(now, agent.nextDeadline().orElseThrow()))
        .isGreaterThanOrEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void isSilentWithoutLinkAndBeginsAnewWithIt() {
    serve();
    on(link(false));
    assertThat(agent.nextDeadline()).isEmpty();
    assertThat(on(solicitation(255))).isEmpty();
    assertThat(on(link(true))).hasSize(1);
  }

  @Test
  void takesItselfBackAtAStop() {
    serve();
    RouterAdvertisement last = on(new NodeEvent.ShutdownRequested()).get(0);
    assertThat(last.routerLifetime()).isZero();
    assertThat(last.option(NdOption.HomeAgentInformation.class)).isEmpty();
  }

  @Test
  void leavesItToOthersWhereItIsSwitchedOff() {
    HomeAgent silent = agent(Optional.empty());
    for (NodeEvent event :
        List.of(
            new NodeEvent.Started(),
            link(true),
            linkLocal(NodeEvent.AddressState.USABLE),
            solicitation(255),
            new NodeEvent.ShutdownRequested())) {
      assertThat(silent.handle(now, event)).noneMatch(NodeAction.SendIcmpv6.class::isInstance);
    }
    assertThat(silent.nextDeadline()).isEmpty();
  }
}
