package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.HOME_PREFIX;
import static io.mipd.mobility.Exchange.LIFETIME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.mn.HomeAgentDiscovery;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Message.HomeAgentDiscoveryReply;
import io.mipd.xfrm.packet.Icmpv6Message.HomeAgentDiscoveryRequest;
import io.mipd.xfrm.packet.Icmpv6Message.MobilePrefixAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.MobilePrefixSolicitation;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a mobile node finds out of its home link from afar (RFC 6275 section 11.4). */
class MobileDiscoveryTest {
  private static final Ipv6Address ANYCAST = Ipv6Address.parse("2001:db8:1:0:fdff:ffff:ffff:fffe");
  private static final Ipv6Address SECOND = Ipv6Address.parse("2001:db8:1::2");
  private static final int ETH0 = 2;
  private static final ReqId SIGNALLING = new ReqId(1);
  private static final ReqId PREFIXES = new ReqId(4);
  private static final ImmutableMap<String, Integer> INTERFACES = ImmutableMap.of("eth0", 1);

  private Instant now = Instant.EPOCH;

  private MobilityNode node = new HomeAgentDiscovery(HOME, HOME_PREFIX, INTERFACES, new Random(3));

  private List<NodeAction> on(NodeEvent event) {
    return node.handle(now, event);
  }

  private static ImmutableList<NodeAction.SendDiscovery> sent(List<NodeAction> actions) {
    return actions.stream()
        .filter(NodeAction.SendDiscovery.class::isInstance)
        .map(NodeAction.SendDiscovery.class::cast)
        .collect(ImmutableList.toImmutableList());
  }

  private List<NodeAction> address(Ipv6Address address, AddressState state) {
    return on(new NodeEvent.AddressChanged(ETH0, address, 64, state));
  }

  private void plugged() {
    on(new NodeEvent.Started());
    assertThat(on(new NodeEvent.LinkChanged(ETH0, "eth0", true, Optional.of(Exchange.NODE_MAC))))
        .containsExactly(new NodeAction.SolicitRouters(ETH0));
    assertThat(address(COA_A.value(), AddressState.TENTATIVE)).isEmpty();
  }

  private NodeAction.SendDiscovery asks() {
    plugged();
    return sent(address(COA_A.value(), AddressState.USABLE)).get(0);
  }

  private List<NodeAction> reply(int identifier, Ipv6Address to, Ipv6Address... agents) {
    return on(
        new NodeEvent.Icmpv6Arrived(
            ETH0,
            AGENT,
            to,
            60,
            new HomeAgentDiscoveryReply(identifier, ImmutableList.copyOf(agents))));
  }

  @Test
  void asksTheAnycastAddressAndTakesTheListAsItIs() {
    NodeAction.SendDiscovery request = asks();
    assertThat(request.source()).isEqualTo(COA_A.value());
    assertThat(request.destination()).isEqualTo(ANYCAST);
    int identifier = ((HomeAgentDiscoveryRequest) request.message()).identifier();
    assertThat(reply(identifier ^ 1, COA_A.value(), AGENT)).noneMatch(this::isFound);
    assertThat(reply(identifier, COA_B.value(), AGENT)).noneMatch(this::isFound);
    assertThat(reply(identifier, COA_A.value())).noneMatch(this::isFound);
    assertThat(reply(identifier, COA_A.value(), SECOND, AGENT, HOME.value(), SECOND))
        .contains(new NodeAction.HomeAgentsFound(ImmutableList.of(SECOND, AGENT)));
  }

  private boolean isFound(NodeAction action) {
    return action instanceof NodeAction.HomeAgentsFound;
  }

  /** The same request after 3, 6, 12 and 24 s, and after a while another. */
  @Test
  void asksAgainAndThenAnew() {
    NodeAction first = asks();
    List<Long> waits = new ArrayList<>();
    List<NodeAction> all = new ArrayList<>(List.of(first));
    for (int i = 0; i < 5; i++) {
      Instant next = node.nextDeadline().orElseThrow();
      waits.add(Duration.between(now, next).toSeconds());
      now = next;
      all.addAll(sent(on(new NodeEvent.DeadlineReached())));
    }
    assertThat(waits).containsExactly(3L, 6L, 12L, 24L, 48L + 60);
    assertThat(all.subList(0, 5)).containsOnly(first);
    assertThat(all.get(5)).isNotEqualTo(first);
  }

  @Test
  void asksAnewFromAnotherAddress() {
    NodeAction.SendDiscovery first = asks();
    assertThat(address(COA_A.value(), AddressState.GONE)).isEmpty();
    assertThat(node.nextDeadline()).isEmpty();
    NodeAction.SendDiscovery second = sent(address(COA_B.value(), AddressState.USABLE)).get(0);
    assertThat(second.source()).isEqualTo(COA_B.value());
    assertThat(second.message()).isNotEqualTo(first.message());
  }

  // Prefix discovery.

