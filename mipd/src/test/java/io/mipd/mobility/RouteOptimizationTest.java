package io.mipd.mobility;

import static io.mipd.mobility.Conversation.messages;
import static io.mipd.mobility.Conversation.sentToPeers;
import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.ETH0;
import static io.mipd.mobility.Exchange.ETH1;
import static io.mipd.mobility.Exchange.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.Exchange.Link;
import io.mipd.mobility.Side.MobilityMessageOnTheWire;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.mn.RouteOptimizationSettings.Choice;
import io.mipd.mobility.mn.RouteOptimizationSettings.Rule;
import io.mipd.mobility.mn.RouteStatus;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingRefreshRequest;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Message.MobilePrefixAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A mobile node and a correspondent find the direct way, keep it, and leave it in time. */
class RouteOptimizationTest {
  private static final Duration A_MOMENT = Duration.ofMillis(100);

  private static NodeAction.WantRoute route(
      Optional<CareOfAddress> use, Optional<CareOfAddress> accept) {
    return new NodeAction.WantRoute(HOME.value(), CORRESPONDENT, NodeAction.End.OURS, use, accept);
  }

  /** RFC 6275 sections 5.2.5, 11.6.1 and 11.7.2. */
  @Test
  void findsTheDirectWay() {
    var conversation = Conversation.atA();

    // MN ── Home Test Init ══▶ HA ──▶ CN, and at the same time MN ── Care-of Test Init ──▶ CN
    List<NodeAction> actions = conversation.payload(CORRESPONDENT);
    assertThat(actions)
        .extracting(NodeAction.SendMessage.class::cast)
        .allMatch(it -> it.destination().equals(CORRESPONDENT) && it.careOf().isEmpty())
        .extracting(NodeAction.SendMessage::source)
        .containsExactly(HOME.value(), COA_A.value());
    MobilityMessageOnTheWire question = conversation.takeToPeer(HomeTestInit.class);
    assertThat(question.arrival().securityPath().steps())
        .singleElement()
        .matches(step -> step.protocol() == TransformProtocol.ESP && step.mode() == Mode.TUNNEL)
        .matches(step -> step.source().equals(COA_A.value()));
    conversation.exchange.arrivesAtPeer(question);
    MobilityMessageOnTheWire other = conversation.takeToPeer(CareOfTestInit.class);
    assertThat(other.arrival().securityPath().steps()).isEmpty();
    conversation.exchange.arrivesAtPeer(other);
    assertThat(conversation.status().state()).isEqualTo(RouteStatus.State.TESTING);

    // MN ◀══ HA ◀── Home Test ── CN: one half is not enough (section 11.6.2)
    HomeTest home = conversation.reachesMobile(HomeTest.class);
    assertThat(conversation.exchange.toPeer).isEmpty();
    CareOfTest careOf = conversation.reachesMobile(CareOfTest.class);

    // MN ── Binding Update ──▶ CN
    MobilityMessageOnTheWire wire = conversation.takeToPeer(BindingUpdate.class);
    BindingUpdate update = (BindingUpdate) wire.message();
    assertThat(update.flags()).containsExactly(BindingFlag.ACKNOWLEDGE);
    assertThat(update.lifetime().asDuration()).isEqualTo(Conversation.LIFETIME);
    assertThat(update.alternateCareOfAddress()).isEmpty();
    assertThat(update.option(MobilityOption.NonceIndices.class))
        .hasValue(new MobilityOption.NonceIndices(home.nonceIndex(), careOf.nonceIndex()));
    assertThat(update.options().get(update.options().size() - 1))
        .isInstanceOf(MobilityOption.BindingAuthorizationData.class);
    assertThat(wire.arrival().source()).isEqualTo(HOME.value());
    assertThat(wire.arrival().careOf()).hasValue(COA_A.value());
    assertThat(conversation.use()).isEmpty();
    assertThat(conversation.accept()).hasValue(COA_A);
    assertThat(conversation.status().state()).isEqualTo(RouteStatus.State.REGISTERING);
    conversation.exchange.arrivesAtPeer(wire);

    // MN ◀── Binding Acknowledgement ── CN, by the routing header
    BindingAcknowledgement answer = conversation.reachesMobile(BindingAcknowledgement.class);
    assertThat(answer.sequence()).isEqualTo(update.sequence());
    assertThat(conversation.use()).hasValue(COA_A);
    assertThat(conversation.status())
        .isEqualTo(
            new RouteStatus(
                CORRESPONDENT,
                RouteStatus.State.OPTIMIZED,
                Optional.of(COA_A),
                update.sequence(),
                Conversation.LIFETIME));
    conversation.exchange.isQuiet();
  }

