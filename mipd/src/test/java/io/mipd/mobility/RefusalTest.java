package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.Link.A;
import static io.mipd.mobility.Exchange.OTHER_HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a home agent must not take, and what it says to it (RFC 6275 sections 9.5.1, 10.3.1). */
class RefusalTest {
  private static final Ipv6Address STRANGER = Ipv6Address.parse("2001:db8:1::999");
  private static final Ipv6Address ELSEWHERE = Ipv6Address.parse("2001:db8:77::1");

  private final Exchange exchange = Exchange.inEsp();

  private static BindingUpdate update(int sequence, BindingFlag... flags) {
    return new BindingUpdate(
        new SequenceNumber(sequence),
        ImmutableSet.copyOf(flags),
        new BindingLifetime(100),
        ImmutableList.of());
  }

  private static BindingUpdate homeRegistration(int sequence) {
    return update(sequence, BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION);
  }

  private static BindingUpdate with(BindingUpdate update, MobilityOption option) {
    return new BindingUpdate(
        update.sequence(), update.flags(), update.lifetime(), ImmutableList.of(option));
  }

  private static SecurityPath esp(Mode mode, int reqId) {
    return new SecurityPath(
        ImmutableList.of(
            new SecurityPath.Step(
                TransformProtocol.ESP, mode, HOME.value(), AGENT, new ReqId(reqId), new Spi(9))));
  }

  private static Arrival from(Ipv6Address home, SecurityPath path) {
    return new Arrival(home, AGENT, Optional.of(COA_A.value()), false, path, 0);
  }

  private static Arrival authorized() {
    return from(HOME.value(), esp(Mode.TRANSPORT, 1));
  }

  private void arrives(MobilityMessage message, Arrival arrival) {
    exchange.toAgent(new NodeEvent.MobilityMessageArrived(message, arrival));
  }

  private void isRefusedSilently(Refusal reason) {
    assertThat(exchange.agent.refusals()).containsExactly(reason);
    exchange.isQuiet();
    assertThat(exchange.agent.dadStarted).isEmpty();
    assertThat(exchange.boundTo()).isEmpty();
  }

  private BindingAcknowledgement answer() {
    return (BindingAcknowledgement) exchange.underway(BindingAcknowledgement.class).message();
  }

  @Test
  void signallingOutsideEsp() {
    arrives(homeRegistration(1), from(HOME.value(), SecurityPath.EMPTY));
    isRefusedSilently(Refusal.UNPROTECTED);
  }

  @Test
  void theAssociationOfAnotherMobileNode() {
    arrives(homeRegistration(1), from(OTHER_HOME.value(), esp(Mode.TRANSPORT, 1)));
    isRefusedSilently(Refusal.FOREIGN_ASSOCIATION);
  }

  @Test
  void theTunnelThatIsForPayload() {
    arrives(homeRegistration(1), from(HOME.value(), esp(Mode.TUNNEL, 3)));
    isRefusedSilently(Refusal.FOREIGN_ASSOCIATION);
  }

  @Test
  void anotherAddressOfTheHomeAgent() {
    arrives(
        homeRegistration(1),
        new Arrival(
            HOME.value(),
            Ipv6Address.parse("2001:db8:2::1"),
            Optional.of(COA_A.value()),
            false,
            esp(Mode.TRANSPORT, 1),
            0));
    isRefusedSilently(Refusal.WRONG_ADDRESS);
  }

  @Test
  void aRegistrationWithoutHomeAddressOption() {
    arrives(
        with(homeRegistration(1), new MobilityOption.AlternateCareOfAddress(COA_A)),
        new Arrival(HOME.value(), AGENT, Optional.empty(), false, esp(Mode.TRANSPORT, 1), 0));
    isRefusedSilently(Refusal.MALFORMED);
  }

  @Test
  void nonceIndicesInAHomeRegistration() {
    arrives(with(homeRegistration(1), new MobilityOption.NonceIndices(1, 2)), authorized());
    isRefusedSilently(Refusal.MALFORMED);
  }

  @Test
  void aHomeAddressThatCannotBeOne() {
    arrives(homeRegistration(1), from(Ipv6Address.parse("fe80::9"), SecurityPath.EMPTY));
    isRefusedSilently(Refusal.MALFORMED);
  }

