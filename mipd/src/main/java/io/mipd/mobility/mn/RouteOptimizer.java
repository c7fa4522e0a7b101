package io.mipd.mobility.mn;

import static io.mipd.mobility.NodeAction.Refusal.LIMIT;
import static io.mipd.mobility.NodeAction.Refusal.MALFORMED;
import static io.mipd.mobility.NodeAction.Refusal.UNEXPECTED;
import static io.mipd.mobility.NodeAction.Refusal.WRONG_ADDRESS;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.binding.RateLimit;
import io.mipd.mobility.mn.RouteVerdict.Reason;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.TransformProtocol;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * The correspondents of a mobile node that it talks to directly, or would like to: the Binding
 * Update List but for the home agent (RFC 6275 section 11.1).
 *
 * <p>A peer is taken in when payload of its comes through the tunnel. Anybody can send that in
 * anybody's name: peers that have not answered yet are strangers, and take the places of strangers
 * only, a quarter of the list.
 */
final class RouteOptimizer {
  private static final int SHARE_OF_STRANGERS = 4;

  private static final int SHARE_OF_PREFIX = 4;

  /** Failures are remembered for so many times the number of peers. */
  private static final int MEMORY = 4;

  private final HomeAddress home;
  private final Ipv6Address agent;
  private RouteOptimizationSettings settings;
  private final Predicate<CareOfAddress> isOurs;
  private final MessageRates rates;
  private final RandomGenerator random;
  private final FailedPeers failures;

  /** No more than the strangers' share within a second: each costs two messages to somebody. */
  private final RateLimit admissions;

  /** In the order in which they came. */
  private final Map<Ipv6Address, CorrespondentRegistration> peers = new LinkedHashMap<>();

  private Standing standing = new Standing.Nowhere();

  /**
   * @param isOurs whether packets to that address reach us at present
   * @param rates of the node
   * @param random of cryptographic quality
   */
  RouteOptimizer(
      HomeAddress home,
      Ipv6Address agent,
      RouteOptimizationSettings settings,
      Predicate<CareOfAddress> isOurs,
      MessageRates rates,
      RandomGenerator random) {
    this.rates = rates;
    this.home = home;
    this.agent = agent;
    this.settings = settings;
    this.isOurs = isOurs;
    this.random = random;
    failures = new FailedPeers(MEMORY * settings.maxPeers());
    admissions = new RateLimit(share(SHARE_OF_STRANGERS));
  }

  /** Goes by these from now on; peers that are kept out now are told to forget their binding. */
  void adopt(RouteOptimizationSettings next) {
    settings = next;
    peers.values().stream()
        .filter(one -> !next.allows(one.peer()))
        .forEach(CorrespondentRegistration::makeRoom);
  }

  /** Every peer is told to forget its binding. */
  void endAll() {
    peers.values().forEach(CorrespondentRegistration::makeRoom);
  }

  /**
   * To be called after every event, when it is clear how we stand: does what is due. A Binding
   * Update to the home agent is in the list already.
   */
  void follow(Instant now, Standing next, List<NodeAction> actions) {
    boolean acknowledged = registeredUntil(standing).isEmpty() && registeredUntil(next).isPresent();
    standing = next;
    for (CorrespondentRegistration one : ImmutableList.copyOf(peers.values())) {
      one.follow(now, next);
      if (acknowledged) {
        one.homeRegistrationAcknowledged();
      }
      one.proceed(now, actions);
      if (one.hasServed(now)) {
        peers.remove(one.peer());
      }
    }
  }

  private static Optional<Instant> registeredUntil(Standing standing) {
    return standing instanceof Standing.Away away ? away.registeredUntil() : Optional.empty();
  }

  /** RFC 6275 section 11.7.2. */
  void tunnelled(Instant now, NodeEvent.TunnelledPayload payload, List<NodeAction> actions) {
    Ipv6Address peer = payload.peer();
    if (registeredUntil(standing).isEmpty()
        || !payload.homeAddress().equals(home)
        || !isCandidate(peer)
        || !failures.mayTry(now, peer)) {
      return;
    }
    CorrespondentRegistration known = peers.get(peer);
    if ((known == null || known.isEnding()) && !admits(now, peer)) {
      actions.add(new NodeAction.Refuse(LIMIT, peer));
    } else if (known == null) {
      peers.put(
          peer,
          new CorrespondentRegistration(
              home, peer, now, settings.lifetime(), failures, isOurs, rates, random));
    } else {
      known.tunnelled(now, payload.sure());
    }
  }

