package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Routes into the device of home addresses for what a user's policies transform, so that our engine
 * gets it wherever the mobile node is, and on nodes that have no home address. What no policy names
 * leaves the engine as it came.
 *
 * <p>What the engine sends is routed by its destination alone, so that no rule for a source catches
 * it again; a router's policies for any source therefore have no route, and what they name is
 * dropped ({@link ClearTextGuard}).
 */
final class UserRoutes {
  private static final Logger log = LoggerFactory.getLogger(UserRoutes.class);

  static final int RULE_PRIORITY = 1348;

  /** Before those of the kernel for its links (256), and of {@link PeerRoutes}. */
  private static final int METRIC = 128;

  private UserRoutes() {}

  /**
   * @param home our home addresses
   */
  static void put(
      SystemChanges system,
      int device,
      PeerRoutes.Kind kind,
      ImmutableSet<Ipv6Address> home,
      ImmutableList<Policy> user)
      throws IOException {
    for (Policy policy : user) {
      if (policy.direction() != Direction.OUT || policy.bundle().isEmpty()) {
        continue;
      }
      Ipv6Prefix source = policy.selector().source();
      Route route = Route.via(device, policy.selector().destination()).withMetric(METRIC);
      switch (kind) {
        case MOBILE_NODE -> {
          for (Ipv6Address address : home) {
            if (source.contains(address)) {
              system.putRoute(route.withTable(HomePlace.table(home, address)));
            }
          }
        }
        case HOST -> putForHost(system, route, source);
        case ROUTER -> {
          if (!source.isAny()) {
            system.putRoute(route.withTable(HomePlace.TABLE));
            system.putRule(ownPackets(source, policy.selector().destination()));
          }
        }
      }
    }
  }

  /** Programs that have not bound an address take the one that the policy is for. */
  private static void putForHost(SystemChanges system, Route route, Ipv6Prefix source)
      throws IOException {
    if (source.isHost()) {
      try {
        system.putRoute(route.withPreferredSource(source.address()));
        return;
      } catch (IOException e) {
        log.warn(
            "{} is no usable address of this node yet: programs that do not bind it may not take it"
                + " ({})",
            source.address(),
            e.getMessage());
      }
    }
    system.putRoute(route);
  }

  /** Not those that the router passes on. */
  private static RoutingRule ownPackets(Ipv6Prefix source, Ipv6Prefix destination) {
    return RoutingRule.lookup(RULE_PRIORITY, source, HomePlace.TABLE)
        .withTo(destination)
        .withInput("lo");
  }
}
