package io.mipd.mobility.ha;

import io.mipd.mobility.NodeAction;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.binding.DeadlineQueue;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message.MobilePrefixAdvertisement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;

/**
 * Tells mobile nodes that are away of the home link's prefixes (RFC 6275 sections 10.6.2 and
 * 10.6.3): at once when they ask, and unasked when something has changed, or nothing was told for
 * long. What is told unasked is told again until the mobile node asks.
 */
final class PrefixAdvertiser {
  /** To a mobile node no more than one goes within it (section 6.8). */
  private static final Duration LEAST_INTERVAL = Duration.ofSeconds(1);

  private final Ipv6Address source;
  private final HomeAgentSettings.PrefixDelivery delivery;
  private final HomeLinkPrefixes prefixes;
  private final RandomGenerator random;
  private final Map<HomeAddress, Delivery> bound = new LinkedHashMap<>();
  private final DeadlineQueue<Delivery> queue = new DeadlineQueue<>();
  private long next;

  /** What is due for a mobile node. */
  private static final class Delivery {
    /** In which order they came. */
    final long number;

    final HomeAddress home;
    CareOfAddress careOf;
    Instant due;
    Optional<Duration> timeout = Optional.empty();
    int retransmissions;

    /** The last of the retransmissions has gone by, and nobody has asked. */
    boolean unheard;

    /** The mobile node has asked, by this identifier, and has been told something a moment ago. */
    OptionalInt asked = OptionalInt.empty();

    Instant earliest = Instant.MIN;

    Delivery(long number, HomeAddress home, CareOfAddress careOf, Instant due) {
      this.number = number;
      this.home = home;
      this.careOf = careOf;
      this.due = due;
    }

    void schedule(Instant at) {
      due = at;
      timeout = Optional.empty();
      retransmissions = 0;
      unheard = false;
    }
  }

  PrefixAdvertiser(HomeAgentSettings settings, HomeLinkPrefixes prefixes, RandomGenerator random) {
    source = settings.address();
    delivery = settings.prefixDelivery();
    this.prefixes = prefixes;
    this.random = random;
  }

  /** A binding is made or renewed. Nothing was told before, or nobody has heard it: soon it is. */
  void bound(Instant now, HomeAddress home, CareOfAddress careOf) {
    Delivery it = bound.get(home);
    if (it == null) {
      it = new Delivery(next++, home, careOf, now.plus(randomDelay(now, home)));
      bound.put(home, it);
      queue.put(it, it.due);
      return;
    }
    it.careOf = careOf;
    if (it.unheard) {
      it.schedule(now);
      queue.put(it, it.due);
    }
  }

  void unbound(HomeAddress home) {
    Delivery it = bound.remove(home);
    if (it != null) {
      queue.remove(it);
    }
  }

  /** Something has changed. What is scheduled anyway will tell it. */
  void changed(Instant now) {
    for (Delivery it : bound.values()) {
      Instant soon = now.plus(randomDelay(now, it.home));
      if (it.unheard || soon.isBefore(it.due)) {
        it.schedule(soon);
        queue.put(it, it.due);
      }
    }
  }

  /** RAND_ADV_DELAY. */
  private Duration randomDelay(Instant now, HomeAddress home) {
    Duration preferred = prefixes.preferred(now, home);
    Duration longest = delivery.longest();
    Duration least = delivery.least();
    Duration maximum = preferred.compareTo(longest) < 0 ? preferred : longest;
    long spread = maximum.minus(least).abs().toMillis();
    return least.plusMillis(spread == 0 ? 0 : random.nextLong(spread));
  }

  /**
   * Answers, which also confirms what was told unasked: at once, or as soon as another
   * advertisement may go, and then the last that was asked.
   */
  void solicited(
      Instant now,
      int identifier,
      HomeAddress home,
      CareOfAddress careOf,
      List<NodeAction> actions) {
    Delivery it = bound.computeIfAbsent(home, key -> new Delivery(next++, key, careOf, now));
    it.asked = OptionalInt.of(identifier);
    it.due = now;
    queue.put(it, it.due);
    deadlines(now, actions);
  }

  void deadlines(Instant now, List<NodeAction> actions) {
    List<Delivery> due = new ArrayList<>();
    for (Optional<Delivery> it = queue.poll(now); it.isPresent(); it = queue.poll(now)) {
      due.add(it.get());
    }
    // As they have come, whichever was due first.
    due.sort(Comparator.comparingLong(it -> it.number));
    for (Delivery it : due) {
      if (now.isBefore(it.earliest)) {
        it.due = it.earliest;
      } else if (it.asked.isPresent()) {
        send(now, it.asked.getAsInt(), it.home, it, actions);
        it.schedule(now.plus(delivery.longest()));
      } else {
        tell(now, it.home, it, actions);
      }
      queue.put(it, it.due);
    }
  }

  private void tell(Instant now, HomeAddress home, Delivery it, List<NodeAction> actions) {
    send(now, random.nextInt(0x10000), home, it, actions);
    Duration wait =
        it.timeout.map(last -> last.multipliedBy(2)).orElse(ProtocolConstants.PREFIX_ADV_TIMEOUT);
    if (it.timeout.isPresent()) {
      it.retransmissions++;
    }
    if (it.retransmissions >= ProtocolConstants.PREFIX_ADV_RETRIES) {
      // Nobody listens. When the binding is renewed it is tried again.
      it.unheard = true;
      it.due = now.plus(delivery.longest());
      it.timeout = Optional.empty();
      it.retransmissions = 0;
      return;
    }
    it.timeout = Optional.of(wait);
    it.due = now.plus(wait);
  }

  private void send(
      Instant now, int identifier, HomeAddress home, Delivery it, List<NodeAction> actions) {
    it.asked = OptionalInt.empty();
    it.earliest = now.plus(LEAST_INTERVAL);
    actions.add(advertisement(now, identifier, home, it.careOf));
  }

  private NodeAction advertisement(
      Instant now, int identifier, HomeAddress home, CareOfAddress careOf) {
    return new NodeAction.SendDiscovery(
        new MobilePrefixAdvertisement(
            identifier,
            // No DHCPv6 for mobile nodes here, whatever the home link's routers say (section 6.8).
            /* managed= */ false,
            /* otherConfiguration= */ false,
            prefixes.options(now)),
        source,
        home.value(),
        Optional.of(careOf));
  }

  Optional<Instant> nextDeadline() {
    return queue.next();
  }
}
