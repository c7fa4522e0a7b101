package io.mipd.daemon;

import static java.util.Objects.requireNonNull;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import com.google.common.collect.Sets;
import com.google.common.util.concurrent.Futures;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Route;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The routes to home addresses that a predecessor has left bound, put by a thread of its own while
 * all else is made ready: of very many the kernel takes its time.
 */
final class RestoredRoutes implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RestoredRoutes.class);

  private final ImmutableSet<Ipv6Address> addresses;
  private final CompletableFuture<Integer> device = new CompletableFuture<>();
  private final FutureTask<Boolean> all;

  private RestoredRoutes(
      SystemChanges system, ImmutableSet<Ipv6Address> addresses, ImmutableList<Route> left) {
    this.addresses = addresses;
    all = new FutureTask<>(() -> put(system, left));
  }

  /**
   * Puts the blackholes at once; what is to lie over them when {@link #into} says where.
   *
   * @param left those blackholes that are there already
   */
  static RestoredRoutes begin(
      SystemChanges system, ImmutableSet<Ipv6Address> addresses, ImmutableList<Route> left) {
    var routes = new RestoredRoutes(system, addresses, left);
    if (addresses.isEmpty()) {
      routes.all.run();
    } else {
      var thread = new Thread(routes.all, "routes");
      thread.setDaemon(true);
      thread.start();
    }
    return routes;
  }

  /**
   * @return whether they are there
   */
  private boolean put(SystemChanges system, ImmutableList<Route> left) {
    if (addresses.isEmpty()) {
      return true;
    }
    try {
      Set<Ipv6Address> guarded = Sets.newHashSetWithExpectedSize(left.size());
      left.stream()
          .filter(HomeProxies::isGuard)
          .forEach(route -> guarded.add(route.destination().address()));
      List<Ipv6Prefix> hosts = Lists.transform(addresses.asList(), Ipv6Prefix::host);
      system.putRoutesByAnyThread(
          hosts.stream()
              .filter(host -> !guarded.contains(host.address()))
              .map(HomeProxies::guard)
              .toList());
      int index = device.join();
      system.putRoutesByAnyThread(Lists.transform(hosts, host -> HomeProxies.into(index, host)));
      return true;
    } catch (CancellationException e) {
      log.debug("no routes of a predecessor's bindings: we stop");
      return false;
    } catch (IOException | RuntimeException e) {
      log.warn(
          "routes of a predecessor's bindings, put again when the home link is up: {}",
          e.toString());
      return false;
    }
  }

  /** Whose they are, or are to be. */
  ImmutableSet<Ipv6Address> addresses() {
    return addresses;
  }

  /** The device of home addresses is there. */
  void into(int deviceIndex) {
    device.complete(deviceIndex);
  }

  /** Waits until they are there: whose they are; nobody's if something went wrong. */
  ImmutableSet<Ipv6Address> await() {
    return requireNonNull(Futures.getUnchecked(all)) ? addresses : ImmutableSet.of();
  }

  /** Nothing is put any more when it returns. */
  @Override
  public void close() {
    device.cancel(false);
    await();
  }
}