  /** RFC 6275 section 11.7.2: what leaves is accepted before it is answered. */
  @Test
  void acceptsWhatAnswersBeforeItAsks() {
    var conversation = Conversation.atA();
    conversation.payload(CORRESPONDENT);
    conversation.roundTrip(HomeTestInit.class, HomeTest.class);
    conversation.reachesPeer(CareOfTestInit.class);
    conversation.exchange.mobile.performed.clear();
    conversation.reachesMobile(CareOfTest.class);
    List<NodeAction> actions = conversation.exchange.mobile.performed;
    assertThat(actions).hasSize(2);
    assertThat(actions.get(0)).isEqualTo(route(Optional.empty(), Optional.of(COA_A)));
    assertThat(messages(actions, BindingUpdate.class)).hasSize(1);
  }

  /** RFC 6275 sections 5.2.5, 5.2.7, 11.7.2. */
  @Test
  void tellsThePeerAtOnceWhenItMoves() {
    var conversation = Conversation.optimizedAtA();
    SequenceNumber bound = conversation.status().sequence();
    List<NodeAction> actions = conversation.movesTo(Link.B);

    // In one go with the home registration: by the tunnel, and the peer shall do the same.
    int home = indexOfUpdateTo(actions, AGENT);
    int tunnel = actions.indexOf(route(Optional.empty(), Optional.of(COA_B)));
    int deletion = indexOfUpdateTo(actions, CORRESPONDENT);
    assertThat(List.of(home, indexOfCareOfTest(actions), tunnel, deletion))
        .isSorted()
        .doesNotContain(-1);
    NodeAction.SendMessage sent = (NodeAction.SendMessage) actions.get(deletion);
    BindingUpdate update = (BindingUpdate) sent.message();
    assertThat(sent.source()).isEqualTo(HOME.value());
    assertThat(sent.careOf()).hasValue(COA_B);
    assertThat(update.lifetime()).isEqualTo(BindingLifetime.DEREGISTER);
    assertThat(update.sequence().isAfter(bound)).isTrue();
    assertThat(update.option(MobilityOption.NonceIndices.class).orElseThrow().careOf()).isZero();
    // The home keygen token is recent, so that only the new address is tested.
    assertThat(messages(actions, HomeTestInit.class)).isEmpty();
    assertThat(messages(actions, CareOfTestInit.class)).hasSize(1);

    // The peer falls back to the home address within one trip, whatever the home agent does.
    conversation.reachesPeer(BindingUpdate.class);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    conversation.reachesMobile(BindingAcknowledgement.class);
    assertThat(conversation.accept()).isEmpty();

    // No Binding Update before the home agent has acknowledged (section 11.7.2).
    conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    assertThat(conversation.exchange.toPeer).isEmpty();
    conversation.exchange.delivers(BindingUpdate.class);
    conversation.reachesMobile(BindingAcknowledgement.class);
    BindingUpdate again = conversation.reachesPeer(BindingUpdate.class);
    assertThat(again.lifetime().isZero()).isFalse();
    assertThat(again.sequence().isAfter(update.sequence())).isTrue();
    assertThat(conversation.use()).isEmpty();
    conversation.reachesMobile(BindingAcknowledgement.class);
    assertThat(conversation.use()).hasValue(COA_B);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).hasValue(COA_B);
    conversation.exchange.isQuiet();
  }

  /** It goes before the policies change: it needs none. */
  private static int indexOfCareOfTest(List<NodeAction> actions) {
    for (int i = 0; i < actions.size(); i++) {
      if (actions.get(i) instanceof NodeAction.SendMessage send
          && send.message() instanceof CareOfTestInit) {
        return i;
      }
    }
    return -1;
  }

  private static int indexOfUpdateTo(List<NodeAction> actions, Ipv6Address destination) {
    for (int i = 0; i < actions.size(); i++) {
      if (actions.get(i) instanceof NodeAction.SendMessage send
          && send.message() instanceof BindingUpdate
          && send.destination().equals(destination)) {
        return i;
      }
    }
    return -1;
  }

  /** With two uplinks what is under way to the former address still arrives, and is accepted. */
  @Test
  void acceptsByTheFormerAddressAsLongAsItWorks() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.movesTo(ETH1, Link.B);
    assertThat(conversation.use()).isEmpty();
    assertThat(conversation.accept()).hasValue(COA_A);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_B);
    assertThat(conversation.accept()).hasValue(COA_B);
  }

  /** If the deletion is lost, the new binding takes its place all the same. */
  @Test
  void doesWithoutTheDeletion() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.movesTo(Link.B);
    conversation.takeToPeer(BindingUpdate.class);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_B);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).hasValue(COA_B);
  }

  /** RFC 6275 section 11.8: until it is answered, or a new binding makes it superfluous. */
  @Test
  void repeatsTheDeletion() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.movesTo(Link.B);
    conversation.exchange.toAgent.clear();
    BindingUpdate first = (BindingUpdate) conversation.takeToPeer(BindingUpdate.class).message();
    assertThat(messages(conversation.passes(Duration.ofMillis(999)), BindingUpdate.class))
        .isEmpty();
    List<BindingUpdate> again =
        messages(conversation.passes(Duration.ofMillis(1)), BindingUpdate.class);
    assertThat(again).singleElement().matches(it -> it.lifetime().isZero());
    assertThat(again.get(0).sequence().isAfter(first.sequence())).isTrue();
    conversation.reachesPeer(BindingUpdate.class);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
  }

  /** RFC 6275 section 5.2.7: the home keygen token is never older than MAX_TOKEN_LIFETIME. */
  @Test
  void keepsTheHomeKeygenTokenFresh() {
    var conversation = Conversation.optimizedAtA();
    for (int i = 0; i < 15; i++) {
      conversation.passesWithoutLoss(Duration.ofSeconds(100));
      Link next = i % 2 == 0 ? Link.B : Link.A;
      List<NodeAction> actions = conversation.movesTo(next);
      assertThat(messages(actions, BindingUpdate.class))
          .singleElement()
          .matches(it -> it.lifetime().isZero());
      conversation.reachesPeer(BindingUpdate.class);
      assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
      conversation.exchange.settle();
      assertThat(conversation.use()).hasValue(new CareOfAddress(next.address()));
    }
  }

  /** After a time without any link the token is stale: both tests, and no deletion before. */
  @Test
  void testsTheHomeAddressAnewWhenTheTokenIsStale() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.unplug(ETH0);
    assertThat(conversation.use()).isEmpty();
    conversation.passes(Duration.ofSeconds(210));
    List<NodeAction> actions = conversation.movesTo(Link.B);
    assertThat(sentToPeers(actions))
        .extracting(NodeAction.SendMessage::message)
        .hasExactlyElementsOfTypes(CareOfTestInit.class, HomeTestInit.class);
    // By way of the home agent, so that there is none before it has the new address.
    conversation.exchange.delivers(BindingUpdate.class);
    conversation.takeToMobile(BindingAcknowledgement.class);
    conversation.roundTrip(HomeTestInit.class, HomeTest.class);
    BindingUpdate update = conversation.reachesPeer(BindingUpdate.class);
    assertThat(update.lifetime().isZero()).isTrue();
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    conversation.passesWithoutLoss(Duration.ofSeconds(2));
    assertThat(conversation.use()).hasValue(COA_B);
  }

  /** A link that was away for a moment: the binding at the peer is as good as before. */
  @Test
  void goesOnWhereItWas() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.unplug(ETH0);
    assertThat(conversation.use()).isEmpty();
    assertThat(conversation.accept()).hasValue(COA_A);
    conversation.passes(Duration.ofSeconds(5));
    conversation.exchange.isQuiet();
    conversation.exchange.movesTo(Link.A);
    assertThat(conversation.use()).hasValue(COA_A);
    conversation.exchange.isQuiet();
  }

  /** RFC 6275 section 11.4.2: whether or not it is in use. */
  @Test
  void tellsThePeerWhenItsBindingWouldOutlastAnAddress() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.passes(A_MOMENT);
    int before = conversation.exchange.mobile.performed.size();
    conversation.exchange.validLifetime = Duration.ofSeconds(62);
    conversation.exchange.advertise(ETH0);
    assertThat(messages(conversation.since(before), BindingUpdate.class))
        .extracting(it -> it.lifetime().asDuration())
        .containsExactly(Duration.ofSeconds(60));
    conversation.exchange.settle();
    assertThat(messages(conversation.passes(Duration.ofSeconds(20)), BindingUpdate.class))
        .isEmpty();
  }

  /** RFC 6275 section 11.7.3: renewed well before it expires, without a gap. */
  @Test
  void renewsTheBinding() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.mobile.performed.clear();
    // 75 percent of 400 s.
    conversation.passesWithoutLoss(Duration.ofSeconds(299));
    List<NodeAction> before = ImmutableList.copyOf(conversation.exchange.mobile.performed);
    assertThat(messages(before, BindingUpdate.class)).isEmpty();
    assertThat(messages(before, CareOfTestInit.class)).isEmpty();
    conversation.passesWithoutLoss(Duration.ofSeconds(2));
    List<NodeAction> after = ImmutableList.copyOf(conversation.exchange.mobile.performed);
    assertThat(messages(after, CareOfTestInit.class)).hasSize(1);
    assertThat(messages(after, BindingUpdate.class)).hasSize(1);
    conversation.passesWithoutLoss(Duration.ofMinutes(20));
    assertThat(conversation.use()).hasValue(COA_A);
    assertThat(conversation.exchange.mobile.performed)
        .noneMatch(NodeAction.WantRoute.class::isInstance);
  }

  /** "Less than or equal to the remaining lifetime of the home registration" (11.7.2). */
  @Test
  void asksForNoLongerThanTheHomeRegistrationLasts() {
    var conversation = Conversation.atA();
    conversation.passes(Duration.ofMinutes(5));
    conversation.payload(CORRESPONDENT);
    conversation.exchange.toAgent.clear();
    conversation.roundTrip(HomeTestInit.class, HomeTest.class);
    conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    BindingUpdate update = conversation.reachesPeer(BindingUpdate.class);
    assertThat(update.lifetime().asDuration())
        .isBetween(Duration.ofSeconds(112), Duration.ofMinutes(2));
  }

  /** RFC 6275 sections 11.5.5 and 11.7.2. */
  @Test
  void leavesNothingBehindWhenItReturnsHome() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.movesTo(Link.HOME_LINK);
    assertThat(conversation.use()).isEmpty();
    // Nothing in the name of the home address before the home agent has been told.
    assertThat(conversation.exchange.toPeer).isEmpty();
    conversation.exchange.delivers(BindingUpdate.class);
    conversation.reachesMobile(BindingAcknowledgement.class);
    assertThat(conversation.exchange.mobileNode().isAtHome()).isTrue();
    assertThat(conversation.accept()).isEmpty();
    MobilityMessageOnTheWire wire = conversation.takeToPeer(BindingUpdate.class);
    BindingUpdate update = (BindingUpdate) wire.message();
    assertThat(update.lifetime().isZero()).isTrue();
    assertThat(update.option(MobilityOption.NonceIndices.class).orElseThrow().careOf()).isZero();
    assertThat(wire.arrival().source()).isEqualTo(HOME.value());
    assertThat(wire.arrival().careOf()).isEmpty();
    assertThat(wire.arrival().securityPath().steps()).isEmpty();
    conversation.exchange.arrivesAtPeer(wire);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    assertThat(conversation.status().state()).isEqualTo(RouteStatus.State.ENDING);
    MobilityMessageOnTheWire answer = conversation.takeToMobile(BindingAcknowledgement.class);
    assertThat(answer.arrival().routingHeader()).isFalse();
    conversation.exchange.arrives(answer, false);
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
  }

  /** With a stale token the home address is tested first, directly from the home link. */
  @Test
  void testsTheHomeAddressAtHomeWhenTheTokenIsStale() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.unplug(ETH0);
    conversation.passes(Duration.ofSeconds(210));
    conversation.exchange.movesTo(Link.HOME_LINK);
    conversation.exchange.delivers(BindingUpdate.class);
    conversation.reachesMobile(BindingAcknowledgement.class);
    MobilityMessageOnTheWire wire = conversation.takeToPeer(HomeTestInit.class);
    assertThat(wire.arrival().securityPath().steps()).isEmpty();
    assertThat(conversation.exchange.toPeer).isEmpty();
    conversation.exchange.arrivesAtPeer(wire);
    conversation.exchange.settle();
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
  }

  /** Nobody answers at home: for as long as the peer may have the binding, and no longer. */
  @Test
  void givesUpAtHomeWhenTheBindingHasExpired() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.movesTo(Link.HOME_LINK);
    conversation.exchange.delivers(BindingUpdate.class);
    conversation.reachesMobile(BindingAcknowledgement.class);
    conversation.exchange.toPeer.clear();
    conversation.passes(Duration.ofSeconds(150));
    assertThat(conversation.exchange.toPeer).isNotEmpty();
    conversation.passes(Duration.ofSeconds(250));
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
    conversation.exchange.toPeer.clear();
    conversation.passes(Duration.ofMinutes(10));
    assertThat(conversation.exchange.toPeer).isEmpty();
  }

  /** RFC 6275 section 11.7.2: whom there is reason to talk to directly. */
  @Test
  void looksForNoDirectWayToThese() {
    var conversation = Conversation.atA();
    for (String peer :
        List.of("fe80::1", "ff02::1", "::", "::1", AGENT.toString(), HOME.toString())) {
      assertThat(conversation.payload(Ipv6Address.parse(peer))).as(peer).isEmpty();
    }
    assertThat(conversation.payload(COA_A.value())).isEmpty();
    assertThat(
            conversation.hears(
                new NodeEvent.TunnelledPayload(
                    Exchange.OTHER_HOME, CORRESPONDENT, /* sure= */ true)))
        .isEmpty();
    conversation.exchange.movesTo(Link.HOME_LINK);
    conversation.exchange.settle();
    assertThat(conversation.payload(CORRESPONDENT)).isEmpty();
  }

  /** "MAY also choose to keep its topological location private" (11.7.2): the first rule counts. */
  @Test
  void keepsItsPlaceToItselfWhereItShall() {
    var conversation =
        Conversation.by(
            new RouteOptimizationSettings(
                ImmutableList.of(
                    new Rule(Ipv6Prefix.host(CORRESPONDENT), Choice.USE),
                    new Rule(Ipv6Prefix.parse("2001:db8:c::/48"), Choice.AVOID)),
                8,
                Conversation.LIFETIME));
    assertThat(conversation.payload(Ipv6Address.parse("2001:db8:c::d"))).isEmpty();
    assertThat(conversation.payload(CORRESPONDENT)).isNotEmpty();
    assertThat(conversation.payload(Ipv6Address.parse("2001:db8:d::d"))).isNotEmpty();
  }

  private static Conversation withRoomFor(int peers) {
    return Conversation.by(
        new RouteOptimizationSettings(ImmutableList.of(), peers, Conversation.LIFETIME));
  }

  /** Of a prefix of its own. */
  private static Ipv6Address peer(int number) {
    return Ipv6Address.parse("2001:db8:d:" + Integer.toHexString(number) + "::1");
  }

  private static void optimizes(Conversation conversation, Ipv6Address peer) {
    conversation.payload(peer);
    conversation.exchange.settle();
    conversation.exchange.passes(Duration.ofSeconds(1));
  }

  private static List<Ipv6Address> optimized(Conversation conversation) {
    return conversation.exchange.mobileNode().routes(conversation.exchange.now).stream()
        .filter(it -> it.state() == RouteStatus.State.OPTIMIZED)
        .map(RouteStatus::peer)
        .toList();
  }

  /** The least recently used makes room, and is told so; silence in the tunnel is no disuse. */
  @Test
  void keepsSoManyPeers() {
    var conversation = withRoomFor(3);
    for (int i = 1; i <= 3; i++) {
      optimizes(conversation, peer(i));
    }
    conversation.exchange.passes(Duration.ofSeconds(30));
    conversation.hears(Conversation.used(peer(1)));
    conversation.exchange.passes(Duration.ofSeconds(5));
    conversation.hears(Conversation.used(peer(3)));
    optimizes(conversation, peer(4));
    assertThat(optimized(conversation)).containsExactly(peer(1), peer(3), peer(4));
    NodeAction.WantRoute gone = conversation.exchange.mobile.route(peer(2)).orElseThrow();
    assertThat(gone.use()).isEmpty();
    assertThat(gone.accept()).isEmpty();
    assertThat(conversation.exchange.correspondentSendsTo(peer(2))).isEmpty();
    assertThat(conversation.exchange.correspondentSendsTo(peer(1))).hasValue(COA_A);
  }

  /** Whoever floods us with foreign source addresses turns nobody out. */
  @Test
  void keepsWhoIsThereFromThoseWhoMayNotBe() {
    var conversation = withRoomFor(8);
    for (int i = 1; i <= 6; i++) {
      optimizes(conversation, peer(i));
    }
    conversation.exchange.passes(Duration.ofSeconds(1));
    for (int i = 1; i <= 1000; i++) {
      conversation.payload(peer(0x1000 + i));
    }
    assertThat(optimized(conversation)).hasSize(6);
    assertThat(conversation.exchange.mobile.refusals())
        .filteredOn(NodeAction.Refusal.LIMIT::equals)
        .hasSize(998);
    assertThat(conversation.exchange.toPeer).hasSize(4);
  }

  /** Five a second are enough to keep places that are given up after MAX_RO_FAILURE. */
  @Test
  void aTrickleOfForgedSourcesDoesNotKeepANewPeerOut() {
    var conversation = withRoomFor(32);
    for (int i = 1; i <= 150; i++) {
      conversation.payload(peer(0x1000 + i));
      conversation.exchange.toPeer.clear();
      conversation.exchange.passes(Duration.ofMillis(200));
    }
    optimizes(conversation, peer(1));
    assertThat(optimized(conversation)).contains(peer(1));
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now))
        .as("strangers are never more than a quarter, but for those of the last second")
        .hasSizeLessThanOrEqualTo(8 + 8 + 1);
  }

  /** The owner of a prefix speaks from each of its addresses, and answers each test. */
  @Test
  void thePeersOfOnePrefixTakeAQuarterOfThePlaces() {
    var conversation = withRoomFor(8);
    for (int i = 1; i <= 3; i++) {
      optimizes(conversation, peer(i));
    }
    for (int i = 1; i <= 100; i++) {
      optimizes(conversation, Ipv6Address.parse("2001:db8:e::" + Integer.toHexString(i)));
    }
    assertThat(optimized(conversation))
        .containsExactly(
            peer(1),
            peer(2),
            peer(3),
            Ipv6Address.parse("2001:db8:e::63"),
            Ipv6Address.parse("2001:db8:e::64"));
  }

  /** RFC 6275 section 11.7.2 does not oblige us to keep what nobody uses. */
  @Test
  void letsARouteLapseThatNobodyUses() {
    var conversation = Conversation.optimizedAtA();
    conversation.talking = false;
    conversation.exchange.mobile.performed.clear();
    conversation.passesWithoutLoss(Duration.ofSeconds(399));
    assertThat(conversation.use()).hasValue(COA_A);
    conversation.passesWithoutLoss(Duration.ofMinutes(10));
    assertThat(sentToPeers(conversation.exchange.mobile.performed)).isEmpty();
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
    // And begins anew with what comes by the tunnel.
    conversation.payload(CORRESPONDENT);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_A);
  }

  /** It is in use again before it has lapsed: in time, so that there is no gap. */
  @Test
  void renewsWhatIsUsedAgain() {
    var conversation = Conversation.optimizedAtA();
    conversation.talking = false;
    conversation.passesWithoutLoss(Duration.ofSeconds(390));
    conversation.exchange.mobile.performed.clear();
    conversation.talking = true;
    conversation.passesWithoutLoss(Duration.ofMinutes(10));
    assertThat(conversation.use()).hasValue(COA_A);
    assertThat(conversation.exchange.mobile.performed)
        .noneMatch(NodeAction.WantRoute.class::isInstance);
  }

  /** "Can be used to either update or delete binding information" (section 11.7.2). */
  @Test
  void deletesWhatNobodyUsesWhenItMoves() {
    var conversation = Conversation.optimizedAtA();
    conversation.talking = false;
    conversation.passesWithoutLoss(Duration.ofSeconds(100));
    conversation.exchange.mobile.performed.clear();
    conversation.exchange.movesTo(Link.B);
    conversation.exchange.settle();
    List<NodeAction> actions = conversation.exchange.mobile.performed;
    assertThat(messages(actions, BindingUpdate.class))
        .singleElement()
        .matches(update -> update.lifetime().isZero());
    assertThat(messages(actions, CareOfTestInit.class)).isEmpty();
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
  }

  /** The lifetime that is asked for after so long a time. */
  private static Duration lifetimeAskedAfter(Conversation conversation, Duration time) {
    conversation.exchange.passes(time);
    conversation.payload(CORRESPONDENT);
    conversation.roundTrip(HomeTestInit.class, HomeTest.class);
    conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    return conversation.reachesPeer(BindingUpdate.class).lifetime().asDuration();
  }

  /** "Less than or equal to the remaining lifetime of [...] the care-of address" (11.7.2). */
  @Test
  void asksForNoLongerThanTheCareOfAddressIsValid() {
    var conversation = Conversation.of(Exchange.ESP, Conversation.SETTINGS);
    conversation.exchange.validLifetime = Duration.ofSeconds(200);
    conversation.exchange.registeredAt(Link.A);
    assertThat(lifetimeAskedAfter(conversation, Duration.ofSeconds(50)))
        .isBetween(Duration.ofSeconds(140), Duration.ofSeconds(150));
  }

  /** The home address is one of the two that a binding joins. */
  @Test
  void asksForNoLongerThanTheHomeAddressIsValid() {
    var conversation = Conversation.of(Exchange.ESP, Conversation.SETTINGS);
    conversation.exchange.registeredAt(Link.A);
    var prefix =
        new NdOption.PrefixInformation(
            64, HOME.value(), true, true, false, /* validLifetime= */ 300, 300);
    conversation.exchange.toMobile(
        new NodeEvent.HomePrefixesTold(
            new MobilePrefixAdvertisement(7, false, false, ImmutableList.of(prefix)),
            /* isProtected= */ true));
    assertThat(lifetimeAskedAfter(conversation, Duration.ofSeconds(50)))
        .isBetween(Duration.ofSeconds(240), Duration.ofSeconds(250));
  }

  /** RFC 6275 section 11.7.4, within limits: nothing protects such a request. */
  @Test
  void renewsWhenItIsAskedTo() {
    var conversation = Conversation.optimizedAtA();
    var request = new BindingRefreshRequest(ImmutableList.of());
    assertThat(sentToPeers(conversation.hears(request, CORRESPONDENT, HOME.value(), false)))
        .isEmpty();
    conversation.passes(Duration.ofSeconds(32));
    List<NodeAction> actions = conversation.hears(request, CORRESPONDENT, HOME.value(), false);
    // Both tokens are recent (section 11.6.1).
    assertThat(messages(actions, BindingUpdate.class)).hasSize(1);
    conversation.exchange.settle();
    assertThat(sentToPeers(conversation.hears(request, CORRESPONDENT, HOME.value(), false)))
        .isEmpty();
    assertThat(conversation.use()).hasValue(COA_A);
    Ipv6Address stranger = Ipv6Address.parse("2001:db8:d::1");
    assertThat(conversation.hears(request, stranger, HOME.value(), false))
        .containsExactly(new NodeAction.Refuse(NodeAction.Refusal.UNEXPECTED, stranger));
  }

  /** Killed and started again: the peer knows later numbers, and says so (section 11.7.3). */
  @Test
  void goesOnFromTheNumberThatThePeerKnows() {
    for (int i = 0; i < 20; i++) {
      var conversation = Conversation.optimizedAtA();
      SequenceNumber known = conversation.status().sequence();
      conversation.exchange.restartMobile();
      conversation.exchange.settle();
      assertThat(conversation.exchange.mobile.routes).isEmpty();
      conversation.passes(A_MOMENT.multipliedBy(i));
      conversation.payload(CORRESPONDENT);
      conversation.exchange.settle();
      assertThat(conversation.use()).hasValue(COA_A);
      assertThat(conversation.status().sequence().isAfter(known)).isTrue();
    }
  }

  /** The policies that reach the correspondents name the same end as this. */
  @Test
  void tellsWhereTheTunnelEnds() {
    var conversation = Conversation.of(Exchange.ESP, Conversation.SETTINGS);
    assertThat(conversation.exchange.mobileNode().tunnelEnd()).isEmpty();
    conversation.exchange.registeredAt(Link.A);
    assertThat(conversation.exchange.mobileNode().tunnelEnd()).hasValue(COA_A);
    conversation.exchange.movesTo(Link.B);
    assertThat(conversation.exchange.mobileNode().tunnelEnd()).hasValue(COA_B);
    conversation.exchange.settle();
    conversation.exchange.movesTo(Link.HOME_LINK);
    assertThat(conversation.exchange.mobileNode().tunnelEnd()).hasValue(COA_B);
    conversation.exchange.settle();
    assertThat(conversation.exchange.mobileNode().tunnelEnd()).isEmpty();
  }

  /** Both tests and the registration go on in parallel (section 11.6.1). */
  @Test
  void needsNoMoreThanTheseMessages() {
    var conversation = Conversation.atA();
    conversation.exchange.mobile.performed.clear();
    conversation.payload(CORRESPONDENT);
    conversation.exchange.settle();
    conversation.exchange.movesTo(Link.B);
    conversation.exchange.settle();
    assertThat(sentToPeers(conversation.exchange.mobile.performed))
        .extracting(NodeAction.SendMessage::message)
        .<Class<? extends MobilityMessage>>extracting(MobilityMessage::getClass)
        .containsExactly(
            HomeTestInit.class,
            CareOfTestInit.class,
            BindingUpdate.class,
            CareOfTestInit.class,
            BindingUpdate.class,
            BindingUpdate.class);
  }

  /** "The last that is performed": nothing is said to anybody. */
  @Test
  void saysNothingWhenItStops() {
    var conversation = Conversation.optimizedAtA();
    assertThat(conversation.hears(new NodeEvent.ShutdownRequested())).isEmpty();
  }
}
