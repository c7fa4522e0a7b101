package io.mipd.mobility;

import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.Comparators;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.Exchange.Link;
import io.mipd.mobility.Side.MobilityMessageOnTheWire;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.mn.RouteStatus;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.packet.Icmpv6Message;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** An {@link Exchange} in which the mobile node and its correspondent talk. */
final class Conversation {
  static final Duration LIFETIME = Duration.ofSeconds(400);
  static final RouteOptimizationSettings SETTINGS =
      new RouteOptimizationSettings(ImmutableList.of(), 8, LIFETIME);

  final Exchange exchange;

  /** They have something to say to each other all the time. */
  boolean talking = true;

  private Conversation(Exchange exchange) {
    this.exchange = exchange;
  }

  static Conversation of(TunnelProtection protection, RouteOptimizationSettings settings) {
    return new Conversation(Exchange.of(protection, settings));
  }

  /** Registered with the home agent on link A; with nobody else. */
  static Conversation by(RouteOptimizationSettings settings) {
    Conversation conversation = of(Exchange.ESP, settings);
    conversation.exchange.registeredAt(Link.A);
    return conversation;
  }

  static Conversation atA() {
    return by(SETTINGS);
  }

  /** The correspondent has the binding, too. */
  static Conversation optimizedAtA() {
    Conversation conversation = atA();
    conversation.payload(CORRESPONDENT);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(Exchange.COA_A);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).hasValue(Exchange.COA_A);
    return conversation;
  }

  // What happens.

  /** The peer says something, which comes through the tunnel. Returns what is done about it. */
  List<NodeAction> payload(Ipv6Address peer) {
    return hears(new NodeEvent.TunnelledPayload(HOME, peer, /* sure= */ true));
  }

  List<NodeAction> hears(NodeEvent event) {
    int before = exchange.mobile.performed.size();
    exchange.toMobile(event);
    return since(before);
  }

  /**
   * A router says that what went from that care-of address of ours directly cannot be delivered.
   */
  static NodeEvent directPacketFails(CareOfAddress careOf, Ipv6Address peer) {
    return failed(Icmpv6Message.DESTINATION_UNREACHABLE, 3, careOf.value(), HOME.value(), peer, 17);
  }

  /**
   * @param wireSource the source that the ICMPv6 error quotes
   * @param source of the Home Address option that it quotes, or the same
   */
  static NodeEvent failed(
      int type,
      int code,
      Ipv6Address wireSource,
      Ipv6Address source,
      Ipv6Address peer,
      int protocol) {
    return new NodeEvent.PacketFailed(
        new FailedPacket(type, code, wireSource, peer, source, peer, protocol));
  }

  /** The peer refuses a Mobility Header that was sent from that address (RFC 6275 11.3.5). */
  static NodeEvent mobilityHeaderFails(Ipv6Address wireSource, Ipv6Address peer) {
    return failed(
        Icmpv6Message.PARAMETER_PROBLEM, 1, wireSource, wireSource, peer, IpProtocol.MOBILITY);
  }

  /** Errors for so long that they are persistent. */
  List<NodeAction> directPacketsKeepFailing(CareOfAddress careOf) {
    int before = exchange.mobile.performed.size();
    for (int i = 0; i < 4 && use().isPresent(); i++) {
      exchange.passes(Duration.ofSeconds(1));
      hears(directPacketFails(careOf, CORRESPONDENT));
    }
    return since(before);
  }

  /** A message of the correspondent's, or of who seems to be. */
  List<NodeAction> hears(
      MobilityMessage message, Ipv6Address source, Ipv6Address destination, boolean routed) {
    return hears(
        new NodeEvent.MobilityMessageArrived(
            message,
            new Arrival(source, destination, Optional.empty(), routed, SecurityPath.EMPTY, 0)));
  }

  List<NodeAction> acknowledges(BindingAcknowledgement acknowledgement) {
    return hears(acknowledgement, CORRESPONDENT, HOME.value(), true);
  }

  List<NodeAction> passes(Duration duration) {
    int before = exchange.mobile.performed.size();
    Instant end = exchange.now.plus(duration);
    while (exchange.now.isBefore(end)) {
      Duration left = Duration.between(exchange.now, end);
      exchange.passes(Comparators.min(left, NodeEvent.USE_INTERVAL));
      isUsed();
    }
    return since(before);
  }

  /** As long as nothing is lost, all who wait for something get it within this time. */
  void passesWithoutLoss(Duration duration) {
    for (long i = 0; i < duration.toMillis(); i += 250) {
      exchange.passes(Duration.ofMillis(250));
      exchange.settle();
      isUsed();
    }
  }

  /** What they say to each other goes directly, if it can. */
  private void isUsed() {
    if (talking && use().isPresent()) {
      hears(used(CORRESPONDENT));
    }
  }

  /** Payload has gone directly to that peer. */
  static NodeEvent used(Ipv6Address peer) {
    return new NodeEvent.RoutesUsed(
        ImmutableSet.of(
            RouteOptimizationState.homeAddressOption(HOME.value(), peer, COA_A.value()).id()));
  }

  /** Returns what is done when we are on another link, all in one. */
  List<NodeAction> movesTo(Link link) {
    int before = exchange.mobile.performed.size();
    exchange.movesTo(link);
    return since(before);
  }

  List<NodeAction> since(int before) {
    List<NodeAction> all = exchange.mobile.performed;
    return ImmutableList.copyOf(all.subList(before, all.size()));
  }

  // What is on its way.

  <T extends MobilityMessage> MobilityMessageOnTheWire takeToPeer(Class<T> kind) {
    return take(exchange.toPeer, kind);
  }

  /** The first of its kind that is on its way to the correspondent gets there. */
  <T extends MobilityMessage> T reachesPeer(Class<T> kind) {
    MobilityMessageOnTheWire wire = takeToPeer(kind);
    exchange.arrivesAtPeer(wire);
    return kind.cast(wire.message());
  }

  <T extends MobilityMessage> MobilityMessageOnTheWire takeToMobile(Class<T> kind) {
    return take(exchange.toMobile, kind);
  }

  <T extends MobilityMessage> T reachesMobile(Class<T> kind) {
    MobilityMessageOnTheWire wire = takeToMobile(kind);
    exchange.arrives(wire, false);
    return kind.cast(wire.message());
  }

  /** Question and answer, both of the first of their kind. */
  <T extends MobilityMessage> T roundTrip(
      Class<? extends MobilityMessage> question, Class<T> answer) {
    reachesPeer(question);
    return reachesMobile(answer);
  }

  private static MobilityMessageOnTheWire take(
      Deque<MobilityMessageOnTheWire> queue, Class<? extends MobilityMessage> kind) {
    for (Iterator<MobilityMessageOnTheWire> it = queue.iterator(); it.hasNext(); ) {
      MobilityMessageOnTheWire wire = it.next();
      if (kind.isInstance(wire.message())) {
        it.remove();
        return wire;
      }
    }
    throw new AssertionError("no " + kind.getSimpleName() + " among " + queue);
  }

  // What is so.

  Optional<CareOfAddress> use() {
    return route().flatMap(NodeAction.WantRoute::use);
  }

  Optional<CareOfAddress> accept() {
    return route().flatMap(NodeAction.WantRoute::accept);
  }

  private Optional<NodeAction.WantRoute> route() {
    return exchange.mobile.route(CORRESPONDENT);
  }

  RouteStatus status() {
    return exchange.mobileNode().routes(exchange.now).stream()
        .filter(it -> it.peer().equals(CORRESPONDENT))
        .findFirst()
        .orElseThrow();
  }

  /** The messages of these actions, in their order, that are not for the home agent. */
  static List<NodeAction.SendMessage> sentToPeers(List<NodeAction> actions) {
    List<NodeAction.SendMessage> sent = new ArrayList<>();
    for (NodeAction action : actions) {
      if (action instanceof NodeAction.SendMessage send
          && !send.destination().equals(Exchange.AGENT)) {
        sent.add(send);
      }
    }
    return sent;
  }

  static <T extends MobilityMessage> List<T> messages(List<NodeAction> actions, Class<T> kind) {
    return sentToPeers(actions).stream()
        .map(NodeAction.SendMessage::message)
        .filter(kind::isInstance)
        .map(kind::cast)
        .toList();
  }
}
