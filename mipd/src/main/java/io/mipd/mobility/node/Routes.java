package io.mipd.mobility.node;

import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.End;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.Route;
import io.mipd.mobility.planner.RoutePolicies;
import io.mipd.mobility.planner.Tunnel;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the roles of a node want of the routes to their peers, folded into wishes. */
final class Routes {
  /** By pair, in the order in which they came. */
  private final Map<WishOwner, Ends> all = new LinkedHashMap<>();

  /** What is around packets of these addresses that are ours, and not optimized. */
  private final Map<Ipv6Address, Tunnel> tunnels = new LinkedHashMap<>();

  /** Home addresses of ours that are not to be used at present. */
  private final Set<Ipv6Address> silent = new LinkedHashSet<>();

  private record Ends(Route ours, Route peers) {
    static final Ends NONE = new Ends(Route.NONE, Route.NONE);

    Ends with(End end, Route route) {
      return end == End.OURS ? new Ends(route, peers) : new Ends(ours, route);
    }
  }

  void want(NodeAction.WantRoute want, List<NodeAction> actions) {
    var pair = WishOwner.route(want.local(), want.peer());
    Ends before = all.getOrDefault(pair, Ends.NONE);
    Ends after = before.with(want.end(), new Route(want.use(), want.accept()));
    if (after.equals(before)) {
      return;
    }
    boolean intercepted = before.peers().use().isPresent();
    boolean intercept = after.peers().use().isPresent();
    if (intercepted && !intercept) {
      actions.add(new NodeAction.InterceptPeer(want.local(), want.peer(), false));
    }
    if (after.equals(Ends.NONE)) {
      all.remove(pair);
      actions.add(new NodeAction.WantMobility(pair, MobilityWish.NOTHING));
    } else {
      all.put(pair, after);
      actions.add(wish(pair, after));
    }
    if (intercept && !intercepted) {
      actions.add(new NodeAction.InterceptPeer(want.local(), want.peer(), true));
    }
  }

  /**
   * The routes of a home address follow the tunnel of its registration.
   *
   * @param isSilent the home address is not to be used: nothing goes by routes either
   */
  void tunnel(
      Ipv6Address home, Optional<Tunnel> tunnel, boolean isSilent, List<NodeAction> actions) {
    if (Optional.ofNullable(tunnels.get(home)).equals(tunnel)
        && silent.contains(home) == isSilent) {
      return;
    }
    tunnel.ifPresentOrElse(it -> tunnels.put(home, it), () -> tunnels.remove(home));
    if (isSilent) {
      silent.add(home);
    } else {
      silent.remove(home);
    }
    all.forEach(
        (pair, ends) -> {
          if (pair.address().equals(home)) {
            actions.add(wish(pair, ends));
          }
        });
  }

  private NodeAction wish(WishOwner pair, Ends ends) {
    if (silent.contains(pair.address())) {
      return new NodeAction.WantMobility(pair, MobilityWish.NOTHING);
    }
    return new NodeAction.WantMobility(
        pair,
        RoutePolicies.route(
            pair.address(),
            pair.peer().orElseThrow(),
            ends.ours(),
            ends.peers(),
            Optional.ofNullable(tunnels.get(pair.address()))));
  }
}
