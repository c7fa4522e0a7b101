package io.mipd.mobility.mn;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.binding.OutstandingUpdate;
import io.mipd.mobility.binding.PersistentErrors;
import io.mipd.mobility.binding.RateLimit;
import io.mipd.mobility.binding.RouteUse;
import io.mipd.mobility.mn.OutstandingUpdates.Sent;
import io.mipd.mobility.rr.BindingManagementKey;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * One correspondent in the Binding Update List (RFC 6275 section 11.1): return routability with it,
 * the binding that it has of us, and by which way we talk.
 *
 * <p>What arrives changes what is known; {@link #proceed} then does what that calls for. With a
 * binding the home keygen token is kept fresh, so that at a movement the peer can be told at once
 * to forget it: a deletion needs this token only (section 5.2.5), which section 5.2.7 allows to be
 * used at a new location. Both ends then take the tunnel, until the home agent has acknowledged the
 * new care-of address and the peer has tested it; only then a Binding Update may be sent (section
 * 11.7.2).
 */
final class CorrespondentRegistration {
  /** How long packets may still come by the home agent after a binding was made. */
  private static final Duration UNDER_WAY = Duration.ofSeconds(2);

  private static final Duration PATIENCE = ProtocolConstants.MAX_BINDACK_TIMEOUT;

  private final HomeAddress home;
  private final Ipv6Address peer;
  private final Duration lifetime;
  private final FailedPeers failures;
  private final Predicate<CareOfAddress> stillOurs;

  private final ReturnRoutability tests;
  private final MessageRates.Limit rate;
  private SequenceNumber sequence;

  private Standing standing = new Standing.Nowhere();
  private Optional<Bound> bound = Optional.empty();
  private Optional<HeldBinding> held = Optional.empty();
  private final OutstandingUpdates outstanding = new OutstandingUpdates();

  /** No update may be sent before, for there have been too many already. */
  private Optional<Instant> deferredUntil = Optional.empty();

  private final Setbacks setbacks = new Setbacks();
  private final PersistentErrors errors = new PersistentErrors();
  private final RouteUse use;
  private Instant lastUpdate = Instant.MIN;

  /** What is sent to the peer is counted for so long (section 11.8). */
  private Instant countedUntil = Instant.MIN;

  /** Route optimization with it is over: it is to forget its binding, and then we forget it. */
  private boolean ending;

  private Optional<CareOfAddress> used = Optional.empty();
  private Optional<CareOfAddress> accepted = Optional.empty();

  /** The time of the last {@link #proceed}: what was due by then has been seen to. */
  private Instant looked = Instant.MIN;

  /**
   * A binding that the peer has acknowledged.
   *
   * @param since when that was
   */
  private record Bound(CareOfAddress careOf, Instant since, Instant refreshAt, Instant expiry) {}

  /**
   * @param stillOurs whether packets to a former care-of address still reach us
   * @param rates of the node
   * @param random of cryptographic quality
   */
  CorrespondentRegistration(
      HomeAddress home,
      Ipv6Address peer,
      Instant now,
      Duration lifetime,
      FailedPeers failures,
      Predicate<CareOfAddress> stillOurs,
      MessageRates rates,
      RandomGenerator random) {
    this.home = home;
    this.peer = peer;
    this.lifetime = lifetime;
    this.failures = failures;
    this.stillOurs = stillOurs;
    use = new RouteUse(now);
    rate = rates.limit(MobilityMessage.BINDING_UPDATE, peer);
    tests = new ReturnRoutability(home, peer, rates, random);
    // "If the sending mobile node has no Binding Update List entry, the Sequence Number SHOULD
    // start at a random value" (section 11.7.2).
    sequence = new SequenceNumber(random.nextInt(0x10000));
  }

  Ipv6Address peer() {
    return peer;
  }

  /** It has never answered: whoever speaks in its name need not be there. */
  boolean isStranger() {
    return !tests.hasBeenAnswered();
  }

  /** When payload went or came directly, as far as is known. */
  Instant lastUsed() {
    return use.last();
  }

  boolean isEnding() {
    return ending;
  }

  /** Nothing is left to be done. */
  boolean isDone() {
    return held.isEmpty() && (ending || standing instanceof Standing.Home);
  }

  /** Nothing is left to be remembered, either: a successor may send as if there had been none. */
  boolean hasServed(Instant now) {
    return isDone() && !now.isBefore(countedUntil);
  }

  // What happens.

  /** We may be somewhere else, or be registered there now. */
  void follow(Instant now, Standing next) {
    Optional<CareOfAddress> before = careOf();
    standing = next;
    if (!careOf().equals(before)) {
      if (before.isPresent() && !isWanted(now)) {
        // What nobody has use for is deleted instead of moved (section 11.7.2).
        makeRoom();
      }
      // Back-off is separate for each care-of address (section 11.8).
      tests.stopHome();
      tests.forgetCareOf();
      outstanding.forget();
    }
    if (!(next instanceof Standing.Nowhere)) {
      bound = bound.filter(it -> careOf().equals(Optional.of(it.careOf())));
    }
  }

  /** The home agent has acknowledged where we are: its way to the peer is open now. */
  void homeRegistrationAcknowledged() {
    tests.hurry();
  }

  /**
   * Payload came by way of the home agent. Without a binding that is what it has to do. With one it
   * says that the peer has lost it, whoever else is silent about it: a host whose mipd has gone
   * does not answer, and drops what we send directly. What was under way when the binding was made
   * says nothing.
   */
  void tunnelled(Instant now, boolean sure) {
    use.shown(now);
    if (ending) {
      ending = false;
    } else if (sure && bound.filter(it -> now.isAfter(it.since().plus(UNDER_WAY))).isPresent()) {
      beginAnew(now);
    }
  }

  /** Packets have gone or come directly. */
  void used(Instant now) {
    use.counted(now);
  }

  /**
   * Renews the binding (section 11.7.4). Nothing protects what asks for it, so that it is not done
   * often. Returns whether it is done.
   */
  boolean refreshSoon(Instant now) {
    if (bound.isEmpty() || !outstanding.isEmpty() || now.isBefore(lastUpdate.plus(PATIENCE))) {
      return false;
    }
    // The peer knows that it is in use, or it would not ask (section 9.5.5).
    use.shown(now);
    bound = bound.map(it -> new Bound(it.careOf(), it.since(), now, it.expiry()));
    return true;
  }

  /** Returns whether it is the answer to what was asked. */
  boolean homeTest(HomeTest test) {
    return tests.take(test);
  }

  /** Whether it would be the answer to what was asked. */
  boolean isExpecting(CareOfTest test) {
    return tests.isExpecting(test);
  }

  /** Returns whether it is the answer to what was asked. */
  boolean careOfTest(CareOfTest test) {
    return tests.take(test);
  }

  /** RFC 6275 section 11.7.3. Returns why it is not an answer to one of our updates. */
  Optional<Refusal> acknowledged(
      Instant now, BindingAcknowledgement acknowledgement, List<NodeAction> actions) {
    BindingStatus status = acknowledgement.status();
    boolean anyNumber = status.equals(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    ImmutableList<Sent> candidates =
        anyNumber ? outstanding.all() : outstanding.of(acknowledgement.sequence());
    if (candidates.isEmpty()) {
      return Optional.of(Refusal.UNEXPECTED);
    }
    Optional<Sent> answered =
        candidates.stream()
            .filter(it -> isExpiredNonce(status) || it.isVouchedFor(acknowledgement, peer))
            .findFirst();
    if (answered.isEmpty()) {
      return Optional.of(Refusal.NOT_AUTHENTIC);
    }
    if (anyNumber) {
      return outOfWindow(now, acknowledgement.sequence(), actions);
    }
    if (isExpiredNonce(status)) {
      noncesExpired(now, status, actions);
    } else if (outstanding.areToDelete()) {
      deleted(now, status);
    } else if (status.isAccepted() && !acknowledgement.lifetime().isZero()) {
      registered(now, answered.get().update(), acknowledgement);
    } else {
      String reason = status.isAccepted() ? "it grants no lifetime" : "it refuses: " + status;
      if (outstanding.isOne()) {
        held = answered.get().before();
      }
      fail(now, reason, actions);
    }
    return Optional.empty();
  }

  /** These carry no authenticator (section 9.5.4). */
  private static boolean isExpiredNonce(BindingStatus status) {
    return status.equals(BindingStatus.EXPIRED_HOME_NONCE_INDEX)
        || status.equals(BindingStatus.EXPIRED_CARE_OF_NONCE_INDEX)
        || status.equals(BindingStatus.EXPIRED_NONCES);
  }

  private void registered(
      Instant now, OutstandingUpdate update, BindingAcknowledgement acknowledgement) {
    outstanding.forget();
    Instant expiry = update.expiry(acknowledgement.lifetime());
    if (!now.isBefore(expiry)) {
      return;
    }
    if (bound.isPresent()) {
      // It has lasted until it was renewed.
      failures.forgive(peer);
    }
    // A Binding Refresh Advice is ignored from a correspondent node.
    bound = Optional.of(new Bound(update.careOf(), now, update.renewal(expiry), expiry));
    errors.forget();
  }

  private void deleted(Instant now, BindingStatus status) {
    if (status.isAccepted()) {
      outstanding.forget();
      held = Optional.empty();
    } else {
      outstanding.rest(now, PATIENCE);
    }
  }

  /** The peer knows a later number, from before a restart of ours: go on from there. */
  private Optional<Refusal> outOfWindow(
      Instant now, SequenceNumber last, List<NodeAction> actions) {
    if (outstanding.hasLaterThan(last)) {
      // An old answer: an update with a later number is already on its way.
      return Optional.of(Refusal.UNEXPECTED);
    }
    sequence = last;
    outstanding.forget();
    pause(now, "it knows later sequence numbers", actions);
    return Optional.empty();
  }

  /**
   * The peer does not know its nonces any more: return routability once more (section 5.2.7). Who
   * forges this gains that it is done, and no more: a binding that there is stays.
   */
  private void noncesExpired(Instant now, BindingStatus status, List<NodeAction> actions) {
    if (outstanding.areToDelete() || !status.equals(BindingStatus.EXPIRED_CARE_OF_NONCE_INDEX)) {
      tests.forgetHome();
    }
    if (!status.equals(BindingStatus.EXPIRED_HOME_NONCE_INDEX)) {
      tests.forgetCareOf();
    }
    outstanding.forget();
    pause(now, "it does not recognize its own nonces", actions);
  }

  /**
   * A Binding Error about a packet with the Home Address option (section 11.3.6), which is sent to
   * the care-of address that the packet came from (section 9.3.3). Returns whether that may be so.
   *
   * @param careOf where it was sent
   */
  boolean unknownBinding(Instant now, CareOfAddress careOf) {
    boolean fits = bound.filter(it -> it.careOf().equals(careOf)).isPresent();
    if (fits) {
      beginAnew(now);
    }
    return fits;
  }

  /**
   * The peer seems to have lost our binding, and may have been restarted: by the tunnel at once,
   * and begin again from nothing. Anybody can make it seem so, so that packets which come directly
   * are still taken, and that it is no failure of the peer's: it costs a wait, however often it is
   * said.
   */
  private void beginAnew(Instant now) {
    bound = Optional.empty();
    outstanding.forget();
    tests.forget();
    setbacks.add(now);
  }

  /** A message of ours was not understood (sections 11.3.5 and 11.3.6). */
  boolean unrecognized(Instant now, List<NodeAction> actions) {
    if (!isExpectingAnswer() || tests.hasBeenAnswered()) {
      // It cannot be so: who has answered a test knows the Mobility Header.
      return false;
    }
    end("it does not know mobility", failures.unsupported(now, peer), actions);
    return true;
  }

  /**
   * An ICMPv6 error about a packet of ours to the peer (section 11.3.5). What quotes an address
   * that we do not use with it now is late, or a guess.
   */
  void packetFailed(Instant now, FailedPacket packet, List<NodeAction> actions) {
    boolean fromHome = packet.source().equals(home.value());
    boolean fromCareOf = careOf().filter(it -> it.value().equals(packet.wireSource())).isPresent();
    if (packet.isUnrecognizedMobilityHeader()) {
      // A Home Test Init has the one address on the wire, all else has the other.
      if (fromCareOf || packet.wireSource().equals(home.value())) {
        unrecognized(now, actions);
      }
    } else if (fromHome && fromCareOf && bound.isPresent() && errors.count(now, packet)) {
      fail(now, "packets do not arrive directly", actions);
    }
  }

  private boolean isExpectingAnswer() {
    return tests.isAsking() || !outstanding.isEmpty();
  }

  /** Ends route optimization with this peer; no trouble of its. */
  void makeRoom() {
    ending = true;
    bound = Optional.empty();
    outstanding.forget();
  }

  private void fail(Instant now, String reason, List<NodeAction> actions) {
    end(reason, failures.failed(now, peer), actions);
  }

  private void end(String reason, Duration wait, List<NodeAction> actions) {
    makeRoom();
    actions.add(
        new NodeAction.Tell(
            "no direct route to " + peer + " for " + wait.toSeconds() + " s: " + reason));
  }

  /** Something went wrong that another attempt may set right; in the end there are no more. */
  private void pause(Instant now, String reason, List<NodeAction> actions) {
    setbacks.add(now);
    if (setbacks.areTooMany() && !ending && standing instanceof Standing.Away) {
      fail(now, reason, actions);
    }
  }

  // What is done.

  /** Does what is due, and what the present standing calls for; asked again, nothing more. */
  void proceed(Instant now, List<NodeAction> actions) {
    looked = now;
    if (bound.filter(it -> !now.isBefore(it.expiry())).isPresent()) {
      // What nobody uses is not made anew.
      ending |= !isWanted(now);
      bound = Optional.empty();
    }
    held = held.filter(it -> now.isBefore(it.until()));
    if (standing instanceof Standing.Away away && away.tunnelled()) {
      if (!ending) {
        giveUpWhatIsExhausted(now, away, actions);
      }
      route(actions);
      if (ending) {
        unbind(now, Optional.of(away.careOf()), actions);
      } else {
        bind(now, away, actions);
      }
    } else if (standing instanceof Standing.Home) {
      route(actions);
      unbind(now, Optional.empty(), actions);
    } else {
      tests.stopHome();
      tests.stopCareOf();
      outstanding.forget();
    }
    route(actions);
  }

  /**
   * "If return routability signaling timed out after MAX_RO_FAILURE attempts, the mobile node MUST
   * revert to sending packets [...] through its home agent" (section 5.2.9). As long as the home
   * agent has not acknowledged us, it need not be the peer's fault.
   */
  private void giveUpWhatIsExhausted(Instant now, Standing.Away away, List<NodeAction> actions) {
    if (away.registeredUntil().isEmpty()) {
      return;
    }
    if (tests.isExhausted(now)) {
      fail(now, "it does not answer", actions);
      return;
    }
    Optional<Instant> began = outstanding.inVainSince(now);
    if (began.isEmpty()) {
      return;
    }
    Instant old = began.get().minus(PATIENCE);
    if (tests.homeToken(now).filter(it -> it.since().isBefore(old)).isPresent()) {
      // The peer may have been restarted, so that it takes our updates for forged ones.
      outstanding.forget();
      tests.forget();
    } else {
      fail(now, "it does not acknowledge", actions);
    }
  }

  private void bind(Instant now, Standing.Away away, List<NodeAction> actions) {
    boolean shortened = isShortened(away);
    boolean needed = shortened || isWanted(now);
    boolean wanted =
        shortened || (needed && bound.filter(it -> now.isBefore(it.refreshAt())).isEmpty());
    boolean maySend = !setbacks.isPause(now);
    if (maySend && wanted && away.registeredUntil().isPresent()) {
      register(now, away.careOf(), away.registeredUntil().get(), actions);
    }
    if (!outstanding.areToBind()
        && held.filter(it -> !it.careOf().equals(away.careOf())).isPresent()) {
      delete(now, Optional.of(away.careOf()), actions);
    }
    if (maySend && !tests.isHomeTokenFresh(now) && needed) {
      send(now, tests.askHome(now), actions);
    }
    if (!wanted) {
      tests.stopCareOf();
    } else if (maySend && tests.careOfToken(now).isEmpty()) {
      send(now, tests.askCareOf(now, away.careOf()), actions);
    }
  }

  /**
   * The home address, or where we are, will not be valid for as long as the peer believes: it is to
   * be told, whether or not its binding is in use (section 11.4.2).
   */
  private boolean isShortened(Standing.Away away) {
    return bound
        .filter(it -> away.registeredUntil().filter(it.expiry()::isAfter).isPresent())
        .isPresent();
  }

  /** There is no binding yet, or it has been in use. */
  private boolean isWanted(Instant now) {
    return bound.filter(it -> !use.isSince(now, it.since())).isEmpty();
  }

  /**
   * @param careOf where we are; empty at home
   */
  private void unbind(Instant now, Optional<CareOfAddress> careOf, List<NodeAction> actions) {
    tests.stopCareOf();
    if (held.isEmpty()) {
      tests.stopHome();
      outstanding.forget();
    } else if (!setbacks.isPause(now)) {
      if (tests.homeToken(now).isEmpty()) {
        send(now, tests.askHome(now), actions);
      } else {
        tests.stopHome();
        delete(now, careOf, actions);
      }
    }
  }

  private void send(
      Instant now, Optional<NodeAction.SendMessage> message, List<NodeAction> actions) {
    if (message.isPresent()) {
      countedUntil = now.plus(RateLimit.WINDOW);
      actions.add(message.get());
    }
  }

  /** Sends a Binding Update if there is what it needs, and if none has just been sent. */
  private void register(
      Instant now, CareOfAddress careOf, Instant registeredUntil, List<NodeAction> actions) {
    if (!outstanding.mayBind(now)) {
      return;
    }
    Optional<KeygenTest.Token> homeToken = tests.homeToken(now);
    Optional<KeygenTest.Token> careOfToken = tests.careOfToken(now);
    // "SHOULD be less than or equal to the remaining lifetime of the home registration and the
    // care-of address" (section 11.7.2).
    Duration left = Duration.between(now, registeredUntil);
    BindingLifetime granted =
        BindingLifetime.atMost(left.compareTo(lifetime) < 0 ? left : lifetime);
    if (homeToken.isEmpty() || careOfToken.isEmpty() || granted.isZero()) {
      if (outstanding.areToBind()) {
        outstanding.forget();
      }
      return;
    }
    if (!mayUpdate(now)) {
      return;
    }
    Optional<HeldBinding> before = held;
    held = Optional.of(new HeldBinding(careOf, latest(now.plus(granted.asDuration()))));
    route(actions);
    send(
        now,
        new OutstandingUpdate(sequence.next(), careOf, granted, now),
        BindingManagementKey.of(homeToken.get().value(), careOfToken.get().value()),
        new MobilityOption.NonceIndices(
            homeToken.get().nonceIndex(), careOfToken.get().nonceIndex()),
        before,
        Optional.of(careOf),
        actions);
  }

  private Instant latest(Instant until) {
    return held.map(HeldBinding::until).filter(until::isBefore).orElse(until);
  }

  /**
   * Has the peer forget its binding. The Binding Update is sent from where we are, yet speaks for
   * the home address, and the care-of nonce index is zero (section 11.7.2).
   *
   * @param careOf where we are; empty at home
   */
  private void delete(Instant now, Optional<CareOfAddress> careOf, List<NodeAction> actions) {
    Optional<KeygenTest.Token> token = tests.homeToken(now);
    if (setbacks.isPause(now)
        || !outstanding.mayDelete(now)
        || token.isEmpty()
        || !mayUpdate(now)) {
      return;
    }
    send(
        now,
        new OutstandingUpdate(
            sequence.next(),
            careOf.orElseGet(() -> new CareOfAddress(home.value())),
            BindingLifetime.DEREGISTER,
            now),
        BindingManagementKey.forDeletion(token.get().value()),
        new MobilityOption.NonceIndices(token.get().nonceIndex(), 0),
        held,
        careOf,
        actions);
  }

  private boolean mayUpdate(Instant now) {
    boolean may = rate.tryAcquire(now);
    deferredUntil = may ? Optional.empty() : Optional.of(rate.earliest(now));
    return may;
  }

  private void send(
      Instant now,
      OutstandingUpdate update,
      BindingManagementKey key,
      MobilityOption.NonceIndices indices,
      Optional<HeldBinding> before,
      Optional<CareOfAddress> homeAddressOption,
      List<NodeAction> actions) {
    CareOfAddress authenticated =
        update.lifetime().isZero() ? new CareOfAddress(home.value()) : update.careOf();
    sequence = update.sequence();
    lastUpdate = now;
    use.message(now);
    countedUntil = now.plus(RateLimit.WINDOW);
    // The source address is the care-of address, so that no Alternate Care-of Address is needed.
    BindingUpdate message =
        key.authorize(
            new BindingUpdate(
                update.sequence(),
                ImmutableSet.of(BindingFlag.ACKNOWLEDGE),
                update.lifetime(),
                ImmutableList.of(indices)),
            authenticated,
            peer);
    actions.add(new NodeAction.SendMessage(message, home.value(), peer, homeAddressOption));
    outstanding.add(now, new Sent(update, key, authenticated, before));
  }

  // By which way.

  /** Says by which way packets go and may come, if that has changed. */
  private void route(List<NodeAction> actions) {
    Optional<CareOfAddress> nowUsed = usable();
    Optional<CareOfAddress> nowAccepted = acceptable();
    if (nowUsed.equals(used) && nowAccepted.equals(accepted)) {
      return;
    }
    used = nowUsed;
    accepted = nowAccepted;
    actions.add(new NodeAction.WantRoute(home.value(), peer, NodeAction.End.OURS, used, accepted));
  }

  /** Where the peer has said that it has the binding (section 11.3.1). */
  private Optional<CareOfAddress> usable() {
    boolean registered =
        standing instanceof Standing.Away away && away.registeredUntil().isPresent();
    return bound
        .map(Bound::careOf)
        .filter(it -> registered && !ending && careOf().equals(Optional.of(it)));
  }

  /**
   * Wherever the peer may still send to. When we have gone from there, where it answers what it is
   * asked.
   */
  private Optional<CareOfAddress> acceptable() {
    if (standing instanceof Standing.Home) {
      return Optional.empty();
    }
    return held.map(HeldBinding::careOf).map(it -> stillOurs.test(it) ? it : careOf().orElse(it));
  }

  private Optional<CareOfAddress> careOf() {
    return standing instanceof Standing.Away away ? Optional.of(away.careOf()) : Optional.empty();
  }

  Optional<Instant> nextDeadline() {
    // What is not after the last look waits for something else, and that is in the list, too.
    return Stream.of(
            tests.deadlines(),
            bound.stream().flatMap(it -> Stream.of(it.refreshAt(), it.expiry())),
            held.map(HeldBinding::until).stream(),
            outstanding.due().stream(),
            deferredUntil.stream(),
            setbacks.pausedUntil().stream(),
            isDone() ? Stream.of(countedUntil) : Stream.<Instant>empty())
        .flatMap(instants -> instants)
        .filter(looked::isBefore)
        .min(Instant::compareTo);
  }

  RouteStatus status(Instant now) {
    Duration left = held.map(it -> Duration.between(now, it.until())).orElse(Duration.ZERO);
    return new RouteStatus(peer, state(), held.map(HeldBinding::careOf), sequence, left);
  }

  private RouteStatus.State state() {
    if (used.isPresent()) {
      return RouteStatus.State.OPTIMIZED;
    } else if (ending || standing instanceof Standing.Home) {
      return RouteStatus.State.ENDING;
    }
    return outstanding.areToBind() ? RouteStatus.State.REGISTERING : RouteStatus.State.TESTING;
  }
}
