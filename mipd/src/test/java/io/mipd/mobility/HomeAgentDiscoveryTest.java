package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.AGENT_INTERFACE;
import static io.mipd.mobility.Exchange.AGENT_MAC;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.HOME_PREFIX;
import static io.mipd.mobility.Exchange.LIFETIME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.ha.AccessList;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
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
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The home agents list, discovery of home agents and of prefixes (RFC 6275 10.1, 10.5, 10.6). */
class HomeAgentDiscoveryTest {
  private static final Ipv6Address ANYCAST = Ipv6Address.parse("2001:db8:1:0:fdff:ffff:ffff:fffe");
  private static final Ipv6Address SECOND = Ipv6Address.parse("2001:db8:1::2");
  private static final Ipv6Address THIRD = Ipv6Address.parse("2001:db8:1::3");
  private static final ReqId SIGNALLING = new ReqId(1);
  private static final ReqId PREFIXES = new ReqId(4);
  private static final TunnelProtection PROTECTION =
      new TunnelProtection(
          Optional.of(SIGNALLING), Optional.of(PREFIXES), Optional.empty(), Optional.empty());
  private static final HomeAgentSettings.PrefixDelivery SOON =
      new HomeAgentSettings.PrefixDelivery(Duration.ofSeconds(10), Duration.ofSeconds(1000));

  private Instant now = Instant.EPOCH;
  private HomeAgent agent = agent(HomeAgentSettings.PrefixLifetimes.DEFAULT);
  private int sequence;

  private HomeAgent agent(HomeAgentSettings.PrefixLifetimes lifetimes) {
    return agent(lifetimes, ImmutableList.of(), HomeLinkState.NOTHING);
  }

  private HomeAgent agent(
      HomeAgentSettings.PrefixLifetimes lifetimes,
      ImmutableList<HomeBinding> restored,
      HomeLinkState heard) {
    return new HomeAgent(
        now,
        new HomeAgentSettings(
            "eth1",
            AGENT,
            HOME_PREFIX,
            LIFETIME,
            Optional.of(
                new HomeAgentSettings.Advertising(
                    Duration.ofSeconds(1800), Duration.ofSeconds(30), 5)),
            lifetimes,
            ImmutableList.of(),
            SOON,
            new AccessList(
                ImmutableList.of(
                    new AccessList.Rule(Ipv6Prefix.parse("2001:db8:b:1::/64"), true),
                    new AccessList.Rule(Ipv6Prefix.parse("2001:db8:b::/48"), false))),
            /* virtual= */ true,
            /* multicast= */ false,
            ImmutableMap.of(HOME, PROTECTION)),
        restored,
        ImmutableMap.of(),
        heard,
        new Random(10));
  }

  private List<NodeAction> on(NodeEvent event) {
    return agent.handle(now, event);
  }

  private void serve() {
    on(new NodeEvent.Started());
    assertThat(on(new NodeEvent.LinkChanged(AGENT_INTERFACE, "eth1", true, Optional.of(AGENT_MAC))))
        .contains(new NodeAction.JoinAnycast(AGENT_INTERFACE, ANYCAST));
  }

  private static ImmutableList<NodeAction.SendDiscovery> discovery(List<NodeAction> actions) {
    return actions.stream()
        .filter(NodeAction.SendDiscovery.class::isInstance)
        .map(NodeAction.SendDiscovery.class::cast)
        .collect(ImmutableList.toImmutableList());
  }

  private static PrefixInformation prefix(
      Ipv6Address address, boolean router, long valid, long preferred) {
    return new PrefixInformation(64, address, true, true, router, valid, preferred);
  }

  private List<NodeAction> hears(
      String router, boolean homeAgent, int lifetime, NdOption... options) {
    return on(
        new NodeEvent.Icmpv6Arrived(
            AGENT_INTERFACE,
            Ipv6Address.parse(router),
            Ipv6Address.ALL_NODES,
            255,
            new RouterAdvertisement(
                64, false, false, homeAgent, 0, lifetime, 0, 0, ImmutableList.copyOf(options))));
  }

