package io.mipd.merger.index;

import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Selector;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Finds those whose selectors meet a given one, without looking at all. Prefixes that overlap
 * contain each other, so they are found by their addresses: those that contain a prefix by its
 * first bits, those that it contains in a row. Of source and destination the one that has fewer is
 * followed. For one flow they are also found by both at once, for each pair of prefix lengths that
 * occurs: where half is "from one to any" and half "from any to one", neither end alone tells them
 * apart.
 */
public final class SelectorIndex<T> {
  private record Item<T>(Selector selector, T value) {}

  private final Prefixes<T> bySource = new Prefixes<>();
  private final Prefixes<T> byDestination = new Prefixes<>();
  private final Map<Ends, Set<Item<T>>> byEnds = new HashMap<>();

  /** How many pairs of prefixes have each pair of lengths. */
  private final Map<Integer, Integer> lengths = new HashMap<>();

  private record Ends(Ipv6Prefix source, Ipv6Prefix destination) {
    static Ends of(Selector selector) {
      return new Ends(selector.source(), selector.destination());
    }

    int lengths() {
      return source.length() << 8 | destination.length();
    }

    static Ends of(Flow flow, int lengths) {
      return new Ends(
          Ipv6Prefix.of(flow.source(), lengths >> 8),
          Ipv6Prefix.of(flow.destination(), lengths & 0xff));
    }
  }

  public void add(Selector selector, T value) {
    var item = new Item<>(selector, value);
    bySource.add(selector.source(), item);
    byDestination.add(selector.destination(), item);
    Ends ends = Ends.of(selector);
    Set<Item<T>> there = byEnds.computeIfAbsent(ends, key -> new LinkedHashSet<>(2));
    if (there.isEmpty()) {
      lengths.merge(ends.lengths(), 1, Integer::sum);
    }
    there.add(item);
  }

  public void remove(Selector selector, T value) {
    var item = new Item<>(selector, value);
    bySource.remove(selector.source(), item);
    byDestination.remove(selector.destination(), item);
    Ends ends = Ends.of(selector);
    Set<Item<T>> there = byEnds.get(ends);
    if (there != null && there.remove(item) && there.isEmpty()) {
      byEnds.remove(ends);
      lengths.computeIfPresent(ends.lengths(), (key, count) -> count == 1 ? null : count - 1);
    }
  }

  /** In no order. */
  public void forEachMeeting(Selector selector, Consumer<T> consumer) {
    Consumer<Item<T>> filtered =
        item -> {
          if (item.selector.meets(selector)) {
            consumer.accept(item.value);
          }
        };
    for (int limit = 16; ; limit = Math.min(limit * 8, Integer.MAX_VALUE / 8)) {
      if (bySource.count(selector.source(), limit) < limit) {
        bySource.forEachOverlapping(selector.source(), filtered);
        return;
      }
      if (byDestination.count(selector.destination(), limit) < limit) {
        byDestination.forEachOverlapping(selector.destination(), filtered);
        return;
      }
    }
  }

  public void forEachMatching(Flow flow, Consumer<T> consumer) {
    Consumer<Item<T>> filtered =
        item -> {
          if (item.selector.matches(flow)) {
            consumer.accept(item.value);
          }
        };
    Ipv6Prefix source = Ipv6Prefix.host(flow.source());
    Ipv6Prefix destination = Ipv6Prefix.host(flow.destination());
    int few = lengths.size();
    if (bySource.count(source, few) < few) {
      bySource.forEachOverlapping(source, filtered);
    } else if (byDestination.count(destination, few) < few) {
      byDestination.forEachOverlapping(destination, filtered);
    } else {
      for (int pair : lengths.keySet()) {
        Set<Item<T>> there = byEnds.get(Ends.of(flow, pair));
        if (there != null) {
          there.forEach(filtered);
        }
      }
    }
  }

  private static final class Prefixes<T> {
    private final NavigableMap<Ipv6Prefix, Set<Item<T>>> items = new TreeMap<>();

    /** How many prefixes have each length, so that others need not be tried. */
    private final int[] lengths = new int[Ipv6Address.BITS + 1];

    void add(Ipv6Prefix prefix, Item<T> item) {
      Set<Item<T>> there = items.get(prefix);
      if (there == null) {
        there = new LinkedHashSet<>();
        items.put(prefix, there);
        lengths[prefix.length()]++;
      }
      there.add(item);
    }

    void remove(Ipv6Prefix prefix, Item<T> item) {
      Set<Item<T>> there = items.get(prefix);
      if (there != null && there.remove(item) && there.isEmpty()) {
        items.remove(prefix);
        lengths[prefix.length()]--;
      }
    }

    /** How many overlap; counts no further than {@code limit}. */
    int count(Ipv6Prefix prefix, int limit) {
      int count = 0;
      for (int length = 0; length < prefix.length() && count < limit; length++) {
        if (lengths[length] > 0) {
          Set<Item<T>> there = items.get(Ipv6Prefix.of(prefix.address(), length));
          count += there == null ? 0 : there.size();
        }
      }
      if (count < limit) {
        for (Set<Item<T>> there : contained(prefix).values()) {
          count += there.size();
          if (count >= limit) {
            break;
          }
        }
      }
      return Math.min(count, limit);
    }

    void forEachOverlapping(Ipv6Prefix prefix, Consumer<Item<T>> consumer) {
      for (int length = 0; length < prefix.length(); length++) {
        if (lengths[length] > 0) {
          Set<Item<T>> there = items.get(Ipv6Prefix.of(prefix.address(), length));
          if (there != null) {
            there.forEach(consumer);
          }
        }
      }
      contained(prefix).values().forEach(there -> there.forEach(consumer));
    }

    private Map<Ipv6Prefix, Set<Item<T>>> contained(Ipv6Prefix prefix) {
      return items.subMap(
          prefix, true, new Ipv6Prefix(prefix.lastAddress(), Ipv6Address.BITS), true);
    }
  }
}
