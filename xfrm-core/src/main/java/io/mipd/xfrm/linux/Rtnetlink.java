package io.mipd.xfrm.linux;

import static io.mipd.xfrm.netlink.NetlinkMessage.NLM_F_CREATE;
import static io.mipd.xfrm.netlink.NetlinkMessage.NLM_F_EXCL;
import static io.mipd.xfrm.netlink.NetlinkMessage.NLM_F_REPLACE;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.InterfaceAddressCodec;
import io.mipd.xfrm.netlink.Ipv6Tunnel;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.LinkCodec;
import io.mipd.xfrm.netlink.Neighbour;
import io.mipd.xfrm.netlink.NeighbourCodec;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RouteCodec;
import io.mipd.xfrm.netlink.RoutingRule;
import io.mipd.xfrm.netlink.RoutingRuleCodec;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Interfaces, addresses, routes, rules and neighbours of the network namespace in which it was
 * opened. Each call is one request and its answer; a refusal is a {@link NetlinkException} that
 * carries the kernel's explanation.
 */
public final class Rtnetlink implements AutoCloseable {
  /** What the kernel answers when that which is to be removed is not there. */
  private static final ImmutableSet<String> ABSENT =
      ImmutableSet.of("ENOENT", "ESRCH", "EADDRNOTAVAIL", "ENODEV");

  private final NetlinkSocket socket;

  private Rtnetlink(NetlinkSocket socket) {
    this.socket = socket;
  }

  public static Rtnetlink open() throws SystemCallException {
    return new Rtnetlink(NetlinkSocket.forRequests(NetlinkSocket.NETLINK_ROUTE, "rtnetlink"));
  }

  public ImmutableList<Link> links() throws SystemCallException {
    return ImmutableList.copyOf(
        socket.<Link>list(
            "RTM_GETLINK",
            LinkCodec.RTM_GETLINK,
            out -> LinkCodec.encodeQuery(0, out),
            (message, links) -> LinkCodec.decode(message.payload()).ifPresent(links::add)));
  }

  public Optional<Link> link(String name) throws SystemCallException {
    return queryLink(name, out -> LinkCodec.encodeQuery(name, out));
  }

  public Optional<Link> link(int index) throws SystemCallException {
    return queryLink(index, out -> LinkCodec.encodeQuery(index, out));
  }

  public void setUp(int index, boolean up) throws SystemCallException {
    socket.request(
        "RTM_NEWLINK",
        LinkCodec.RTM_NEWLINK,
        0,
        index,
        out -> LinkCodec.encodeFlags(index, up ? Link.IFF_UP : 0, Link.IFF_UP, out));
  }

  public void setMtu(int index, int octets) throws SystemCallException {
    socket.request(
        "RTM_NEWLINK",
        LinkCodec.RTM_NEWLINK,
        0,
        index,
        out -> LinkCodec.encodeMtu(index, octets, out));
  }

  public void removeLink(int index) throws SystemCallException {
    socket.request(
        "RTM_DELLINK", LinkCodec.RTM_DELLINK, 0, index, out -> LinkCodec.encodeQuery(index, out));
  }

  /** Fails with EEXIST if the name is taken, or there is a tunnel between the same ends. */
  public void addTunnel(Ipv6Tunnel tunnel) throws SystemCallException {
    socket.request(
        "RTM_NEWLINK",
        LinkCodec.RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        tunnel,
        out -> LinkCodec.encodeTunnel(tunnel.at(0), out));
  }

  /** Makes an interface that drops what it is given. */
  public void addDummy(String name) throws SystemCallException {
    socket.request(
        "RTM_NEWLINK",
        LinkCodec.RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        name,
        out -> LinkCodec.encodeDummy(name, out));
  }

  /** The IPv6 addresses of all interfaces. */
  public ImmutableList<InterfaceAddress> addresses() throws SystemCallException {
    return ImmutableList.copyOf(
        socket.<InterfaceAddress>list(
            "RTM_GETADDR",
            InterfaceAddressCodec.RTM_GETADDR,
            InterfaceAddressCodec::encodeQuery,
            (message, addresses) ->
                InterfaceAddressCodec.decode(message.payload()).ifPresent(addresses::add)));
  }

  /** Fails with EEXIST if the interface has the address already. */
  public void addAddress(InterfaceAddress address) throws SystemCallException {
    newAddress(address, NLM_F_CREATE | NLM_F_EXCL);
  }

  /** Adds the address, or changes flags and lifetimes of the one that is there. */
  public void replaceAddress(InterfaceAddress address) throws SystemCallException {
    newAddress(address, NLM_F_CREATE | NLM_F_REPLACE);
  }

