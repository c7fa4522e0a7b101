package io.mipd.merger.index;

import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds those whose selectors meet a given one, without looking at all. Prefixes that overlap
 * contain each other, so they are found by their addresses: those that contain a prefix by its
 * first bits, those that it contains in a row. Of source and destination the one that has fewer is
 * followed. Those "from one to any" and those "from any to one" are kept apart, for among both
 * neither end alone has few. For one flow they are also found by both ends at once, for each pair
 * of prefix lengths that occurs. A few are looked at one by one, for most nodes have no more.
 */
public final class SelectorIndex<T> {
  private record Item<T>(Selector selector, T value) {}

  /** So many are looked at one by one. */
  private static final int FEW = 16;

  /** All that there are, as long as there never were more than a few. */
  private final List<Item<T>> few = new ArrayList<>(0);

  /** Then all are here, by whether the source is any, and the destination. */
  private @Nullable Map<Integer, Shape<T>> shapes;

  private static <T> Shape<T> shape(Map<Integer, Shape<T>> shapes, Selector selector) {
    return shapes.computeIfAbsent(
        (selector.source().length() == 0 ? 2 : 0) + (selector.destination().length() == 0 ? 1 : 0),
        kind -> new Shape<>());
  }

  public void add(Selector selector, T value) {
    var item = new Item<T>(selector, value);
    if (shapes != null) {
      shape(shapes, selector).add(item);
    } else if (few.contains(item)) {
      return;
    } else if (few.size() < FEW) {
      few.add(item);
    } else {
      var all = new TreeMap<Integer, Shape<T>>();
      few.forEach(one -> shape(all, one.selector).add(one));
      few.clear();
      shape(all, selector).add(item);
      shapes = all;
    }
  }

  public void remove(Selector selector, T value) {
    var item = new Item<T>(selector, value);
    if (shapes != null) {
      shape(shapes, selector).remove(item);
    } else {
      few.remove(item);
    }
  }

  /** In no order. */
  public void forEachMeeting(Selector selector, Consumer<T> consumer) {
    anyMeeting(selector, each(consumer));
  }

  /** Whether one of those that meet a selector is taken; shows no more of them then. */
  public boolean anyMeeting(Selector selector, Predicate<T> taken) {
    Predicate<Item<T>> filtered = item -> item.selector.meets(selector) && taken.test(item.value);
    if (shapes == null) {
      return few.stream().anyMatch(filtered);
    }
    for (Shape<T> shape : shapes.values()) {
      if (shape.anyNear(selector, filtered)) {
        return true;
      }
    }
    return false;
  }

  public void forEachMatching(Flow flow, Consumer<T> consumer) {
    Consumer<Item<T>> filtered =
        item -> {
          if (item.selector.matches(flow)) {
            consumer.accept(item.value);
          }
        };
    if (shapes == null) {
      few.forEach(filtered);
    } else {
      shapes.values().forEach(shape -> shape.anyNear(flow, each(filtered)));
    }
  }

  private static <E> Predicate<E> each(Consumer<E> consumer) {
    return one -> {
      consumer.accept(one);
      return false;
    };
  }

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

  private static final class Shape<T> {
    private final Prefixes<T> bySource = new Prefixes<>();
    private final Prefixes<T> byDestination = new Prefixes<>();

    /** Made when a flow is asked for, which is so of few indexes. */
    private @Nullable Pairs<T> pairs;

    void add(Item<T> item) {
      bySource.add(item.selector.source(), item);
      byDestination.add(item.selector.destination(), item);
      if (pairs != null) {
        pairs.add(item);
      }
    }

    void remove(Item<T> item) {
      bySource.remove(item.selector.source(), item);
      byDestination.remove(item.selector.destination(), item);
      if (pairs != null) {
        pairs.remove(item);
      }
    }

    private Pairs<T> pairs() {
      Pairs<T> all = pairs;
      if (all == null) {
        all = new Pairs<>();
        for (Bag<Item<T>> there : bySource.items.values()) {
          there.any(each(all::add));
        }
        pairs = all;
      }
      return all;
    }

    /** Shows all that meet it, and some that do not, until one is taken. */
    boolean anyNear(Selector selector, Predicate<Item<T>> taken) {
      for (int limit = 16; ; limit = Math.min(limit * 8, Integer.MAX_VALUE / 8)) {
        if (bySource.count(selector.source(), limit) < limit) {
          return bySource.anyOverlapping(selector.source(), taken);
        }
        if (byDestination.count(selector.destination(), limit) < limit) {
          return byDestination.anyOverlapping(selector.destination(), taken);
        }
      }
    }

    /** Likewise of a flow. */
    boolean anyNear(Flow flow, Predicate<Item<T>> taken) {
      Ipv6Prefix source = Ipv6Prefix.host(flow.source());
      Ipv6Prefix destination = Ipv6Prefix.host(flow.destination());
      Pairs<T> all = pairs();
      int few = all.lengths.size();
      if (bySource.count(source, few) < few) {
        return bySource.anyOverlapping(source, taken);
      }
      if (byDestination.count(destination, few) < few) {
        return byDestination.anyOverlapping(destination, taken);
      }
      return all.anyOf(flow, taken);
    }
  }