  private static SecurityPath through(ReqId reqId) {
    return new SecurityPath(
        ImmutableList.of(
            new SecurityPath.Step(
                TransformProtocol.ESP,
                Mode.TRANSPORT,
                AGENT,
                HOME.value(),
                reqId,
                new Spi(0x1000))));
  }

  private static Arrival arrival(SecurityPath path) {
    return new Arrival(AGENT, HOME.value(), Optional.empty(), true, path, ETH0);
  }

  /** Registered at A, with this status. */
  private List<NodeAction> registers(BindingStatus status) {
    node =
        new MobileNode(
            new MobileNodeSettings(
                HOME,
                HOME_PREFIX,
                AGENT,
                LIFETIME,
                INTERFACES,
                new TunnelProtection(
                    Optional.of(SIGNALLING),
                    Optional.of(PREFIXES),
                    Optional.empty(),
                    Optional.empty()),
                Optional.empty(),
                false),
            false,
            new SequenceNumber(0),
            new Random(4));
    on(new NodeEvent.Started());
    on(new NodeEvent.LinkChanged(ETH0, "eth0", true, Optional.of(Exchange.NODE_MAC)));
    on(
        new NodeEvent.Icmpv6Arrived(
            ETH0,
            Ipv6Address.parse("fe80::a"),
            Ipv6Address.ALL_NODES,
            255,
            new RouterAdvertisement(
                64, false, false, false, 0, 1800, 0, 0, ImmutableList.of(link()))));
    List<NodeAction> actions = address(COA_A.value(), AddressState.USABLE);
    BindingUpdate update =
        actions.stream()
            .filter(NodeAction.SendMessage.class::isInstance)
            .map(it -> (BindingUpdate) ((NodeAction.SendMessage) it).message())
            .findFirst()
            .orElseThrow();
    return on(
        new NodeEvent.MobilityMessageArrived(
            new BindingAcknowledgement(
                status,
                false,
                update.sequence(),
                BindingLifetime.atMost(LIFETIME),
                ImmutableList.of()),
            arrival(through(SIGNALLING))));
  }

  private static NdOption link() {
    return new PrefixInformation(
        64, Ipv6Address.parse("2001:db8:a::"), true, true, false, 864_000, 864_000);
  }

  private List<NodeAction> advertises(int identifier, Arrival arrival, NdOption... options) {
    return on(
        new NodeEvent.PrefixDiscoveryArrived(
            new MobilePrefixAdvertisement(identifier, false, false, ImmutableList.copyOf(options)),
            arrival));
  }

  private static int identifier(NodeAction.SendDiscovery sent) {
    return ((MobilePrefixSolicitation) sent.message()).identifier();
  }

  private static PrefixInformation home(long valid, long preferred) {
    return new PrefixInformation(64, AGENT, true, true, true, valid, preferred);
  }

  @Test
  void asksWhenTheHomeAgentSaysThatItIsNecessary() {
    assertThat(sent(registers(BindingStatus.ACCEPTED))).isEmpty();
    NodeAction.SendDiscovery asked =
        sent(registers(BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY)).get(0);
    assertThat(asked.source()).isEqualTo(HOME.value());
    assertThat(asked.destination()).isEqualTo(AGENT);
    assertThat(asked.careOf()).hasValue(COA_A);
    int identifier = identifier(asked);
    // Neither without the association, nor another's, nor without the routing header.
    for (Arrival wrong :
        List.of(
            arrival(SecurityPath.EMPTY),
            arrival(through(SIGNALLING)),
            new Arrival(SECOND, HOME.value(), Optional.empty(), true, through(PREFIXES), ETH0),
            new Arrival(AGENT, HOME.value(), Optional.empty(), false, through(PREFIXES), ETH0))) {
      assertThat(advertises(identifier, wrong, home(600, 0)))
          .as("%s", wrong)
          .hasSize(1)
          .allMatch(it -> it instanceof NodeAction.Refuse);
    }
    List<NodeAction> actions =
        advertises(
            identifier,
            arrival(through(PREFIXES)),
            home(600, 0),
            new PrefixInformation(
                64, Ipv6Address.parse("2001:db8:77::"), true, true, false, 9000, 9000));
    assertThat(actions)
        .hasSize(3)
        .filteredOn(it -> it instanceof NodeAction.Tell)
        .hasSize(2)
        .extracting(Object::toString)
        .anyMatch(it -> it.contains("deprecated"))
        .anyMatch(it -> it.contains("2001:db8:77::/64"));
    assertThat(actions).contains(new NodeAction.PreferHomeAddress(HOME, false));
    // Once only.
    assertThat(advertises(identifier, arrival(through(PREFIXES)), home(600, 0)))
        .anyMatch(it -> it instanceof NodeAction.Refuse);
  }

