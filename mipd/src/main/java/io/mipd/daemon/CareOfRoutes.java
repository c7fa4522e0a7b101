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
 * Keeps foreign sources from links, where routers drop them: the kernel chooses among routes
 * without looking at the source. With several uplinks what has a care-of address as its source
 * leaves by the uplink that has the address; and what still has one that is gone does not leave at
 * all, until the tunnel ends elsewhere.
 *
 * <pre>
 *   1345: from CoA lookup 62750000 + interface index      with several uplinks
 *   1346: from CoA blackhole                              when it is gone
 *   table: what the main table has for that interface
 * </pre>
 */
final class CareOfRoutes {
  private static final Logger log = LoggerFactory.getLogger(CareOfRoutes.class);

  private static final int LOOKUP_PRIORITY = 1345;
  private static final int GONE_PRIORITY = 1346;

  /** Addresses that are gone and still kept from leaving; the oldest is let go beyond. */
  private static final int MAX_GONE = 4;

  private static final int TABLE_BASE = 62_750_000;

  private final SystemChanges system;
  private final ImmutableSet<String> uplinks;
  private final ImmutableSet<Ipv6Address> home;
  private final Map<Integer, String> names = new HashMap<>();
  private final Set<Route> copies = new LinkedHashSet<>();
  private final Set<Source> sources = new HashSet<>();
  private final Set<Ipv6Address> gone = new LinkedHashSet<>();

  private record Source(int interfaceIndex, Ipv6Address address) {}

  CareOfRoutes(SystemChanges system, ImmutableSet<String> uplinks, ImmutableSet<Ipv6Address> home) {
    this.system = system;
    this.uplinks = uplinks;
    this.home = home;
  }

  void changed(RtnetlinkNotice notice) {
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
    if (uplinks.size() < 2
        || route.table() != Route.MAIN
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

  private void addressChanged(InterfaceAddress address, boolean isGone) throws IOException {
    if (!names.containsKey(address.interfaceIndex())
        || !address.address().isGlobalUnicast()
        || home.contains(address.address())) {
      return;
    }
    var source = new Source(address.interfaceIndex(), address.address());
    if (!isGone && address.isUsable()) {
      if (sources.add(source)) {
        if (uplinks.size() > 1) {
          system.putRule(lookup(source));
        }
        if (gone.remove(source.address())) {
          system.removeRule(blackhole(source.address()));
        }
      }
    } else if (sources.remove(source)) {
      if (uplinks.size() > 1) {
        system.removeRule(lookup(source));
      }
      if (sources.stream().noneMatch(other -> other.address().equals(source.address()))) {
        keepFromLeaving(source.address());
      }
    }
  }

  private void keepFromLeaving(Ipv6Address address) throws IOException {
    system.putRule(blackhole(address));
    gone.add(address);
    if (gone.size() > MAX_GONE) {
      Ipv6Address oldest = gone.iterator().next();
      gone.remove(oldest);
      system.removeRule(blackhole(oldest));
    }
  }

  private static RoutingRule lookup(Source source) {
    return RoutingRule.lookup(
        LOOKUP_PRIORITY, Ipv6Prefix.host(source.address()), TABLE_BASE + source.interfaceIndex());
  }

  private static RoutingRule blackhole(Ipv6Address address) {
    return RoutingRule.blackhole(GONE_PRIORITY, Ipv6Prefix.host(address));
  }
}