  @Test
  void aMessageForACorrespondent() {
    arrives(update(1, BindingFlag.ACKNOWLEDGE), authorized());
    isRefusedSilently(Refusal.UNEXPECTED);
  }

  @Test
  void theKindOfABindingDoesNotChange() {
    exchange.registeredAt(A);
    arrives(update(9, BindingFlag.ACKNOWLEDGE), authorized());
    assertThat(answer().status()).isEqualTo(BindingStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED);
    assertThat(exchange.boundTo()).hasValue(COA_A);
  }

  @Test
  void aHomeAddressOfOursThatNobodyHas() {
    arrives(homeRegistration(7), from(STRANGER, SecurityPath.EMPTY));
    assertThat(answer().status()).isEqualTo(BindingStatus.ADMINISTRATIVELY_PROHIBITED);
    assertThat(answer().sequence()).isEqualTo(new SequenceNumber(7));
    // The answer finds its way by a routing header, and leaves no policy behind.
    assertThat(exchange.underway(BindingAcknowledgement.class).wireDestination())
        .isEqualTo(COA_A.value());
    assertThat(exchange.agent.wishes).containsEntry(WishOwner.of(STRANGER), MobilityWish.NOTHING);
    assertThat(exchange.agent.refusals()).containsExactly(Refusal.NOT_SERVED);
  }

  @Test
  void aHomeAddressOfAnotherLink() {
    arrives(homeRegistration(7), from(ELSEWHERE, SecurityPath.EMPTY));
    assertThat(answer().status()).isEqualTo(BindingStatus.NOT_HOME_SUBNET);
  }

  @Test
  void strangersAreAnsweredThreeTimesASecondAtMost() {
    for (int i = 0; i < 50; i++) {
      arrives(homeRegistration(i), from(STRANGER, SecurityPath.EMPTY));
    }
    assertThat(exchange.toMobile).hasSize(ProtocolConstants.MAX_UPDATE_RATE);
    exchange.passes(Duration.ofSeconds(1));
    arrives(homeRegistration(99), from(STRANGER, SecurityPath.EMPTY));
    assertThat(exchange.toMobile).hasSize(ProtocolConstants.MAX_UPDATE_RATE + 1);
  }

  @Test
  void careOfAddressesThatWouldLoop() {
    for (Ipv6Address bad :
        ImmutableList.of(
            AGENT, OTHER_HOME.value(), Ipv6Address.parse("fe80::5"), Ipv6Address.ALL_NODES)) {
      arrives(
          with(
              homeRegistration(1),
              new MobilityOption.AlternateCareOfAddress(new CareOfAddress(bad))),
          authorized());
      assertThat(answer().status()).as("%s", bad).isEqualTo(BindingStatus.INVALID_CARE_OF_ADDRESS);
      exchange.toMobile.clear();
    }
    assertThat(exchange.agent.dadStarted).isEmpty();
  }

  @Test
  void theAlternateCareOfAddressOverridesTheSource() {
    arrives(
        with(homeRegistration(1), new MobilityOption.AlternateCareOfAddress(COA_B)), authorized());
    exchange.passes(Duration.ofMillis(1001));
    assertThat(exchange.boundTo()).hasValue(COA_B);
    // The acknowledgement goes where the update came from (section 9.5.4).
    assertThat(exchange.underway(BindingAcknowledgement.class).wireDestination())
        .isEqualTo(COA_A.value());
  }

  @Test
  void aHomeRegistrationIsAcknowledgedThoughNobodyAskedForIt() {
    arrives(update(1, BindingFlag.HOME_REGISTRATION), authorized());
    exchange.passes(Duration.ofMillis(1001));
    assertThat(answer().status()).isEqualTo(BindingStatus.ACCEPTED);
  }

  @Test
  void nothingToEnd() {
    arrives(
        new BindingUpdate(
            new SequenceNumber(1),
            ImmutableSet.of(BindingFlag.HOME_REGISTRATION),
            BindingLifetime.DEREGISTER,
            ImmutableList.of()),
        authorized());
    assertThat(answer().status()).isEqualTo(BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE);
  }

  @Test
  void whileDetectionRunsTheNewestUpdateIsAnswered() {
    arrives(homeRegistration(5), authorized());
    arrives(homeRegistration(6), authorized());
    arrives(homeRegistration(4), authorized());
    assertThat(exchange.agent.dadStarted).hasSize(1);
    exchange.passes(Duration.ofMillis(1001));
    assertThat(answer().sequence()).isEqualTo(new SequenceNumber(6));
    assertThat(exchange.toMobile).hasSize(1);
  }