  /**
   * @return false if the interface had no such address
   */
  public boolean removeAddress(int interfaceIndex, Ipv6Address address, int prefixLength)
      throws SystemCallException {
    return removes(
        "RTM_DELADDR",
        InterfaceAddressCodec.RTM_DELADDR,
        address + "/" + prefixLength + " on " + interfaceIndex,
        out -> InterfaceAddressCodec.encodeName(interfaceIndex, address, prefixLength, out));
  }

  /** The IPv6 routes of all tables. */
  public ImmutableList<Route> routes() throws SystemCallException {
    return ImmutableList.copyOf(
        socket.<Route>list(
            "RTM_GETROUTE",
            RouteCodec.RTM_GETROUTE,
            RouteCodec::encodeQuery,
            (message, routes) -> routes.addAll(RouteCodec.decode(message.payload()))));
  }

  public ImmutableList<Route> routes(int table) throws SystemCallException {
    return routes().stream()
        .filter(route -> route.table() == table)
        .collect(ImmutableList.toImmutableList());
  }

  /** Fails with EEXIST if there is a route with this destination, table and metric. */
  public void addRoute(Route route) throws SystemCallException {
    newRoute(route, NLM_F_CREATE | NLM_F_EXCL);
  }

  /**
   * Puts the route in the place of the one with the same destination, table and metric, in one
   * step; adds it if there is none.
   */
  public void replaceRoute(Route route) throws SystemCallException {
    newRoute(route, NLM_F_CREATE | NLM_F_REPLACE);
  }

  /**
   * As {@link #replaceRoute} for each, many to a datagram.
   *
   * @throws SystemCallException the first failure; the others have been tried all the same
   */
  public void replaceRoutes(List<Route> routes) throws SystemCallException {
    carryOut(
        Lists.transform(
            routes,
            route ->
                new NetlinkSocket.Request(
                    "RTM_NEWROUTE",
                    RouteCodec.RTM_NEWROUTE,
                    NLM_F_CREATE | NLM_F_REPLACE,
                    route,
                    out -> RouteCodec.encode(route, out))));
  }

  /** Likewise; those that are not there do not matter. */
  public void removeRoutes(List<Route> routes) throws SystemCallException {
    carryOut(
        Lists.transform(
            routes,
            route ->
                new NetlinkSocket.Request(
                    "RTM_DELROUTE",
                    RouteCodec.RTM_DELROUTE,
                    0,
                    route,
                    out -> RouteCodec.encode(route, out))));
  }

  private void carryOut(List<NetlinkSocket.Request> requests) throws SystemCallException {
    Optional<SystemCallException> first =
        socket.batch(requests).stream()
            .flatMap(Optional::stream)
            .filter(failure -> !ABSENT.contains(failure.errno()))
            .findFirst();
    if (first.isPresent()) {
      throw first.get();
    }
  }

  /**
   * @return false if there was no such route
   */
  public boolean removeRoute(Route route) throws SystemCallException {
    return removes(
        "RTM_DELROUTE", RouteCodec.RTM_DELROUTE, route, out -> RouteCodec.encode(route, out));
  }

  /** The IPv6 routing rules in their order. */
  public ImmutableList<RoutingRule> rules() throws SystemCallException {
    return ImmutableList.copyOf(
        socket.<RoutingRule>list(
            "RTM_GETRULE",
            RoutingRuleCodec.RTM_GETRULE,
            RoutingRuleCodec::encodeQuery,
            (message, rules) -> RoutingRuleCodec.decode(message.payload()).ifPresent(rules::add)));
  }

  /** Fails with EEXIST if there is an equal rule. */
  public void addRule(RoutingRule rule) throws SystemCallException {
    socket.request(
        "RTM_NEWRULE",
        RoutingRuleCodec.RTM_NEWRULE,
        NLM_F_CREATE | NLM_F_EXCL,
        rule,
        out -> RoutingRuleCodec.encode(rule, out));
  }

  /**
   * @return false if there was no such rule
   */
  public boolean removeRule(RoutingRule rule) throws SystemCallException {
    return removes(
        "RTM_DELRULE",
        RoutingRuleCodec.RTM_DELRULE,
        rule,
        out -> RoutingRuleCodec.encode(rule, out));
  }

  /** The IPv6 neighbours of all interfaces, without proxied addresses. */
  public ImmutableList<Neighbour> neighbours() throws SystemCallException {
    return listNeighbours(false);
  }

