package io.mipd.mobility.mn;

import static io.mipd.mobility.NodeAction.Refusal.MALFORMED;
import static io.mipd.mobility.NodeAction.Refusal.UNEXPECTED;
import static io.mipd.mobility.NodeAction.Refusal.UNPROTECTED;
import static io.mipd.mobility.NodeAction.Refusal.WRONG_ADDRESS;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.MobilePrefixAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.MobilePrefixSolicitation;
import io.mipd.xfrm.packet.Icmpv6Message.WithOptions;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * Mobile prefix discovery (RFC 6275 sections 11.4.2 and 11.4.3): asks the home agent for the home
 * link's prefixes when the home address is about to become invalid, when the home agent says that
 * it is necessary, and when it tells of them unasked.
 *
 * <p>The home address itself is configured, and so are its associations: a new prefix is told, and
 * not taken into use.
 */
final class PrefixDiscovery {
  /** Solicitations without an answer, before the next occasion is waited for. */
  private static final int MAX_SOLICITATIONS = 4;

  /** Unsolicited advertisements make us ask, but not more often. */
  private static final Duration LEAST_INTERVAL = ProtocolConstants.INITIAL_SOLICIT_TIMER;

  /** When this part of the valid lifetime is left it is time to ask. */
  private static final int REMAINING = 4;

  private static final int MAX_PREFIXES = 64;

  private final MobileNodeSettings settings;
  private final RandomGenerator random;

  /** Of the last solicitation, until it is answered. */
  private OptionalInt identifier = OptionalInt.empty();

  private Optional<Instant> solicitAt = Optional.empty();
  private Duration timeout = ProtocolConstants.INITIAL_SOLICIT_TIMER;
  private int left;
  private Instant earliest = Instant.MIN;

  private Optional<Instant> validUntil = Optional.empty();
  private Optional<Instant> preferredUntil = Optional.empty();
  private Optional<Instant> askAt = Optional.empty();
  private boolean expired;
  private final Set<Ipv6Prefix> known = new LinkedHashSet<>();

  PrefixDiscovery(MobileNodeSettings settings, RandomGenerator random) {
    this.settings = settings;
    this.random = random;
  }

  /** Until when the home address is valid; empty for ever, or if that is not known. */
  Optional<Instant> validUntil(Instant now) {
    return expired ? Optional.of(now) : validUntil;
  }

  /** The home agent has said that it is necessary, or the home address is about to expire. */
  void ask(Instant now) {
    if (solicitAt.isPresent()) {
      return;
    }
    left = MAX_SOLICITATIONS;
    timeout = ProtocolConstants.INITIAL_SOLICIT_TIMER;
    solicitAt = Optional.of(now.isBefore(earliest) ? earliest : now);
  }

  /** What a router on the home link, or the home agent, tells of its prefixes. */
  void learn(Instant now, WithOptions advertisement, List<NodeAction> actions) {
    for (NdOption option : advertisement.options()) {
      if (option instanceof PrefixInformation prefix
          && prefix.preferredLifetime() <= prefix.validLifetime()) {
        learn(now, prefix, actions);
      }
    }
  }

  private void learn(Instant now, PrefixInformation told, List<NodeAction> actions) {
    Ipv6Prefix prefix = told.prefix();
    if (prefix.equals(settings.homePrefix())) {
      validUntil = end(now, told.validLifetime());
      expired = false;
      Optional<Instant> before = preferredUntil;
      preferredUntil = end(now, told.preferredLifetime());
      askAt =
          told.validLifetime() == 0
              ? Optional.empty()
              : validUntil.map(
                  end -> end.minus(Duration.ofSeconds(told.validLifetime()).dividedBy(REMAINING)));
      if (told.preferredLifetime() == 0 && isInFuture(now, before)) {
        tell(
            "the home prefix " + prefix + " is deprecated, its addresses are still valid", actions);
      }
    } else if (told.autonomous()
        && told.validLifetime() > 0
        && prefix.address().isGlobalUnicast()
        && known.size() < MAX_PREFIXES
        && known.add(prefix)) {
      tell(
          "the home link has another prefix, "
              + prefix
              + ": a home address of it needs a configuration and associations of its own",
          actions);
    }
  }

  private static boolean isInFuture(Instant now, Optional<Instant> when) {
    return when.isEmpty() || now.isBefore(when.get());
  }

  private static Optional<Instant> end(Instant now, long lifetime) {
    return lifetime == PrefixInformation.INFINITE
        ? Optional.empty()
        : Optional.of(now.plusSeconds(lifetime));
  }

  private static void tell(String words, List<NodeAction> actions) {
    actions.add(new NodeAction.Tell(words));
  }

  /** RFC 6275 section 11.4.3. */
  void arrived(
      Instant now, NodeEvent.PrefixDiscoveryArrived event, boolean away, List<NodeAction> actions) {
    Arrival arrival = event.arrival();
    if (!(event.message() instanceof MobilePrefixAdvertisement advertisement)
        || !arrival.source().equals(settings.homeAgent())) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
    } else if (!arrival.destination().equals(settings.homeAddress().value())) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrival.source()));
    } else if (!settings.protection().admitsPrefixDiscovery(arrival.securityPath())) {
      actions.add(new NodeAction.Refuse(UNPROTECTED, arrival.source()));
    } else if (!arrival.routingHeader()) {
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
    } else if (identifier.isEmpty() || identifier.getAsInt() != advertisement.identifier()) {
      // Unsolicited, and so not to be believed: but a reason to ask.
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
      if (away) {
        ask(now);
      }
    } else {
      identifier = OptionalInt.empty();
      solicitAt = Optional.empty();
      learn(now, advertisement, actions);
    }
  }

  /**
   * @param careOf by which the home agent knows us; empty while it does not
   */
  void deadlines(Instant now, Optional<CareOfAddress> careOf, List<NodeAction> actions) {
    if (isDue(now, validUntil)) {
      validUntil = Optional.empty();
      expired = true;
      tell("the home prefix " + settings.homePrefix() + " is no longer valid", actions);
    }
    if (isDue(now, askAt)) {
      askAt = Optional.empty();
      ask(now);
    }
    if (careOf.isEmpty()) {
      // When we are registered again there is somebody to ask.
      return;
    }
    if (isDue(now, solicitAt)) {
      solicit(now, careOf.get(), actions);
    }
  }

  private void solicit(Instant now, CareOfAddress careOf, List<NodeAction> actions) {
    if (left == 0) {
      solicitAt = Optional.empty();
      tell("the home agent does not answer Mobile Prefix Solicitations", actions);
      return;
    }
    left--;
    identifier = OptionalInt.of(random.nextInt(0x10000));
    actions.add(
        new NodeAction.SendDiscovery(
            new MobilePrefixSolicitation(identifier.getAsInt(), ImmutableList.of()),
            settings.homeAddress().value(),
            settings.homeAgent(),
            Optional.of(careOf)));
    solicitAt = Optional.of(now.plus(timeout));
    earliest = now.plus(LEAST_INTERVAL);
    timeout = timeout.multipliedBy(2);
  }

  private static boolean isDue(Instant now, Optional<Instant> when) {
    return when.isPresent() && !now.isBefore(when.get());
  }

  /**
   * @param registered whether there is somebody to ask
   */
  Optional<Instant> nextDeadline(boolean registered) {
    return Stream.of(validUntil, askAt, registered ? solicitAt : Optional.<Instant>empty())
        .flatMap(Optional::stream)
        .min(Instant::compareTo);
  }
}