  private List<NodeAction> asks(Ipv6Address from, Ipv6Address to) {
    now = now.plusSeconds(1);
    return on(new NodeEvent.Icmpv6Arrived(3, from, to, 60, new HomeAgentDiscoveryRequest(0x1234)));
  }

  private ImmutableList<Ipv6Address> listed() {
    NodeAction.SendDiscovery sent =
        discovery(asks(COA_A.value(), ANYCAST)).stream().findFirst().orElseThrow();
    assertThat(sent.source()).isEqualTo(AGENT);
    assertThat(sent.destination()).isEqualTo(COA_A.value());
    var reply = (HomeAgentDiscoveryReply) sent.message();
    assertThat(reply.identifier()).isEqualTo(0x1234);
    return reply.homeAgents();
  }

  @Test
  void listsItselfAndTheOthersByPreference() {
    serve();
    assertThat(listed()).containsExactly(AGENT);
    hears(
        "fe80::2",
        true,
        1800,
        prefix(SECOND, true, 86400, 14400),
        new NdOption.HomeAgentInformation(9, 20));
    // Without the option its preference is 0, and its lifetime the router's.
    hears("fe80::3", true, 10, prefix(THIRD, true, 86400, 14400));
    // Neither a router without H nor an address without R.
    hears("fe80::4", false, 1800, prefix(Ipv6Address.parse("2001:db8:1::4"), true, 9, 9));
    hears("fe80::5", true, 1800, prefix(Ipv6Address.parse("2001:db8:1::"), false, 9, 9));
    assertThat(listed()).containsExactly(SECOND, AGENT, THIRD);
    now = now.plusSeconds(8);
    assertThat(listed()).containsExactly(SECOND, AGENT);
    now = now.plusSeconds(10);
    assertThat(listed()).containsExactly(AGENT);
  }

  @Test
  void forgetsWhoIsNoHomeAgentAnyMore() {
    serve();
    hears("fe80::2", true, 1800, prefix(SECOND, true, 86400, 14400));
    assertThat(listed()).contains(SECOND);
    hears("fe80::2", false, 1800, prefix(SECOND, true, 86400, 14400));
    assertThat(listed()).containsExactly(AGENT);
    hears("fe80::2", true, 1800, prefix(SECOND, true, 3, 3));
    assertThat(listed()).contains(SECOND);
    now = now.plusSeconds(3);
    assertThat(listed()).as("its prefix is no longer valid").containsExactly(AGENT);
    hears("fe80::2", true, 0, prefix(SECOND, true, 86400, 14400));
    assertThat(listed()).containsExactly(AGENT);
  }

  /** No more than fits into 1280 octets, the best of all, in another order each time. */
  @Test
  void listsEqualsAtRandomAndNoMoreThanFit() {
    serve();
    for (int i = 0; i < 100; i++) {
      hears(
          "fe80::1:" + i,
          true,
          1800,
          prefix(Ipv6Address.parse("2001:db8:1::1:" + i), true, 86400, 14400),
          new NdOption.HomeAgentInformation(7, 1800));
    }
    Set<ImmutableList<Ipv6Address>> seen = new HashSet<>();
    for (int i = 0; i < 5; i++) {
      assertThat(listed()).hasSize(77).doesNotContain(AGENT).doesNotHaveDuplicates();
      seen.add(listed());
    }
    assertThat(seen).hasSize(5);
  }

  private static ImmutableList<HomeLinkState> remembered(List<NodeAction> actions) {
    return actions.stream()
        .filter(NodeAction.RememberHomeLink.class::isInstance)
        .map(it -> ((NodeAction.RememberHomeLink) it).state())
        .collect(ImmutableList.toImmutableList());
  }