  public void replaceNeighbour(Neighbour neighbour) throws SystemCallException {
    socket.request(
        "RTM_NEWNEIGH",
        NeighbourCodec.RTM_NEWNEIGH,
        NLM_F_CREATE | NLM_F_REPLACE,
        neighbour,
        out -> NeighbourCodec.encode(neighbour, out));
  }

  /**
   * @return false if there was no such neighbour
   */
  public boolean removeNeighbour(int interfaceIndex, Ipv6Address address)
      throws SystemCallException {
    return removeNeighbour(named(interfaceIndex, address, false));
  }

  /** The addresses that the kernel answers solicitations for. */
  public ImmutableList<Neighbour> proxies() throws SystemCallException {
    return listNeighbours(true);
  }

  /**
   * Answers neighbour solicitations for the address on the interface; the interface's sysctl {@code
   * proxy_ndp} must be 1. Nothing changes if it does already.
   */
  public void addProxy(int interfaceIndex, Ipv6Address address) throws SystemCallException {
    replaceNeighbour(named(interfaceIndex, address, true));
  }

  /**
   * As {@link #addProxy} for each, many to a datagram.
   *
   * @throws SystemCallException the first failure; the others have been tried all the same
   */
  public void addProxies(int interfaceIndex, List<Ipv6Address> addresses)
      throws SystemCallException {
    proxies(
        "RTM_NEWNEIGH",
        NeighbourCodec.RTM_NEWNEIGH,
        NLM_F_CREATE | NLM_F_REPLACE,
        interfaceIndex,
        addresses);
  }

  /** Likewise; those that are not there do not matter. */
  public void removeProxies(int interfaceIndex, List<Ipv6Address> addresses)
      throws SystemCallException {
    proxies("RTM_DELNEIGH", NeighbourCodec.RTM_DELNEIGH, 0, interfaceIndex, addresses);
  }

  private void proxies(
      String name, int type, int flags, int interfaceIndex, List<Ipv6Address> addresses)
      throws SystemCallException {
    carryOut(
        Lists.transform(
            addresses,
            address -> {
              Neighbour proxy = named(interfaceIndex, address, true);
              return new NetlinkSocket.Request(
                  name, type, flags, proxy, out -> NeighbourCodec.encode(proxy, out));
            }));
  }

  /**
   * @return false if the address was not proxied
   */
  public boolean removeProxy(int interfaceIndex, Ipv6Address address) throws SystemCallException {
    return removeNeighbour(named(interfaceIndex, address, true));
  }

  private Optional<Link> queryLink(Object object, Consumer<ByteBuf> body)
      throws SystemCallException {
    List<Link> found = new ArrayList<>();
    try {
      socket.query(
          "RTM_GETLINK",
          LinkCodec.RTM_GETLINK,
          0,
          object,
          body,
          message -> LinkCodec.decode(message.payload()).ifPresent(found::add));
    } catch (NetlinkException e) {
      if (e.is("ENODEV")) {
        return Optional.empty();
      }
      throw e;
    }
    return found.stream().findFirst();
  }

  private void newAddress(InterfaceAddress address, int flags) throws SystemCallException {
    socket.request(
        "RTM_NEWADDR",
        InterfaceAddressCodec.RTM_NEWADDR,
        flags,
        address,
        out -> InterfaceAddressCodec.encode(address, out));
  }

  private void newRoute(Route route, int flags) throws SystemCallException {
    socket.request(
        "RTM_NEWROUTE",
        RouteCodec.RTM_NEWROUTE,
        flags,
        route,
        out -> RouteCodec.encode(route, out));
  }

  private ImmutableList<Neighbour> listNeighbours(boolean proxies) throws SystemCallException {
    return ImmutableList.copyOf(
        socket.<Neighbour>list(
            "RTM_GETNEIGH",
            NeighbourCodec.RTM_GETNEIGH,
            out -> NeighbourCodec.encodeQuery(proxies, out),
            (message, neighbours) ->
                NeighbourCodec.decode(message.payload()).ifPresent(neighbours::add)));
  }

  private static Neighbour named(int interfaceIndex, Ipv6Address address, boolean proxy) {
    return new Neighbour(interfaceIndex, address, Optional.empty(), 0, proxy, false);
  }

  private boolean removeNeighbour(Neighbour neighbour) throws SystemCallException {
    return removes(
        "RTM_DELNEIGH",
        NeighbourCodec.RTM_DELNEIGH,
        neighbour,
        out -> NeighbourCodec.encode(neighbour, out));
  }

  private boolean removes(String name, int type, Object object, Consumer<ByteBuf> body)
      throws SystemCallException {
    try {
      socket.request(name, type, 0, object, body);
      return true;
    } catch (NetlinkException e) {
      if (ABSENT.contains(e.errno())) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
