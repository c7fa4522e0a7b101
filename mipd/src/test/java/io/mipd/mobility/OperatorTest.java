package io.mipd.mobility;

import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.ETH0;
import static io.mipd.mobility.Exchange.ETH1;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.Link.A;
import static io.mipd.mobility.Exchange.Link.B;
import static io.mipd.mobility.Exchange.Link.HOME_LINK;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.ha.AccessList;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.mn.RouteVerdict.Reason;
import io.mipd.mobility.mn.RouterStatus;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What the operator asks of the cores, and what they tell him. */
class OperatorTest {
  private static final Flow FROM_HOME = Flow.of(HOME.value(), CORRESPONDENT, IpProtocol.UDP);

  private static NodeEvent on(int interfaceIndex) {
    return new NodeEvent.AttachmentChosen(OptionalInt.of(interfaceIndex), Optional.empty());
  }

  private static NodeEvent by(CareOfAddress careOf) {
    return new NodeEvent.AttachmentChosen(OptionalInt.empty(), Optional.of(careOf));
  }

  @Test
  void aChosenInterfaceIsUsedAsLongAsItCanBe() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(ETH1, B);
    exchange.movesTo(ETH0, A);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);

    exchange.toMobile(on(ETH0));
    exchange.settle();
    assertThat(exchange.boundTo()).as("chosen against its preference").hasValue(COA_A);
    exchange.unplug(ETH0);
    exchange.settle();
    assertThat(exchange.boundTo()).as("it is gone").hasValue(COA_B);
    exchange.movesTo(ETH0, A);
    exchange.settle();
    assertThat(exchange.boundTo()).as("it is back").hasValue(COA_A);

    // No more than so many updates in a second.
    exchange.passes(Duration.ofSeconds(2));
    exchange.toMobile(NodeEvent.AttachmentChosen.FREE);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }

  @Test
  void aChosenCareOfAddressComesBeforeTheHomeLink() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(ETH1, HOME_LINK);
    exchange.movesTo(ETH0, A);
    exchange.passes(Duration.ofSeconds(5));
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    assertThat(exchange.mobileNode().mayBind(COA_A)).isTrue();
    assertThat(exchange.mobileNode().mayBind(COA_B)).as("not there").isFalse();
    assertThat(exchange.mobileNode().mayBind(new CareOfAddress(HOME_LINK.address())))
        .as("of the home link")
        .isFalse();

    exchange.toMobile(by(COA_A));
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    exchange.toMobile(on(ETH1));
    exchange.passes(Duration.ofSeconds(5));
    exchange.settle();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    assertThat(exchange.boundTo()).isEmpty();
  }

  @Test
  void aDrainingHomeAgentKeepsThoseThatAreBoundAndTakesNoOthers() {
    var exchange = Exchange.inEsp().registeredAt(A);
    assertThat(exchange.homeAgent().isDraining()).isFalse();
    exchange.toAgent(new NodeEvent.Draining(true));
    assertThat(exchange.homeAgent().isDraining()).isTrue();
    exchange.movesTo(B);
    exchange.settle();
    assertThat(exchange.boundTo()).as("it may move").hasValue(COA_B);

    exchange.toAgent(new NodeEvent.BindingDismissed(HOME));
    assertThat(exchange.homeAgent().bindings()).isEmpty();
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ADMINISTRATIVELY_PROHIBITED);
    assertThat(exchange.homeAgent().bindings()).isEmpty();

    exchange.toAgent(new NodeEvent.Draining(false));
    exchange.passes(Duration.ofMinutes(2));
    exchange.settle();
    assertThat(exchange.boundTo()).as("it has asked again").hasValue(COA_A);
  }

  private static Exchange optimizedAtA() {
    var exchange = Exchange.of(Exchange.ESP, rules("2001:db8:d::/64"));
    exchange.movesTo(A);
    exchange.settle();
    exchange.toMobile(new NodeEvent.TunnelledPayload(HOME, CORRESPONDENT, true));
    exchange.settle();
    assertThat(exchange.correspondentSendsTo(CORRESPONDENT)).hasValue(COA_A);
    return exchange;
  }

  /** RFC 6275 sections 6.1.7 and 10.3.2. */
  @Test
  void aMobileNodeDeRegistersAwayFromHomeAndStaysUnregistered() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.toMobile(new NodeEvent.BindingDismissed(HOME));

    // MN ── Binding Update (A, H, care-of A, lifetime 0) in ESP, with Home Address option ──▶ HA
    var wire = exchange.underway(BindingUpdate.class);
    assertThat(wire.arrival().careOf()).hasValue(COA_A.value());
    var update = exchange.delivers(BindingUpdate.class);
    assertThat(update.lifetime().isZero()).isTrue();
    assertThat(update.alternateCareOfAddress()).hasValue(COA_A);
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.mobileNode().registeredCareOf()).as("not acknowledged").isPresent();

    // MN ◀── Binding Acknowledgement (accepted, lifetime 0) by a type 2 routing header ── HA
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(exchange.mobileNode().registeredCareOf()).isEmpty();
    assertThat(exchange.mobileNode().tunnelEnd()).isEmpty();
    assertThat(exchange.mobile.blocks(FROM_HOME, Direction.OUT)).isTrue();

    exchange.passes(Exchange.LIFETIME.multipliedBy(2));
    exchange.movesTo(B);
    exchange.passes(Duration.ofMinutes(1));
    exchange.isQuiet();
    assertThat(exchange.boundTo()).isEmpty();

    exchange.toMobile(NodeEvent.AttachmentChosen.FREE);
    exchange.settle();
    assertThat(exchange.boundTo()).as("wanted again").hasValue(COA_B);
    assertThat(exchange.mobileNode().isDismissed()).isFalse();
  }

  @Test
  void whatWasNotAnsweredIsRepeatedFromWhereTheMobileNodeIs() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.toMobile(new NodeEvent.BindingDismissed(HOME));
    exchange.toAgent.clear();
    exchange.movesTo(B);
    assertThat(exchange.underway(BindingUpdate.class).arrival().careOf()).hasValue(COA_B.value());
    exchange.toAgent.clear();
    exchange.passes(Duration.ofSeconds(3));
    exchange.settle();
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.mobileNode().tunnelEnd()).isEmpty();
    exchange.isQuiet();
  }

  /** It is for an update that the de-registration came after. */
  @Test
  void aLateAcknowledgementDoesNotEndADeRegistration() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.passes(Duration.ofMinutes(6));
    while (exchange.toAgent.size() > 1) {
      exchange.toAgent.removeLast();
    }
    exchange.delivers(BindingUpdate.class);
    exchange.toMobile(new NodeEvent.BindingDismissed(HOME));
    assertThat(exchange.drops(BindingUpdate.class).lifetime().isZero()).isTrue();
    assertThat(exchange.acknowledged()).as("the renewal").isEqualTo(BindingStatus.ACCEPTED);

    exchange.passes(Duration.ofSeconds(3));
    assertThat(exchange.delivers(BindingUpdate.class).lifetime().isZero()).isTrue();
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.mobileNode().registeredCareOf()).isEmpty();
    assertThat(exchange.mobileNode().tunnelEnd()).isEmpty();
  }

  @Test
  void aNodeThatIsWantedAgainBeforeTheAnswerIsRegisteredInTheEnd() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.toMobile(new NodeEvent.BindingDismissed(HOME));
    exchange.delivers(BindingUpdate.class);
    exchange.toMobile(NodeEvent.AttachmentChosen.FREE);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_A);
    assertThat(exchange.mobileNode().tunnelEnd()).hasValue(COA_A);
  }

  @Test
  void correspondentsForgetTheirBindingBeforeTheHomeAgentDoes() {
    var exchange = optimizedAtA();
    exchange.toMobile(new NodeEvent.BindingDismissed(HOME));
    assertThat(exchange.toAgent).as("not yet").isEmpty();
    exchange.settle();
    assertThat(exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    assertThat(exchange.boundTo()).isEmpty();
    exchange.passes(Duration.ofMinutes(1));
    exchange.isQuiet();
  }

  @Test
  void aCorrespondentThatIsSilentDoesNotHoldUpTheEnd() {
    var exchange = optimizedAtA();
    exchange.toMobile(new NodeEvent.BindingDismissed(HOME));
    for (int i = 0; i < 6; i++) {
      exchange.toPeer.clear();
      exchange.passes(Duration.ofSeconds(1));
    }
    exchange.settle();
    assertThat(exchange.boundTo()).isEmpty();
    assertThat(exchange.mobileNode().registeredCareOf()).isEmpty();
  }

  @Test
  void theMobileNodeTellsWhyAPeerIsReachedAsItIs() {
    Ipv6Address keptOut = Ipv6Address.parse("2001:db8:d::1");
    var exchange =
        Exchange.of(
            Exchange.ESP,
            new RouteOptimizationSettings(
                ImmutableList.of(
                    new RouteOptimizationSettings.Rule(
                        Ipv6Prefix.parse("2001:db8:d::/64"),
                        RouteOptimizationSettings.Choice.AVOID)),
                8,
                Duration.ofMinutes(7)));
    assertThat(why(exchange, CORRESPONDENT)).isEqualTo(Reason.NO_LINK);
    exchange.movesTo(A);
    assertThat(why(exchange, CORRESPONDENT)).isEqualTo(Reason.NOT_REGISTERED);
    exchange.settle();
    assertThat(why(exchange, CORRESPONDENT)).isEqualTo(Reason.NOTHING_HEARD);
    assertThat(why(exchange, keptOut)).isEqualTo(Reason.KEPT_OUT);
    assertThat(why(exchange, Exchange.AGENT)).isEqualTo(Reason.HOME_AGENT);
    assertThat(why(exchange, HOME.value())).isEqualTo(Reason.OWN_ADDRESS);
    assertThat(why(exchange, Ipv6Address.ALL_NODES)).isEqualTo(Reason.NOT_GLOBAL);

    exchange.toMobile(new NodeEvent.TunnelledPayload(HOME, CORRESPONDENT, true));
    assertThat(why(exchange, CORRESPONDENT)).isEqualTo(Reason.TESTING);
    exchange.settle();
    assertThat(why(exchange, CORRESPONDENT)).isEqualTo(Reason.OPTIMIZED);

    exchange.movesTo(HOME_LINK);
    exchange.settle();
    assertThat(why(exchange, CORRESPONDENT)).isEqualTo(Reason.AT_HOME);
    assertThat(why(Exchange.inEsp(), CORRESPONDENT)).isEqualTo(Reason.SWITCHED_OFF);
  }

  private static Reason why(Exchange exchange, Ipv6Address peer) {
    return exchange.mobileNode().why(exchange.now, peer).reason();
  }

  @Test
  void routersThatAreHeardAreTold() {
    var exchange = Exchange.inEsp().registeredAt(A);
    RouterStatus router = exchange.mobileNode().routers(exchange.now).get(0);
    assertThat(router.interfaceIndex()).isEqualTo(ETH0);
    assertThat(router.router()).isEqualTo(A.router());
    assertThat(router.prefixes()).containsExactly(A.prefix());
    assertThat(router.home()).isFalse();
    assertThat(router.left()).isPositive();
  }

  @Test
  void aMobileNodeGoesByOtherPreferencesAtOnce() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(ETH1, B);
    exchange.movesTo(ETH0, A);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);

    exchange
        .mobileNode()
        .adopt(
            Duration.ofMinutes(1),
            ImmutableMap.of("eth0", 30, "eth1", 20),
            /* routeOptimization= */ Optional.empty());
    exchange.toMobile(new NodeEvent.DeadlineReached());
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(exchange.homeAgent().bindings().get(0).expiry())
        .as("the lifetime that it asks for now")
        .isEqualTo(exchange.now.plus(Duration.ofMinutes(1)));
  }

  @Test
  void peersThatAreKeptOutFromNowOnAreToldToForget() {
    var exchange = Exchange.of(Exchange.ESP, rules("2001:db8:d::/64"));
    exchange.movesTo(A);
    exchange.settle();
    exchange.toMobile(new NodeEvent.TunnelledPayload(HOME, CORRESPONDENT, true));
    exchange.settle();
    assertThat(exchange.correspondentSendsTo(CORRESPONDENT)).isPresent();

    exchange
        .mobileNode()
        .adopt(
            Exchange.LIFETIME,
            ImmutableMap.of("eth0", 10, "eth1", 20),
            Optional.of(rules("2001:db8:c::/64")));
    exchange.toMobile(new NodeEvent.DeadlineReached());
    exchange.settle();
    assertThat(exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    assertThat(why(exchange, CORRESPONDENT)).isEqualTo(Reason.KEPT_OUT);
  }

  private static RouteOptimizationSettings rules(String avoided) {
    return new RouteOptimizationSettings(
        ImmutableList.of(
            new RouteOptimizationSettings.Rule(
                Ipv6Prefix.parse(avoided), RouteOptimizationSettings.Choice.AVOID)),
        8,
        Duration.ofMinutes(7));
  }

  @Test
  void aHomeAgentGoesByOtherRulesFromTheNextUpdateOn() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange
        .homeAgent()
        .adopt(
            Duration.ofMinutes(1),
            HomeAgentSettings.PrefixLifetimes.DEFAULT,
            ImmutableList.of(),
            new AccessList(ImmutableList.of(new AccessList.Rule(A.prefix(), false))));
    assertThat(exchange.boundTo()).as("what is granted stays").hasValue(COA_A);

    exchange.movesTo(B);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
    assertThat(exchange.homeAgent().bindings().get(0).expiry())
        .isEqualTo(exchange.now.plus(Duration.ofMinutes(1)));
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ADMINISTRATIVELY_PROHIBITED);
  }
}
