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
import io.mipd.xfrm.model.SecurityPath;
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
 * <p>Associations and policies of new prefixes are configured beforehand, as section 11.4.3
 * assumes: home addresses that are used as soon as their prefix is told. What comes of a prefix for
 * which there is none is told, and not taken into use.
 */
final class PrefixDiscovery {
  /** Solicitations without an answer, before the next occasion is waited for. */
  private static final int MAX_SOLICITATIONS = 4;

  /** Unsolicited advertisements make us ask, but not more often. */
  private static final Duration LEAST_INTERVAL = ProtocolConstants.INITIAL_SOLICIT_TIMER;

  /** When this part of the valid lifetime is left it is time to ask. */
  private static final int REMAINING = 4;

  private static final int MAX_PREFIXES = 64;
  private static final Duration TWO_HOURS = Duration.ofHours(2);

  private final MobileNodeSettings settings;
  private final RandomGenerator random;

  /** Of the last solicitation, until it is answered. */
  private OptionalInt identifier = OptionalInt.empty();

  private Optional<Instant> solicitAt = Optional.empty();
  private Duration timeout = ProtocolConstants.INITIAL_SOLICIT_TIMER;
  private int left;
  private Instant earliest = Instant.MIN;

  /** Somebody has said that the home prefix is one of the home link. */
  private boolean told;

  private Optional<Instant> validUntil = Optional.empty();
  private Optional<Instant> preferredUntil = Optional.empty();
  private boolean deprecated;

  /** The home address may be used as far as nothing else is told. */
  private boolean isKnown;

  private Optional<Instant> askAt = Optional.empty();

  /** The valid lifetime has run out, and nobody has told another. */
  private boolean expired;

  /** The home agent has said that the home prefix is not one of the home link any more. */
  private boolean over;

  private final Set<Ipv6Prefix> known = new LinkedHashSet<>();

  /**
   * @param used whether an earlier life of this node has used the home address, and not found its
   *     end
   */
  PrefixDiscovery(MobileNodeSettings settings, boolean used, RandomGenerator random) {
    this.settings = settings;
    this.random = random;
    isKnown = used || !settings.advertisedOnly();
  }

  /** Whether the home address may be used at all (RFC 4862 section 5.5.4). */
  boolean isValid(Instant now) {
    return mayBeRegistered() && !expired && !runsOut(now);
  }

  /**
   * Whether the home agent may be asked for a binding: also where the valid lifetime has run out
   * without its word, for there is no asking for prefixes without a binding.
   */
  boolean mayBeRegistered() {
    return isKnown && !over;
  }

  /** Whether the valid lifetime has run out since the last event. */
  boolean runsOut(Instant now) {
    return isDue(now, validUntil);
  }

  /** Whether it may be taken for new communication (likewise). */
  boolean isPreferred(Instant now) {
    return isValid(now) && !deprecated && !isDue(now, preferredUntil);
  }

