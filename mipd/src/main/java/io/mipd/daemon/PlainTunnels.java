package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Tunnels without IPsec (RFC 2473) in the kernel: a device between two addresses, for xfrm takes no
 * such state from user space. What policies say of home addresses becomes routes into the device,
 * and rules about what comes out of it: the home address that a policy names, and nothing else (RFC
 * 6275 section 10.4.5).
 *
 * <pre>
 *   home agent   route HoA dev mipd0-1 metric 512
 *                1340: from HoA iif mipd0-1 lookup main
 *                1341: from all iif mipd0-1 blackhole
 *   mobile node  route default dev mipd0-1 table 6275 metric 512
 *                route multicast ff0e::/16 dev mipd0-1 table local src HoA metric 64
 * </pre>
 */
final class PlainTunnels {
  /** Before the route into the device of home addresses, which swallows. */
  private static final int METRIC = 512;

  /** Before those into the device of home addresses. */
  private static final int GROUPS_METRIC = TunnelledGroups.METRIC / 2;

  private static final int ADMITTED_PRIORITY = 1340;
  private static final int REST_PRIORITY = 1341;

  private final SystemChanges system;
  private final World.Setup setup;
  private final Map<Ends, Tunnel> tunnels = new LinkedHashMap<>();

  private final Map<Integer, Ends> byDevice = new HashMap<>();

  /** The tunnel that each policy is about, and what it has put beside it. */
  private final Map<Policy.Id, Use> uses = new HashMap<>();

  /** Of a tunnel: what its packets bear outside. */
  record Ends(Ipv6Address local, Ipv6Address remote) {}

  /** A device, and how many policies need it. */
  private static final class Tunnel {
    final String name;
    final int index;
    int users;

    Tunnel(String name, int index) {
      this.name = name;
      this.index = index;
    }
  }

  private record Use(Ends ends, ImmutableList<Route> routes, Optional<RoutingRule> rule) {}

  PlainTunnels(SystemChanges system, World.Setup setup) {
    this.system = system;
    this.setup = setup;
  }

  /** The plain tunnel that a policy's packets are in, outside of all else. */
  static Optional<Template> of(Policy policy) {
    var templates = policy.bundle().templates();
    if (templates.isEmpty()) {
      return Optional.empty();
    }
    Template outermost = templates.get(templates.size() - 1);
    return outermost.protocol() == TransformProtocol.IPV6
        ? Optional.of(outermost)
        : Optional.empty();
  }

  /** Whether something is there for this policy. */
  boolean isUsedBy(Policy.Id id) {
    return uses.containsKey(id);
  }

  /**
   * Makes what the policy needs, and no longer what it needed before.
   *
   * @throws IOException if that cannot be had; what it needed before stays then
   */
  void put(Policy policy) throws IOException {
    Optional<Template> template = of(policy);
    Use before = uses.get(policy.id());
    if (template.isEmpty()) {
      remove(policy.id());
      return;
    }
    boolean out = policy.direction() == Direction.OUT;
    var ends =
        out
            ? new Ends(template.get().source(), template.get().destination())
            : new Ends(template.get().destination(), template.get().source());
    if (before != null && before.ends().equals(ends)) {
      return;
    }
    Tunnel tunnel = tunnel(ends);
    ImmutableList<Route> routes = out ? routes(policy.selector(), tunnel) : ImmutableList.of();
    Optional<RoutingRule> rule =
        policy.direction() == Direction.FWD
            ? admitted(policy.selector(), tunnel)
            : Optional.empty();
    try {
      if (rule.isPresent()) {
        system.putRule(rule.get());
      }
      for (Route route : routes) {
        system.putRoute(route);
      }
    } catch (IOException e) {
      if (before != null) {
        putBack(before, e);
      }
      removeUnused(ends, tunnel);
      throw e;
    }
    tunnel.users++;
    uses.put(policy.id(), new Use(ends, routes, rule));
    if (before != null) {
      // The routes have been replaced in place by the new ones.
      release(new Use(before.ends(), ImmutableList.of(), before.rule()));
    }
  }