  @Test
  void theLinkLocalAddressIsCheckedAndDefendedWhereItIsTheSame() {
    arrives(
        update(1, BindingFlag.HOME_REGISTRATION, BindingFlag.LINK_LOCAL_ADDRESS_COMPATIBILITY),
        authorized());
    Ipv6Address linkLocal = Ipv6Address.parse("fe80::100");
    assertThat(exchange.agent.dadStarted)
        .extracting(it -> it.address().value())
        .containsExactly(HOME.value(), linkLocal);
    exchange.passes(Duration.ofMillis(1001));
    assertThat(exchange.boundTo()).hasValue(COA_A);
    assertThat(exchange.agent.proxied).containsExactlyInAnyOrder(HOME.value(), linkLocal);
    arrives(
        new BindingUpdate(
            new SequenceNumber(2),
            ImmutableSet.of(BindingFlag.HOME_REGISTRATION),
            BindingLifetime.DEREGISTER,
            ImmutableList.of()),
        authorized());
    assertThat(exchange.agent.proxied).isEmpty();
  }

  @Test
  void anUnknownMessageIsAnsweredByABindingError() {
    arrives(new MobilityMessage.Unknown(99, Octets.EMPTY), from(HOME.value(), SecurityPath.EMPTY));
    var error =
        (MobilityMessage.BindingError)
            exchange.underway(MobilityMessage.BindingError.class).message();
    assertThat(error.status()).isEqualTo(MobilityMessage.BindingError.UNRECOGNIZED_MESSAGE);
    assertThat(error.homeAddress()).isEqualTo(HOME.value());
    assertThat(exchange.underway(MobilityMessage.BindingError.class).wireDestination())
        .isEqualTo(COA_A.value());
  }

  @Test
  void theMobileNodeTakesNoAcknowledgementOutsideEsp() {
    exchange.movesTo(A);
    var forged =
        new BindingAcknowledgement(
            BindingStatus.ACCEPTED,
            false,
            ((BindingUpdate) exchange.underway(BindingUpdate.class).message()).sequence(),
            new BindingLifetime(100),
            ImmutableList.of());
    exchange.toMobile(
        new NodeEvent.MobilityMessageArrived(
            forged,
            new Arrival(AGENT, HOME.value(), Optional.empty(), true, SecurityPath.EMPTY, 0)));
    assertThat(exchange.mobile.refusals()).containsExactly(Refusal.UNPROTECTED);
    assertThat(exchange.mobileNode().registeredCareOf()).isEmpty();
  }

  /** The kernel tells of an option also where something else was wrong with the packet. */
  @Test
  void whoIsWhereItsBindingSaysGetsNoBindingError() {
    exchange.registeredAt(A);
    exchange.toAgent(new NodeEvent.HomeAddressOptionRefused(HOME.value(), COA_A.value(), AGENT));
    exchange.isQuiet();
    exchange.toAgent(new NodeEvent.HomeAddressOptionRefused(HOME.value(), COA_B.value(), AGENT));
    assertThat(exchange.underway(MobilityMessage.BindingError.class).wireDestination())
        .isEqualTo(COA_B.value());
  }

  @Test
  void aBindingErrorFromTheHomeAgentMakesItRegisterAgain() {
    exchange.registeredAt(A);
    var error =
        new MobilityMessage.BindingError(
            MobilityMessage.BindingError.UNKNOWN_BINDING, HOME.value(), ImmutableList.of());
    exchange.toMobile(
        new NodeEvent.MobilityMessageArrived(
            error,
            new Arrival(ELSEWHERE, COA_A.value(), Optional.empty(), false, SecurityPath.EMPTY, 0)));
    exchange.isQuiet();
    for (int i = 0; i < 10; i++) {
      exchange.toMobile(
          new NodeEvent.MobilityMessageArrived(
              error,
              new Arrival(AGENT, COA_A.value(), Optional.empty(), false, SecurityPath.EMPTY, 0)));
    }
    exchange.delivers(BindingUpdate.class);
    assertThat(exchange.acknowledged()).isEqualTo(BindingStatus.ACCEPTED);
    exchange.isQuiet();
  }
}
