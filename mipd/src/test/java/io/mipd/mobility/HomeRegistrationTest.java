package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.ETH0;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.LIFETIME;
import static io.mipd.mobility.Exchange.Link.A;
import static io.mipd.mobility.Exchange.Link.B;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Away from home: first registration, refresh, movement, and what may happen to messages. */
class HomeRegistrationTest {
  private static final Flow FROM_HOME = Flow.of(HOME.value(), CORRESPONDENT, IpProtocol.UDP);
  private static final Flow TO_HOME = Flow.of(CORRESPONDENT, HOME.value(), IpProtocol.UDP);

  private static Optional<Ipv6Address> sends(Exchange exchange) {
    return exchange.mobile.tunnel(FROM_HOME, Direction.OUT).map(Template::source);
  }

  private static Optional<Ipv6Address> tunnelsTo(Exchange exchange) {
    return exchange.agent.tunnel(TO_HOME, Direction.OUT).map(Template::destination);
  }

  @Test
  void registersAtTheFirstForeignLink() {
    var exchange = Exchange.inEsp();
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();

    exchange.movesTo(A);
    // MN ── Binding Update (A, H, care-of A) in ESP, with Home Address option ──▶ HA
    var wire = exchange.underway(BindingUpdate.class);
    assertThat(wire.arrival().careOf()).hasValue(COA_A.value());
    assertThat(wire.arrival().source()).isEqualTo(HOME.value());
    var update = exchange.delivers(BindingUpdate.class);
    assertThat(update.flags())
        .isEqualTo(ImmutableSet.of(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION));
    assertThat(update.alternateCareOfAddress()).hasValue(COA_A);
    assertThat(update.lifetime().asDuration()).isEqualTo(LIFETIME);

    // The home agent asks the home link first, for RetransTimer.
    assertThat(exchange.agent.dadStarted).hasSize(1);
    exchange.isQuiet();
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();
    exchange.passes(Duration.ofMillis(1001));

    // MN ◀── Binding Acknowledgement (accepted) by a type 2 routing header, in ESP ── HA
    assertThat(exchange.underway(BindingAcknowledgement.class).wireDestination())
        .isEqualTo(COA_A.value());
    var acknowledgement = exchange.delivers(BindingAcknowledgement.class);
    assertThat(acknowledgement.status()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(acknowledgement.sequence()).isEqualTo(update.sequence());
    assertThat(acknowledgement.lifetime().asDuration()).isEqualTo(LIFETIME);
    exchange.isQuiet();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(sends(exchange)).hasValue(COA_A.value());
    assertThat(tunnelsTo(exchange)).hasValue(COA_A.value());
    assertThat(exchange.mobile.place.get().place()).isEqualTo(NodeAction.Place.AWAY);
  }

  /** K (RFC 6275 sections 6.1.7, 10.3.1 and 11.7.3): key management moves along if both say so. */
  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true", "false, false"})
  void keyManagementMovesAlongWhereBothSayIt(boolean mobiles, boolean agents) {
    var exchange = Exchange.of(Exchange.negotiated(mobiles), Exchange.negotiated(agents));
    exchange.movesTo(A);
    for (int turn = 0; turn < 2; turn++) {
      var update = exchange.delivers(BindingUpdate.class);
      assertThat(update.has(BindingFlag.KEY_MANAGEMENT_MOBILITY)).isEqualTo(mobiles);
      exchange.passes(Duration.ofMillis(1001));
      assertThat(exchange.delivers(BindingAcknowledgement.class).keyManagement())
          .isEqualTo(mobiles && agents);
      assertThat(exchange.mobileNode().keyManagementMoves()).isEqualTo(mobiles && agents);
      if (turn == 0) {
        exchange.movesTo(B);
      }
    }
  }

  @Test
  void theHomeAgentAnswersForTheHomeAddressAndSaysSoBeforeItAcknowledges() {
    var exchange = Exchange.inEsp().registeredAt(A);
    assertThat(exchange.agent.proxied).containsExactly(HOME.value());
    var announcement = exchange.agent.performed(NodeAction.SendIcmpv6.class).get(0);
    assertThat(announcement.destination()).isEqualTo(Ipv6Address.ALL_NODES);
    assertThat(announcement.source()).isEqualTo(AGENT);
    assertThat(announcement.message())
        .isEqualTo(
            new Icmpv6Message.NeighborAdvertisement(
                false,
                false,
                true,
                HOME.value(),
                ImmutableList.of(new NdOption.TargetLinkLayerAddress(Exchange.AGENT_MAC))));
    List<NodeAction> all = exchange.agent.performed;
    int remembered = indexOf(all, NodeAction.RememberBinding.class);
    int proxied = indexOf(all, NodeAction.Proxy.class);
    assertThat(List.of(remembered, proxied))
        .allSatisfy(
            index -> assertThat(index).isLessThan(indexOf(all, NodeAction.SendMessage.class)));
    exchange.passes(Duration.ofSeconds(10));
    assertThat(exchange.agent.performed(NodeAction.SendIcmpv6.class)).hasSize(3);
  }

  private static int indexOf(List<NodeAction> all, Class<? extends NodeAction> kind) {
    for (int i = 0; i < all.size(); i++) {
      if (kind.isInstance(all.get(i))) {
        return i;
      }
    }
    throw new AssertionError("no " + kind);
  }

  @Test
  void renewsTheBindingWellBeforeItEnds() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.passes(Duration.ofMinutes(5));
    exchange.isQuiet();
    exchange.passes(Duration.ofMinutes(1));
    exchange.delivers(BindingUpdate.class);
    // No detection this time: the home agent has defended the address all along.
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(exchange.agent.dadStarted).hasSize(1);
    exchange.passes(Duration.ofSeconds(200));
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(sends(exchange)).hasValue(COA_A.value());
  }

