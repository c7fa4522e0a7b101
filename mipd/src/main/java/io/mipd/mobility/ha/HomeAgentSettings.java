package io.mipd.mobility.ha;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Duration;
import java.util.Optional;

/**
 * @param homeInterface the name of the interface on the home link
 * @param address where registrations are taken
 * @param maximumLifetime that a binding is granted
 * @param advertising our own router advertisements; empty where another sends them
 * @param served by home address, in the order of the configuration
 */
public record HomeAgentSettings(
    String homeInterface,
    Ipv6Address address,
    Ipv6Prefix homePrefix,
    Duration maximumLifetime,
    Optional<Advertising> advertising,
    ImmutableMap<HomeAddress, TunnelProtection> served) {

  public HomeAgentSettings {
    checkArgument(homePrefix.contains(address), "%s is not in %s", address, homePrefix);
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
