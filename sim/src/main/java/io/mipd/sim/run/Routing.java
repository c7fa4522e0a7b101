package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The static routes of a topology: to each link by the fewest routers, and among equals by the
 * first of the alphabet.
 *
 * @param joined links of each router, by the router's name, in the order of the names
 * @param addresses of each router on each of its links
 */
record Routing(
    ImmutableMap<String, ImmutableList<String>> joined,
    ImmutableMap<String, ImmutableMap<String, Ipv6Address>> addresses) {

  /**
   * The way to a link.
   *
   * @param by the router's own link that leads there
   * @param nextHop the neighbour there; empty if the link is the router's own
   */
  record Way(String by, Optional<Ipv6Address> nextHop) {}

  /** The ways from a router to all links that it can reach, by link. */
  ImmutableMap<String, Way> from(String router) {
    Map<String, Way> ways = new LinkedHashMap<>();
    Map<String, Way> reached = new LinkedHashMap<>();
    Deque<String> waiting = new ArrayDeque<>();
    for (String link : linksOf(router)) {
      ways.put(link, new Way(link, Optional.empty()));
    }
    for (String link : linksOf(router)) {
      for (String neighbor : on(link)) {
        if (!neighbor.equals(router) && !reached.containsKey(neighbor)) {
          reached.put(neighbor, new Way(link, Optional.of(address(neighbor, link))));
          waiting.add(neighbor);
        }
      }
    }
    for (String next = waiting.poll(); next != null; next = waiting.poll()) {
      Way way = reached.get(next);
      if (way == null) {
        continue;
      }
      for (String link : linksOf(next)) {
        ways.putIfAbsent(link, way);
        for (String neighbor : on(link)) {
          if (!neighbor.equals(router) && reached.putIfAbsent(neighbor, way) == null) {
            waiting.add(neighbor);
          }
        }
      }
    }
    return ImmutableMap.copyOf(ways);
  }

  /** The routers of a link. */
  ImmutableList<String> on(String link) {
    return joined.entrySet().stream()
        .filter(entry -> entry.getValue().contains(link))
        .map(Map.Entry::getKey)
        .collect(ImmutableList.toImmutableList());
  }

  Ipv6Address address(String router, String link) {
    Ipv6Address address = addresses.getOrDefault(router, ImmutableMap.of()).get(link);
    if (address == null) {
      throw new IllegalArgumentException(router + " is not on " + link);
    }
    return address;
  }

  private ImmutableList<String> linksOf(String router) {
    return joined.getOrDefault(router, ImmutableList.of());
  }
}
