package io.mipd.mobility.binding;

import com.google.common.collect.Maps;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;

/**
 * Many deadlines, one for each key: which is the next, in time that grows with the logarithm of
 * their number. Those of one instant come in the order in which they were set.
 */
public final class DeadlineQueue<K> {
  private final Map<K, Due<K>> byKey;

  /** With those that are no more, until they are the first or the most. */
  private final PriorityQueue<Due<K>> inOrder = new PriorityQueue<>();

  private long number;

  public DeadlineQueue() {
    this(0);
  }

  /**
   * @param expected keys that will have one
   */
  public DeadlineQueue(int expected) {
    byKey = Maps.newHashMapWithExpectedSize(expected);
  }

  /** Compared by hand: a start may put a hundred thousand before anything is compiled well. */
  private record Due<K>(Instant at, long number, K key) implements Comparable<Due<K>> {
    @Override
    public int compareTo(Due<K> other) {
      int byTime = at.compareTo(other.at);
      return byTime != 0 ? byTime : Long.compare(number, other.number);
    }
  }

  /** Sets or moves the deadline of a key. */
  public void put(K key, Instant at) {
    var due = new Due<>(at, number++, key);
    byKey.put(key, due);
    inOrder.add(due);
    tidy();
  }

  /** The key has no deadline any more. */
  public void remove(K key) {
    byKey.remove(key);
    tidy();
  }

  private boolean isSet(Due<K> due) {
    Due<K> now = byKey.get(due.key());
    return now != null && now.number() == due.number();
  }

  private void tidy() {
    while (!inOrder.isEmpty() && !isSet(inOrder.peek())) {
      inOrder.remove();
    }
    if (inOrder.size() > 2 * byKey.size()) {
      inOrder.removeIf(due -> !isSet(due));
    }
  }

  /** The first deadline of all. */
  public Optional<Instant> next() {
    return Optional.ofNullable(inOrder.peek()).map(Due::at);
  }

  /** Takes out the key whose deadline is the first, if it has come. */
  public Optional<K> poll(Instant now) {
    Due<K> first = inOrder.peek();
    if (first == null || now.isBefore(first.at())) {
      return Optional.empty();
    }
    remove(first.key());
    return Optional.of(first.key());
  }
}
