package io.mipd.mobility.ha;

import com.google.common.collect.Comparators;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.ha.HomeAgentSettings.HomePrefix;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The prefixes that are advertised on the home link, by us and by its other routers (RFC 6275
 * section 10.6.1). What we advertise ourselves no other can change. Home addresses are of those
 * that are configured, whoever advertises them.
 */
final class HomeLinkPrefixes {
  /** Prefixes of others that are remembered. */
  private static final int MAX_PREFIXES = 32;

  private static final Duration TWO_HOURS = Duration.ofHours(2);

  /** Three times the longest between two advertisements of a router (RFC 4861 section 6.2.1). */
  private static final Duration SILENCE = Duration.ofMinutes(30).multipliedBy(3);

  private HomeAgentSettings settings;
  private ImmutableList<HomePrefix> configured;
  private final Map<Ipv6Prefix, AdvertisedPrefix> heard = new LinkedHashMap<>();

  /** When a configured prefix ceases to be valid that others advertise. */
  private final Map<Ipv6Prefix, Instant> ends = new LinkedHashMap<>();

  HomeLinkPrefixes(HomeAgentSettings settings) {
    this.settings = settings;
    configured = settings.prefixes();
  }

  /** Goes by these from now on. */
  void adopt(HomeAgentSettings newSettings) {
    settings = newSettings;
    configured = settings.prefixes();
    ends.keySet().removeIf(it -> !isConfigured(it));
    if (settings.advertising().isPresent()) {
      heard.keySet().removeIf(this::isConfigured);
      ends.clear();
    }
  }

  /**
   * A valid advertisement of another router.
   *
   * @return whether a prefix is new, or something but the time has changed
   */
  boolean heard(Instant now, RouterAdvertisement advertisement) {
    boolean changed = false;
    for (NdOption option : advertisement.options()) {
      if (option instanceof PrefixInformation prefix && isOfInterest(prefix)) {
        changed |= learn(now, prefix);
      }
    }
    return changed;
  }

  /**
   * What an earlier daemon has heard. The clock may have been set back since: nothing was heard
   * later than now, and none lasts longer than it was told to.
   */
  void restore(Instant now, ImmutableList<HomeLinkState.Prefix> state) {
    for (HomeLinkState.Prefix one : state) {
      Ipv6Prefix prefix = one.information().prefix();
      var before = new AdvertisedPrefix(one.information(), Comparators.min(one.heardAt(), now));
      if (!isOfInterest(one.information()) || hasGoneUnheard(now, before)) {
        continue;
      }
      heard.put(prefix, before);
      if (isConfigured(prefix)) {
        Instant latest = Comparators.max(before.validUntil(), before.heardAt().plus(TWO_HOURS));
        one.end().ifPresent(end -> ends.put(prefix, Comparators.min(end, latest)));
      }
    }
  }

  /**
   * Whether it says nothing of now, for nobody was there to hear what came after it: a home prefix
   * that has run out but was not told gone may have been told of all the time, and of others that
   * nobody tells of any more only their router was there to say so.
   */
  private boolean hasGoneUnheard(Instant now, AdvertisedPrefix prefix) {
    if (isConfigured(prefix.information().prefix())) {
      return prefix.information().validLifetime() > 0 && !prefix.validUntil().isAfter(now);
    }
    return prefix.heardAt().isBefore(now.minus(SILENCE));
  }

  /** What has been heard, for the next daemon. */
  ImmutableList<HomeLinkState.Prefix> heard() {
    return heard.entrySet().stream()
        .map(
            it ->
                new HomeLinkState.Prefix(
                    it.getValue().information(),
                    it.getValue().heardAt(),
                    Optional.ofNullable(ends.get(it.getKey()))))
        .collect(ImmutableList.toImmutableList());
  }

  /** Whether it is one that a host would take (RFC 4862 section 5.5.3). */
  private boolean isOfInterest(PrefixInformation prefix) {
    return prefix.address().isGlobalUnicast()
        && prefix.preferredLifetime() <= prefix.validLifetime()
        && !(settings.advertising().isPresent() && isConfigured(prefix.prefix()));
  }

  private boolean isConfigured(Ipv6Prefix prefix) {
    return configured.stream().anyMatch(it -> it.prefix().equals(prefix));
  }

