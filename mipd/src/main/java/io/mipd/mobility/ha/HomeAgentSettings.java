package io.mipd.mobility.ha;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.util.Optional;

/**
 * @param homeInterface the name of the interface on the home link
 * @param address where registrations are taken
 * @param maximumLifetime that a binding is granted
 * @param advertising our own router advertisements; empty where another sends them
 * @param prefixLifetimes of the home prefix, as we advertise it
 * @param furtherPrefixes of the home link, which home addresses may be of as well
 * @param prefixDelivery how soon mobile nodes hear of what changes on the home link
 * @param careOfAddresses which may be registered
 * @param virtual whether the home link is nothing but an address of ours: nobody else is on it, so
 *     that nothing has to be found out and announced there
 * @param multicast whether mobile nodes are asked to which groups they listen, and get what is sent
 *     there on the home link (RFC 6275 sections 10.4.2 and 10.4.3)
 * @param served by home address, in the order of the configuration
 */
public record HomeAgentSettings(
    String homeInterface,
    Ipv6Address address,
    Ipv6Prefix homePrefix,
    Duration maximumLifetime,
    Optional<Advertising> advertising,
    PrefixLifetimes prefixLifetimes,
    ImmutableList<HomePrefix> furtherPrefixes,
    PrefixDelivery prefixDelivery,
    AccessList careOfAddresses,
    boolean virtual,
    boolean multicast,
    ImmutableMap<HomeAddress, TunnelProtection> served) {

  public HomeAgentSettings {
    checkArgument(homePrefix.contains(address), "%s is not in %s", address, homePrefix);
  }

  /** With the defaults where there is a choice. */
  public HomeAgentSettings(
      String homeInterface,
      Ipv6Address address,
      Ipv6Prefix homePrefix,
      Duration maximumLifetime,
      Optional<Advertising> advertising,
      ImmutableMap<HomeAddress, TunnelProtection> served) {
    this(
        homeInterface,
        address,
        homePrefix,
        maximumLifetime,
        advertising,
        PrefixLifetimes.DEFAULT,
        ImmutableList.of(),
        PrefixDelivery.DEFAULT,
        AccessList.EVERYWHERE,
        false,
        false,
        served);
  }

  HomeAgentSettings with(
      Duration newMaximumLifetime,
      PrefixLifetimes newPrefixLifetimes,
      ImmutableList<HomePrefix> newFurtherPrefixes,
      AccessList newCareOfAddresses) {
    return new HomeAgentSettings(
        homeInterface,
        address,
        homePrefix,
        newMaximumLifetime,
        advertising,
        newPrefixLifetimes,
        newFurtherPrefixes,
        prefixDelivery,
        newCareOfAddresses,
        virtual,
        multicast,
        served);
  }

  /** The prefixes that home addresses may be of, the first one first. */
  ImmutableList<HomePrefix> prefixes() {
    return ImmutableList.<HomePrefix>builder()
        .add(new HomePrefix(homePrefix, prefixLifetimes))
        .addAll(furtherPrefixes)
        .build();
  }

  /** The one that an address is of. */
  Optional<HomePrefix> prefixOf(Ipv6Address address) {
    return prefixes().stream().filter(it -> it.prefix().contains(address)).findFirst();
  }

  /** A prefix as we advertise it: that of our own address has it whole (RFC 6275 section 7.2). */
  PrefixInformation information(HomePrefix it) {
    boolean ours = it.prefix().equals(homePrefix);
    return new PrefixInformation(
        it.prefix().length(),
        ours ? address : it.prefix().address(),
        true,
        true,
        ours,
        it.lifetimes().valid().toSeconds(),
        it.lifetimes().preferred().toSeconds());
  }

  /** A prefix of the home link, with the lifetimes that we advertise. */
  public record HomePrefix(Ipv6Prefix prefix, PrefixLifetimes lifetimes) {}

  /** AdvValidLifetime and AdvPreferredLifetime (RFC 4861 section 6.2.1), in whole seconds. */
  public record PrefixLifetimes(Duration valid, Duration preferred) {
    public static final PrefixLifetimes DEFAULT =
        new PrefixLifetimes(Duration.ofDays(30), Duration.ofDays(7));

    public PrefixLifetimes {
      checkArgument(preferred.compareTo(valid) <= 0, "preferred for longer than valid");
    }
  }

  /** MinMobPfxAdvInterval and MaxMobPfxAdvInterval (RFC 6275 section 13). */
  public record PrefixDelivery(Duration least, Duration longest) {
    public static final PrefixDelivery DEFAULT =
        new PrefixDelivery(Duration.ofMinutes(10), Duration.ofDays(1));
  }

  /**
   * @param maximumInterval MaxRtrAdvInterval, as RFC 6275 section 7.5 allows it: 70 ms to 1800 s
   * @param lifetime as default router and home agent; at most 18.2 hours
   * @param preference among the link's home agents, signed 16 bits
   */
  public record Advertising(Duration maximumInterval, Duration lifetime, int preference) {
    /** MinRtrAdvInterval: a third of the maximum (RFC 4861 section 6.2.1), at least 30 ms. */
    public Duration minimumInterval() {
      Duration third = maximumInterval.dividedBy(3);
      Duration least = Duration.ofMillis(30);
      return third.compareTo(least) < 0 ? least : third;
    }
  }
}
