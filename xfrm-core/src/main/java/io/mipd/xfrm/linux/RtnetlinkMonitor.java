package io.mipd.xfrm.linux;

import com.google.common.collect.Sets;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.InterfaceAddressCodec;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.LinkCodec;
import io.mipd.xfrm.netlink.Neighbour;
import io.mipd.xfrm.netlink.NeighbourCodec;
import io.mipd.xfrm.netlink.NetlinkMessage;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RouteCodec;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.AddressNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.LinkNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.NeighbourNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.RouteNotice;
import io.mipd.xfrm.packet.MalformedPacketException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Tells of changes of interfaces and IPv6 addresses, and of what else is asked for. It knows what
 * there was: after an overrun it lists everything again and tells the differences, so nothing is
 * missed for good.
 */
public final class RtnetlinkMonitor implements AutoCloseable {
  // Bit n-1 for group n: RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE.
  private static final int GROUP_LINK = 1;
  private static final int GROUP_NEIGHBOUR = 1 << 2;
  private static final int GROUP_ADDRESS = 1 << 8;
  private static final int GROUP_ROUTE = 1 << 10;

  /** Datagrams taken by one call at most; what remains keeps the descriptor readable. */
  private static final int LIMIT = 512;

  private record AddressKey(int interfaceIndex, Ipv6Address address) {}

  /** What {@code NLM_F_REPLACE} replaces. */
  private record RoutePlace(Ipv6Prefix destination, Ipv6Prefix source, int table, int metric) {
    static RoutePlace of(Route route) {
      return new RoutePlace(route.destination(), route.source(), route.table(), route.metric());
    }
  }

  private record RouteKey(
      RoutePlace place, OptionalInt interfaceIndex, Optional<Ipv6Address> gateway) {
    static RouteKey of(Route route) {
      return new RouteKey(RoutePlace.of(route), route.interfaceIndex(), route.gateway());
    }
  }

  private final NetlinkSocket notices;
  private final Rtnetlink lists;
  private final Set<Also> also;
  private final Map<Integer, Link> links = new LinkedHashMap<>();
  private final Map<AddressKey, InterfaceAddress> addresses = new LinkedHashMap<>();
  private final Map<RouteKey, Route> routes = new LinkedHashMap<>();
  private boolean stale = true;
  private long overruns;

  private RtnetlinkMonitor(NetlinkSocket notices, Rtnetlink lists, Set<Also> also) {
    this.notices = notices;
    this.lists = lists;
    this.also = also;
  }

  /** What is told of beside interfaces and addresses. */
  public enum Also {
    ROUTES(GROUP_ROUTE),
    /** Of the neighbour cache; those are not listed again after an overrun. */
    NEIGHBOURS(GROUP_NEIGHBOUR);

    private final int group;

    Also(int group) {
      this.group = group;
    }
  }

  public static RtnetlinkMonitor open(Set<Also> also) throws SystemCallException {
    int groups = GROUP_LINK | GROUP_ADDRESS;
    for (Also one : also) {
      groups |= one.group;
    }
    // Listening begins before listing, so that nothing falls between the two.
    var notices = NetlinkSocket.forGroups(NetlinkSocket.NETLINK_ROUTE, groups, "rtnetlink monitor");
    try {
      return new RtnetlinkMonitor(notices, Rtnetlink.open(), Sets.immutableEnumSet(also));
    } catch (SystemCallException e) {
      notices.close();
      throw e;
    }
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return notices.fd();
  }

  /**
   * Tells what has changed since the last call; the first call tells everything there is, as new.
   * Never waits for changes.
   */
  public void receive(Consumer<RtnetlinkNotice> consumer) throws SystemCallException {
    if (stale) {
      resynchronise(consumer);
    }
    if (!notices.hear(LIMIT, message -> take(message, consumer))) {
      overruns++;
      stale = true;
      notices.drain();
      resynchronise(consumer);
    }
  }

  /** How often changes were lost and everything was listed again. */
  public long overruns() {
    return overruns;
  }

