package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Neighbour;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.util.Optional;

/**
 * Interfaces, addresses, routes, rules and neighbours of the network namespace in which it was
 * opened. Each call is one request and its answer; a refusal is a {@link NetlinkException} that
 * carries the kernel's explanation.
 */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class Rtnetlink implements AutoCloseable {
  public static Rtnetlink open() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public ImmutableList<Link> links() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public Optional<Link> link(String name) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public Optional<Link> link(int index) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public void setUp(int index, boolean up) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public void setMtu(int index, int octets) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public void removeLink(int index) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** The IPv6 addresses of all interfaces. */
  public ImmutableList<InterfaceAddress> addresses() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Fails with EEXIST if the interface has the address already. */
  public void addAddress(InterfaceAddress address) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Adds the address, or changes flags and lifetimes of the one that is there. */
  public void replaceAddress(InterfaceAddress address) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * @return false if the interface had no such address
   */
  public boolean removeAddress(int interfaceIndex, Ipv6Address address, int prefixLength)
      throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** The IPv6 routes of all tables. */
  public ImmutableList<Route> routes() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public ImmutableList<Route> routes(int table) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Fails with EEXIST if there is a route with this destination, table and metric. */
  public void addRoute(Route route) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Puts the route in the place of the one with the same destination, table and metric, in one
   * step; adds it if there is none.
   */
  public void replaceRoute(Route route) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * @return false if there was no such route
   */
  public boolean removeRoute(Route route) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** The IPv6 routing rules in their order. */
  public ImmutableList<RoutingRule> rules() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Fails with EEXIST if there is an equal rule. */
  public void addRule(RoutingRule rule) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * @return false if there was no such rule
   */
  public boolean removeRule(RoutingRule rule) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** The IPv6 neighbours of all interfaces, without proxied addresses. */
  public ImmutableList<Neighbour> neighbours() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public void replaceNeighbour(Neighbour neighbour) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * @return false if there was no such neighbour
   */
  public boolean removeNeighbour(int interfaceIndex, Ipv6Address address)
      throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** The addresses that the kernel answers solicitations for. */
  public ImmutableList<Neighbour> proxies() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Answers neighbour solicitations for the address on the interface; the interface's sysctl {@code
   * proxy_ndp} must be 1. Nothing changes if it does already.
   */
  public void addProxy(int interfaceIndex, Ipv6Address address) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * @return false if the address was not proxied
   */
  public boolean removeProxy(int interfaceIndex, Ipv6Address address) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