  private boolean learn(Instant now, PrefixInformation told) {
    Ipv6Prefix prefix = told.prefix();
    // The other router's address is of no use to a mobile node, and not ours to tell.
    var news =
        new AdvertisedPrefix(
            new PrefixInformation(
                told.prefixLength(),
                prefix.address(),
                told.onLink(),
                told.autonomous(),
                false,
                told.validLifetime(),
                told.preferredLifetime()),
            now);
    AdvertisedPrefix before = heard.get(prefix);
    if (before == null && (heard.size() >= MAX_PREFIXES || told.validLifetime() == 0)) {
      return false;
    }
    heard.put(prefix, news);
    if (isConfigured(prefix)) {
      ends.put(prefix, end(now, prefix, news));
    }
    return before == null || news.differsFrom(before);
  }

  /**
   * When a home prefix ceases to be valid as a host would take it: nothing protects an
   * advertisement, so that none makes it end sooner than in two hours (RFC 4862 section 5.5.3 e).
   */
  private Instant end(Instant now, Ipv6Prefix prefix, AdvertisedPrefix told) {
    Instant end = told.validUntil();
    Instant soonest = now.plus(TWO_HOURS);
    Instant before = ends.getOrDefault(prefix, Instant.MIN);
    if (end.isAfter(soonest) || end.isAfter(before)) {
      return end;
    }
    return before.isAfter(soonest) ? soonest : before;
  }

  /** What a Mobile Prefix Advertisement lists now: all of it, home prefixes first. */
  ImmutableList<NdOption> options(Instant now) {
    // A home prefix that has ended must not be taken for one that nobody has told of.
    heard
        .entrySet()
        .removeIf(it -> !isConfigured(it.getKey()) && hasBeenToldGone(now, it.getValue()));
    var options = ImmutableList.<NdOption>builder();
    configured.forEach(it -> options.add(home(now, it)));
    heard.forEach(
        (prefix, it) -> {
          if (!isConfigured(prefix)) {
            options.add(it.at(now));
          }
        });
    return options.build();
  }

  /** For a day what is no longer valid is told as such. */
  private static boolean hasBeenToldGone(Instant now, AdvertisedPrefix prefix) {
    return now.minus(Duration.ofDays(1)).isAfter(prefix.validUntil());
  }

  /** With our own address, where it is of that prefix. */
  private PrefixInformation home(Instant now, HomePrefix prefix) {
    PrefixInformation told = information(now, prefix);
    PrefixInformation ours = settings.information(prefix);
    return new PrefixInformation(
        told.prefixLength(),
        ours.address(),
        told.onLink(),
        told.autonomous(),
        ours.routerAddress(),
        told.validLifetime(),
        told.preferredLifetime());
  }

  private PrefixInformation information(Instant now, HomePrefix prefix) {
    AdvertisedPrefix others = heard.get(prefix.prefix());
    return others == null ? settings.information(prefix) : others.at(now);
  }

  /** Asked for each binding there is. */
  private Optional<HomePrefix> prefixOf(HomeAddress home) {
    for (HomePrefix it : configured) {
      if (it.prefix().contains(home.value())) {
        return Optional.of(it);
      }
    }
    return Optional.empty();
  }

  /** What is left of the valid lifetime of a home address's prefix; none if it has no prefix. */
  Duration valid(Instant now, HomeAddress home) {
    return prefixOf(home)
        .map(it -> Duration.ofSeconds(information(now, it).validLifetime()))
        .orElse(Duration.ZERO);
  }

  /** Likewise, of the preferred lifetime. */
  Duration preferred(Instant now, HomeAddress home) {
    return prefixOf(home)
        .map(it -> Duration.ofSeconds(information(now, it).preferredLifetime()))
        .orElse(Duration.ZERO);
  }

  /** When home prefixes cease to be valid, as far as is known. */
  ImmutableMap<Ipv6Prefix, Instant> ends() {
    return ImmutableMap.copyOf(ends);
  }

  /**
   * From when on bindings end otherwise than before: the first of the ends that are not the same
   * any more, as it was or is; {@link Instant#MAX} if all are.
   */
  Instant changedFrom(ImmutableMap<Ipv6Prefix, Instant> before) {
    return ends.entrySet().stream()
        .filter(it -> !it.getValue().equals(before.get(it.getKey())))
        .flatMap(it -> Stream.of(it.getValue(), before.getOrDefault(it.getKey(), Instant.MAX)))
        .min(Comparator.naturalOrder())
        .orElse(Instant.MAX);
  }

  /** When it ceases to be valid; {@link Instant#MAX} for never, as far as is known. */
  Instant validUntil(HomeAddress home) {
    // Asked for each binding there is, and mostly nothing is known.
    return ends.isEmpty()
        ? Instant.MAX
        : prefixOf(home).map(it -> ends.getOrDefault(it.prefix(), Instant.MAX)).orElse(Instant.MAX);
  }
}
