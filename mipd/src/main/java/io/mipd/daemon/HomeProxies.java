package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A home agent's routes to the home addresses that are bound, and its answers for them on the home
 * link: the kernel's for the first thousand, {@link NeighborProxies} for the others. Under each
 * route into the device of home addresses lies a blackhole: when we die and the device goes, it
 * keeps the packets from the home link.
 */
final class HomeProxies implements Interception.Proxies, AutoCloseable {
  private static final int METRIC = 1024;

  /** Behind every other route. */
  static final int GUARD_METRIC = 0x7fff_ff00;

  /** So many the kernel answers for; see {@link NeighborProxies}. */
  private static final int MOST_IN_KERNEL = 1000;

  private final SystemChanges system;
  private final int device;
  private final NeighborProxies beyond;

  /** For which the kernel answers, by the interface's name. */
  private final Map<Ipv6Address, String> proxied = new HashMap<>();

  private final RestoredRoutes restored;

  /** Whose routes are there already; nobody's once the home link was up. */
  private ImmutableSet<Ipv6Address> routed = ImmutableSet.of();

  /** Those whose routes are there no more. */
  private final Set<Ipv6Address> ended = new HashSet<>();

  private boolean begun;

  /**
   * @param restored puts routes into the device for some that will be put
   * @param beyond answers for those that the kernel has no room for
   */
  HomeProxies(SystemChanges system, int device, RestoredRoutes restored, NeighborProxies beyond) {
    this.system = system;
    this.device = device;
    this.restored = restored;
    this.beyond = beyond;
    restored.into(device);
  }

  private void awaitRestored() {
    if (!begun) {
      begun = true;
      routed = restored.await();
    }
  }

  private boolean isRouted(Ipv6Address address) {
    return routed.contains(address) && !ended.contains(address);
  }

  /** The blackholes first. */
  private List<Route> routes(List<Ipv6Address> addresses) {
    List<Ipv6Prefix> hosts = Lists.transform(addresses, Ipv6Prefix::host);
    List<Route> routes = new ArrayList<>(Lists.transform(hosts, HomeProxies::guard));
    routes.addAll(Lists.transform(hosts, host -> into(device, host)));
    return routes;
  }

  @Override
  public void put(Link homeLink, List<HomeAddress> addresses) throws IOException {
    List<Ipv6Address> all = Lists.transform(addresses, HomeAddress::value);
    awaitRestored();
    List<Ipv6Address> unrouted = all.stream().filter(it -> !isRouted(it)).toList();
    List<Ipv6Address> inKernel = new ArrayList<>();
    List<Ipv6Address> byUs = new ArrayList<>();
    for (Ipv6Address address : all) {
      if (proxied.size() < MOST_IN_KERNEL || proxied.containsKey(address)) {
        beyond.remove(address);
        proxied.put(address, homeLink.name());
        inKernel.add(address);
      } else {
        byUs.add(address);
      }
    }
    List<IOException> failures = new ArrayList<>();
    attempt(failures, () -> system.putRoutes(routes(unrouted)));
    if (all.size() - unrouted.size() < routed.size() - ended.size()) {
      // Bindings that have ended before they were served again.
      Set<Ipv6Address> wanted = new HashSet<>(all);
      for (Ipv6Address address : routed) {
        if (isRouted(address) && !wanted.contains(address)) {
          attempt(failures, () -> removeRoutes(address));
        }
      }
    }
    routed = ImmutableSet.of();
    ended.clear();
    attempt(failures, () -> system.putProxies(homeLink, inKernel));
    if (!byUs.isEmpty()) {
      attempt(failures, () -> beyond.add(homeLink, byUs));
    }
    if (!failures.isEmpty()) {
      throw failures.get(0);
    }
  }

  /** Something that is put. */
  private interface Step {
    void put() throws IOException;
  }

  private static void attempt(List<IOException> failures, Step step) {
    try {
      step.put();
    } catch (IOException e) {
      failures.add(e);
    }
  }

  @Override
  public void remove(HomeAddress address) throws IOException {
    awaitRestored();
    if (routed.contains(address.value())) {
      ended.add(address.value());
    }
    beyond.remove(address.value());
    String interfaceName = proxied.get(address.value());
    if (interfaceName != null) {
      system.removeProxy(interfaceName, address.value());
      proxied.remove(address.value());
    }
    removeRoutes(address.value());
  }

  /**
   * All that are bound are served again: nobody need be guarded any more whose binding has ended
   * since a predecessor died.
   *
   * @param left blackholes of home addresses that it has left
   */
  void dropGuards(ImmutableList<Route> left) {
    system.dropRoutes(
        left.stream()
            .filter(HomeProxies::isGuard)
            .filter(it -> !restored.addresses().contains(it.destination().address()))
            .toList());
  }

  private void removeRoutes(Ipv6Address address) throws SystemCallException {
    Ipv6Prefix host = Ipv6Prefix.host(address);
    system.removeRoute(into(device, host));
    system.removeRoute(guard(host));
  }

  /** Nobody is answered any more; what is in the kernel stays. */
  @Override
  public void close() {
    beyond.close();
  }

  static Route into(int device, Ipv6Prefix destination) {
    return Route.via(device, destination).withMetric(METRIC);
  }

  /** Lies under a route into the device: when we die and it goes, nothing leaves in clear. */
  static Route guard(Ipv6Prefix destination) {
    return Route.blackhole(destination).withMetric(GUARD_METRIC);
  }

  /** Whether a blackhole is one of those. */
  static boolean isGuard(Route blackhole) {
    return blackhole.metric() == GUARD_METRIC && blackhole.table() == Route.MAIN;
  }
}
