package io.mipd.mobility.mn;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.RouteRoles;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Duration;
import java.util.Optional;

/**
 * Of one home address of a mobile node.
 *
 * @param siblings the other home addresses of the node
 * @param lifetime to ask for
 * @param interfaces names of those that may carry a care-of address, with their preference: higher
 *     is preferred, and among equals the one that is in use
 * @param routeOptimization empty for none: all goes by the home agent
 * @param corresponds whether it is also the correspondent of others
 * @param advertisedOnly whether the home address is used only when, and as long as, its prefix is
 *     told to be one of the home link: for an address that a renumbering is to bring
 * @param groupsByTunnel whether groups that programs listen to are told to the home agent while
 *     away (RFC 6275 section 11.3.4)
 */
public record MobileNodeSettings(
    HomeAddress homeAddress,
    ImmutableSet<Ipv6Address> siblings,
    Ipv6Prefix homePrefix,
    Ipv6Address homeAgent,
    Duration lifetime,
    ImmutableMap<String, Integer> interfaces,
    TunnelProtection protection,
    Optional<RouteOptimizationSettings> routeOptimization,
    boolean corresponds,
    boolean advertisedOnly,
    boolean groupsByTunnel) {

  public MobileNodeSettings {
    checkArgument(
        homePrefix.contains(homeAddress.value()), "%s is not in %s", homeAddress, homePrefix);
    checkArgument(!interfaces.isEmpty(), "no interface");
    checkArgument(!siblings.contains(homeAddress.value()), "%s is its own sibling", homeAddress);
  }

  /** Of the only home address of a mobile node. */
  public MobileNodeSettings(
      HomeAddress homeAddress,
      Ipv6Prefix homePrefix,
      Ipv6Address homeAgent,
      Duration lifetime,
      ImmutableMap<String, Integer> interfaces,
      TunnelProtection protection,
      Optional<RouteOptimizationSettings> routeOptimization,
      boolean corresponds) {
    this(
        homeAddress,
        ImmutableSet.of(),
        homePrefix,
        homeAgent,
        lifetime,
        interfaces,
        protection,
        routeOptimization,
        corresponds,
        false,
        false);
  }

  /** Whether it is a home address of the node, this one or another. */
  boolean isHomeAddress(Ipv6Address address) {
    return address.equals(homeAddress.value()) || siblings.contains(address);
  }

  MobileNodeSettings with(
      Duration newLifetime,
      ImmutableMap<String, Integer> newInterfaces,
      Optional<RouteOptimizationSettings> newRouteOptimization) {
    return new MobileNodeSettings(
        homeAddress,
        siblings,
        homePrefix,
        homeAgent,
        newLifetime,
        newInterfaces,
        protection,
        newRouteOptimization,
        corresponds,
        advertisedOnly,
        groupsByTunnel);
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
