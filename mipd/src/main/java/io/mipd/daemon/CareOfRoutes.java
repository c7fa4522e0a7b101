package io.mipd.daemon;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RouteType;
import io.mipd.xfrm.netlink.RoutingRule;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * With several uplinks, what has a care-of address of one of them as its source leaves by that one:
 * access networks drop foreign sources, and the kernel chooses among default routes without looking
 * at the source.
 *
 * <pre>
 *   1345: from CoA lookup 62750000 + interface index
 *   table: what the main table has for that interface
 * </pre>
 */
final class CareOfRoutes {
  private static final Logger log = LoggerFactory.getLogger(CareOfRoutes.class);

  private static final int PRIORITY = 1345;
  private static final int TABLE_BASE = 62_750_000;

  private final SystemChanges system;
  private final ImmutableSet<String> uplinks;
  private final ImmutableSet<Ipv6Address> home;
  private final Map<Integer, String> names = new HashMap<>();
  private final Set<Route> copies = new LinkedHashSet<>();
  private final Set<Source> sources = new HashSet<>();

  private record Source(int interfaceIndex, Ipv6Address address) {}

  CareOfRoutes(SystemChanges system, ImmutableSet<String> uplinks, ImmutableSet<Ipv6Address> home) {
    this.system = system;
    this.uplinks = uplinks;
    this.home = home;
  }

  void changed(RtnetlinkNotice notice) {
    if (uplinks.size() < 2) {
      return;
    }
    try {
      if (notice instanceof RtnetlinkNotice.LinkNotice change) {
        linkChanged(change.link(), change.gone());
      } else if (notice instanceof RtnetlinkNotice.RouteNotice change) {
        routeChanged(change.route(), change.gone());
      } else if (notice instanceof RtnetlinkNotice.AddressNotice change) {
        addressChanged(change.address(), change.gone());
      }
    } catch (IOException e) {
      log.warn("the way out of a care-of address: {}", e.getMessage());
    }
  }

  private void linkChanged(Link link, boolean gone) {
    if (gone || !uplinks.contains(link.name())) {
      names.remove(link.index());
    } else {
      names.put(link.index(), link.name());
    }
  }

  private void routeChanged(Route route, boolean gone) throws IOException {
    if (route.table() != Route.MAIN
        || route.type() != RouteType.UNICAST
        || route.interfaceIndex().isEmpty()
        || !names.containsKey(route.interfaceIndex().getAsInt())
        || route.destination().address().isLinkLocal()
        || route.destination().address().isMulticast()) {
      return;
    }
    Route copy = route.withTable(TABLE_BASE + route.interfaceIndex().getAsInt());
    if (!gone) {
      if (copies.add(copy)) {
        system.putRoute(copy);
      }
    } else if (copies.remove(copy)) {
      system.removeRoute(copy);
    }
  }

  private void addressChanged(InterfaceAddress address, boolean gone) throws IOException {
    if (!names.containsKey(address.interfaceIndex())
        || !address.address().isGlobalUnicast()
        || home.contains(address.address())) {
      return;
    }
    var source = new Source(address.interfaceIndex(), address.address());
    RoutingRule rule =
        RoutingRule.lookup(
            PRIORITY, Ipv6Prefix.host(address.address()), TABLE_BASE + address.interfaceIndex());
    if (!gone && address.isUsable()) {
      if (sources.add(source)) {
        system.putRule(rule);
      }
    } else if (sources.remove(source)) {
      system.removeRule(rule);
    }
  }
}
