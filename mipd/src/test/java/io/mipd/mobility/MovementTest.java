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

import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Template;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Several interfaces, and links that change without a word. */
class MovementTest {
  private static final Flow FROM_HOME = Flow.of(HOME.value(), CORRESPONDENT, IpProtocol.UDP);

  private static Optional<Ipv6Address> sends(Exchange exchange) {
    return exchange.mobile.tunnel(FROM_HOME, Direction.OUT).map(Template::source);
  }

  @Test
  void aBetterInterfaceTakesOver() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(ETH1, B);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
    assertThat(sends(exchange)).hasValue(COA_B.value());
    // And back when it is gone, at once.
    exchange.unplug(ETH1);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(sends(exchange)).hasValue(COA_A.value());
  }

  @Test
  void aWorseInterfaceDoesNot() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(ETH1, B);
    exchange.settle();
    exchange.movesTo(ETH0, A);
    exchange.isQuiet();
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }

  /** RFC 6275 section 11.5.3. */
  @Test
  void aDeprecatedAddressIsLeftForAWorseInterface() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(ETH1, B);
    exchange.movesTo(ETH0, A);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
    exchange.address(ETH1, AddressState.DEPRECATED);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    // Where all are deprecated, preference counts again.
    exchange.address(ETH0, AddressState.DEPRECATED);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
  }

  /** The kernel takes it away, says no more, and configures it again. */
  @Test
  void anAddressThatVanishesWhileItIsCheckedIsNotUsedAgainOnThisLink() {
    var exchange = Exchange.inEsp().registeredAt(B);
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    exchange.address(ETH0, AddressState.GONE);
    exchange.settle();
    exchange.advertise(ETH0);
    exchange.address(ETH0, AddressState.OPTIMISTIC);
    exchange.passes(Duration.ofSeconds(5));
    exchange.isQuiet();
    assertThat(sends(exchange)).isNotEqualTo(Optional.of(COA_A.value()));
    exchange.movesTo(B);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
    // The other one may have left the link meanwhile.
    exchange.movesTo(A);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
  }

  @Test
  void theOldPathIsTakenAgainWhileTheNewOneIsNotAcknowledged() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.movesTo(ETH1, B);
    exchange.drops(BindingUpdate.class);
    exchange.passes(Duration.ofSeconds(1));
    assertThat(sends(exchange)).hasValue(COA_A.value());
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(sends(exchange)).hasValue(COA_B.value());
  }

  @Test
  void homeComesBeforeAllPreferences() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(ETH1, B);
    exchange.settle();
    exchange.movesTo(ETH0, HOME_LINK);
    exchange.settle();
    assertThat(exchange.mobileNode().isAtHome()).isTrue();
    assertThat(exchange.boundTo()).isEmpty();
  }

  /** Killed on another link and started here: routes of that one may lead astray. */
  @Test
  void whatIsThereBeforeTheFirstRouterGoes() {
    var exchange = Exchange.inEsp();
    exchange.movesTo(A);
    assertThat(exchange.mobile.forgotten)
        .containsExactly(new NodeAction.ForgetLink(ETH0, A.router()));
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
  }

  /** The cable went from link to link without a notice: only routers tell. */
  @Test
  void findsOutByRoutersThatTheLinkIsAnother() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.replacesSilently(ETH0, B);
    exchange.advertise(ETH0);
    exchange.address(ETH0, AddressState.OPTIMISTIC);
    // The old router might be there as well: it is asked.
    exchange.isQuiet();
    assertThat(exchange.mobile.forgotten).isEmpty();
    exchange.passes(Duration.ofSeconds(1));
    assertThat(exchange.mobile.forgotten)
        .containsExactly(new NodeAction.ForgetLink(ETH0, B.router()));
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }

  @Test
  void twoRoutersOfOneLinkAreNoMovement() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.replacesSilently(ETH0, B);
    exchange.advertise(ETH0);
    exchange.replacesSilently(ETH0, A);
    exchange.advertise(ETH0);
    exchange.passes(Duration.ofSeconds(20));
    exchange.isQuiet();
    assertThat(exchange.mobile.forgotten).isEmpty();
    assertThat(exchange.boundTo()).hasValue(COA_A);
  }

  /** The link has changed while no daemon ran: nobody announces what is left of the old one. */
  @Test
  void whatIsLeftFromBeforeTheStartIsForgotten() {
    var exchange = Exchange.inEsp();
    exchange.plug(ETH0, A);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.replacesSilently(ETH0, B);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.advertise(ETH0);
    assertThat(exchange.mobile.forgotten).isEmpty();
    exchange.passes(ProtocolConstants.RETRANS_TIMER);
    assertThat(exchange.mobile.forgotten).hasSize(1);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }

  /**
   * The kernel hands over what the new link's router says before it tells that the cable was out:
   * what is heard again then is no proof of the same link.
   */
  @Test
  void aRouterThatOvertakesTheCableIsOfTheNewLink() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.replacesSilently(ETH0, B);
    exchange.advertise(ETH0);
    exchange.unplug(ETH0);
    // Our address goes with the cable; what the kernel has of the link besides does not.
    exchange.toMobile(new NodeEvent.AddressChanged(ETH0, COA_A.value(), 64, AddressState.GONE));
    exchange.plug(ETH0, B);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.advertise(ETH0);
    exchange.passes(ProtocolConstants.RETRANS_TIMER);
    assertThat(exchange.mobile.forgotten)
        .containsExactly(new NodeAction.ForgetLink(ETH0, B.router()));
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }

  /** Likewise where nobody was heard on the link of the start. */
  @Test
  void aRouterThatOvertakesTheCableAfterTheStartIsOfTheNewLink() {
    var exchange = Exchange.inEsp();
    exchange.plug(ETH0, A);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.replacesSilently(ETH0, B);
    exchange.advertise(ETH0);
    exchange.plug(ETH0, B);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.advertise(ETH0);
    assertThat(exchange.mobile.forgotten).isEmpty();
    exchange.passes(ProtocolConstants.RETRANS_TIMER);
    assertThat(exchange.mobile.forgotten)
        .containsExactly(new NodeAction.ForgetLink(ETH0, B.router()));
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }

  @Test
  void whatAnotherRouterAnnouncesIsNotForgotten() {
    var exchange = Exchange.inEsp();
    exchange.plug(ETH0, A);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.replacesSilently(ETH0, B);
    exchange.address(ETH0, AddressState.USABLE);
    exchange.advertise(ETH0);
    exchange.replacesSilently(ETH0, A);
    exchange.advertise(ETH0);
    exchange.passes(ProtocolConstants.RETRANS_TIMER);
    assertThat(exchange.mobile.forgotten).isEmpty();
  }

  @Test
  void aLinkThatWasOnlyAwayForAMomentIsTheSame() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.unplug(ETH0);
    exchange.plug(ETH0, A);
    exchange.advertise(ETH0);
    assertThat(exchange.mobile.forgotten).isEmpty();
    exchange.isQuiet();
    assertThat(sends(exchange)).hasValue(COA_A.value());
  }

  /** Routers may be slow to answer; what was decided before the cable was out is not in doubt. */
  @Test
  void oneOfTwoRoutersIsEnoughToKnowTheLinkByAgain() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.replacesSilently(ETH0, B);
    exchange.advertise(ETH0);
    exchange.replacesSilently(ETH0, A);
    exchange.advertise(ETH0);
    exchange.passes(Duration.ofSeconds(2));
    exchange.unplug(ETH0);
    exchange.plug(ETH0, A);
    exchange.advertise(ETH0);
    exchange.passes(Duration.ofSeconds(2));
    assertThat(exchange.mobile.forgotten).isEmpty();
    assertThat(exchange.boundTo()).hasValue(COA_A);
  }

  @Test
  void atMostThreeUpdatesASecond() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.passes(Duration.ofSeconds(2));
    for (int i = 0; i < 5; i++) {
      exchange.movesTo(B);
      exchange.movesTo(A);
    }
    assertThat(exchange.toAgent).hasSize(ProtocolConstants.MAX_UPDATE_RATE);
    exchange.toAgent.clear();
    exchange.passes(Duration.ofMillis(999));
    exchange.isQuiet();
    exchange.passes(Duration.ofMillis(1));
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(exchange.mobileNode().registeredCareOf()).hasValue(COA_A);
  }

  @Test
  void anAddressFromBeforeIsNotTakenOnTheNewLink() {
    var exchange = Exchange.inEsp().registeredAt(A);
    exchange.plug(ETH0, B);
    // Detection of the kernel's old address ends on the new link.
    exchange.toMobile(new NodeEvent.AddressChanged(ETH0, COA_A.value(), 64, AddressState.USABLE));
    exchange.isQuiet();
    exchange.advertise(ETH0);
    exchange.isQuiet();
    exchange.address(ETH0, AddressState.USABLE);
    exchange.delivers(BindingUpdate.class);
    exchange.delivers(BindingAcknowledgement.class);
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }

  /**
   * Found by the random walk: it was registered there before, but it has asked for another since.
   */
  @Test
  void whatWasAskedForInBetweenIsOvertaken() {
    var exchange = Exchange.inEsp().registeredAt(B);
    exchange.movesTo(A);
    exchange.delivers(BindingUpdate.class);
    exchange.drops(BindingAcknowledgement.class);
    exchange.movesTo(B);
    exchange.drops(BindingUpdate.class);
    exchange.movesTo(B);
    exchange.settle();
    assertThat(exchange.boundTo()).hasValue(COA_B);
  }
}
