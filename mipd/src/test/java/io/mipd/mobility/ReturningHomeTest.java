package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.AGENT_MAC;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.ETH0;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.Link.A;
import static io.mipd.mobility.Exchange.Link.HOME_LINK;
import static io.mipd.mobility.Exchange.NODE_MAC;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeAction.Place;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** RFC 6275 section 11.5.5: who answers for the home address when. */
class ReturningHomeTest {
  private static final Flow FROM_HOME = Flow.of(HOME.value(), CORRESPONDENT, IpProtocol.UDP);

  private static Place place(Exchange exchange) {
    return exchange.mobile.place.orElseThrow().place();
  }

  private static void announcesOnItsOwn(NodeAction.SendIcmpv6 action) {
    assertThat(action)
        .isEqualTo(
            new NodeAction.SendIcmpv6(
                ETH0,
                HOME.value(),
                Ipv6Address.ALL_NODES,
                new Icmpv6Message.NeighborAdvertisement(
                    false,
                    false,
                    true,
                    HOME.value(),
                    ImmutableList.of(new NdOption.TargetLinkLayerAddress(NODE_MAC)))));
  }

  @Test
  void endsTheBindingFromTheHomeLink() {
    var exchange = Exchange.inEsp().registeredAt(A);

    exchange.movesTo(HOME_LINK);
    // The router advertisement has told where the home agent is.
    assertThat(exchange.mobile.performed(NodeAction.KnowNeighbor.class))
        .containsExactly(new NodeAction.KnowNeighbor(ETH0, AGENT, AGENT_MAC));
    assertThat(place(exchange)).isEqualTo(Place.AWAY);

    // MN ── Binding Update (A, H, lifetime 0) from the home address, in ESP ──▶ HA
    var wire = exchange.underway(BindingUpdate.class);
    assertThat(wire.arrival().source()).isEqualTo(HOME.value());
    assertThat(wire.arrival().careOf()).isEmpty();
    assertThat(wire.arrival().securityPath().isProtected()).isTrue();
    var update = exchange.delivers(BindingUpdate.class);
    assertThat(update.lifetime().isZero()).isTrue();
    assertThat(update.alternateCareOfAddress()).hasValue(new CareOfAddress(HOME.value()));
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.agent.proxied).isEmpty();

    // MN ◀── Binding Acknowledgement (accepted) without routing header, in ESP ── HA
    var answer = exchange.underway(BindingAcknowledgement.class);
    assertThat(answer.wireDestination()).isEqualTo(HOME.value());
    assertThat(answer.arrival().routingHeader()).isFalse();
    assertThat(answer.arrival().securityPath().isProtected()).isTrue();
    var acknowledgement = exchange.delivers(BindingAcknowledgement.class);
    assertThat(acknowledgement.status()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(acknowledgement.lifetime().isZero()).isTrue();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    assertThat(place(exchange)).isEqualTo(Place.HOME);
    assertThat(exchange.mobile.tunnel(FROM_HOME, Direction.OUT)).isEmpty();
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isFalse();
    List<NodeAction.SendIcmpv6> sent = exchange.mobile.performed(NodeAction.SendIcmpv6.class);
    announcesOnItsOwn(sent.get(sent.size() - 1));
    exchange.isQuiet();
    exchange.passes(Duration.ofSeconds(1000));
    exchange.isQuiet();
    // MAX_NEIGHBOR_ADVERTISEMENT in all, and no detection of its own.
    assertThat(exchange.mobile.performed(NodeAction.SendIcmpv6.class)).hasSize(3);
    assertThat(exchange.mobile.dadStarted).isEmpty();
  }

