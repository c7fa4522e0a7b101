package io.mipd.mobility.cn;

import static io.mipd.mobility.NodeAction.Refusal.EXPIRED_NONCE;
import static io.mipd.mobility.NodeAction.Refusal.LIMIT;
import static io.mipd.mobility.NodeAction.Refusal.MALFORMED;
import static io.mipd.mobility.NodeAction.Refusal.NOT_AUTHENTIC;
import static io.mipd.mobility.NodeAction.Refusal.OLD_SEQUENCE;
import static io.mipd.mobility.NodeAction.Refusal.UNEXPECTED;
import static io.mipd.mobility.NodeAction.Refusal.WRONG_ADDRESS;

import com.google.common.collect.Comparators;
import com.google.common.collect.ImmutableList;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.StatusLimiter;
import io.mipd.mobility.binding.CorrespondentBinding;
import io.mipd.mobility.cn.BindingCache.Owner;
import io.mipd.mobility.rr.BindingManagementKey;
import io.mipd.mobility.rr.IssuedToken;
import io.mipd.mobility.rr.Nonces;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.mobility.wire.MobilityOption.NonceIndices;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.TransformProtocol;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * The correspondent node of RFC 6275 section 9, for any address of ours that somebody talks to.
 *
 * <p>Nothing is kept of a mobile node before its first valid Binding Update: a Home or Care-of Test
 * costs one HMAC. Then there is its binding, and when that has ended, by an update, by time or by
 * errors, its last sequence number for as long as an update with an earlier one would still be
 * authentic (sections 5.2.8 and 9.5.3): such a one gets status 135. That makes any combination of
 * nonces, addresses and sequence number that was used illegal; with a later sequence number a
 * mobile node may use the same tokens again.
 *
 * <p>Binding Errors and the status 139 of a home agent's binding are the business of who hands us
 * the messages.
 */
public final class CorrespondentNode implements MobilityNode {
  private final CorrespondentSettings settings;
  private final Nonces nonces;
  private final BindingCache cache;

  // Each kind of refusal has limits of its own, so that whoever floods us with what anybody may
  // send does not keep from their answers those who hold a key, or have only been away for long.

  /** For home registrations, which nothing authenticates here. */
  private final StatusLimiter homeRegistrations = new StatusLimiter();

  /** For those whose nonces are too old, so that nothing authenticates them any more. */
  private final StatusLimiter expiredNonces = new StatusLimiter();

  /** For those who hold a key, and have no entry. */
  private final StatusLimiter newcomers = new StatusLimiter();

  /**
   * @param random of cryptographic quality
   */
  public CorrespondentNode(CorrespondentSettings settings, RandomGenerator random) {
    this.settings = settings;
    nonces = new Nonces(random);
    cache = new BindingCache(settings);
  }

  /** The bindings that are in force, the oldest first. */
  public ImmutableList<CorrespondentBinding> bindings() {
    return bindings(Integer.MAX_VALUE);
  }

  /** The first of them, no more than so many. */
  public ImmutableList<CorrespondentBinding> bindings(int limit) {
    return cache.entries().stream()
        .flatMap(entry -> entry.binding().stream())
        .limit(limit)
        .collect(ImmutableList.toImmutableList());
  }

  public int bindingCount() {
    return cache.bindingCount();
  }

  /** Whether a binding bears out a Home Address option (RFC 6275 section 9.3.1). */
  public boolean hasBinding(Ipv6Address home, Ipv6Address careOf, Ipv6Address local) {
    return cache
        .binding(new Owner(local, new HomeAddress(home)))
        .filter(binding -> binding.careOf().value().equals(careOf))
        .isPresent();
  }

  /** Whether a home address is bound at an address of ours. */
  public boolean hasBinding(Ipv6Address home, Ipv6Address local) {
    return cache.binding(new Owner(local, new HomeAddress(home))).isPresent();
  }

  @Override
  public List<NodeAction> handle(Instant now, NodeEvent event) {
    List<NodeAction> actions = new ArrayList<>();
    // A binding that has ended is no binding to what happens now.
    deadlines(now, actions);
    if (event instanceof NodeEvent.MobilityMessageArrived arrived) {
      arrived(now, arrived.message(), arrived.arrival(), actions);
    } else if (event instanceof NodeEvent.RoutesUsed used) {
      used(now, used);
    } else if (event instanceof NodeEvent.PacketFailed failed) {
      packetFailed(now, failed.packet(), actions);
    }
    return actions;
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return Stream.of(cache.nextDeadline(), nonces.nextExpiry())
        .flatMap(Optional::stream)
        .min(Instant::compareTo);
  }