  /** RFC 6275 section 6.2.4: in units of four seconds; no advice if not less than the lifetime. */
  @ParameterizedTest
  @CsvSource({"25, 100", "104, 416", "0, 315", "105, 315", "200, 315"})
  void renewsTheBindingWhenTheHomeAgentAdvisesIt(int advice, int seconds) {
    var exchange = Exchange.inEsp();
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    exchange.passes(Duration.ofMillis(1001));
    var wire = exchange.underway(BindingAcknowledgement.class);
    var said = exchange.drops(BindingAcknowledgement.class);
    exchange.toMobile(
        new NodeEvent.MobilityMessageArrived(
            new BindingAcknowledgement(
                said.status(),
                false,
                said.sequence(),
                said.lifetime(),
                ImmutableList.of(new MobilityOption.BindingRefreshAdvice(advice))),
            wire.arrival()));
    exchange.passes(
        Duration.between(exchange.now, Instant.EPOCH.plusSeconds(seconds).minusMillis(1)));
    exchange.isQuiet();
    exchange.passes(Duration.ofMillis(1));
    exchange.delivers(BindingUpdate.class);
  }

  @Test
  void countsTheLifetimeFromWhenTheUpdateWasSent() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    exchange.passes(Duration.ofMillis(1400));
    exchange.delivers(BindingAcknowledgement.class);
    Instant sent = Instant.EPOCH;
    // All further updates get lost.
    exchange.passes(Duration.between(exchange.now, sent.plus(LIFETIME)).minusMillis(1));
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isFalse();
    exchange.passes(Duration.ofMillis(1));
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();
    // The home agent's own entry ends by its own count, a little later.
    assertThat(exchange.boundTo()).hasValue(COA_A);
    exchange.passes(Duration.ofSeconds(2));
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.agent.proxied).isEmpty();
    assertThat(exchange.agent.tunnelEnds).containsEntry(HOME.value(), HOME.value());
  }

  @Test
  void movesTheBindingWhenTheMobileNodeMoves() {
    var exchange = Exchange.inEsp().registeredAt(A);

    exchange.movesTo(B);
    // MN ── Binding Update (A, H, care-of B) ──▶ HA
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.boundTo()).hasValue(COA_B);
    assertThat(tunnelsTo(exchange)).hasValue(COA_B.value());

    // MN ◀── Binding Acknowledgement (accepted) ── HA
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_B);
    assertThat(sends(exchange)).hasValue(COA_B.value());
    exchange.isQuiet();
  }

  @Test
  void forgetsTheOldLinkAsSoonAsTheNewOneSpeaks() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.plug(ETH0, B);
    assertThat(exchange.mobile.performed(NodeAction.SolicitRouters.class)).isNotEmpty();
    exchange.isQuiet();
    exchange.advertise(ETH0);
    assertThat(exchange.mobile.forgotten)
        .containsExactly(new NodeAction.ForgetLink(ETH0, B.router()));
    exchange.isQuiet();
    exchange.address(ETH0, AddressState.OPTIMISTIC);
    exchange.delivers(BindingUpdate.class);
  }

  @Test
  void waitsForATentativeAddressAndNoLonger() {
    var exchange = Exchange.inEsp();
    exchange.plug(ETH0, A);
    exchange.advertise(ETH0);
    exchange.address(ETH0, AddressState.TENTATIVE);
    exchange.isQuiet();
    exchange.address(ETH0, AddressState.USABLE);
    exchange.delivers(BindingUpdate.class);
  }

  @Test
  void sendsALostUpdateAgainWithANewNumberAfterTheLongFirstWait() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(A);
    var first = exchange.drops(BindingUpdate.class);
    exchange.passes(Duration.ofMillis(1499));
    exchange.isQuiet();
    exchange.passes(Duration.ofMillis(1));
    var second = exchange.drops(BindingUpdate.class);
    assertThat(second.sequence()).isEqualTo(first.sequence().next());
    // Twice the wait each time.
    exchange.passes(Duration.ofMillis(2999));
    exchange.isQuiet();
    exchange.passes(Duration.ofMillis(1));
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_A);
  }

  @Test
  void theWaitDoublesUpToItsCeilingAndGoesOn() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(B);
    Duration wait = Duration.ofSeconds(1);
    for (int i = 0; i < 8; i++) {
      exchange.drops(BindingUpdate.class);
      exchange.passes(wait.minusMillis(1));
      exchange.isQuiet();
      exchange.passes(Duration.ofMillis(1));
      wait = wait.multipliedBy(2);
      if (wait.compareTo(Duration.ofSeconds(32)) > 0) {
        wait = Duration.ofSeconds(32);
      }
    }
    exchange.settle();
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_B);
  }

  @Test
  void asksAgainWhenTheAcknowledgementIsLost() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(B);
    exchange.delivers(BindingUpdate.class);
    exchange.drops(BindingAcknowledgement.class);
    exchange.passes(Duration.ofSeconds(1));
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_B);
    exchange.isQuiet();
  }

  @Test
  void takesTheAcknowledgementOfAnyUpdateThatIsOutstanding() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(B);
    exchange.passes(Duration.ofSeconds(1));
    var older = exchange.delivers(BindingUpdate.class);
    exchange.drops(BindingUpdate.class);
    assertThat(exchange.delivers(BindingAcknowledgement.class).sequence())
        .isEqualTo(older.sequence());
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_B);
    exchange.passes(Duration.ofMinutes(1));
    exchange.isQuiet();
  }

  @Test
  void updatesThatOvertakeEachOtherDoNotBringTheOldAddressBack() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(B);
    var forB = exchange.toAgent.removeFirst();
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.boundTo()).hasValue(COA_A);
    exchange.arrives(forB, true);
    assertThat(exchange.boundTo()).hasValue(COA_A);
    // Accepted for A, and out of window for B, in the other order.
    var accepted = exchange.toMobile.removeFirst();
    assertThat(exchange.toMobile.getFirst().message())
        .isInstanceOfSatisfying(
            BindingAcknowledgement.class,
            it -> assertThat(it.status()).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW));
    exchange.toMobile.clear();
    exchange.arrives(accepted, false);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_A);
    assertThat(sends(exchange)).hasValue(COA_A.value());
  }

  @Test
  void anAcknowledgementThatWasAskedForByNobodyIsRefused() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(B);
    exchange.delivers(BindingUpdate.class);
    var twice = exchange.underway(BindingAcknowledgement.class);
    exchange.delivers(BindingAcknowledgement.class);
    exchange.arrives(twice, false);
    assertThat(exchange.mobile.refusals()).containsExactly(NodeAction.Refusal.UNEXPECTED);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_B);
    exchange.isQuiet();
  }

  @Test
  void goesOnFromTheNumberThatTheHomeAgentKnows() {
    var exchange = Exchange.inEsp().registeredAt(A);
    SequenceNumber known = exchange.mobile.sequences.getOrDefault(HOME, new SequenceNumber(0));
    // Its store is lost, and it begins anew with a number from before.
    exchange.restartMobile(true, new SequenceNumber((known.value() - 5) & 0xffff));
    exchange.delivers(BindingUpdate.class);
    var refusal = exchange.delivers(BindingAcknowledgement.class);
    assertThat(refusal.status()).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    assertThat(refusal.sequence()).isEqualTo(known);
    // At once, not at the next retransmission.
    assertThat(exchange.delivers(BindingUpdate.class).sequence()).isEqualTo(known.next());
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_A);
    exchange.isQuiet();
  }

  @Test
  void aHomeAgentThatWasKilledServesTheSameBindingAgain() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.restartAgent(Duration.ofSeconds(5));
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(tunnelsTo(exchange)).hasValue(COA_A.value());
    assertThat(exchange.agent.proxied).containsExactly(HOME.value());
    // Movement goes on without detection, and with the sequence numbers of before.
    exchange.movesTo(B);
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(exchange.agent.dadStarted).hasSize(1);
  }

  @Test
  void aHomeAgentThatWasKilledRefusesNumbersFromBefore() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(A);
    var replayed = exchange.underway(BindingUpdate.class);
    exchange.settle();
    exchange.movesTo(B);
    exchange.settle();
    exchange.restartAgent(Duration.ofSeconds(1));
    exchange.arrives(replayed, true);
    assertThat(exchange.boundTo()).hasValue(COA_B);
    assertThat(exchange.acknowledgedNothingButOutOfWindow()).isTrue();
  }

  @Test
  void aMobileNodeThatWasKilledRegistersAgainWhereItIs() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.restartMobile();
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(sends(exchange)).hasValue(COA_A.value());
    exchange.isQuiet();
  }

  @Test
  void somebodyOnTheHomeLinkHasTheAddress() {
    var exchange = Exchange.inEsp();
    exchange.somebodyHasTheHomeAddress();
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    exchange.passes(Duration.ofMillis(1001));
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.DUPLICATE_ADDRESS_DETECTION_FAILED);
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.agent.proxied).isEmpty();
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();
    assertThat(exchange.mobileNode().registeredCareOf()).isEmpty();
  }

  @Test
  void theCareOfAddressTurnsOutToBeSomebodyElses() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(B);
    exchange.address(ETH0, AddressState.DUPLICATE);
    assertThat(sends(exchange)).isEmpty();
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();
    exchange.settle();
    // Another address of that link does.
    exchange.toMobile(
        new NodeEvent.AddressChanged(
            ETH0, Ipv6Address.parse("2001:db8:b::200"), 64, AddressState.USABLE));
    exchange.settle();
    assertThat(exchange.boundTo().get().value()).isEqualTo(Ipv6Address.parse("2001:db8:b::200"));
    assertThat(sends(exchange)).hasValue(Ipv6Address.parse("2001:db8:b::200"));
  }

  @Test
  void withoutAnyLinkItIsQuietAndComesBackWhereItWas() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.unplug(ETH0);
    exchange.passes(Duration.ofSeconds(20));
    exchange.isQuiet();
    exchange.plug(ETH0, A);
    exchange.advertise(ETH0);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(sends(exchange)).hasValue(COA_A.value());
  }

  @Test
  void aPlainTunnelMovesToo() {
    var exchange = Exchange.of(Exchange.SIGNALLING_ONLY).registeredAt(A);
    exchange.movesTo(B);
    exchange.settle();
    assertThat(sends(exchange)).hasValue(COA_B.value());
    assertThat(tunnelsTo(exchange)).hasValue(COA_B.value());
    assertThat(exchange.agent.tunnel(FROM_HOME, Direction.FWD))
        .hasValueSatisfying(it -> assertThat(it.source()).isEqualTo(COA_B.value()));
  }
}
