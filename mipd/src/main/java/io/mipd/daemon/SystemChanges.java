package io.mipd.daemon;

import com.google.common.collect.ArrayListMultimap;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ListMultimap;
import com.google.common.collect.Lists;
import com.google.common.collect.Multimaps;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.linux.Sysctl;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.linux.UnmarkedAssociations;
import io.mipd.xfrm.linux.UnmarkedPolicies;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Ipv6Tunnel;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.MacAddress;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RouteType;
import io.mipd.xfrm.netlink.RoutingRule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that mipd changes outside itself, in such a way that it can be taken back, by this process or
 * by another after a crash: routes and rules carry {@link #PROTOCOL}, the rest is in the journal.
 */
final class SystemChanges implements PeerRoutes.Tables {
  private static final Logger log = LoggerFactory.getLogger(SystemChanges.class);

  /** {@code RTPROT} of our routes and rules, a number that nobody else uses; no other meaning. */
  static final int PROTOCOL = 135;

  /** So many routes are told one by one; beyond, how many. */
  private static final int MOST_WORDS = 16;

  private final Rtnetlink netlink;
  private final Journal journal;

  SystemChanges(Rtnetlink netlink, Journal journal) {
    this.netlink = netlink;
    this.journal = journal;
  }

  /** Sets a kernel parameter, if this kernel has it. */
  void setSysctl(String key, String value) throws IOException {
    Optional<String> now = Sysctl.read(key);
    if (now.isEmpty() || now.get().equals(value)) {
      return;
    }
    if (journal.before(key).isEmpty()) {
      journal.add(new Journal.Entry.SysctlChanged(key, now.get()));
    }
    Sysctl.write(key, value);
    log.debug("sysctl {}: {} -> {}", key, now.get(), value);
  }

  void putAddress(Link link, InterfaceAddress address) throws IOException {
    journal.add(
        new Journal.Entry.AddressAdded(link.name(), address.address(), address.prefixLength()));
    netlink.replaceAddress(address);
    log.debug("address {}/{} on {}", address.address(), address.prefixLength(), link.name());
  }

  void removeAddress(String interfaceName, Ipv6Address address, int prefixLength)
      throws IOException {
    Optional<Link> link = netlink.link(interfaceName);
    if (link.isPresent()) {
      netlink.removeAddress(link.get().index(), address, prefixLength);
    }
    journal.remove(new Journal.Entry.AddressAdded(interfaceName, address, prefixLength));
    log.debug("address {}/{} no longer on {}", address, prefixLength, interfaceName);
  }

  /**
   * Removes an address that {@link #putAddress} may have put there, without waiting for the disk.
   */
  void dropAddress(String interfaceName, int interfaceIndex, Ipv6Address address, int prefixLength)
      throws SystemCallException {
    netlink.removeAddress(interfaceIndex, address, prefixLength);
    journal.removeLater(new Journal.Entry.AddressAdded(interfaceName, address, prefixLength));
    log.debug("address {}/{} dropped from {}", address, prefixLength, interfaceName);
  }

  void putProxy(Link link, Ipv6Address address) throws IOException {
    journal.add(new Journal.Entry.ProxyAdded(link.name(), address));
    netlink.addProxy(link.index(), address);
    log.debug("proxy for {} on {}", address, link.name());
  }

  /** As {@link #putProxy} for each; tries all before it fails. */
  void putProxies(Link link, List<Ipv6Address> addresses) throws IOException {
    journal.addAll(
        Lists.transform(addresses, one -> new Journal.Entry.ProxyAdded(link.name(), one)));
    netlink.addProxies(link.index(), addresses);
    log.debug("proxies for {} on {}", addresses, link.name());
  }

  /** As {@link #removeProxy} for each; tries all before it fails. */
  private void removeProxies(String interfaceName, List<Ipv6Address> addresses) throws IOException {
    Optional<Link> link = netlink.link(interfaceName);
    if (link.isPresent()) {
      netlink.removeProxies(link.get().index(), addresses);
    }
    journal.removeAll(
        Lists.transform(addresses, one -> new Journal.Entry.ProxyAdded(interfaceName, one)));
  }

  void removeProxy(String interfaceName, Ipv6Address address) throws IOException {
    Optional<Link> link = netlink.link(interfaceName);
    if (link.isPresent()) {
      netlink.removeProxy(link.get().index(), address);
    }
    journal.remove(new Journal.Entry.ProxyAdded(interfaceName, address));
    log.debug("no proxy for {} on {}", address, interfaceName);
  }

  /**
   * A device that swallows what is sent to it, up; the one of that name that is there already stays
   * as it is.
   */
  Link putDevice(String name, int mtu) throws IOException {
    var entry = new Journal.Entry.DeviceAdded(name);
    boolean there = netlink.link(name).isPresent();
    if (there && !journal.entries().contains(entry)) {
      throw new IOException(
          "there is a device " + name + " already, and it is not mipd's: set tunnel-device");
    }
    journal.add(entry);
    if (!there) {
      netlink.addDummy(name);
    }
    return up(name, mtu);
  }

  /** A tunnel of IPv6 in IPv6 (RFC 2473), up. */
  Link putTunnel(String name, Ipv6Address local, Ipv6Address remote, int mtu) throws IOException {
    journal.add(new Journal.Entry.DeviceAdded(name));
    netlink.addTunnel(Ipv6Tunnel.between(name, local, remote));
    log.debug("tunnel {} from {} to {}", name, local, remote);
    return up(name, mtu);
  }

  private Link up(String name, int mtu) throws IOException {
    Link link = netlink.link(name).orElseThrow(() -> new IOException("there is no device " + name));
    // Neither a link-local address nor router solicitations.
    Sysctl.write("net/ipv6/conf/" + name + "/addr_gen_mode", "1");
    Sysctl.write("net/ipv6/conf/" + name + "/accept_ra", "0");
    netlink.setMtu(link.index(), mtu);
    netlink.setUp(link.index(), true);
    return link;
  }

  void removeDevice(String name) throws IOException {
    Optional<Link> link = netlink.link(name);
    if (link.isPresent()) {
      netlink.removeLink(link.get().index());
    }
    journal.remove(new Journal.Entry.DeviceAdded(name));
    log.debug("no device {}", name);
  }

  /** Whether the kernel knows a router by this link-layer address. */
  boolean isRouter(int interfaceIndex, MacAddress address) {
    try {
      return netlink.neighbours().stream()
          .anyMatch(
              it ->
                  it.interfaceIndex() == interfaceIndex
                      && it.router()
                      && it.linkLayerAddress().equals(Optional.of(address)));
    } catch (SystemCallException e) {
      log.debug("neighbours: {}", e.toString());
      return false;
    }
  }

  /** What others have in the kernel's policy database. */
  OthersPolicies others(KernelBackend kernel) {
    return new OthersPolicies(kernel, journal);
  }

  /** Policies of ours that bear no mark, a predecessor's among them. */
  UnmarkedPolicies unmarkedPolicies() {
    return new JournalledPolicies(journal);
  }

  /** Associations likewise. */
  UnmarkedAssociations unmarkedAssociations() {
    return new JournalledAssociations(journal);
  }

  /** From now on the kernel has policies and states of ours. */
  void xfrmIsUsed() throws IOException {
    journal.add(new Journal.Entry.XfrmUsed());
  }

  /** Puts a route in the place of the one with the same destination, table and metric. */
  @Override
  public void putRoute(Route route) throws SystemCallException {
    netlink.replaceRoute(route.withProtocol(PROTOCOL));
    log.debug("route {}", words(route));
  }

  /** As {@link #putRoute} for each; tries all before it fails. */
  void putRoutes(List<Route> routes) throws SystemCallException {
    netlink.replaceRoutes(Lists.transform(routes, one -> one.withProtocol(PROTOCOL)));
    log.debug("routes {}", routes);
  }

  /** Likewise, by a socket of its own. */
  void putRoutesByAnyThread(List<Route> routes) throws SystemCallException {
    try (Rtnetlink own = Rtnetlink.open()) {
      own.replaceRoutes(Lists.transform(routes, one -> one.withProtocol(PROTOCOL)));
    }
  }

  @Override
  public void removeRoute(Route route) throws SystemCallException {
    if (netlink.removeRoute(route.withProtocol(PROTOCOL))) {
      log.debug("no route {}", words(route));
    }
  }

  /** Removes routes that {@link #takeOver} has left there; what fails is said. */
  void dropRoutes(List<Route> routes) {
    attempt(() -> netlink.removeRoutes(routes));
    log.debug("no routes {}", routes);
  }

  /** Adds a rule unless it is there. */
  @Override
  public void putRule(RoutingRule rule) throws SystemCallException {
    try {
      netlink.addRule(rule.withProtocol(PROTOCOL));
      log.debug("rule {} from {} {} {}", rule.priority(), rule.from(), rule.action(), rule.table());
    } catch (SystemCallException e) {
      if (!e.is("EEXIST")) {
        throw e;
      }
    }
  }

  @Override
  public void removeRule(RoutingRule rule) throws SystemCallException {
    if (netlink.removeRule(rule.withProtocol(PROTOCOL))) {
      log.debug("no rule {} from {}", rule.priority(), rule.from());
    }
  }

  /**
   * Takes back what a dead predecessor left, but for what keeps the given addresses' packets from
   * leaving in clear.
   *
   * @param device that goes on being used, with the guarded addresses on it, and the kernel's
   *     policies and states with it; empty for none of all that
   * @param listed its routes, as {@link #routesLeft} has listed them; empty if nobody has
   * @throws SystemCallException if the system cannot be asked; what cannot be taken back is logged
   */
  Leftovers takeOver(
      ImmutableSet<Ipv6Address> guarded,
      Optional<String> device,
      Optional<ImmutableList<Route>> listed)
      throws SystemCallException {
    ImmutableList<Route> routes = listed.isPresent() ? listed.get() : ourRoutes(netlink);
    ImmutableList<Route> blackholes =
        routes.stream()
            .filter(route -> route.type() == RouteType.BLACKHOLE)
            .filter(route -> isHostOf(route.destination(), guarded))
            .collect(ImmutableList.toImmutableList());
    return new Leftovers(
        takeBack(guarded, device, false, routes),
        !blackholes.isEmpty() || hasBlackholeRule(guarded),
        blackholes);
  }

  /**
   * What a dead predecessor left.
   *
   * @param removed what was taken back of it, in words
   * @param guards whether something is left, which keeps the addresses' packets from leaving in
   *     clear
   * @param blackholes routes that do so
   */
  record Leftovers(
      ImmutableList<String> removed, boolean guards, ImmutableList<Route> blackholes) {}

  private boolean hasBlackholeRule(ImmutableSet<Ipv6Address> guarded) throws SystemCallException {
    return netlink.rules().stream()
        .anyMatch(
            rule ->
                rule.protocol() == PROTOCOL
                    && rule.action() == RoutingRule.Action.BLACKHOLE
                    && isHostOf(rule.from(), guarded));
  }

  /** The routes of a dead predecessor, who is sure to be dead; by a socket of its own. */
  static ImmutableList<Route> routesLeft() throws SystemCallException {
    try (Rtnetlink own = Rtnetlink.open()) {
      return ourRoutes(own);
    }
  }

  /** There may be very many: they are listed once. */
  private static ImmutableList<Route> ourRoutes(Rtnetlink netlink) throws SystemCallException {
    return netlink.routes().stream()
        .filter(route -> route.protocol() == PROTOCOL)
        .collect(ImmutableList.toImmutableList());
  }

  /** Takes back everything but what keeps these addresses' packets from leaving in clear. */
  void leaveGuarded(ImmutableSet<Ipv6Address> guarded) {
    takeBack(guarded, Optional.empty(), false);
  }

  /**
   * Takes back everything. Goes on after a failure.
   *
   * @return what was taken back, in words
   */
  ImmutableList<String> takeBackAll() {
    return takeBack(ImmutableSet.of(), Optional.empty(), true);
  }

  private ImmutableList<String> takeBack(
      ImmutableSet<Ipv6Address> guarded, Optional<String> kept, boolean sysctls) {
    List<Route> routes = new ArrayList<>();
    attempt(() -> routes.addAll(ourRoutes(netlink)));
    return takeBack(guarded, kept, sysctls, routes);
  }

  private ImmutableList<String> takeBack(
      ImmutableSet<Ipv6Address> guarded,
      Optional<String> kept,
      boolean sysctls,
      List<Route> routes) {
    var done = ImmutableList.<String>builder();
    boolean othersSteppedBack = false;
    ListMultimap<String, Ipv6Address> proxies = ArrayListMultimap.create();
    // Rules that lead somewhere first, so that what they led is held by the blackholes meanwhile.
    attempt(() -> removeRules(guarded, false, done));
    attempt(() -> removeRoutes(routes, guarded, false, done));
    for (Journal.Entry entry : journal.entries().reverse()) {
      if (entry instanceof Journal.Entry.AddressAdded added) {
        if (kept.equals(Optional.of(added.interfaceName())) && guarded.contains(added.address())) {
          continue;
        }
        attempt(
            () -> {
              removeAddress(added.interfaceName(), added.address(), added.prefixLength());
              done.add(entry.toString());
            });
      } else if (entry instanceof Journal.Entry.ProxyAdded added) {
        proxies.put(added.interfaceName(), added.address());
      } else if (entry instanceof Journal.Entry.DeviceAdded added) {
        if (kept.equals(Optional.of(added.name()))) {
          continue;
        }
        attempt(
            () -> {
              removeDevice(added.name());
              done.add(entry.toString());
            });
      } else if (entry instanceof Journal.Entry.XfrmUsed && kept.isEmpty()) {
        attempt(
            () -> {
              done.addAll(KernelWorld.removeAll(unmarkedPolicies(), unmarkedAssociations()));
              journal.remove(entry);
            });
      } else if (entry instanceof Journal.Entry.PrioritySteppedBack && kept.isEmpty()) {
        othersSteppedBack = true;
      } else if (sysctls && entry instanceof Journal.Entry.SysctlChanged changed) {
        attempt(
            () -> {
              // The interface may have gone, and its parameters with it.
              if (Sysctl.read(changed.key()).isPresent()) {
                Sysctl.write(changed.key(), changed.before());
              }
              journal.remove(entry);
              done.add(entry.toString());
            });
      }
    }
    Multimaps.asMap(proxies)
        .forEach(
            (interfaceName, addresses) ->
                attempt(
                    () -> {
                      removeProxies(interfaceName, addresses);
                      done.add(addresses.size() + " proxies on " + interfaceName);
                    }));
    if (othersSteppedBack) {
      // Ours are no more by now.
      attempt(() -> done.addAll(OthersPolicies.giveBack(journal)));
    }
    attempt(() -> removeRules(guarded, true, done));
    attempt(() -> removeRoutes(routes, guarded, true, done));
    attempt(journal::flush);
    return done.build();
  }

  private void removeRules(
      ImmutableSet<Ipv6Address> guarded, boolean blackholes, ImmutableList.Builder<String> done)
      throws SystemCallException {
    for (RoutingRule rule : netlink.rules()) {
      boolean blackhole = rule.action() == RoutingRule.Action.BLACKHOLE;
      if (rule.protocol() == PROTOCOL
          && blackhole == blackholes
          && !(blackhole && isHostOf(rule.from(), guarded))
          && netlink.removeRule(rule)) {
        done.add("rule " + rule.priority() + " from " + rule.from() + " " + rule.action());
      }
    }
  }

  private void removeRoutes(
      List<Route> routes,
      ImmutableSet<Ipv6Address> guarded,
      boolean blackholes,
      ImmutableList.Builder<String> done)
      throws SystemCallException {
    ImmutableList<Route> ours =
        routes.stream()
            .filter(route -> (route.type() == RouteType.BLACKHOLE) == blackholes)
            .filter(route -> !(blackholes && isHostOf(route.destination(), guarded)))
            .collect(ImmutableList.toImmutableList());
    netlink.removeRoutes(ours);
    if (ours.size() > MOST_WORDS) {
      done.add(ours.size() + " routes");
    } else {
      ours.forEach(route -> done.add("route " + words(route)));
    }
  }

  private static boolean isHostOf(Ipv6Prefix prefix, ImmutableSet<Ipv6Address> addresses) {
    return prefix.isHost() && addresses.contains(prefix.address());
  }

  private static String words(Route route) {
    return route.type()
        + " "
        + route.destination()
        + (route.gateway().isPresent() ? " via " + route.gateway().get() : "")
        + (route.interfaceIndex().isPresent() ? " dev " + route.interfaceIndex().getAsInt() : "")
        + " table "
        + route.table();
  }

  /** One step of taking back; what fails is said, and the next step goes on. */
  private interface Step {
    void run() throws IOException;
  }

  private static void attempt(Step step) {
    try {
      step.run();
    } catch (IOException e) {
      log.warn("could not take back: {}", e.toString());
    }
  }
}