  private void deadlines(Instant now, List<NodeAction> actions) {
    nonces.discardExpired(now);
    for (Optional<CacheEntry> due = cache.takeDue(now); due.isPresent(); due = cache.takeDue(now)) {
      CacheEntry entry = due.get();
      if (entry.binding().isPresent() && entry.binding().get().isExpired(now)) {
        end(entry, actions);
      } else if (entry.takeRefresh(now)) {
        askForRefresh(entry.owner(), actions);
      }
      cache.settle(now, entry);
    }
  }

  /** Packets have gone to a peer's care-of address, or come from it. */
  private void used(Instant now, NodeEvent.RoutesUsed used) {
    for (RouteOptimizationState.Id id : used.states()) {
      boolean sent = id.protocol() == TransformProtocol.ROUTE2;
      Ipv6Address home = sent ? id.destination() : id.source();
      Ipv6Address local = sent ? id.source() : id.destination();
      cache.find(new Owner(local, new HomeAddress(home))).ifPresent(entry -> entry.used(now));
    }
  }

  /** RFC 6275 section 9.5.5: to the home address, by the route of all packets there. */
  private static void askForRefresh(Owner owner, List<NodeAction> actions) {
    actions.add(
        new NodeAction.SendMessage(
            new MobilityMessage.BindingRefreshRequest(ImmutableList.of()),
            owner.local(),
            owner.home().value(),
            Optional.empty()));
  }

