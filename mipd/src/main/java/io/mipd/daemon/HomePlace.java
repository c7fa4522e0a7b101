package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction.Place;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The routing of a mobile node's home address. Its packets meet a table of its own, whose default
 * route leads to the home link or into the device of home addresses (a TUN device, or one that
 * swallows); behind the table a rule drops them. So there is no moment, and no way to die, in which
 * they take the routes of a foreign link.
 *
 * <pre>
 *   1350: from HoA lookup 6275
 *   1351: from HoA blackhole
 *   1352: to PREFIX goto 1417                       (one for each configured prefix: the care-of address)
 *   1353: from HoA to PREFIX lookup 6275            (or the home address; source not chosen yet)
 *   1416: from HoA lookup 6275                      (source not chosen yet)
 *   1417: nop
 *   table 6275, away:    default dev mipd0
 *   table 6275, at home: default via ROUTER dev eth0; HOME-PREFIX dev eth0
 * </pre>
 *
 * <p>Of several home addresses each has these rules with a table of its own: 6275, 6276 and so on.
 *
 * <p>The rules behind the guard are for sockets that have bound no address: they take the home
 * address (RFC 6724 section 5, rule 4), also where the kernel does not know home addresses, unless
 * the configuration wants the care-of address there.
 */
final class HomePlace {
  private static final Logger log = LoggerFactory.getLogger(HomePlace.class);

  /** Of the first home address. */
  static final int TABLE = 6275;

  static final int MAXIMUM_ADDRESSES = 16;
  static final int LOOKUP_PRIORITY = 1350;
  static final int GUARD_PRIORITY = 1351;
  static final int CHOICE_PRIORITY = 1352;
  static final int MAXIMUM_CHOICES = 64;
  private static final int HOME_PRIORITY = CHOICE_PRIORITY + MAXIMUM_CHOICES;
  private static final int END_PRIORITY = HOME_PRIORITY + 1;

  private final SystemChanges system;
  private final Ipv6Address homeAddress;
  private final Ipv6Prefix homePrefix;
  private final int table;
  private final int device;
  private final Map<RouterKey, Route> defaultRoutes = new LinkedHashMap<>();
  private Place place = Place.NOWHERE;
  private boolean preferred = true;
  private Optional<Link> homeLink = Optional.empty();
  private Optional<Ipv6Address> gateway = Optional.empty();

  private record RouterKey(int interfaceIndex, Ipv6Address gateway, int metric) {}

  /**
   * @param table the home address's: {@link #table}
   * @param device that has home addresses while they are away
   */
  HomePlace(
      SystemChanges system, Ipv6Address homeAddress, Ipv6Prefix homePrefix, int table, int device) {
    this.system = system;
    this.homeAddress = homeAddress;
    this.homePrefix = homePrefix;
    this.table = table;
    this.device = device;
  }

  /**
   * Sets up the guard, then the way into the device.
   *
   * @param choices which source address sockets take that are not bound; the first that contains
   *     the destination decides
   */
  void begin(ImmutableList<DaemonConfiguration.SourceChoice> choices) throws IOException {
    Ipv6Prefix from = Ipv6Prefix.host(homeAddress);
    system.putRule(RoutingRule.blackhole(GUARD_PRIORITY, from));
    putDefault(Optional.empty());
    system.putRule(RoutingRule.lookup(LOOKUP_PRIORITY, from, table));
    for (int i = 0; i < choices.size(); i++) {
      DaemonConfiguration.SourceChoice choice = choices.get(i);
      RoutingRule rule =
          choice.home()
              ? RoutingRule.lookup(CHOICE_PRIORITY + i, from, table).findingSource()
              : RoutingRule.goTo(CHOICE_PRIORITY + i, END_PRIORITY);
      system.putRule(rule.withTo(choice.prefix()));
    }
    system.putRule(RoutingRule.lookup(HOME_PRIORITY, from, table).findingSource());
    system.putRule(RoutingRule.nop(END_PRIORITY));
  }

  /**
   * The routing table of one of our home addresses.
   *
   * @param home all of them, in their order
   */
  static int table(ImmutableSet<Ipv6Address> home, Ipv6Address address) {
    return TABLE + Math.max(0, home.asList().indexOf(address));
  }

  Place place() {
    return place;
  }

  /** The interface that has the home address. */
  Optional<Link> homeLink() {
    return homeLink;
  }

  /**
   * @param link for {@link Place#HOME} the home link
   */
  void put(Place newPlace, Optional<Link> link) throws IOException {
    if (newPlace == Place.HOME && link.isPresent()) {
      if (homeLink.isPresent() && homeLink.get().index() != link.get().index()) {
        leaveLink();
      }
      homeLink = link;
      putAddress(link.get());
      system.putRoute(Route.via(link.get().index(), homePrefix).withTable(table));
      putDefault(router());
    } else {
      // First the route, then the address: what is sent between the two meets the policies.
      putDefault(Optional.empty());
      leaveLink();
    }
    if (place != newPlace) {
      log.info("home address {}: {} -> {}", homeAddress, place, newPlace);
      place = newPlace;
    }
  }

  private void putAddress(Link link) throws IOException {
    system.putAddress(
        link,
        InterfaceAddress.permanent(link.index(), homeAddress, Ipv6Address.BITS, AddressFlag.NODAD)
            .preferred(preferred));
  }

  /** Whether programs that have bound no address may take it, on the home link. */
  void prefer(boolean nowPreferred) throws IOException {
    preferred = nowPreferred;
    if (homeLink.isPresent()) {
      putAddress(homeLink.get());
    }
    log.info("home address {}: {}", homeAddress, preferred ? "preferred" : "deprecated");
  }

  private void leaveLink() throws IOException {
    if (homeLink.isPresent()) {
      Link link = homeLink.get();
      homeLink = Optional.empty();
      system.removeRoute(Route.via(link.index(), homePrefix).withTable(table));
      system.removeAddress(link.name(), homeAddress, Ipv6Address.BITS);
    }
  }

  /** Keeps the way to the home link's router up to date. */
  void routeChanged(Route route, boolean gone) throws IOException {
    if (!route.isDefault()
        || route.table() != Route.MAIN
        || route.gateway().isEmpty()
        || route.interfaceIndex().isEmpty()) {
      return;
    }
    var key =
        new RouterKey(route.interfaceIndex().getAsInt(), route.gateway().get(), route.metric());
    if (gone) {
      defaultRoutes.remove(key);
    } else {
      defaultRoutes.put(key, route);
    }
    if (place == Place.HOME && !router().equals(gateway)) {
      putDefault(router());
    }
  }

  private Optional<Ipv6Address> router() {
    Optional<Ipv6Address> best = Optional.empty();
    long least = Long.MAX_VALUE;
    for (Route route : defaultRoutes.values()) {
      if (homeLink.isPresent()
          && route.interfaceIndex().getAsInt() == homeLink.get().index()
          && Integer.toUnsignedLong(route.metric()) < least) {
        least = Integer.toUnsignedLong(route.metric());
        best = route.gateway();
      }
    }
    return best;
  }

  /** Into the device without a router: it drops what no policy names. */
  private void putDefault(Optional<Ipv6Address> router) throws IOException {
    Route route =
        router.isPresent() && homeLink.isPresent()
            ? Route.via(homeLink.get().index(), Ipv6Prefix.ANY).withGateway(router.get())
            : Route.via(device, Ipv6Prefix.ANY);
    system.putRoute(route.withTable(table).withMetric(METRIC));
    gateway = router;
  }

  private static final int METRIC = 1024;
}
