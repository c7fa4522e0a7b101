package io.mipd.control;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The latest events, so many and no more: who reads too slowly finds a gap in their numbers. Added
 * to by one thread, read by any.
 */
public final class EventLog {
  private final int capacity;
  private final Deque<ControlEvent> events = new ArrayDeque<>();
  private final Set<Runnable> listeners = new LinkedHashSet<>();
  private long last;

  public EventLog(int capacity) {
    checkArgument(capacity > 0, "no capacity: %s", capacity);
    this.capacity = capacity;
  }

  public void add(
      Instant at, ControlEvent.Kind kind, String words, ImmutableMap<String, Object> facts) {
    ImmutableList<Runnable> told;
    synchronized (this) {
      if (events.size() == capacity) {
        events.remove();
      }
      events.add(new ControlEvent(++last, at, kind, words, facts));
      told = ImmutableList.copyOf(listeners);
    }
    told.forEach(Runnable::run);
  }

  /** Of the latest one; 0 before the first. */
  public synchronized long last() {
    return last;
  }

  /**
   * Those that are still there with a number greater than {@code after}, in their order.
   *
   * @param most how many at most
   */
  public synchronized ImmutableList<ControlEvent> after(long after, int most) {
    return events.stream()
        .filter(event -> event.number() > after)
        .limit(most)
        .collect(ImmutableList.toImmutableList());
  }

  /**
   * Has something run whenever there is more.
   *
   * @param listener short, and does not throw: it runs in the thread that adds
   */
  public synchronized void listen(Runnable listener) {
    listeners.add(listener);
  }

  public synchronized void forget(Runnable listener) {
    listeners.remove(listener);
  }
}