  private void arrived(
      Instant now, MobilityMessage message, Arrival arrival, List<NodeAction> actions) {
    Ipv6Address local = arrival.destination();
    if (!local.isGlobalUnicast()) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrival.source()));
    } else if (!arrival.source().isGlobalUnicast()
        || !arrival.careOf().map(Ipv6Address::isGlobalUnicast).orElse(true)
        || arrival.source().equals(local)) {
      // Sections 6.1.7, 9.5.1 and 9.5.4: home address and source are unicast routable.
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
    } else if (message instanceof HomeTestInit || message instanceof CareOfTestInit) {
      test(now, message, arrival, actions);
    } else if (message instanceof BindingUpdate update) {
      bindingUpdate(now, update, arrival, actions);
    } else {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
    }
  }

  /**
   * RFC 6275 sections 9.4.1 to 9.4.4: no Home Address option, and never to a care-of address of
   * ours (section 5.2.9). The answer goes back where the question came from: to the home address by
   * way of the home agent, whatever binding there is, or to the care-of address.
   */
  private void test(
      Instant now, MobilityMessage message, Arrival arrival, List<NodeAction> actions) {
    if (arrival.careOf().isPresent() || arrival.routingHeader()) {
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
      return;
    }
    MobilityMessage answer;
    if (message instanceof HomeTestInit init) {
      IssuedToken issued = nonces.issue(now, new HomeAddress(arrival.source()));
      answer =
          new MobilityMessage.HomeTest(
              issued.nonceIndex(), init.cookie(), issued.token(), ImmutableList.of());
    } else {
      CareOfTestInit init = (CareOfTestInit) message;
      IssuedToken issued = nonces.issue(now, new CareOfAddress(arrival.source()));
      answer =
          new MobilityMessage.CareOfTest(
              issued.nonceIndex(), init.cookie(), issued.token(), ImmutableList.of());
    }
    actions.add(
        new NodeAction.SendMessage(
            answer,
            /* source= */ arrival.destination(),
            /* destination= */ arrival.source(),
            Optional.empty()));
  }

  /** A Binding Update whose authenticator is right. */
  private record Authentic(
      Owner owner,
      BindingUpdate update,
      CareOfAddress careOf,
      boolean deletes,
      BindingManagementKey key,
      Instant replayableUntil,
      Arrival arrival) {

    /** The acknowledgement's authenticator names what the update's does (section 6.2.7). */
    BindingAcknowledgement acknowledge(
        BindingStatus status, SequenceNumber sequence, BindingLifetime lifetime) {
      return key.authorize(
          new BindingAcknowledgement(status, false, sequence, lifetime, ImmutableList.of()),
          careOf,
          owner.local());
    }
  }

  /** RFC 6275 section 9.5.1; nobody hears of sequence numbers who does not hold the key. */
  private void bindingUpdate(
      Instant now, BindingUpdate update, Arrival arrival, List<NodeAction> actions) {
    boolean homeRegistration = update.has(BindingFlag.HOME_REGISTRATION);
    if (homeRegistration && update.option(NonceIndices.class).isEmpty()) {
      refuse(
          now,
          homeRegistrations,
          BindingStatus.HOME_REGISTRATION_NOT_SUPPORTED,
          update,
          arrival,
          actions);
      return;
    }
    Optional<Authentic> authentic = authenticate(now, update, arrival, actions);
    if (authentic.isEmpty()) {
      return;
    }
    Authentic it = authentic.get();
    Optional<CacheEntry> entry = cache.find(it.owner());
    if (homeRegistration) {
      homeRegistration(now, it, entry, actions);
    } else if (entry.isPresent() && !update.sequence().isAfter(entry.get().lastSequence())) {
      actions.add(new NodeAction.Refuse(OLD_SEQUENCE, arrival.source()));
      if (entry.get().mayRefuse(now)) {
        answer(
            it.acknowledge(
                BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW,
                entry.get().lastSequence(),
                BindingLifetime.DEREGISTER),
            arrival,
            actions);
      }
    } else if (entry.isPresent() && !entry.get().mayChange(now)) {
      actions.add(new NodeAction.Refuse(LIMIT, arrival.source()));
    } else if (it.deletes()) {
      delete(now, it, entry, actions);
    } else if (entry.isEmpty() && !cache.hasRoomFor(it.owner().home())) {
      actions.add(new NodeAction.Refuse(LIMIT, arrival.source()));
      if (newcomers.mayAnswer(now)) {
        answer(
            it.acknowledge(
                BindingStatus.INSUFFICIENT_RESOURCES,
                update.sequence(),
                BindingLifetime.DEREGISTER),
            arrival,
            actions);
      }
    } else {
      bind(now, it, entry, actions);
    }
  }

  /**
   * We serve nobody as home agent (RFC 6275 section 10.3.1), and the kind of a binding does not
   * change (section 9.5.1): whether there is one is told only to who holds the key.
   */
  private void homeRegistration(
      Instant now, Authentic it, Optional<CacheEntry> entry, List<NodeAction> actions) {
    boolean may = entry.isPresent() ? entry.get().mayRefuse(now) : newcomers.mayAnswer(now);
    if (!may) {
      actions.add(new NodeAction.Refuse(LIMIT, it.arrival().source()));
      return;
    }
    boolean bound = entry.flatMap(CacheEntry::binding).isPresent();
    answer(
        it.acknowledge(
            bound
                ? BindingStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED
                : BindingStatus.HOME_REGISTRATION_NOT_SUPPORTED,
            it.update().sequence(),
            BindingLifetime.DEREGISTER),
        it.arrival(),
        actions);
  }

  private Optional<Authentic> authenticate(
      Instant now, BindingUpdate update, Arrival arrival, List<NodeAction> actions) {
    Ipv6Address local = arrival.destination();
    HomeAddress home = new HomeAddress(arrival.source());
    CareOfAddress careOf =
        update
            .alternateCareOfAddress()
            .orElseGet(() -> new CareOfAddress(arrival.careOf().orElse(arrival.source())));
    // A care-of address that is the home address means the same by RFC 3775 section 9.5.1; RFC
    // 6275 gives it no other meaning.
    boolean deletes = update.lifetime().isZero() || careOf.value().equals(home.value());
    Optional<NonceIndices> indices = update.option(NonceIndices.class);
    if (indices.isEmpty()
        || (!deletes && (!careOf.value().isGlobalUnicast() || careOf.value().equals(local)))) {
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
      return Optional.empty();
    }
    Optional<IssuedToken> homeToken = nonces.recall(now, indices.get().home(), home);
    // The care-of nonce index of a deletion is ignored (section 9.5.1).
    Optional<IssuedToken> careOfToken =
        deletes ? homeToken : nonces.recall(now, indices.get().careOf(), careOf);
    if (homeToken.isEmpty() || careOfToken.isEmpty()) {
      actions.add(new NodeAction.Refuse(EXPIRED_NONCE, arrival.source()));
      refuse(
          now,
          expiredNonces,
          homeToken.isPresent()
              ? BindingStatus.EXPIRED_CARE_OF_NONCE_INDEX
              : deletes || careOfToken.isPresent()
                  ? BindingStatus.EXPIRED_HOME_NONCE_INDEX
                  : BindingStatus.EXPIRED_NONCES,
          update,
          arrival,
          actions);
      return Optional.empty();
    }
    BindingManagementKey key =
        deletes
            ? BindingManagementKey.forDeletion(homeToken.get().token())
            : BindingManagementKey.of(homeToken.get().token(), careOfToken.get().token());
    CareOfAddress covered = deletes ? new CareOfAddress(home.value()) : careOf;
    if (!key.vouchesFor(update, covered, local)) {
      actions.add(new NodeAction.Refuse(NOT_AUTHENTIC, arrival.source()));
      return Optional.empty();
    }
    return Optional.of(
        new Authentic(
            new Owner(local, home),
            update,
            covered,
            deletes,
            key,
            Comparators.min(homeToken.get().expiry(), careOfToken.get().expiry()),
            arrival));
  }

  /** RFC 6275 section 9.5.2. */
  private void bind(
      Instant now, Authentic it, Optional<CacheEntry> known, List<NodeAction> actions) {
    BindingLifetime longest = BindingLifetime.atMost(settings.maximumLifetime());
    BindingLifetime asked = it.update().lifetime();
    BindingLifetime granted = asked.units() < longest.units() ? asked : longest;
    var binding =
        new CorrespondentBinding(
            it.owner().local(),
            it.owner().home(),
            it.careOf(),
            it.update().sequence(),
            granted,
            now.plus(granted.asDuration()));
    boolean moves =
        known
            .flatMap(CacheEntry::binding)
            .filter(before -> before.careOf().equals(it.careOf()))
            .isEmpty();
    CacheEntry entry =
        known.orElseGet(() -> new CacheEntry(it.owner(), binding, it.replayableUntil(), now));
    entry.bind(binding, it.replayableUntil(), now);
    cache.settle(now, entry);
    if (moves) {
      wantRoute(it.owner(), Optional.of(it.careOf()), actions);
    }
    acknowledge(it, granted, actions);
  }

  /** RFC 6275 section 9.5.3; there is no entry afterwards if there was none. */
  private void delete(
      Instant now, Authentic it, Optional<CacheEntry> known, List<NodeAction> actions) {
    if (known.isPresent()) {
      boolean bound = known.get().binding().isPresent();
      known.get().delete(it.update().sequence(), it.replayableUntil());
      cache.settle(now, known.get());
      if (bound) {
        wantRoute(it.owner(), Optional.empty(), actions);
      }
    }
    acknowledge(it, BindingLifetime.DEREGISTER, actions);
  }

  /** RFC 6275 section 9.3.4. */
  private void packetFailed(Instant now, FailedPacket packet, List<NodeAction> actions) {
    Optional<CacheEntry> entry =
        cache.find(new Owner(packet.source(), new HomeAddress(packet.destination())));
    if (entry.isPresent() && entry.get().isGivenUp(now, packet)) {
      actions.add(
          new NodeAction.Tell(
              "packets for " + packet.destination() + " do not arrive at its care-of address"));
      end(entry.get(), actions);
      cache.settle(now, entry.get());
    }
  }

  private static void end(CacheEntry entry, List<NodeAction> actions) {
    entry.end();
    wantRoute(entry.owner(), Optional.empty(), actions);
  }

  private static void wantRoute(
      Owner owner, Optional<CareOfAddress> careOf, List<NodeAction> actions) {
    actions.add(
        new NodeAction.WantRoute(
            owner.local(), owner.home().value(), NodeAction.End.PEERS, careOf, careOf));
  }

  /** RFC 6275 section 9.5.4: who did not ask for it is not told of success. */
  private static void acknowledge(Authentic it, BindingLifetime granted, List<NodeAction> actions) {
    if (it.update().has(BindingFlag.ACKNOWLEDGE)) {
      answer(
          it.acknowledge(BindingStatus.ACCEPTED, it.update().sequence(), granted),
          it.arrival(),
          actions);
    }
  }

  /** Without an authenticator, and so within limits. */
  private void refuse(
      Instant now,
      StatusLimiter limiter,
      BindingStatus status,
      BindingUpdate update,
      Arrival arrival,
      List<NodeAction> actions) {
    if (!limiter.mayAnswer(now)) {
      actions.add(new NodeAction.Refuse(LIMIT, arrival.source()));
      return;
    }
    answer(
        new BindingAcknowledgement(
            status, false, update.sequence(), BindingLifetime.DEREGISTER, ImmutableList.of()),
        arrival,
        actions);
  }

  /**
   * To where the Binding Update came from, with a type 2 routing header unless it came from the
   * home address itself (RFC 6275 section 9.5.4).
   */
  private static void answer(
      BindingAcknowledgement acknowledgement, Arrival arrival, List<NodeAction> actions) {
    actions.add(
        new NodeAction.SendMessage(
            acknowledgement,
            /* source= */ arrival.destination(),
            /* destination= */ arrival.source(),
            arrival.careOf().map(CareOfAddress::new)));
  }
}