  /** By another clock, after a while in which nobody listened. */
  @Test
  void theNextDaemonKnowsWhatIsLeftOfWhatWasHeard() {
    serve();
    registers(COA_A);
    HomeLinkState kept =
        remembered(
                hears(
                    "fe80::2",
                    true,
                    1800,
                    prefix(SECOND, true, 86400, 14400),
                    prefix(Ipv6Address.parse("2001:db8:77::"), false, 5000, 4000),
                    new NdOption.HomeAgentInformation(9, 20)))
            .get(0);
    hears("fe80::3", true, 8, prefix(THIRD, true, 86400, 14400));
    now = now.plusSeconds(1);
    HomeLinkState both = remembered(on(new NodeEvent.DeadlineReached())).get(0);
    assertThat(both.agents()).containsAll(kept.agents()).hasSize(2);
    assertThat(both.prefixes()).isEqualTo(kept.prefixes());

    Duration ahead = Duration.ofDays(400);
    now = now.plus(ahead).plusSeconds(9);
    agent =
        agent(
            HomeAgentSettings.PrefixLifetimes.DEFAULT,
            ImmutableList.of(
                new HomeBinding(HOME, COA_A, new SequenceNumber(1), 0xc000, now.plusSeconds(99))),
            both.later(ahead));
    serve();
    assertThat(listed()).containsExactly(SECOND, AGENT);
    assertThat(discovery(solicits(arrival(COA_A, through(PREFIXES)))).get(0).message())
        .isEqualTo(
            new MobilePrefixAdvertisement(
                0x4321,
                false,
                false,
                ImmutableList.of(
                    prefix(AGENT, true, 2_592_000, 604_800),
                    prefix(Ipv6Address.parse("2001:db8:77::"), false, 4989, 3989))));
    now = now.plusSeconds(8);
    assertThat(listed()).containsExactly(AGENT);

    // On another link nothing of it holds.
    var elsewhere =
        new HomeLinkState("eth2", HOME_PREFIX, both.agents(), both.prefixes()).later(ahead);
    now = now.minusSeconds(17);
    agent = agent(HomeAgentSettings.PrefixLifetimes.DEFAULT, ImmutableList.of(), elsewhere);
    serve();
    assertThat(listed()).containsExactly(AGENT);
  }

  /** A clock that was set back makes nothing last longer than it was told to. */
  @Test
  void noClockMakesOthersLastForEver() {
    serve();
    HomeLinkState kept =
        remembered(
                hears(
                    "fe80::2", true, 1800, prefix(SECOND, true, PrefixInformation.INFINITE, 14400)))
            .get(0);
    agent =
        agent(
            HomeAgentSettings.PrefixLifetimes.DEFAULT,
            ImmutableList.of(),
            kept.later(Duration.ofDays(400)));
    serve();
    assertThat(listed()).containsExactly(AGENT, SECOND);
    now = Instant.EPOCH.plusSeconds(0xffff - 2);
    assertThat(listed()).containsExactly(AGENT, SECOND);
    assertThat(listed()).containsExactly(AGENT);
  }

  /** Its routes are there from the beginning. */
  @Test
  void aRestoredBindingThatEndsBeforeTheHomeLinkIsUpIsLetGo() {
    agent =
        agent(
            HomeAgentSettings.PrefixLifetimes.DEFAULT,
            ImmutableList.of(
                new HomeBinding(HOME, COA_A, new SequenceNumber(1), 0xc000, now.plusSeconds(9))),
            HomeLinkState.NOTHING);
    on(new NodeEvent.Started());
    now = now.plusSeconds(9);
    assertThat(on(new NodeEvent.DeadlineReached())).contains(new NodeAction.Proxy(0, HOME, false));
  }

