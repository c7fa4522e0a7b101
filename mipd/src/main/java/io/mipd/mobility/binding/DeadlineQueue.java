package io.mipd.mobility.binding;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Many deadlines, one for each key: which is the next, in time that grows with the logarithm of
 * their number. Those of one instant come in the order in which they were set.
 */
public final class DeadlineQueue<K> {
  private final Map<K, Due<K>> byKey = new HashMap<>();
  private final NavigableSet<Due<K>> inOrder = new TreeSet<>();
  private long number;

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
    remove(key);
    var due = new Due<>(at, number++, key);
    byKey.put(key, due);
    inOrder.add(due);
  }

  /** The key has no deadline any more. */
  public void remove(K key) {
    Due<K> due = byKey.remove(key);
    if (due != null) {
      inOrder.remove(due);
    }
  }

  /** The first deadline of all. */
  public Optional<Instant> next() {
    return inOrder.isEmpty() ? Optional.empty() : Optional.of(inOrder.first().at());
  }

  /** Takes out the key whose deadline is the first, if it has come. */
  public Optional<K> poll(Instant now) {
    if (inOrder.isEmpty() || now.isBefore(inOrder.first().at())) {
      return Optional.empty();
    }
    K key = inOrder.first().key();
    remove(key);
    return Optional.of(key);
  }
}
