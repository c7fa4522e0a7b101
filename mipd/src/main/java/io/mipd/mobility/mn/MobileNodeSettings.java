package io.mipd.mobility.mn;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.RouteRoles;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Duration;
import java.util.Optional;

/**
 * @param lifetime to ask for
 * @param interfaces names of those that may carry a care-of address, with their preference: higher
 *     is preferred, and among equals the one that is in use
 * @param routeOptimization empty for none: all goes by the home agent
 * @param corresponds whether it is also the correspondent of others
 */
public record MobileNodeSettings(
    HomeAddress homeAddress,
    Ipv6Prefix homePrefix,
    Ipv6Address homeAgent,
    Duration lifetime,
    ImmutableMap<String, Integer> interfaces,
    TunnelProtection protection,
    Optional<RouteOptimizationSettings> routeOptimization,
    boolean corresponds) {

  public MobileNodeSettings {
    checkArgument(
        homePrefix.contains(homeAddress.value()), "%s is not in %s", homeAddress, homePrefix);
    checkArgument(!interfaces.isEmpty(), "no interface");
  }

  MobileNodeSettings with(
      Duration newLifetime,
      ImmutableMap<String, Integer> newInterfaces,
      Optional<RouteOptimizationSettings> newRouteOptimization) {
    return new MobileNodeSettings(
        homeAddress,
        homePrefix,
        homeAgent,
        newLifetime,
        newInterfaces,
        protection,
        newRouteOptimization,
        corresponds);
  }

  /** What the registration with the home agent wants of policies. */
  public HomePolicies policies() {
    return new HomePolicies(
        homeAddress,
        homeAgent,
        protection,
        new RouteRoles(routeOptimization.isPresent(), corresponds));
  }
}