  /** Packets have gone or come directly: from our home address, or to it. */
  void used(Instant now, NodeEvent.RoutesUsed used) {
    for (RouteOptimizationState.Id id : used.states()) {
      boolean sent = id.protocol() == TransformProtocol.HAO;
      Ipv6Address ours = sent ? id.source() : id.destination();
      CorrespondentRegistration known = peers.get(sent ? id.destination() : id.source());
      if (known != null && ours.equals(home.value())) {
        known.used(now);
      }
    }
  }

  private boolean isCandidate(Ipv6Address peer) {
    return peer.isGlobalUnicast()
        && !peer.equals(agent)
        && !peer.equals(home.value())
        && !isOurs.test(new CareOfAddress(peer))
        && settings.allows(peer);
  }

  /**
   * Whether there is room for one more; makes it, if need be. Whoever owns a prefix can speak from
   * each of its addresses, so that those of one prefix make room for each other when they have
   * their share, and strangers do so at theirs: one by chance, so that a flood of forged sources
   * does not drive out each who has just been asked.
   */
  private boolean admits(Instant now, Ipv6Address peer) {
    List<CorrespondentRegistration> present =
        peers.values().stream().filter(it -> !it.isEnding()).toList();
    // Those that are ending still have to tell their peer, and they count as well.
    if (peers.size() >= 2 * settings.maxPeers() || !admissions.tryAcquire(now)) {
      return false;
    }
    List<CorrespondentRegistration> strangers =
        present.stream().filter(CorrespondentRegistration::isStranger).toList();
    List<CorrespondentRegistration> neighbours =
        present.stream().filter(it -> it.peer().high() == peer.high()).toList();
    if (neighbours.size() >= share(SHARE_OF_PREFIX)) {
      return makesRoom(neighbours);
    } else if (strangers.size() >= share(SHARE_OF_STRANGERS)) {
      return makesRoom(strangers);
    }
    return present.size() < settings.maxPeers() || makesRoom(present);
  }

  private int share(int part) {
    return Math.max(1, settings.maxPeers() / part);
  }

  /** A stranger if there is one, for nothing has been made with it yet; else the least used. */
  private boolean makesRoom(List<CorrespondentRegistration> some) {
    List<CorrespondentRegistration> strangers =
        some.stream().filter(CorrespondentRegistration::isStranger).toList();
    if (strangers.isEmpty()) {
      some.stream()
          .min(Comparator.comparing(CorrespondentRegistration::lastUsed))
          .ifPresent(CorrespondentRegistration::makeRoom);
    } else {
      strangers.get(random.nextInt(strangers.size())).makeRoom();
    }
    return true;
  }

  /** Whether the peer may send such a message to our care-of address. */
  boolean isExpectingAtCareOf(MobilityMessage message, Ipv6Address peer) {
    CorrespondentRegistration known = peers.get(peer);
    if (known == null) {
      return false;
    }
    return message instanceof MobilityMessage.CareOfTest test
        ? known.isExpecting(test)
        : message instanceof MobilityMessage.BindingError;
  }

