package io.mipd.sim.scenario;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.sim.scenario.Scenario.HomeAgentPlan;
import io.mipd.sim.scenario.Scenario.LinkPlan;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The static routes of a topology: to each link by the fewest routers, and among equals by the
 * first of the alphabet.
 *
 * @param joined links of each router, by the router's name, in the order of the names
 * @param addresses of each router on each of its links
 */
public record Routing(
    ImmutableMap<String, ImmutableList<String>> joined,
    ImmutableMap<String, ImmutableMap<String, Ipv6Address>> addresses) {

  /** Routers' addresses on a link: behind all that a file is likely to give to hosts. */
  private static final long FIRST_ROUTER = 0xf001;

  /** Of a scenario; it also gives the routers their addresses. */
  public static Routing of(Scenario scenario) {
    var joined = ImmutableMap.<String, ImmutableList<String>>builder();
    var addresses = ImmutableMap.<String, ImmutableMap<String, Ipv6Address>>builder();
    Map<String, ImmutableList<String>> routers = new TreeMap<>();
    scenario.routers().forEach((name, plan) -> routers.put(name, plan.links()));
    scenario.homeAgents().forEach((name, plan) -> routers.put(name, plan.links()));
    long number = FIRST_ROUTER;
    for (Map.Entry<String, ImmutableList<String>> router : routers.entrySet()) {
      joined.put(router);
      var own = ImmutableMap.<String, Ipv6Address>builder();
      HomeAgentPlan agent = scenario.homeAgents().get(router.getKey());
      for (String link : router.getValue()) {
        own.put(
            link,
            agent != null && agent.homeLink().equals(link)
                ? agent.address()
                : on(scenario, link, number));
      }
      addresses.put(router.getKey(), own.buildOrThrow());
      number++;
    }
    return new Routing(joined.buildOrThrow(), addresses.buildOrThrow());
  }

  private static Ipv6Address on(Scenario scenario, String link, long number) {
    LinkPlan plan = scenario.links().get(link);
    checkArgument(plan != null, "no link %s", link);
    return new Ipv6Address(plan.prefix().address().high(), plan.prefix().address().low() + number);
  }

  /**
   * The way to a link.
   *
   * @param by the router's own link that leads there
   * @param nextHop the neighbour there; empty if the link is the router's own
   */
  public record Way(String by, Optional<Ipv6Address> nextHop) {}

  /** The ways from a router to all links that it can reach, by link. */
  public ImmutableMap<String, Way> from(String router) {
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

  /**
   * The links from one to another, both included, by the fewest routers; empty if there is no way.
   */
  public ImmutableList<String> links(String from, String to) {
    Map<String, ImmutableList<String>> reached = new LinkedHashMap<>();
    Deque<String> waiting = new ArrayDeque<>();
    reached.put(from, ImmutableList.of(from));
    waiting.add(from);
    for (String next = waiting.poll(); next != null; next = waiting.poll()) {
      ImmutableList<String> way = reached.getOrDefault(next, ImmutableList.of());
      for (String router : on(next)) {
        for (String link : linksOf(router)) {
          if (!reached.containsKey(link)) {
            reached.put(link, ImmutableList.<String>builder().addAll(way).add(link).build());
            waiting.add(link);
          }
        }
      }
    }
    return reached.getOrDefault(to, ImmutableList.of());
  }

  /** The routers of a link. */
  public ImmutableList<String> on(String link) {
    return joined.entrySet().stream()
        .filter(entry -> entry.getValue().contains(link))
        .map(Map.Entry::getKey)
        .collect(ImmutableList.toImmutableList());
  }

  public Ipv6Address address(String router, String link) {
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
