package io.mipd.mobility.cn;

import com.google.common.collect.Comparators;
import io.mipd.mobility.StatusLimiter;
import io.mipd.mobility.binding.CorrespondentBinding;
import io.mipd.mobility.binding.PersistentErrors;
import io.mipd.mobility.binding.RateLimit;
import io.mipd.mobility.binding.RouteUse;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.FailedPacket;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What is known of one home address at one address of ours: its binding, or that it had one. */
final class CacheEntry {
  /**
   * Binding Refresh Requests for a binding that nobody renews: one may be lost, and the next hears
   * of it only when it has expired.
   */
  private static final int REFRESH_REQUESTS = 2;

  /** The last eighth of the lifetime is left at the first, half of that at the second. */
  private static final int REFRESH_FRACTION = 8;

  /** A binding that has been used within this time is in active use. */
  private static final Duration ACTIVE = Duration.ofMinutes(1);

  private final BindingCache.Owner owner;
  private Optional<CorrespondentBinding> binding = Optional.empty();
  private SequenceNumber lastSequence;
  private Instant replayableUntil;
  private int refreshRequests;
  private final PersistentErrors errors = new PersistentErrors();
  private final RouteUse use;
  private final RateLimit updates = new RateLimit();
  private final StatusLimiter refusals = new StatusLimiter();

  /**
   * @param binding the first one
   * @param replayableUntil while its update's nonces are accepted, the update can be replayed
   */
  CacheEntry(
      BindingCache.Owner owner,
      CorrespondentBinding binding,
      Instant replayableUntil,
      Instant now) {
    this.owner = owner;
    use = new RouteUse(now);
    this.lastSequence = binding.sequence();
    this.replayableUntil = replayableUntil;
    this.binding = Optional.of(binding);
  }

  BindingCache.Owner owner() {
    return owner;
  }

  Optional<CorrespondentBinding> binding() {
    return binding;
  }

  /** Of the last valid Binding Update. */
  SequenceNumber lastSequence() {
    return lastSequence;
  }

  /**
   * Asked before each valid update: changing routes costs more than asking for it, and a mobile
   * node sends no more than MAX_UPDATE_RATE of them within a second (RFC 6275 section 11.8).
   */
  boolean mayChange(Instant now) {
    return updates.tryAcquire(now);
  }

  /** Asked before each refusal of an update that is authentic. */
  boolean mayRefuse(Instant now) {
    return refusals.mayAnswer(now);
  }

  /** A valid update has come with a care-of address. */
  void bind(CorrespondentBinding successor, Instant replayable, Instant now) {
    use.message(now);
    binding = Optional.of(successor);
    heard(successor.sequence(), replayable);
  }

  /** A valid update has come to delete the binding. */
  void delete(SequenceNumber sequence, Instant replayable) {
    binding = Optional.empty();
    heard(sequence, replayable);
  }

  private void heard(SequenceNumber sequence, Instant replayable) {
    lastSequence = sequence;
    // The earlier updates of this home address may have had nonces that last longer.
    replayableUntil = Comparators.max(replayableUntil, replayable);
    refreshRequests = 0;
    errors.forget();
  }

  /** The binding is no more, and nobody asked for that. */
  void end() {
    binding = Optional.empty();
  }

  /**
   * Nothing is bound, and no update that is still authentic could bind it anew (RFC 6275 section
   * 5.2.8).
   */
  boolean hasServed(Instant now) {
    return binding.isEmpty() && !now.isBefore(replayableUntil);
  }

  /** When it expires, or asks to be refreshed, or may be forgotten. */
  Instant nextDeadline() {
    return binding
        .map(it -> refreshRequests < REFRESH_REQUESTS ? nextRefresh(it) : it.expiry())
        .orElse(replayableUntil);
  }

  /** Packets have gone or come by the binding. */
  void used(Instant now) {
    use.counted(now);
  }

  /**
   * Whether a Binding Refresh Request is to be sent now; each occasion is taken or missed. Only for
   * a binding in active use (RFC 6275 section 9.5.5).
   */
  boolean takeRefresh(Instant now) {
    if (binding.isEmpty()
        || refreshRequests == REFRESH_REQUESTS
        || now.isBefore(nextRefresh(binding.get()))) {
      return false;
    }
    refreshRequests++;
    boolean active = use.last().isAfter(now.minus(ACTIVE));
    if (active) {
      use.message(now);
    }
    return active;
  }

  private Instant nextRefresh(CorrespondentBinding it) {
    long fraction = (long) REFRESH_FRACTION << refreshRequests;
    return it.expiry().minus(it.lifetime().asDuration().dividedBy(fraction));
  }

  /**
   * An ICMPv6 error about a packet to this home address. Returns whether the binding is to be given
   * up: what went to another care-of address says nothing of the present one.
   */
  boolean isGivenUp(Instant now, FailedPacket packet) {
    return binding.filter(it -> it.careOf().value().equals(packet.wireDestination())).isPresent()
        && errors.count(now, packet);
  }
}
