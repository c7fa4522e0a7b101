package io.mipd.daemon;

import com.google.common.collect.Lists;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A home agent's routes to the home addresses that are bound, and its answers for them on the home
 * link: the kernel's for the first thousand, {@link NeighborProxies} for the others. Under each
 * route into the device of home addresses lies a blackhole: when we die and the device goes, it
 * keeps the packets from the home link.
 */
final class HomeProxies implements AutoCloseable {
  private static final int METRIC = 1024;

  /** Behind every other route. */
  private static final int GUARD_METRIC = 0x7fff_ff00;

  /** So many the kernel answers for; see {@link NeighborProxies}. */
  private static final int MOST_IN_KERNEL = 1000;

  private final SystemChanges system;
  private final int device;
  private final NeighborProxies beyond;

  /** For which the kernel answers, by the interface's name. */
  private final Map<Ipv6Address, String> proxied = new TreeMap<>();

  /**
   * @param beyond answers for those that the kernel has no room for
   */
  HomeProxies(SystemChanges system, int device, NeighborProxies beyond) {
    this.system = system;
    this.device = device;
    this.beyond = beyond;
  }

  /**
   * @throws IOException if some could not be put; all have been tried
   */
  void put(Link homeLink, List<HomeAddress> addresses) throws IOException {
    List<Ipv6Address> all = Lists.transform(addresses, HomeAddress::value);
    List<Ipv6Prefix> hosts = Lists.transform(all, Ipv6Prefix::host);
    List<Ipv6Address> inKernel = new ArrayList<>();
    List<Ipv6Address> byUs = new ArrayList<>();
    for (Ipv6Address address : all) {
      if (proxied.containsKey(address) || proxied.size() < MOST_IN_KERNEL) {
        beyond.remove(address);
        proxied.put(address, homeLink.name());
        inKernel.add(address);
      } else {
        byUs.add(address);
      }
    }
    List<IOException> failures = new ArrayList<>();
    attempt(failures, () -> system.putRoutes(Lists.transform(hosts, HomeProxies::guard)));
    attempt(
        failures,
        () ->
            system.putRoutes(
                Lists.transform(hosts, host -> Route.via(device, host).withMetric(METRIC))));
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

  void remove(HomeAddress address) throws IOException {
    Ipv6Prefix host = Ipv6Prefix.host(address.value());
    String interfaceName = proxied.remove(address.value());
    beyond.remove(address.value());
    if (interfaceName != null) {
      system.removeProxy(interfaceName, address.value());
    }
    system.removeRoute(Route.via(device, host).withMetric(METRIC));
    system.removeRoute(guard(host));
  }

  /** Nobody is answered any more; what is in the kernel stays. */
  @Override
  public void close() {
    beyond.close();
  }

  /** Lies under a route into the device: when we die and it goes, nothing leaves in clear. */
  static Route guard(Ipv6Prefix destination) {
    return Route.blackhole(destination).withMetric(GUARD_METRIC);
  }
}