  /** What is new at once, and no more than once in a second; what is not, now and then. */
  @Test
  void remembersTheHomeLinkAsOftenAsNeeded() {
    serve();
    PrefixInformation address = prefix(SECOND, true, 86400, 14400);
    assertThat(remembered(hears("fe80::2", true, 1800, address))).hasSize(1);
    for (int i = 3; i < 9; i++) {
      assertThat(remembered(hears("fe80::" + i, true, 1800, address))).isEmpty();
    }
    assertThat(agent.nextDeadline()).hasValue(now.plusSeconds(1));
    now = now.plusSeconds(1);
    assertThat(remembered(on(new NodeEvent.DeadlineReached())))
        .singleElement()
        .satisfies(it -> assertThat(it.agents()).hasSize(7));

    now = now.plusSeconds(2);
    assertThat(remembered(hears("fe80::2", true, 1800, address))).isEmpty();
    now = now.plusSeconds(8);
    assertThat(remembered(on(new NodeEvent.DeadlineReached()))).hasSize(1);
    assertThat(remembered(on(new NodeEvent.ShutdownRequested()))).isEmpty();
    hears("fe80::2", false, 0);
    assertThat(remembered(on(new NodeEvent.ShutdownRequested())))
        .singleElement()
        .satisfies(it -> assertThat(it.agents()).hasSize(6));
  }