  /** Some of the routes may have been replaced already. */
  private void putBack(Use use, IOException cause) {
    try {
      for (Route route : use.routes()) {
        system.putRoute(route);
      }
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  void remove(Policy.Id id) throws IOException {
    Use use = uses.remove(id);
    if (use != null) {
      release(use);
    }
  }

  private void release(Use use) throws IOException {
    for (Route route : use.routes()) {
      system.removeRoute(route);
    }
    if (use.rule().isPresent()) {
      system.removeRule(use.rule().get());
    }
    Tunnel tunnel = tunnels.get(use.ends());
    if (tunnel != null) {
      tunnel.users--;
      removeUnused(use.ends(), tunnel);
    }
  }

  /** What comes out is kept back until the device is gone. */
  private void removeUnused(Ends ends, Tunnel tunnel) throws IOException {
    if (tunnel.users > 0) {
      return;
    }
    tunnels.remove(ends);
    byDevice.remove(tunnel.index);
    system.removeDevice(tunnel.name);
    if (setup.router()) {
      system.removeRule(rest(tunnel.name));
    }
  }

  private Tunnel tunnel(Ends ends) throws IOException {
    Tunnel known = tunnels.get(ends);
    if (known != null) {
      return known;
    }
    String name = freeName();
    if (setup.router()) {
      // Before the device is there: nothing comes out of it that no rule admits.
      system.putRule(rest(name));
    }
    Link device = system.putTunnel(name, ends.local(), ends.remote(), setup.deviceMtu());
    var tunnel = new Tunnel(name, device.index());
    tunnels.put(ends, tunnel);
    byDevice.put(tunnel.index, ends);
    return tunnel;
  }

  private String freeName() {
    ImmutableSet<String> taken =
        tunnels.values().stream().map(one -> one.name).collect(ImmutableSet.toImmutableSet());
    for (int i = 1; ; i++) {
      String name = setup.device() + "-" + i;
      if (!taken.contains(name)) {
        return name;
      }
    }
  }

  /** Only of the policies that speak of all that a home address sends or receives. */
  private ImmutableList<Route> routes(Selector selector, Tunnel tunnel) {
    if (selector.protocol() != IpProtocol.ANY) {
      return ImmutableList.of();
    }
    if (isHostOf(selector.destination(), setup.served()) && selector.source().isAny()) {
      return ImmutableList.of(Route.via(tunnel.index, selector.destination()).withMetric(METRIC));
    }
    if (!isHostOf(selector.source(), setup.home()) || !selector.destination().isAny()) {
      return ImmutableList.of();
    }
    Ipv6Address home = selector.source().address();
    var routes = ImmutableList.<Route>builder();
    routes.add(
        Route.via(tunnel.index, Ipv6Prefix.ANY)
            .withTable(HomePlace.table(setup.home(), home))
            .withMetric(METRIC));
    if (setup.tunnelsGroups() && setup.home().asList().indexOf(home) == 0) {
      for (Ipv6Prefix groups : HomePolicies.GROUPS) {
        routes.add(
            Route.ofGroups(tunnel.index, groups)
                .withPreferredSource(home)
                .withMetric(GROUPS_METRIC));
      }
    }
    return routes.build();
  }

  /** Of the tunnel with this device; empty if it is none of ours. */
  Optional<Ends> ends(int device) {
    return Optional.ofNullable(byDevice.get(device));
  }

  private Optional<RoutingRule> admitted(Selector selector, Tunnel tunnel) {
    return selector.protocol() == IpProtocol.ANY && isHostOf(selector.source(), setup.served())
        ? Optional.of(
            RoutingRule.lookup(ADMITTED_PRIORITY, selector.source(), Route.MAIN)
                .withInput(tunnel.name))
        : Optional.empty();
  }

  private static RoutingRule rest(String device) {
    return RoutingRule.blackhole(REST_PRIORITY, Ipv6Prefix.ANY).withInput(device);
  }

  private static boolean isHostOf(Ipv6Prefix prefix, ImmutableSet<Ipv6Address> addresses) {
    return prefix.isHost() && addresses.contains(prefix.address());
  }
}
