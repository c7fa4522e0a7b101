package io.mipd.mobility.mn;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.binding.Backoff;
import io.mipd.mobility.binding.OutstandingUpdate;
import io.mipd.mobility.rr.BindingManagementKey;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * The Binding Updates to one correspondent that may still be acknowledged (RFC 6275 sections 11.1
 * and 11.7.3): such as bind the care-of address that we have, or such as delete, never both.
 */
final class OutstandingUpdates {
  /** Older ones have been superseded. */
  private static final int LIMIT = 8;

  /** The newest last. */
  private final Deque<Sent> sent = new ArrayDeque<>();

  private boolean deleting;
  private Optional<Backoff> timer = Optional.empty();

  /** An update and what its acknowledgement is checked with. Not a record: it has a key. */
  static final class Sent {
    private final OutstandingUpdate update;
    private final BindingManagementKey key;
    private final CareOfAddress authenticated;
    private final Optional<HeldBinding> before;

    /**
     * @param authenticated the home address in a deletion (RFC 6275 section 6.2.7)
     * @param before what the peer may have had: a refusal changes nothing
     */
    Sent(
        OutstandingUpdate update,
        BindingManagementKey key,
        CareOfAddress authenticated,
        Optional<HeldBinding> before) {
      this.update = update;
      this.key = key;
      this.authenticated = authenticated;
      this.before = before;
    }

    OutstandingUpdate update() {
      return update;
    }

    Optional<HeldBinding> before() {
      return before;
    }

    boolean isVouchedFor(BindingAcknowledgement acknowledgement, Ipv6Address peer) {
      return key.vouchesFor(acknowledgement, authenticated, peer);
    }

    private boolean deletes() {
      return update.lifetime().isZero();
    }
  }

  boolean isEmpty() {
    return sent.isEmpty();
  }

  /** There are some, and they bind. */
  boolean areToBind() {
    return !isEmpty() && !deleting;
  }

  /** There are some, and they delete. */
  boolean areToDelete() {
    return !isEmpty() && deleting;
  }

  /** Whether there is one alone, so that its answer tells what the peer has. */
  boolean isOne() {
    return sent.size() == 1;
  }

  void forget() {
    sent.clear();
    timer = Optional.empty();
  }

  /** Whether it is time for one that binds: for the first, or for another. */
  boolean mayBind(Instant now) {
    return !areToBind() || isDue(now);
  }

  /** Likewise for one that deletes. */
  boolean mayDelete(Instant now) {
    return !areToDelete() || isDue(now);
  }

  private boolean isDue(Instant now) {
    return timer.filter(it -> !it.isDue(now)).isEmpty();
  }

  /** One has been sent; those of the other kind are not waited for any more. */
  void add(Instant now, Sent one) {
    if (one.deletes() != deleting) {
      forget();
    }
    deleting = one.deletes();
    timer = Optional.of(timer.map(it -> it.again(now)).orElseGet(() -> Backoff.began(now)));
    sent.addLast(one);
    if (sent.size() > LIMIT) {
      sent.removeFirst();
    }
  }

  /** Those that an acknowledgement with this number may answer. */
  ImmutableList<Sent> of(SequenceNumber number) {
    return all().stream()
        .filter(it -> it.update().sequence().equals(number))
        .collect(ImmutableList.toImmutableList());
  }

  /** All of them, the newest last. */
  ImmutableList<Sent> all() {
    return ImmutableList.copyOf(sent);
  }

  boolean hasLaterThan(SequenceNumber number) {
    return sent.stream().anyMatch(it -> it.update().sequence().isAfter(number));
  }

  /** When the first of those that have been sent in vain was sent; empty while there is hope. */
  Optional<Instant> inVainSince(Instant now) {
    return timer
        .filter(it -> areToBind() && it.isExhausted(now))
        .map(it -> sent.getFirst().update().sentAt());
  }

  /** Not to be sent again before this wait is over. */
  void rest(Instant now, Duration wait) {
    timer = timer.map(it -> it.resting(now, wait));
  }

  /** When another is to be sent. */
  Optional<Instant> due() {
    return timer.map(Backoff::due);
  }
}
