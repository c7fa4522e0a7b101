package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What Packet Too Big messages taught about the paths to outer destinations (RFC 8201). Forgotten
 * after a while, so that a larger path is found again; the generation number tells who has computed
 * with it that something changed.
 */
final class PathMtuTable {
  private record Learnt(int mtu, Instant until) {}

  private final int limit;
  private final Duration age;
  // In the order of learning, which is the order of expiry.
  private final Map<Ipv6Address, Learnt> paths = new LinkedHashMap<>();
  private long generation;

  PathMtuTable(int limit, Duration age) {
    this.limit = limit;
    this.age = age;
  }

  long generation() {
    return generation;
  }

  int size() {
    return paths.size();
  }

  /** The largest packet that goes to {@code destination}, if the link carries {@code linkMtu}. */
  int towards(Ipv6Address destination, int linkMtu) {
    Learnt learnt = paths.get(destination);
    return learnt == null ? linkMtu : Math.min(linkMtu, learnt.mtu);
  }

  /**
   * Takes a reported size; returns whether it taught something. Sizes below the minimum are
   * discarded, and a report never raises the estimate (RFC 8201 section 4).
   */
  boolean learn(Instant now, Ipv6Address destination, long reported, int linkMtu) {
    if (reported < EngineSettings.MINIMUM_LINK_MTU || reported >= towards(destination, linkMtu)) {
      return false;
    }
    paths.remove(destination);
    if (paths.size() >= limit) {
      Iterator<Ipv6Address> oldest = paths.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
    paths.put(destination, new Learnt((int) reported, now.plus(age)));
    generation++;
    return true;
  }

  void forgetOld(Instant now) {
    boolean forgot = false;
    for (var each = paths.values().iterator(); each.hasNext(); ) {
      if (each.next().until.isAfter(now)) {
        break;
      }
      each.remove();
      forgot = true;
    }
    if (forgot) {
      generation++;
    }
  }

  Optional<Instant> nextDeadline() {
    return paths.values().stream().findFirst().map(Learnt::until);
  }
}
