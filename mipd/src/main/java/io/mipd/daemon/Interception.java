package io.mipd.daemon;

import com.google.common.collect.ArrayListMultimap;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ListMultimap;
import com.google.common.collect.Lists;
import com.google.common.collect.Multimaps;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.netlink.Link;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * For which home addresses a home agent stands in (RFC 6275 section 10.4.1): what could not be done
 * is tried again until it is.
 */
final class Interception {
  private static final Logger log = LoggerFactory.getLogger(Interception.class);

  /** Those that are tried again together: one that the kernel never takes holds up no more. */
  private static final int TOGETHER = 100;

  private final Proxies proxies;
  private final IntFunction<Optional<Link>> links;

  /** What was wanted last of those for which it is not done. */
  private final Map<HomeAddress, NodeAction.Proxy> behind = new LinkedHashMap<>();

  /** What it takes. */
  interface Proxies {
    /**
     * @throws IOException if some could not be put; all have been tried
     */
    void put(Link homeLink, List<HomeAddress> addresses) throws IOException;

    void remove(HomeAddress address) throws IOException;
  }

  /**
   * @param links by their index
   */
  Interception(Proxies proxies, IntFunction<Optional<Link>> links) {
    this.proxies = proxies;
    this.links = links;
  }

  /**
   * @throws IOException if some were not done; all have been tried, and will be again
   */
  void carryOut(List<NodeAction.Proxy> wanted) throws IOException {
    List<IOException> failures = new ArrayList<>();
    ListMultimap<Integer, NodeAction.Proxy> on = ArrayListMultimap.create();
    for (NodeAction.Proxy proxy : wanted) {
      if (proxy.on()) {
        on.put(proxy.interfaceIndex(), proxy);
      } else {
        attempt(failures, List.of(proxy), () -> proxies.remove(proxy.address()));
      }
    }
    for (var one : Multimaps.asMap(on).entrySet()) {
      attempt(failures, one.getValue(), () -> put(one.getKey(), one.getValue()));
    }
    if (!failures.isEmpty()) {
      throw failures.get(0);
    }
  }

  private void put(int interfaceIndex, List<NodeAction.Proxy> wanted) throws IOException {
    Link link =
        links
            .apply(interfaceIndex)
            .orElseThrow(() -> new IOException("there is no interface " + interfaceIndex));
    proxies.put(link, Lists.transform(wanted, NodeAction.Proxy::address));
  }

  private interface Step {
    void run() throws IOException;
  }

  private void attempt(List<IOException> failures, List<NodeAction.Proxy> concerned, Step step) {
    try {
      step.run();
      concerned.forEach(it -> behind.remove(it.address()));
    } catch (IOException e) {
      failures.add(e);
      concerned.forEach(it -> behind.put(it.address(), it));
    }
  }

  /** Whether something that was wanted is not done. */
  boolean isBehind() {
    return !behind.isEmpty();
  }

  /** Likewise, for this home address. */
  boolean isBehind(HomeAddress address) {
    return behind.containsKey(address);
  }

  /** Tries again what is not done; returns whether all is. */
  boolean retry() {
    for (List<NodeAction.Proxy> some :
        Lists.partition(ImmutableList.copyOf(behind.values()), TOGETHER)) {
      try {
        carryOut(some);
      } catch (IOException e) {
        log.debug("home addresses to stand in for: {}", e.getMessage());
      }
    }
    return !isBehind();
  }
}