  private void take(NetlinkMessage message, Consumer<RtnetlinkNotice> consumer)
      throws MalformedPacketException {
    switch (message.type()) {
      case LinkCodec.RTM_NEWLINK, LinkCodec.RTM_DELLINK -> {
        boolean gone = message.type() == LinkCodec.RTM_DELLINK;
        LinkCodec.decode(message.payload())
            .ifPresent(link -> change(links, link.index(), link, gone, LinkNotice::new, consumer));
      }
      case InterfaceAddressCodec.RTM_NEWADDR, InterfaceAddressCodec.RTM_DELADDR -> {
        boolean gone = message.type() == InterfaceAddressCodec.RTM_DELADDR;
        InterfaceAddressCodec.decode(message.payload())
            .ifPresent(
                address ->
                    change(addresses, keyOf(address), address, gone, AddressNotice::new, consumer));
      }
      case RouteCodec.RTM_NEWROUTE, RouteCodec.RTM_DELROUTE -> {
        boolean gone = message.type() == RouteCodec.RTM_DELROUTE;
        var told = RouteCodec.decode(message.payload());
        if (!gone && message.has(NetlinkMessage.NLM_F_REPLACE) && !told.isEmpty()) {
          forgetReplaced(told, consumer);
        }
        for (Route route : told) {
          change(routes, RouteKey.of(route), route, gone, RouteNotice::new, consumer);
        }
      }
      case NeighbourCodec.RTM_NEWNEIGH, NeighbourCodec.RTM_DELNEIGH -> {
        boolean gone = message.type() == NeighbourCodec.RTM_DELNEIGH;
        Optional<Neighbour> neighbour = NeighbourCodec.decode(message.payload());
        if (neighbour.isPresent()) {
          consumer.accept(new NeighbourNotice(neighbour.get(), gone));
        }
      }
      default -> {}
    }
  }

  private static AddressKey keyOf(InterfaceAddress address) {
    return new AddressKey(address.interfaceIndex(), address.address());
  }

  /** The kernel does not tell separately that the routes which were replaced have gone. */
  private void forgetReplaced(List<Route> told, Consumer<RtnetlinkNotice> consumer) {
    var place = RoutePlace.of(told.get(0));
    List<RouteKey> replaced = new ArrayList<>();
    for (RouteKey key : routes.keySet()) {
      if (key.place().equals(place)
          && told.stream().noneMatch(route -> RouteKey.of(route).equals(key))) {
        replaced.add(key);
      }
    }
    for (RouteKey key : replaced) {
      Route route = routes.remove(key);
      if (route != null) {
        consumer.accept(new RouteNotice(route, true));
      }
    }
  }

  /** Notes one change and tells it, unless that is what is known already. */
  private static <K, V> void change(
      Map<K, V> known,
      K key,
      V value,
      boolean gone,
      BiFunction<V, Boolean, RtnetlinkNotice> notice,
      Consumer<RtnetlinkNotice> consumer) {
    V before = gone ? known.remove(key) : known.put(key, value);
    boolean news = gone ? before != null : !value.equals(before);
    if (news) {
      consumer.accept(notice.apply(value, gone));
    }
  }

  private void resynchronise(Consumer<RtnetlinkNotice> consumer) throws SystemCallException {
    var linksNow = lists.links();
    var addressesNow = lists.addresses();
    List<Route> routesNow = also.contains(Also.ROUTES) ? lists.routes() : List.of();
    stale = false;
    compare(links, linksNow, Link::index, LinkNotice::new, consumer);
    compare(addresses, addressesNow, RtnetlinkMonitor::keyOf, AddressNotice::new, consumer);
    compare(routes, routesNow, RouteKey::of, RouteNotice::new, consumer);
  }

  private static <K, V> void compare(
      Map<K, V> known,
      List<V> now,
      Function<V, K> keyOf,
      BiFunction<V, Boolean, RtnetlinkNotice> notice,
      Consumer<RtnetlinkNotice> consumer) {
    Map<K, V> vanished = new LinkedHashMap<>(known);
    for (V value : now) {
      vanished.remove(keyOf.apply(value));
    }
    for (Map.Entry<K, V> entry : vanished.entrySet()) {
      change(known, entry.getKey(), entry.getValue(), true, notice, consumer);
    }
    for (V value : now) {
      change(known, keyOf.apply(value), value, false, notice, consumer);
    }
  }

  @Override
  public void close() {
    notices.close();
    lists.close();
  }
}
