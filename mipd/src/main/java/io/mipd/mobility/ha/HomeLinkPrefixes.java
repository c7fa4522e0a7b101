package io.mipd.mobility.ha;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The prefixes that are advertised on the home link, by us and by its other routers (RFC 6275
 * section 10.6.1). What we advertise ourselves no other can change.
 */
final class HomeLinkPrefixes {
  /** Prefixes of others that are remembered. */
  private static final int MAX_PREFIXES = 32;

  private static final Duration TWO_HOURS = Duration.ofHours(2);

  private final HomeAgentSettings settings;
  private final Map<Ipv6Prefix, AdvertisedPrefix> heard = new LinkedHashMap<>();
  private Optional<Instant> homeEnd = Optional.empty();

  HomeLinkPrefixes(HomeAgentSettings settings) {
    this.settings = settings;
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

  /** Whether it is one that a host would take (RFC 4862 section 5.5.3). */
  private boolean isOfInterest(PrefixInformation prefix) {
    return prefix.address().isGlobalUnicast()
        && prefix.preferredLifetime() <= prefix.validLifetime()
        && !(settings.advertising().isPresent() && prefix.prefix().equals(settings.homePrefix()));
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
    if (prefix.equals(settings.homePrefix())) {
      homeEnd = Optional.of(end(now, news));
    }
    return before == null || news.differsFrom(before);
  }

  /**
   * When the home prefix ceases to be valid as a host would take it: nothing protects an
   * advertisement, so that none makes it end sooner than in two hours (RFC 4862 section 5.5.3 e).
   */
  private Instant end(Instant now, AdvertisedPrefix told) {
    Instant end = told.validUntil();
    Instant soonest = now.plus(TWO_HOURS);
    if (homeEnd.isEmpty() || end.isAfter(soonest) || end.isAfter(homeEnd.get())) {
      return end;
    }
    return homeEnd.get().isAfter(soonest) ? soonest : homeEnd.get();
  }

  /** What a Mobile Prefix Advertisement lists now: all of it, the home prefix first. */
  ImmutableList<NdOption> options(Instant now) {
    heard.values().removeIf(it -> !now.isBefore(it.validUntil()) && hasBeenToldGone(now, it));
    var options = ImmutableList.<NdOption>builder();
    options.add(home(now));
    heard.forEach(
        (prefix, it) -> {
          if (!prefix.equals(settings.homePrefix())) {
            options.add(it.at(now));
          }
        });
    return options.build();
  }

  /** For a day what is no longer valid is told as such. */
  private static boolean hasBeenToldGone(Instant now, AdvertisedPrefix prefix) {
    return now.isAfter(prefix.validUntil().plus(Duration.ofDays(1)));
  }

  private PrefixInformation home(Instant now) {
    PrefixInformation told = homeInformation(now);
    return new PrefixInformation(
        told.prefixLength(),
        settings.address(),
        told.onLink(),
        told.autonomous(),
        true,
        told.validLifetime(),
        told.preferredLifetime());
  }

  private PrefixInformation homeInformation(Instant now) {
    return Optional.ofNullable(heard.get(settings.homePrefix()))
        .map(it -> it.at(now))
        .orElseGet(settings::prefixInformation);
  }

  /** What is left of the home prefix's valid lifetime. */
  Duration homeValid(Instant now) {
    return Duration.ofSeconds(homeInformation(now).validLifetime());
  }

  /** When the home prefix ceases to be valid; {@link Instant#MAX} for never, as far as is known. */
  Instant homeValidUntil() {
    return homeEnd.orElse(Instant.MAX);
  }

  /** When the first of the home prefixes does. */
  Instant soonestEnd() {
    return homeValidUntil();
  }

  Duration homePreferred(Instant now) {
    return Duration.ofSeconds(homeInformation(now).preferredLifetime());
  }
}