  /** By both ends. */
  private static final class Pairs<T> {
    private final Map<Ends, Bag<Item<T>>> byEnds = new HashMap<>();

    /** How many pairs of prefixes have each pair of lengths. */
    private final Map<Integer, Integer> lengths = new HashMap<>();

    void add(Item<T> item) {
      Ends ends = Ends.of(item.selector);
      Bag<Item<T>> there = byEnds.computeIfAbsent(ends, key -> new Bag<>());
      if (there.isEmpty()) {
        lengths.merge(ends.lengths(), 1, Integer::sum);
      }
      there.add(item);
    }

    void remove(Item<T> item) {
      Ends ends = Ends.of(item.selector);
      Bag<Item<T>> there = byEnds.get(ends);
      if (there != null && there.remove(item) && there.isEmpty()) {
        byEnds.remove(ends);
        lengths.computeIfPresent(ends.lengths(), (key, count) -> count == 1 ? null : count - 1);
      }
    }

    boolean anyOf(Flow flow, Predicate<Item<T>> taken) {
      for (int pair : lengths.keySet()) {
        Bag<Item<T>> there = byEnds.get(Ends.of(flow, pair));
        if (there != null && there.any(taken)) {
          return true;
        }
      }
      return false;
    }
  }

  private static final class Prefixes<T> {
    private final NavigableMap<Ipv6Prefix, Bag<Item<T>>> items = new TreeMap<>();

    /** How many prefixes have each length that there is, mostly one or two. */
    private final NavigableMap<Integer, Integer> lengths = new TreeMap<>();

    private int size;

    void add(Ipv6Prefix prefix, Item<T> item) {
      Bag<Item<T>> there = items.get(prefix);
      if (there == null) {
        there = new Bag<>();
        items.put(prefix, there);
        lengths.merge(prefix.length(), 1, Integer::sum);
      }
      if (there.add(item)) {
        size++;
      }
    }

    void remove(Ipv6Prefix prefix, Item<T> item) {
      Bag<Item<T>> there = items.get(prefix);
      if (there == null || !there.remove(item)) {
        return;
      }
      size--;
      if (there.isEmpty()) {
        items.remove(prefix);
        lengths.computeIfPresent(prefix.length(), (key, count) -> count == 1 ? null : count - 1);
      }
    }

    /** How many overlap; counts no further than {@code limit}. */
    int count(Ipv6Prefix prefix, int limit) {
      if (prefix.isAny()) {
        return Math.min(size, limit);
      }
      int count = 0;
      for (int length : lengths.headMap(prefix.length()).keySet()) {
        Bag<Item<T>> there = items.get(Ipv6Prefix.of(prefix.address(), length));
        count += there == null ? 0 : there.size();
        if (count >= limit) {
          break;
        }
      }
      if (count < limit) {
        for (Bag<Item<T>> there : contained(prefix).values()) {
          count += there.size();
          if (count >= limit) {
            break;
          }
        }
      }
      return Math.min(count, limit);
    }

    boolean anyOverlapping(Ipv6Prefix prefix, Predicate<Item<T>> taken) {
      for (int length : lengths.headMap(prefix.length()).keySet()) {
        Bag<Item<T>> there = items.get(Ipv6Prefix.of(prefix.address(), length));
        if (there != null && there.any(taken)) {
          return true;
        }
      }
      for (Bag<Item<T>> there : contained(prefix).values()) {
        if (there.any(taken)) {
          return true;
        }
      }
      return false;
    }

    private Map<Ipv6Prefix, Bag<Item<T>>> contained(Ipv6Prefix prefix) {
      return items.subMap(
          prefix, true, new Ipv6Prefix(prefix.lastAddress(), Ipv6Address.BITS), true);
    }
  }

  /** Of distinct elements: mostly there is one, or a few. */
  private static final class Bag<E> {
    private static final int FEW = 8;

    private @Nullable E only;
    private @Nullable Collection<E> several;

    /** Whether it has not been there. */
    boolean add(E element) {
      if (several != null) {
        return addTo(several, element);
      }
      if (only == null) {
        only = element;
        return true;
      }
      if (only.equals(element)) {
        return false;
      }
      several = new ArrayList<>(2);
      several.add(only);
      several.add(element);
      only = null;
      return true;
    }

    private boolean addTo(Collection<E> those, E element) {
      if (those.contains(element)) {
        return false;
      }
      if (those.size() == FEW) {
        several = new LinkedHashSet<>(those);
        return several.add(element);
      }
      return those.add(element);
    }

    boolean remove(E element) {
      if (several != null) {
        return several.remove(element);
      }
      boolean there = element.equals(only);
      if (there) {
        only = null;
      }
      return there;
    }

    int size() {
      return several != null ? several.size() : only == null ? 0 : 1;
    }

    boolean isEmpty() {
      return size() == 0;
    }

    boolean any(Predicate<E> taken) {
      if (several == null) {
        return only != null && taken.test(only);
      }
      for (E element : several) {
        if (taken.test(element)) {
          return true;
        }
      }
      return false;
    }
  }
}