  /** Those of one home agent stay together, before those of less preference. */
  @Test
  void listsTheAddressesOfOneAtRandom() {
    serve();
    var three = ImmutableList.of(SECOND, THIRD, Ipv6Address.parse("2001:db8:1::77"));
    hears(
        "fe80::2",
        true,
        1800,
        prefix(three.get(0), true, 86400, 14400),
        prefix(three.get(1), true, 86400, 14400),
        prefix(three.get(2), true, 86400, 14400),
        new NdOption.HomeAgentInformation(7, 1800));
    Set<ImmutableList<Ipv6Address>> seen = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      ImmutableList<Ipv6Address> all = listed();
      assertThat(all).hasSize(4).endsWith(AGENT).containsAll(three);
      seen.add(all);
    }
    assertThat(seen).hasSizeGreaterThan(2);
  }

  @Test
  void answersNeitherOtherAddressesNorTooOften() {
    serve();
    assertThat(discovery(asks(COA_A.value(), AGENT))).isEmpty();
    assertThat(discovery(asks(Ipv6Address.parse("fe80::9"), ANYCAST))).isEmpty();
    now = now.plusSeconds(1);
    int answers = 0;
    for (int i = 0; i < 10; i++) {
      answers +=
          discovery(
                  on(
                      new NodeEvent.Icmpv6Arrived(
                          3, COA_A.value(), ANYCAST, 60, new HomeAgentDiscoveryRequest(i))))
              .size();
    }
    assertThat(answers).isEqualTo(ProtocolConstants.MAX_UPDATE_RATE);
  }

  // Prefix discovery.

  private static SecurityPath through(ReqId reqId) {
    return new SecurityPath(
        ImmutableList.of(
            new SecurityPath.Step(
                TransformProtocol.ESP,
                Mode.TRANSPORT,
                HOME.value(),
                AGENT,
                reqId,
                new Spi(0x1000))));
  }

  private static Arrival arrival(CareOfAddress careOf, SecurityPath path) {
    return new Arrival(HOME.value(), AGENT, Optional.of(careOf.value()), false, path, 3);
  }

  private List<NodeAction> binds(CareOfAddress careOf) {
    sequence++;
    return on(
        new NodeEvent.MobilityMessageArrived(
            new BindingUpdate(
                new SequenceNumber(sequence),
                ImmutableSet.of(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION),
                BindingLifetime.atMost(Duration.ofSeconds(400)),
                ImmutableList.of()),
            arrival(careOf, through(SIGNALLING))));
  }

  private BindingAcknowledgement registers(CareOfAddress careOf) {
    return binds(careOf).stream()
        .filter(NodeAction.SendMessage.class::isInstance)
        .map(it -> (BindingAcknowledgement) ((NodeAction.SendMessage) it).message())
        .findFirst()
        .orElseThrow();
  }

  private List<NodeAction> solicits(Arrival arrival) {
    return on(
        new NodeEvent.PrefixDiscoveryArrived(
            new MobilePrefixSolicitation(0x4321, ImmutableList.of()), arrival));
  }

  @Test
  void answersSolicitationsThatComeByTheAssociation() {
    serve();
    assertThat(registers(COA_A).status()).isEqualTo(BindingStatus.ACCEPTED);
    hears("fe80::3", true, 1800, prefix(Ipv6Address.parse("2001:db8:77::3"), true, 5000, 4000));
    ImmutableList<NodeAction.SendDiscovery> sent =
        discovery(solicits(arrival(COA_A, through(PREFIXES))));
    assertThat(sent)
        .containsExactly(
            new NodeAction.SendDiscovery(
                new MobilePrefixAdvertisement(
                    0x4321,
                    false,
                    false,
                    ImmutableList.of(
                        prefix(AGENT, true, 2_592_000, 604_800),
                        prefix(Ipv6Address.parse("2001:db8:77::"), false, 5000, 4000))),
                AGENT,
                HOME.value(),
                Optional.of(COA_A)));
  }

  @Test
  void answersNobodyElse() {
    serve();
    assertThat(discovery(solicits(arrival(COA_A, through(PREFIXES))))).as("not bound").isEmpty();
    registers(COA_A);
    for (Arrival wrong :
        List.of(
            arrival(COA_A, SecurityPath.EMPTY),
            arrival(COA_A, through(SIGNALLING)),
            arrival(COA_B, through(PREFIXES)),
            new Arrival(HOME.value(), AGENT, Optional.empty(), false, through(PREFIXES), 3),
            new Arrival(
                HOME.value(), SECOND, Optional.of(COA_A.value()), false, through(PREFIXES), 3))) {
      assertThat(solicits(wrong))
          .as("%s", wrong)
          .hasSize(1)
          .allMatch(it -> it instanceof NodeAction.Refuse);
    }
  }

  /** All that is sent until then without being asked. */
  private ImmutableList<Instant> unasked(Duration duration) {
    Instant end = now.plus(duration);
    var sent = ImmutableList.<Instant>builder();
    while (agent.nextDeadline().filter(it -> !it.isAfter(end)).isPresent()) {
      now = agent.nextDeadline().orElseThrow();
      discovery(on(new NodeEvent.DeadlineReached())).forEach(it -> sent.add(now));
    }
    now = end;
    return sent.build();
  }

  /** Soon after a change, and again after 3, 6 and 12 s until the mobile node asks. */
  @Test
  void tellsOfChangesUntilItIsHeard() {
    serve();
    registers(COA_A);
    solicits(arrival(COA_A, through(PREFIXES)));
    Instant changed = now;
    hears("fe80::3", true, 1800, prefix(Ipv6Address.parse("2001:db8:77::3"), true, 5000, 4000));
    ImmutableList<Instant> sent = unasked(Duration.ofSeconds(380));
    while (sent.isEmpty()) {
      // The binding is to live until then.
      registers(COA_A);
      sent = unasked(Duration.ofSeconds(380));
    }
    assertThat(Duration.between(changed, sent.get(0))).isBetween(SOON.least(), SOON.longest());
    assertThat(sent).hasSizeBetween(2, 4);
    for (int i = 1; i < sent.size(); i++) {
      assertThat(Duration.between(sent.get(i - 1), sent.get(i)))
          .isEqualTo(Duration.ofSeconds(3L << (i - 1)));
    }
  }

  /** The operator renumbers: the link hears of it soon, and so does who is away. */
  @Test
  void tellsOfThePrefixesThatTheOperatorChanges() {
    serve();
    registers(COA_A);
    solicits(arrival(COA_A, through(PREFIXES)));
    Ipv6Prefix coming = Ipv6Prefix.parse("2001:db8:9::/64");
    var none = new HomeAgentSettings.PrefixLifetimes(Duration.ZERO, Duration.ZERO);
    Instant changed = now;
    agent.adopt(
        LIFETIME,
        none,
        ImmutableList.of(
            new HomeAgentSettings.HomePrefix(coming, HomeAgentSettings.PrefixLifetimes.DEFAULT)),
        AccessList.EVERYWHERE);
    assertThat(on(new NodeEvent.DeadlineReached()))
        .contains(
            new NodeAction.JoinAnycast(
                AGENT_INTERFACE, Ipv6Address.parse("2001:db8:9:0:fdff:ffff:ffff:fffe")));
    ImmutableList<Instant> sent = unasked(Duration.ofSeconds(380));
    assertThat(sent).isNotEmpty();
    assertThat(Duration.between(changed, sent.get(0)))
        .isBetween(SOON.least(), SOON.least().multipliedBy(2));
    NodeAction.SendDiscovery told = discovery(solicits(arrival(COA_A, through(PREFIXES)))).get(0);
    assertThat(((MobilePrefixAdvertisement) told.message()).options())
        .containsExactly(
            prefix(AGENT, true, 0, 0),
            new PrefixInformation(64, coming.address(), true, true, false, 2_592_000, 604_800));
    // What is there stays as long as it was granted, and is not renewed.
    assertThat(agent.bindingCount()).isEqualTo(1);
    assertThat(registers(COA_A).status()).isEqualTo(BindingStatus.NOT_HOME_SUBNET);
    assertThat(agent.bindingCount()).isEqualTo(1);
  }

  /** RFC 6275 section 6.8: the last question is answered when a second is over. */
  @Test
  void answersNobodyMoreThanOnceASecond() {
    serve();
    registers(COA_A);
    assertThat(discovery(solicits(arrival(COA_A, through(PREFIXES))))).hasSize(1);
    now = now.plusMillis(400);
    assertThat(discovery(solicits(arrival(COA_A, through(PREFIXES))))).isEmpty();
    assertThat(agent.nextDeadline()).hasValue(Instant.EPOCH.plusSeconds(1));
    now = Instant.EPOCH.plusSeconds(1);
    assertThat(discovery(on(new NodeEvent.DeadlineReached())))
        .extracting(it -> ((MobilePrefixAdvertisement) it.message()).identifier())
        .containsExactly(0x4321);
    assertThat(unasked(SOON.least())).isEmpty();
  }

  /** RFC 6275 section 6.8: no DHCPv6 for mobile nodes, whatever the link has. */
  @Test
  void passesNoStatefulConfigurationOn() {
    serve();
    registers(COA_A);
    on(
        new NodeEvent.Icmpv6Arrived(
            AGENT_INTERFACE,
            Ipv6Address.parse("fe80::3"),
            Ipv6Address.ALL_NODES,
            255,
            new RouterAdvertisement(64, true, true, true, 0, 1800, 0, 0, ImmutableList.of())));
    var told =
        (MobilePrefixAdvertisement)
            discovery(solicits(arrival(COA_A, through(PREFIXES)))).get(0).message();
    assertThat(told.managed()).isFalse();
    assertThat(told.otherConfiguration()).isFalse();
  }

  @Test
  void whatOnlyCountsDownIsNoChange() {
    serve();
    registers(COA_A);
    solicits(arrival(COA_A, through(PREFIXES)));
    Ipv6Address other = Ipv6Address.parse("2001:db8:77::3");
    hears("fe80::3", true, 1800, prefix(other, true, 5000, 4000));
    now = now.plusSeconds(1);
    solicits(arrival(COA_A, through(PREFIXES)));
    Optional<Instant> planned = agent.nextDeadline();
    now = now.plusSeconds(1);
    hears("fe80::3", true, 1800, prefix(other, true, 4999, 3999));
    hears("fe80::3", true, 1800, prefix(other, true, 4999, 3999));
    now = now.plusSeconds(8);
    assertThat(remembered(on(new NodeEvent.DeadlineReached()))).hasSize(1);
    assertThat(agent.nextDeadline()).isEqualTo(planned);
  }

  @Test
  void tellsNobodyWhoseBindingHasEnded() {
    serve();
    registers(COA_A);
    assertThat(unasked(Duration.ofSeconds(2000)).stream().filter(it -> it.isAfter(ENDS))).isEmpty();
  }

  private static final Instant ENDS = Instant.EPOCH.plusSeconds(400);

  /** RFC 6275 section 10.3.1: the status, and no binding beyond the prefix. */
  @Test
  void saysThatPrefixDiscoveryIsNecessary() {
    agent =
        agent(
            new HomeAgentSettings.PrefixLifetimes(
                Duration.ofSeconds(3600), Duration.ofSeconds(60)));
    serve();
    BindingAcknowledgement deprecated = registers(COA_A);
    assertThat(deprecated.status())
        .isEqualTo(BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY);
    assertThat(deprecated.lifetime().asDuration()).isEqualTo(Duration.ofSeconds(400));
    agent =
        agent(
            new HomeAgentSettings.PrefixLifetimes(Duration.ofSeconds(80), Duration.ofSeconds(80)));
    serve();
    BindingAcknowledgement ending = registers(COA_A);
    assertThat(ending.status()).isEqualTo(BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY);
    assertThat(ending.lifetime().asDuration()).isEqualTo(Duration.ofSeconds(80));
  }

  /** RFC 6275 section 10.3.1: also one that was made when the prefix was to last longer. */
  @Test
  void noBindingOutlastsTheHomePrefix() {
    agent =
        new HomeAgent(
            new HomeAgentSettings(
                "eth1",
                AGENT,
                HOME_PREFIX,
                LIFETIME,
                Optional.empty(),
                ImmutableMap.of(HOME, PROTECTION)),
            ImmutableList.of(),
            new Random(10));
    serve();
    binds(COA_A);
    on(new NodeEvent.DadFinished(HOME, true));
    hears("fe80::3", false, 1800, prefix(HOME_PREFIX.address(), false, 20, 20));
    // Nobody can make it end sooner (RFC 4862 section 5.5.3 e).
    hears("fe80::3", false, 1800, prefix(HOME_PREFIX.address(), false, 0, 0));
    now = now.plusMillis(19_999);
    on(new NodeEvent.DeadlineReached());
    assertThat(agent.bindings()).hasSize(1);
    assertThat(agent.nextDeadline()).hasValue(Instant.EPOCH.plusSeconds(20));
    now = now.plusMillis(1);
    on(new NodeEvent.DeadlineReached());
    assertThat(agent.bindings()).isEmpty();
  }

  /** The first rule that fits decides. */
  @Test
  void keepsCareOfAddressesOut() {
    serve();
    assertThat(registers(COA_B).status()).isEqualTo(BindingStatus.ADMINISTRATIVELY_PROHIBITED);
    assertThat(agent.bindings()).isEmpty();
    assertThat(registers(new CareOfAddress(Ipv6Address.parse("2001:db8:b:1::5"))).status())
        .isEqualTo(BindingStatus.ACCEPTED);
    assertThat(registers(COA_A).status()).isEqualTo(BindingStatus.ACCEPTED);
  }

  /** Nobody else is there who could have the address, or hear of it. */
  @Test
  void asksAndTellsNobodyOnAVirtualHomeLink() {
    serve();
    List<NodeAction> actions = binds(COA_A);
    assertThat(agent.bindings()).hasSize(1);
    assertThat(actions)
        .anyMatch(it -> it instanceof NodeAction.Proxy)
        .noneMatch(it -> it instanceof NodeAction.StartDad)
        .noneMatch(it -> it instanceof NodeAction.SendIcmpv6);
  }
}