  /** A message that is not the home agent's. */
  void arrived(Instant now, MobilityMessage message, Arrival arrival, List<NodeAction> actions) {
    if (!isAddressedRightly(message, arrival)) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrival.source()));
    } else if (arrival.careOf().isPresent()
        || (arrival.routingHeader()
            && !(message instanceof MobilityMessage.BindingAcknowledgement))) {
      // Section 6.1: no Home Address option but in updates, no routing header but in answers.
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
    } else {
      take(now, message, arrival, actions)
          .ifPresent(reason -> actions.add(new NodeAction.Refuse(reason, arrival.source())));
    }
  }

  /** Answers to what was sent from the care-of address come to it; all else to the home address. */
  private boolean isAddressedRightly(MobilityMessage message, Arrival arrival) {
    boolean toCareOf =
        standing instanceof Standing.Away away
            && away.careOf().value().equals(arrival.destination());
    boolean toHome = arrival.destination().equals(home.value());
    if (message instanceof MobilityMessage.CareOfTest) {
      return toCareOf;
    }
    return toHome || (toCareOf && message instanceof MobilityMessage.BindingError);
  }

  /** Returns why it is not taken. */
  private Optional<Refusal> take(
      Instant now, MobilityMessage message, Arrival arrival, List<NodeAction> actions) {
    CorrespondentRegistration known = peers.get(arrival.source());
    if (known == null) {
      return Optional.of(UNEXPECTED);
    }
    if (message instanceof MobilityMessage.BindingAcknowledgement acknowledgement) {
      return known.acknowledged(now, acknowledgement, actions);
    }
    boolean taken = false;
    if (message instanceof MobilityMessage.HomeTest test) {
      taken = known.homeTest(test);
    } else if (message instanceof MobilityMessage.CareOfTest test) {
      taken = known.careOfTest(test);
    } else if (message instanceof MobilityMessage.BindingRefreshRequest) {
      taken = known.refreshSoon(now);
    } else if (message instanceof MobilityMessage.BindingError error) {
      taken = error(now, error, arrival.destination(), known, actions);
    }
    return taken ? Optional.empty() : Optional.of(UNEXPECTED);
  }

  private boolean error(
      Instant now,
      MobilityMessage.BindingError error,
      Ipv6Address destination,
      CorrespondentRegistration known,
      List<NodeAction> actions) {
    return switch (error.status()) {
      case MobilityMessage.BindingError.UNKNOWN_BINDING ->
          error.homeAddress().equals(home.value())
              && known.unknownBinding(now, new CareOfAddress(destination));
      case MobilityMessage.BindingError.UNRECOGNIZED_MESSAGE -> known.unrecognized(now, actions);
      default -> false;
    };
  }

  /** RFC 6275 section 11.3.5. */
  void packetFailed(Instant now, FailedPacket packet, List<NodeAction> actions) {
    CorrespondentRegistration known = peers.get(packet.destination());
    if (known != null) {
      known.packetFailed(now, packet, actions);
    }
  }

  Optional<Instant> nextDeadline() {
    return peers.values().stream()
        .flatMap(peer -> peer.nextDeadline().stream())
        .min(Instant::compareTo);
  }

  /** Why packets to a peer take the way that they take. */
  RouteVerdict why(Instant now, Ipv6Address peer) {
    if (!peer.isGlobalUnicast()) {
      return RouteVerdict.of(Reason.NOT_GLOBAL);
    } else if (peer.equals(agent)) {
      return RouteVerdict.of(Reason.HOME_AGENT);
    } else if (!isCandidate(peer)) {
      return RouteVerdict.of(settings.allows(peer) ? Reason.OWN_ADDRESS : Reason.KEPT_OUT);
    } else if (standing instanceof Standing.Home) {
      return RouteVerdict.of(Reason.AT_HOME);
    } else if (standing instanceof Standing.Nowhere) {
      return RouteVerdict.of(Reason.NO_LINK);
    }
    CorrespondentRegistration known = peers.get(peer);
    if (known != null && !known.isDone()) {
      RouteStatus route = known.status(now);
      Reason reason =
          switch (route.state()) {
            case TESTING ->
                registeredUntil(standing).isEmpty() ? Reason.NOT_REGISTERED : Reason.TESTING;
            case REGISTERING -> Reason.REGISTERING;
            case OPTIMIZED -> Reason.OPTIMIZED;
            case ENDING -> Reason.ENDING;
          };
      return new RouteVerdict(reason, Optional.of(route), Optional.empty());
    } else if (registeredUntil(standing).isEmpty()) {
      return RouteVerdict.of(Reason.NOT_REGISTERED);
    } else if (!failures.mayTry(now, peer)) {
      return new RouteVerdict(Reason.FAILED_BEFORE, Optional.empty(), failures.wait(now, peer));
    }
    return RouteVerdict.of(Reason.NOTHING_HEARD);
  }

  ImmutableList<RouteStatus> routes(Instant now) {
    return peers.values().stream()
        .filter(peer -> !peer.isDone())
        .map(peer -> peer.status(now))
        .collect(ImmutableList.toImmutableList());
  }
}