  /** What comes unasked is not believed, and makes it ask. */
  @Test
  void asksWhenItIsToldUnasked() {
    registers(BindingStatus.ACCEPTED);
    List<NodeAction> actions = advertises(77, arrival(through(PREFIXES)), home(0, 0));
    assertThat(actions).noneMatch(it -> it instanceof NodeAction.Tell);
    NodeAction.SendDiscovery first = sent(actions).get(0);
    List<NodeAction> answered =
        advertises(identifier(first), arrival(through(PREFIXES)), home(9000, 9000));
    assertThat(sent(answered)).isEmpty();
    // But not more than once within three seconds.
    assertThat(sent(advertises(78, arrival(through(PREFIXES)), home(0, 0)))).isEmpty();
    now = now.plusSeconds(3);
    assertThat(sent(on(new NodeEvent.DeadlineReached()))).hasSize(1);
  }

  /** A quarter of the valid lifetime is left. */
  @Test
  void asksBeforeTheHomeAddressExpires() {
    NodeAction.SendDiscovery asked =
        sent(registers(BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY)).get(0);
    advertises(identifier(asked), arrival(through(PREFIXES)), home(400, 200));
    now = now.plusSeconds(299);
    assertThat(sent(on(new NodeEvent.DeadlineReached()))).isEmpty();
    now = now.plusSeconds(1);
    assertThat(sent(on(new NodeEvent.DeadlineReached()))).hasSize(1);
    now = now.plusSeconds(100);
    assertThat(on(new NodeEvent.DeadlineReached()).toString()).contains("no longer valid");
  }

  /** RFC 6275 section 11.7.1: no longer than the home address is valid; never nothing. */
  @Test
  void registersForNoLongerThanTheHomeAddressIsValid() {
    NodeAction.SendDiscovery asked =
        sent(registers(BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY)).get(0);
    advertises(identifier(asked), arrival(through(PREFIXES)), home(62, 62));
    assertThat(lifetimeAt(COA_B)).isEqualTo(Duration.ofSeconds(60));
    now = now.plusSeconds(60);
    assertThat(lifetimeAt(COA_A)).isEqualTo(Duration.ofSeconds(4));
  }

  /** Of the Binding Update that is sent when this is the only address. */
  private Duration lifetimeAt(CareOfAddress careOf) {
    on(
        new NodeEvent.Icmpv6Arrived(
            ETH0,
            Ipv6Address.parse("fe80::a"),
            Ipv6Address.ALL_NODES,
            255,
            new RouterAdvertisement(
                64,
                false,
                false,
                false,
                0,
                1800,
                0,
                0,
                ImmutableList.of(
                    new PrefixInformation(
                        64, careOf.value(), true, true, false, 864_000, 864_000)))));
    address((careOf.equals(COA_A) ? COA_B : COA_A).value(), AddressState.GONE);
    return address(careOf.value(), AddressState.USABLE).stream()
        .filter(NodeAction.SendMessage.class::isInstance)
        .map(it -> ((BindingUpdate) ((NodeAction.SendMessage) it).message()).lifetime())
        .map(BindingLifetime::asDuration)
        .findFirst()
        .orElseThrow();
  }

  /** After 3, 6, 12 and 24 s it gives up until there is another reason. */
  @Test
  void givesUpWhereNobodyAnswers() {
    int count = sent(registers(BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY)).size();
    Instant end = now.plusSeconds(100);
    while (node.nextDeadline().filter(it -> it.isBefore(end)).isPresent()) {
      now = node.nextDeadline().orElseThrow();
      count += sent(on(new NodeEvent.DeadlineReached())).size();
    }
    assertThat(count).isEqualTo(4);
  }

  /** Where home agents are found another one is tried. */
  @Test
  void saysThatTheHomeAgentWillNotDo() {
    assertThat(registers(BindingStatus.ADMINISTRATIVELY_PROHIBITED))
        .contains(new NodeAction.HomeAgentFails());
    assertThat(registers(BindingStatus.ACCEPTED)).doesNotContain(new NodeAction.HomeAgentFails());
  }

  /** What has come in clear to another home address ends none that asks for protection. */
  @Test
  void believesAnotherHomeAddressAsFarAsThatIsProtected() {
    registers(BindingStatus.ACCEPTED);
    MobileNode mobile = (MobileNode) node;
    var ended = new MobilePrefixAdvertisement(7, false, false, ImmutableList.of(home(0, 0)));
    var soon = new MobilePrefixAdvertisement(8, false, false, ImmutableList.of(home(9000, 9000)));
    for (MobilePrefixAdvertisement news : List.of(ended, soon, ended)) {
      on(new NodeEvent.HomePrefixesTold(news, /* isProtected= */ false));
      assertThat(mobile.isValid(now.plusSeconds(7199))).isTrue();
    }
    assertThat(mobile.isValid(now.plusSeconds(7200))).isFalse();
    on(new NodeEvent.HomePrefixesTold(ended, /* isProtected= */ true));
    assertThat(mobile.isValid(now)).isFalse();
  }
}
