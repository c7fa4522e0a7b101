package io.mipd.daemon;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Routes into the device of home addresses for peers that are bound here: so that our engine gets
 * the packets which the kernel would otherwise send to the peer's home. What the kernel refuses
 * stays wished for.
 */
final class PeerRoutes {
  private static final Logger log = LoggerFactory.getLogger(PeerRoutes.class);

  static final int RULE_PRIORITY = 1349;

  private static final int METRIC = 1024;

  /** Where such routes stand. */
  enum Kind {
    /** A host's packets all go that way; those from other addresses leave it as they came. */
    HOST,
    /** A router passes packets of others on: only its own may go there. */
    ROUTER,
    /** Beside the other routes of our home address. */
    MOBILE_NODE
  }

  /** The kernel's routing tables. */
  interface Tables {
    void putRoute(Route route) throws IOException;

    void removeRoute(Route route) throws IOException;

    void putRule(RoutingRule rule) throws IOException;

    void removeRule(RoutingRule rule) throws IOException;
  }

  private record Pair(Ipv6Address local, Ipv6Address peer) {}

  private final Tables tables;
  private final int device;
  private final Kind kind;
  private final ImmutableSet<Ipv6Address> home;

  private final Set<Pair> wanted = new LinkedHashSet<>();

  /** What the kernel has, the oldest first. */
  private final Set<Pair> there = new LinkedHashSet<>();

  /**
   * @param home our home addresses: each has its routing table
   */
  PeerRoutes(Tables tables, int device, Kind kind, ImmutableSet<Ipv6Address> home) {
    this.tables = tables;
    this.device = device;
    this.kind = kind;
    this.home = home;
  }

  /**
   * Packets from {@code local} to {@code peer} are to be led here, or no more.
   *
   * @throws IOException if the kernel refuses; {@link #retry} asks again
   */
  void put(Ipv6Address local, Ipv6Address peer, boolean on) throws IOException {
    var pair = new Pair(local, peer);
    if (on) {
      wanted.add(pair);
    } else {
      wanted.remove(pair);
    }
    follow(pair);
  }

  /** Whether the kernel has something else than is wished for. */
  boolean isBehind() {
    return !wanted.equals(there);
  }

  /** Tries again what was refused; returns whether all is as it should be. */
  boolean retry() {
    Set<Pair> all = new LinkedHashSet<>(there);
    all.addAll(wanted);
    for (Pair pair : all) {
      try {
        follow(pair);
      } catch (IOException e) {
        log.debug("route for {}: {}", pair, e.getMessage());
      }
    }
    return !isBehind();
  }

  private void follow(Pair pair) throws IOException {
    if (wanted.contains(pair) && !there.contains(pair)) {
      tables.putRoute(route(pair));
      if (kind == Kind.ROUTER) {
        putRule(pair);
      }
      there.add(pair);
    } else if (!wanted.contains(pair) && there.contains(pair)) {
      if (kind == Kind.ROUTER) {
        tables.removeRule(rule(pair));
      }
      leave(pair);
      there.remove(pair);
    }
  }

  private void putRule(Pair pair) throws IOException {
    try {
      tables.putRule(rule(pair));
    } catch (IOException e) {
      // Half of it may not stay: nobody would take it away.
      leave(pair);
      throw e;
    }
  }

  /** The route to a peer is one in each table, whichever of our addresses it is for. */
  private void leave(Pair pair) throws IOException {
    Optional<Pair> other =
        there.stream()
            .filter(it -> it.peer().equals(pair.peer()) && !it.equals(pair))
            .filter(it -> table(it) == table(pair))
            .findFirst();
    if (other.isPresent()) {
      tables.putRoute(route(other.get()));
    } else {
      tables.removeRoute(route(pair));
    }
  }

  private Route route(Pair pair) {
    Route route = Route.via(device, Ipv6Prefix.host(pair.peer())).withMetric(METRIC);
    return kind == Kind.HOST
        ? route.withPreferredSource(pair.local())
        : route.withTable(table(pair));
  }

  private int table(Pair pair) {
    return kind == Kind.HOST ? Route.MAIN : HomePlace.table(home, pair.local());
  }

  private static RoutingRule rule(Pair pair) {
    return RoutingRule.lookup(RULE_PRIORITY, Ipv6Prefix.host(pair.local()), HomePlace.TABLE)
        .withTo(Ipv6Prefix.host(pair.peer()));
  }
}
