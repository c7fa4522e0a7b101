package io.mipd.mobility.ha;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * The home agent's router advertisements on the home link, with the home-agent flag, its whole
 * address in the Prefix Information option, and the Home Agent Information and Advertisement
 * Interval options (RFC 6275 sections 7.1 to 7.5).
 */
final class RouterAdvertiser {
  private static final int HOP_LIMIT = 64;
  private static final long SHORT_INTERVAL_MILLIS = 200;
  private static final long SCHEDULING_MILLIS = 20;

  /** A link that is up, and what a router's advertisement must bear. */
  private record Link(int interfaceIndex, Optional<LinkLayerAddress> address) {}

  private HomeAgentSettings settings;
  private final HomeAgentSettings.Advertising advertising;
  private final RandomGenerator random;
  private Optional<Link> link = Optional.empty();
  private Optional<Ipv6Address> source = Optional.empty();
  private Optional<Instant> due = Optional.empty();
  private Instant earliest = Instant.EPOCH;

  RouterAdvertiser(
      HomeAgentSettings settings,
      HomeAgentSettings.Advertising advertising,
      RandomGenerator random) {
    this.settings = settings;
    this.advertising = advertising;
    this.random = random;
  }

  Optional<Instant> nextDeadline() {
    return due;
  }

  void linkIsUp(Instant now, int interfaceIndex, Optional<LinkLayerAddress> address) {
    link = Optional.of(new Link(interfaceIndex, address));
    schedule(now);
  }

  void linkIsDown() {
    link = Optional.empty();
    due = Optional.empty();
  }

  /** Advertisements come from a link-local address (RFC 4861 section 4.2). */
  void linkLocalAddress(Instant now, Optional<Ipv6Address> address) {
    source = address;
    schedule(now);
  }

  /** Advertises by these from now on: the link hears of it soon. */
  void adopt(Instant now, HomeAgentSettings newSettings) {
    settings = newSettings;
    solicited(now);
  }

  private void schedule(Instant now) {
    due = link.isPresent() && source.isPresent() ? Optional.of(now) : Optional.empty();
  }

  /** One answer to all, after a random delay and not too often (RFC 4861 section 6.2.6). */
  void solicited(Instant now) {
    if (due.isEmpty()) {
      return;
    }
    long delay = random.nextLong(ProtocolConstants.MAX_RA_DELAY_TIME.toNanos() + 1);
    Instant soon = (now.isBefore(earliest) ? earliest : now).plusNanos(delay);
    if (soon.isBefore(due.get())) {
      due = Optional.of(soon);
    }
  }

  ImmutableList<NodeAction> onDeadline(Instant now) {
    if (due.isEmpty() || now.isBefore(due.get()) || link.isEmpty() || source.isEmpty()) {
      return ImmutableList.of();
    }
    Duration least = advertising.minimumInterval();
    long spread = advertising.maximumInterval().minus(least).toNanos();
    due = Optional.of(now.plus(least).plusNanos(spread <= 0 ? 0 : random.nextLong(spread)));
    earliest = now.plus(minimumDelay());
    return ImmutableList.of(
        new NodeAction.SendIcmpv6(
            link.get().interfaceIndex(),
            source.get(),
            Ipv6Address.ALL_NODES,
            advertisement(advertising.lifetime())));
  }

  /** RFC 6275 section 13: MinRtrAdvInterval, if that is less than the default of 3 s. */
  private Duration minimumDelay() {
    Duration least = advertising.minimumInterval();
    Duration longest = ProtocolConstants.MIN_DELAY_BETWEEN_RAS;
    return least.compareTo(longest) < 0 ? least : longest;
  }

  /** The last word: no router any more (RFC 4861 section 6.2.5). */
  ImmutableList<NodeAction> cease() {
    if (due.isEmpty() || link.isEmpty() || source.isEmpty()) {
      return ImmutableList.of();
    }
    due = Optional.empty();
    return ImmutableList.of(
        new NodeAction.SendIcmpv6(
            link.get().interfaceIndex(),
            source.get(),
            Ipv6Address.ALL_NODES,
            advertisement(Duration.ZERO)));
  }

  /** RFC 6275 section 7.5: short ones are told with an allowance for scheduling. */
  private Duration advertisedInterval() {
    Duration interval = advertising.maximumInterval();
    return interval.toMillis() < SHORT_INTERVAL_MILLIS
        ? interval.plusMillis(SCHEDULING_MILLIS)
        : interval;
  }

  private Icmpv6Message advertisement(Duration lifetime) {
    int seconds = (int) lifetime.toSeconds();
    var options = ImmutableList.<NdOption>builder();
    link.flatMap(Link::address)
        .ifPresent(address -> options.add(new NdOption.SourceLinkLayerAddress(address)));
    settings.prefixes().forEach(it -> options.add(settings.information(it)));
    options.add(new NdOption.AdvertisementInterval(advertisedInterval().toMillis()));
    if (seconds > 0) {
      options.add(new NdOption.HomeAgentInformation(advertising.preference(), seconds));
    }
    return new Icmpv6Message.RouterAdvertisement(
        HOP_LIMIT, false, false, true, 0, seconds, 0, 0, options.build());
  }
}