  /** The home agent asks for us to acknowledge, and does not stand in for us any more. */
  @Test
  void answersForItselfAsSoonAsTheUpdateIsSent() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(HOME_LINK);
    Ipv6Address asking = Ipv6Address.parse("fe80::1");
    exchange.toMobile(
        new NodeEvent.Icmpv6Arrived(
            ETH0,
            asking,
            HOME.value().solicitedNodeMulticast(),
            255,
            new Icmpv6Message.NeighborSolicitation(
                HOME.value(), ImmutableList.of(new NdOption.SourceLinkLayerAddress(AGENT_MAC)))));
    List<NodeAction.SendIcmpv6> sent = exchange.mobile.performed(NodeAction.SendIcmpv6.class);
    assertThat(sent).hasSize(1);
    assertThat(sent.get(0).destination()).isEqualTo(asking);
    assertThat(sent.get(0).message())
        .isInstanceOfSatisfying(
            Icmpv6Message.NeighborAdvertisement.class,
            it -> {
              assertThat(it.solicited()).isTrue();
              assertThat(it.target()).isEqualTo(HOME.value());
            });
  }

  @Test
  void asksWithoutANameWhereTheRouterIsNotTheHomeAgent() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.plug(ETH0, HOME_LINK);
    exchange.toMobile(
        new NodeEvent.Icmpv6Arrived(
            ETH0,
            Ipv6Address.parse("fe80::77"),
            Ipv6Address.ALL_NODES,
            255,
            new Icmpv6Message.RouterAdvertisement(
                64,
                false,
                false,
                false,
                0,
                1800,
                0,
                0,
                ImmutableList.of(
                    new NdOption.SourceLinkLayerAddress(
                        new LinkLayerAddress(Octets.parse("020000000077"))),
                    new NdOption.PrefixInformation(
                        64, HOME_LINK.prefix().address(), true, true, false, 86400, 14400)))));
    exchange.isQuiet();
    // From the unspecified address, for the home address, which the home agent answers for.
    assertThat(exchange.mobile.performed(NodeAction.SendIcmpv6.class))
        .containsExactly(
            new NodeAction.SendIcmpv6(
                ETH0,
                Ipv6Address.UNSPECIFIED,
                HOME.value().solicitedNodeMulticast(),
                new Icmpv6Message.NeighborSolicitation(HOME.value(), ImmutableList.of())));
    // Nobody answers the first time.
    exchange.passes(Duration.ofSeconds(1));
    assertThat(exchange.mobile.performed(NodeAction.SendIcmpv6.class)).hasSize(2);
    exchange.toMobile(
        new NodeEvent.Icmpv6Arrived(
            ETH0,
            AGENT,
            Ipv6Address.ALL_NODES,
            255,
            new Icmpv6Message.NeighborAdvertisement(
                false,
                false,
                true,
                HOME.value(),
                ImmutableList.of(new NdOption.TargetLinkLayerAddress(AGENT_MAC)))));
    assertThat(exchange.mobile.performed(NodeAction.KnowNeighbor.class))
        .containsExactly(new NodeAction.KnowNeighbor(ETH0, AGENT, AGENT_MAC));
    exchange.delivers(BindingUpdate.class);
    exchange.delivers(BindingAcknowledgement.class);
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
  }

  @Test
  void asksAgainUntilTheHomeAgentHasLetGo() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(HOME_LINK);
    exchange.drops(BindingUpdate.class);
    exchange.passes(Duration.ofSeconds(1));
    exchange.delivers(BindingUpdate.class);
    exchange.drops(BindingAcknowledgement.class);
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.mobileNode().isAtHome()).isFalse();
    exchange.passes(Duration.ofSeconds(2));
    exchange.delivers(BindingUpdate.class);
    // There is nothing to end any more, and that is as good.
    assertThat(exchange.acknowledged())
        .isEqualTo(BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE);
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    exchange.isQuiet();
  }

  @Test
  void aLateUpdateFromTheForeignLinkDoesNotTakeTheAddressAway() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.passes(Duration.ofSeconds(316));
    var renewal = exchange.toAgent.removeFirst();
    exchange.movesTo(HOME_LINK);
    exchange.settle();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    exchange.passes(Duration.ofSeconds(9));
    exchange.arrives(renewal, true);
    assertThat(exchange.acknowledgedNothingButOutOfWindow()).isTrue();
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.agent.dadStarted).hasSize(1);
  }

  @Test
  void beginsAtHomeWithDetectionAndWithoutTheHomeAgent() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(HOME_LINK);
    exchange.isQuiet();
    assertThat(exchange.mobile.dadStarted).hasSize(1);
    assertThat(exchange.mobileNode().isAtHome()).isFalse();
    exchange.toMobile(new NodeEvent.DadFinished(HOME, true));
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    assertThat(place(exchange)).isEqualTo(Place.HOME);
    exchange.isQuiet();
  }

  @Test
  void whoAnswersForTheHomeAddressMayBeAHomeAgentThatKnowsMore() {
    var exchange = Exchange.inEsp().registeredAt(A);
    SequenceNumber known = exchange.mobile.sequences.getOrDefault(HOME, new SequenceNumber(0));
    exchange.unplug(ETH0);
    exchange.restartMobile(false, known);
    exchange.movesTo(HOME_LINK);
    exchange.toMobile(new NodeEvent.DadFinished(HOME, false));
    exchange.settle();
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
  }

  /** It knows no binding, so that whoever answers for the address is somebody else. */
  @Test
  void doesNotTakeTheHomeAddressFromSomebodyElse() {
    var exchange = Exchange.inEsp();
    exchange.somebodyHasTheHomeAddress();
    exchange.movesTo(HOME_LINK);
    exchange.passes(Duration.ofSeconds(1));
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged())
        .isEqualTo(BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE);
    // Perhaps the home agent has just let go. It has not.
    assertThat(exchange.mobile.dadStarted).hasSize(2);
    exchange.passes(Duration.ofSeconds(1000));
    exchange.isQuiet();
    assertThat(exchange.mobile.dadStarted).hasSize(2);
    assertThat(exchange.mobileNode().isAtHome()).isFalse();
    assertThat(place(exchange)).isEqualTo(Place.NOWHERE);
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();
  }

  /** The home agent has let go, and its answer was lost. */
  @Test
  void takesTheHomeAddressWhenNobodyAnswersForItAnyMore() {
    var exchange = Exchange.inEsp().registeredAt(A);
    SequenceNumber known = exchange.mobile.sequences.getOrDefault(HOME, new SequenceNumber(0));
    exchange.unplug(ETH0);
    exchange.restartMobile(false, known);
    exchange.movesTo(HOME_LINK);
    exchange.passes(Duration.ofSeconds(1));
    exchange.delivers(BindingUpdate.class);
    exchange.drops(BindingAcknowledgement.class);
    exchange.passes(Duration.ofSeconds(1));
    exchange.settle();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    assertThat(place(exchange)).isEqualTo(Place.HOME);
    assertThat(exchange.mobile.dadStarted).hasSize(2);
  }

  /** L flag: the home agent has defended the link-local address, too. */
  @Test
  void takesItsLinkLocalAddressBackAndAnnouncesIt() {
    var exchange = Exchange.inEsp();
    Ipv6Address linkLocal = Ipv6Address.parse("fe80::100");
    exchange.toMobile(
        new NodeEvent.AddressChanged(ETH0, linkLocal, 64, NodeEvent.AddressState.USABLE));
    exchange.registeredAt(A);
    assertThat(exchange.agent.proxied).containsExactlyInAnyOrder(linkLocal, HOME.value());
    // The kernel is the first to look at the link.
    exchange.plug(ETH0, HOME_LINK);
    exchange.toMobile(
        new NodeEvent.AddressChanged(ETH0, linkLocal, 64, NodeEvent.AddressState.DUPLICATE));
    exchange.advertise(ETH0);
    assertThat(exchange.mobile.performed(NodeAction.RetakeAddress.class)).isEmpty();
    exchange.settle();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    assertThat(exchange.agent.proxied).isEmpty();
    assertThat(exchange.mobile.performed(NodeAction.RetakeAddress.class))
        .containsExactly(new NodeAction.RetakeAddress(ETH0, linkLocal));
    assertThat(exchange.mobile.performed(NodeAction.SendIcmpv6.class))
        .extracting(
            it ->
                it.message() instanceof Icmpv6Message.NeighborAdvertisement advertisement
                    ? advertisement.target()
                    : Ipv6Address.UNSPECIFIED)
        .containsExactly(HOME.value(), linkLocal);
  }

  /** What was on its way when the binding ended is still too old for its next life. */
  @Test
  void aHomeAgentThatWasKilledKnowsWhenTheBindingEnded() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.passes(Duration.ofSeconds(316));
    var renewal = exchange.toAgent.removeFirst();
    exchange.movesTo(HOME_LINK);
    exchange.settle();
    exchange.restartAgent(Duration.ofSeconds(1));
    exchange.passes(Duration.ofSeconds(9));
    exchange.arrives(renewal, true);
    assertThat(exchange.acknowledgedNothingButOutOfWindow()).isTrue();
    exchange.passes(Duration.ofSeconds(2));
    assertThat(exchange.boundTo()).isEmpty();
  }

  /** Its number is lost too: the refusal must reach it although the home agent has a binding. */
  @Test
  void isToldTheRightNumberOnTheHomeLink() {
    var exchange = Exchange.inEsp().registeredAt(A);
    SequenceNumber known = exchange.mobile.sequences.getOrDefault(HOME, new SequenceNumber(0));
    exchange.unplug(ETH0);
    exchange.restartMobile(true, new SequenceNumber((known.value() - 9) & 0xffff));
    exchange.movesTo(HOME_LINK);
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.agent.proxied).isEmpty();
    assertThat(exchange.underway(BindingAcknowledgement.class).wireDestination())
        .isEqualTo(HOME.value());
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    exchange.settle();
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
  }

  /** It was somebody else's replay, or the mobile node gave up: the binding stands. */
  @Test
  void theHomeAgentStandsInAgainWhenNothingFollowsARefusal() {
    var exchange = Exchange.inEsp().registeredAt(A);
    SequenceNumber known = exchange.mobile.sequences.getOrDefault(HOME, new SequenceNumber(0));
    exchange.unplug(ETH0);
    exchange.restartMobile(true, new SequenceNumber((known.value() - 9) & 0xffff));
    exchange.movesTo(HOME_LINK);
    exchange.delivers(BindingUpdate.class);
    exchange.toMobile.clear();
    assertThat(exchange.agent.proxied).isEmpty();
    exchange.unplug(ETH0);
    exchange.passes(Duration.ofSeconds(1));
    assertThat(exchange.agent.proxied).containsExactly(HOME.value());
    assertThat(exchange.boundTo()).hasValue(COA_A);
  }

  @Test
  void leavesHomeAgain() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(HOME_LINK);
    exchange.toMobile(new NodeEvent.DadFinished(HOME, true));
    exchange.movesTo(A);
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();
    assertThat(place(exchange)).isEqualTo(Place.NOWHERE);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(place(exchange)).isEqualTo(Place.AWAY);
    exchange.movesTo(HOME_LINK);
    exchange.settle();
    assertThat(place(exchange)).isEqualTo(Place.HOME);
    assertThat(Optional.ofNullable(exchange.mobile.remembered.get(HOME))).isEmpty();
  }

  @Test
  void turnsRoundBeforeTheHomeAgentHasAnswered() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(HOME_LINK);
    exchange.drops(BindingUpdate.class);
    exchange.movesTo(A);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_A);
    assertThat(exchange.mobile.tunnel(FROM_HOME, Direction.OUT))
        .hasValueSatisfying(it -> assertThat(it.source()).isEqualTo(COA_A.value()));
    assertThat(exchange.mobile.wishes.values())
        .allSatisfy(wish -> assertThat(wish.states()).isNotEmpty());
  }
}