  /** Until when the home address is valid; empty for ever, or if that is not known. */
  Optional<Instant> validUntil(Instant now) {
    return expired || runsOut(now) ? Optional.of(now) : validUntil;
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

  /** What a router on the home link tells of its prefixes; nothing proves who it is. */
  void heard(Instant now, WithOptions advertisement, List<NodeAction> actions) {
    learn(now, advertisement, false, actions);
  }

  /** What the home agent tells of the home link's prefixes. */
  private void told(Instant now, WithOptions advertisement, List<NodeAction> actions) {
    learn(now, advertisement, true, actions);
  }

  /**
   * What the home agent has told another home address.
   *
   * @param isProtected whether that was by an association of the two
   */
  void toldAnother(
      Instant now, WithOptions advertisement, boolean isProtected, List<NodeAction> actions) {
    boolean proven = isProtected || settings.protection().admitsPrefixDiscovery(SecurityPath.EMPTY);
    learn(now, advertisement, proven, actions);
  }

  private void learn(
      Instant now, WithOptions advertisement, boolean proven, List<NodeAction> actions) {
    for (NdOption option : advertisement.options()) {
      if (option instanceof PrefixInformation prefix
          && prefix.preferredLifetime() <= prefix.validLifetime()) {
        if (prefix.prefix().equals(settings.homePrefix())) {
          learn(now, prefix, proven, actions);
        } else {
          tellOfOther(prefix, actions);
        }
      }
    }
  }

  private void learn(
      Instant now, PrefixInformation news, boolean proven, List<NodeAction> actions) {
    boolean ends = news.validLifetime() == 0;
    if (ends && (proven || !told || !isValid(now))) {
      if (proven && mayBeRegistered()) {
        end(actions);
      }
      return;
    }
    Ipv6Prefix prefix = news.prefix();
    if (!isValid(now)) {
      tell("the home prefix " + prefix + " is valid", actions);
    }
    boolean wasDeprecated = deprecated || isDue(now, preferredUntil);
    long valid = proven ? news.validLifetime() : believed(now, news.validLifetime());
    told = true;
    isKnown = true;
    expired = false;
    over = false;
    validUntil = end(now, valid);
    deprecated = news.preferredLifetime() == 0;
    preferredUntil = deprecated ? Optional.empty() : end(now, news.preferredLifetime());
    askAt = validUntil.map(end -> end.minus(Duration.ofSeconds(valid).dividedBy(REMAINING)));
    if (deprecated && !wasDeprecated) {
      tell("the home prefix " + prefix + " is deprecated, its addresses are still valid", actions);
    }
  }

  /** By the home agent's own word. */
  private void end(List<NodeAction> actions) {
    over = true;
    deprecated = true;
    validUntil = Optional.empty();
    preferredUntil = Optional.empty();
    askAt = Optional.empty();
    solicitAt = Optional.empty();
    if (!expired) {
      tellOfEnd(actions);
    }
  }

  private void tellOfEnd(List<NodeAction> actions) {
    tell("the home prefix " + settings.homePrefix() + " is no longer valid", actions);
  }

  /**
   * Nothing protects a Router Advertisement, so that none makes the prefix end sooner than in two
   * hours (RFC 4862 section 5.5.3 e). What nobody has told of yet is valid without limit.
   */
  private long believed(Instant now, long lifetime) {
    long left =
        !mayBeRegistered() || expired
            ? 0
            : validUntil
                .map(end -> Math.max(0, Duration.between(now, end).toSeconds()))
                .orElse(PrefixInformation.INFINITE);
    return lifetime > TWO_HOURS.toSeconds() || lifetime > left
        ? lifetime
        : Math.min(left, TWO_HOURS.toSeconds());
  }

  private void tellOfOther(PrefixInformation prefix, List<NodeAction> actions) {
    if (prefix.autonomous()
        && prefix.validLifetime() > 0
        && prefix.prefix().address().isGlobalUnicast()
        && settings.siblings().stream().noneMatch(prefix.prefix()::contains)
        && known.size() < MAX_PREFIXES
        && known.add(prefix.prefix())) {
      tell(
          "the home link has another prefix, "
              + prefix.prefix()
              + ": a home address of it needs an entry of its own in further-home-addresses",
          actions);
    }
  }

  private static Optional<Instant> end(Instant now, long lifetime) {
    return lifetime == PrefixInformation.INFINITE
        ? Optional.empty()
        : Optional.of(now.plusSeconds(lifetime));
  }

  /**
   * The home agent takes no binding, for the home prefix is not one of its link (status 132). Where
   * others may hear of a prefix from it, the home address waits until it is told again.
   */
  void refused() {
    over |= settings.advertisedOnly();
    deprecated = true;
  }

  /**
   * The home agent has registered the home address, and its prefix is not deprecated (status 0).
   */
  void accepted() {
    deprecated = false;
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
    } else if (!expects(event)) {
      // Unsolicited, and so not to be believed: but a reason to ask.
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
      if (away) {
        ask(now);
      }
    } else {
      identifier = OptionalInt.empty();
      solicitAt = Optional.empty();
      told(now, advertisement, actions);
    }
  }

  /** Whether this one will be believed: it answers what we have asked last. */
  boolean expects(NodeEvent.PrefixDiscoveryArrived event) {
    Arrival arrival = event.arrival();
    return event.message() instanceof MobilePrefixAdvertisement advertisement
        && arrival.source().equals(settings.homeAgent())
        && arrival.destination().equals(settings.homeAddress().value())
        && settings.protection().admitsPrefixDiscovery(arrival.securityPath())
        && arrival.routingHeader()
        && identifier.equals(OptionalInt.of(advertisement.identifier()));
  }

  /**
   * @param careOf by which the home agent knows us; empty while it does not
   */
  void deadlines(Instant now, Optional<CareOfAddress> careOf, List<NodeAction> actions) {
    if (runsOut(now)) {
      validUntil = Optional.empty();
      expired = true;
      tellOfEnd(actions);
      ask(now);
    }
    if (isDue(now, preferredUntil)) {
      preferredUntil = Optional.empty();
      deprecated = true;
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
    return Stream.of(
            validUntil, preferredUntil, askAt, registered ? solicitAt : Optional.<Instant>empty())
        .flatMap(Optional::stream)
        .min(Instant::compareTo);
  }
}
