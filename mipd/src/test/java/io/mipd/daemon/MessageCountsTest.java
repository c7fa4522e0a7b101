package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.Series.Family;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Octets;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * What RFC 4295 counts, of exchanges as a home agent, a mobile node and a correspondent see them.
 */
class MessageCountsTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final CareOfAddress A = new CareOfAddress(Ipv6Address.parse("2001:db8:a::1"));
  private static final CareOfAddress B = new CareOfAddress(Ipv6Address.parse("2001:db8:b::1"));
  private static final BindingLifetime LIFETIME = new BindingLifetime(105);
  private static final ImmutableSet<BindingFlag> HOME_FLAGS =
      ImmutableSet.of(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION);

  private final MessageCounts mobile = new MessageCounts(Optional.of(AGENT), false);
  private final MessageCounts agent = new MessageCounts(Optional.empty(), true);
  private final MessageCounts correspondent = new MessageCounts(Optional.empty(), false);

  private static BindingUpdate update(ImmutableSet<BindingFlag> flags, BindingLifetime lifetime) {
    return new BindingUpdate(new SequenceNumber(1), flags, lifetime, ImmutableList.of());
  }

  private static BindingAcknowledgement acknowledgement(
      BindingStatus status, MobilityOption... options) {
    return new BindingAcknowledgement(
        status, false, new SequenceNumber(1), LIFETIME, ImmutableList.copyOf(options));
  }

  private static NodeEvent.MobilityMessageArrived arrived(
      MobilityMessage message, Ipv6Address source, Ipv6Address destination) {
    return new NodeEvent.MobilityMessageArrived(
        message, new Arrival(source, destination, Optional.empty(), false, SecurityPath.EMPTY, 0));
  }

  private static NodeAction.SendMessage sent(
      MobilityMessage message, Ipv6Address destination, CareOfAddress careOf) {
    return new NodeAction.SendMessage(message, HOME, destination, Optional.of(careOf));
  }

  /** An event, what was sent for it, and its end. */
  private static void exchange(
      MessageCounts counts, NodeEvent event, NodeAction.SendMessage... answers) {
    counts.happens(event);
    for (NodeAction.SendMessage answer : answers) {
      counts.sent(answer);
      counts.carriedOut(answer);
    }
    counts.handled(event);
  }

  /** The series that are not at zero. */
  private static Map<Series, Long> of(MessageCounts counts) {
    return counts.all().entrySet().stream()
        .filter(one -> one.getValue() != 0)
        .collect(ImmutableMap.toImmutableMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  private static Series message(String direction, String type, String registration) {
    return new Series(
        Family.MOBILITY_MESSAGES,
        ImmutableMap.of("direction", direction, "type", type, "registration", registration));
  }

  private static Series status(String direction, String registration, String status) {
    return new Series(
        Family.BINDING_ACKNOWLEDGEMENTS,
        ImmutableMap.of("direction", direction, "registration", registration, "status", status));
  }

  @Test
  void aHomeRegistrationAtTheHomeAgent() {
    exchange(
        agent,
        arrived(update(HOME_FLAGS, LIFETIME), HOME, AGENT),
        sent(
            acknowledgement(BindingStatus.ACCEPTED, new MobilityOption.BindingRefreshAdvice(10)),
            HOME,
            A));
    exchange(
        agent,
        arrived(update(HOME_FLAGS, LIFETIME), HOME, AGENT),
        sent(acknowledgement(BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE), HOME, A));
    assertThat(of(agent))
        .isEqualTo(
            ImmutableMap.of(
                message("received", "binding-update", "home"), 2L,
                message("sent", "binding-acknowledgement", "home"), 2L,
                status("sent", "home", "0"), 1L,
                status("sent", "home", "133"), 1L,
                Family.BINDING_REFRESH_ADVICES.series("direction", "sent"), 1L));
  }

  @Test
  void whatACorrespondentTakesAndWhatItRefuses() {
    BindingUpdate update = update(ImmutableSet.of(), LIFETIME);
    exchange(correspondent, arrived(update, HOME, PEER));
    exchange(
        correspondent,
        arrived(update, HOME, PEER),
        sent(acknowledgement(BindingStatus.EXPIRED_NONCES), HOME, A));
    var unanswered = arrived(update, HOME, PEER);
    correspondent.happens(unanswered);
    correspondent.carriedOut(new NodeAction.Refuse(NodeAction.Refusal.NOT_AUTHENTIC, HOME));
    correspondent.handled(unanswered);
    exchange(correspondent, arrived(update, HOME, PEER));
    assertThat(of(correspondent))
        .isEqualTo(
            ImmutableMap.of(
                message("received", "binding-update", "correspondent"), 4L,
                message("sent", "binding-acknowledgement", "correspondent"), 1L,
                status("sent", "correspondent", "138"), 1L,
                Family.CORRESPONDENT_UPDATES.series("result", "accepted"), 2L,
                Family.CORRESPONDENT_UPDATES.series("result", "refused"), 2L));
  }

  @Test
  void aHomeAgentIsACorrespondentAsWell() {
    agent.sent(
        sent(
            acknowledgement(
                BindingStatus.ACCEPTED,
                new MobilityOption.BindingAuthorizationData(
                    Octets.of(new byte[12]), Octets.of(new byte[0]))),
            PEER,
            A));
    assertThat(of(agent)).containsKey(status("sent", "correspondent", "0"));
  }

  @Test
  void aMobileNodeMovesAndReturns() {
    for (CareOfAddress careOf : ImmutableList.of(A, A, B)) {
      mobile.sent(sent(update(HOME_FLAGS, LIFETIME), AGENT, careOf));
    }
    // The end of the binding is no movement to a foreign link.
    mobile.sent(sent(update(HOME_FLAGS, BindingLifetime.DEREGISTER), AGENT, A));
    for (int i = 0; i < 2; i++) {
      mobile.carriedOut(
          new NodeAction.PlaceHomeAddress(new HomeAddress(HOME), NodeAction.Place.HOME, 2));
    }
    exchange(mobile, arrived(acknowledgement(BindingStatus.ACCEPTED), AGENT, HOME));
    exchange(mobile, arrived(acknowledgement(new BindingStatus(200)), PEER, HOME));
    assertThat(of(mobile))
        .isEqualTo(
            ImmutableMap.builder()
                .put(message("sent", "binding-update", "home"), 4L)
                .put(Family.MOVEMENTS.series("to", "foreign"), 2L)
                .put(Family.MOVEMENTS.series("to", "home"), 1L)
                .put(message("received", "binding-acknowledgement", "home"), 1L)
                .put(status("received", "home", "0"), 1L)
                .put(message("received", "binding-acknowledgement", "correspondent"), 1L)
                .put(status("received", "correspondent", "other"), 1L)
                .buildOrThrow());
  }

  private static NodeAction.SendDiscovery asks() {
    return new NodeAction.SendDiscovery(
        new Icmpv6Message.HomeAgentDiscoveryRequest(1), A.value(), AGENT, Optional.empty());
  }

  @Test
  void aQuestionForHomeAgentsThatIsAskedAgainHadNoAnswer() {
    mobile.carriedOut(asks());
    mobile.carriedOut(asks());
    mobile.happens(
        new NodeEvent.Icmpv6Arrived(
            2,
            AGENT,
            A.value(),
            64,
            new Icmpv6Message.HomeAgentDiscoveryReply(1, ImmutableList.of(AGENT))));
    mobile.carriedOut(asks());
    assertThat(of(mobile)).containsEntry(Family.DISCOVERY_TIMEOUTS.series(), 1L);
  }

  private static NodeEvent.PrefixDiscoveryArrived prefixes() {
    return new NodeEvent.PrefixDiscoveryArrived(
        new Icmpv6Message.MobilePrefixAdvertisement(1, false, false, ImmutableList.of()),
        new Arrival(AGENT, HOME, Optional.empty(), false, SecurityPath.EMPTY, 0));
  }

  @Test
  void aPrefixAdvertisementThatIsRefusedIsIgnored() {
    var bad = prefixes();
    mobile.happens(bad);
    mobile.carriedOut(new NodeAction.Refuse(NodeAction.Refusal.UNEXPECTED, AGENT));
    mobile.handled(bad);
    var good = prefixes();
    mobile.happens(good);
    mobile.handled(good);
    assertThat(of(mobile))
        .isEqualTo(
            ImmutableMap.of(
                new Series(
                    Family.ICMPV6_MESSAGES,
                    ImmutableMap.of(
                        "direction", "received", "type", "mobile-prefix-advertisement")),
                2L,
                Family.PREFIX_ADVERTISEMENTS_IGNORED.series(),
                1L));
  }

  @Test
  void parameterProblemsOfCodes1And2() {
    for (int code = 0; code < 4; code++) {
      mobile.happens(
          new NodeEvent.PacketFailed(
              new FailedPacket(4, code, A.value(), PEER, HOME, PEER, IpProtocol.MOBILITY)));
    }
    assertThat(of(mobile)).isEqualTo(ImmutableMap.of(Family.PARAMETER_PROBLEMS.series(), 2L));
  }
}
