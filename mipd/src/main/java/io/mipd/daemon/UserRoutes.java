package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Routes and rules into the device of home addresses for what a user's policies transform, so that
 * our engine gets it wherever the mobile node is, from whichever address, on nodes that have no
 * home address, and at a router also what it passes on. What no policy names leaves the engine as
 * it came.
 *
 * <p>What the engine sends does not meet the rules: it is bound to an interface, or bears {@link
 * #SENT_BY_ENGINE}.
 */
final class UserRoutes {
  private static final Logger log = LoggerFactory.getLogger(UserRoutes.class);

  static final int RULE_PRIORITY = 1348;

  /** Of the rules: routes to what policies are for. */
  static final int TABLE = 6274;

  /** Of packets that have passed the engine; the bit that is mipd's own. */
  static final int SENT_BY_ENGINE = KernelBackend.OURS.mask();

  private static final Mark NOT_SENT_BY_ENGINE = KernelBackend.OURS;

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
      Ipv6Prefix destination = policy.selector().destination();
      Route route = Route.via(device, destination).withMetric(METRIC);
      switch (kind) {
        case MOBILE_NODE -> {
          for (Ipv6Address address : home) {
            if (source.contains(address)) {
              system.putRoute(route.withTable(HomePlace.table(home, address)));
            }
          }
        }
        case HOST -> putForHost(system, route, source);
        case ROUTER -> {}
      }
      system.putRoute(HomeProxies.guard(destination).withTable(TABLE));
      system.putRoute(route.withTable(TABLE));
      system.putRule(
          RoutingRule.lookup(RULE_PRIORITY, source, TABLE)
              .withTo(destination)
              .withMark(NOT_SENT_BY_ENGINE));
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
}
