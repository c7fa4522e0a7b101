package io.mipd.sim.event;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.PriorityQueue;

/**
 * What is to happen, in the order of (time, sequence): of two events of one time the one that was
 * planned first comes first. Its time is the only clock of a simulation, and stands still while an
 * event happens. Used by one thread.
 */
public final class EventQueue {
  /** When every simulation begins; any wall clock would do, as long as it is always the same. */
  public static final Instant BEGINNING = Instant.parse("2001-01-01T00:00:00Z");

  private final PriorityQueue<Planned> waiting = new PriorityQueue<>();
  private Instant now = BEGINNING;
  private long sequence;
  private long happened;
  private Runnable afterEach = () -> {};

  /** A planned event, for who may want to take it back. */
  public static final class Planned implements Comparable<Planned> {
    private final Instant at;
    private final long sequence;
    private final Runnable what;
    private boolean cancelled;

    private Planned(Instant at, long sequence, Runnable what) {
      this.at = at;
      this.sequence = sequence;
      this.what = what;
    }

    /** When it is to happen. */
    public Instant at() {
      return at;
    }

    /** It shall not happen. What has happened already has happened. */
    public void cancel() {
      cancelled = true;
    }

    @Override
    public int compareTo(Planned other) {
      int byTime = at.compareTo(other.at);
      return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(sequence);
    }
  }

  /** The virtual time, of the event that happens now or of the last one that did. */
  public Instant now() {
    return now;
  }

  /** How many events have happened. */
  public long happened() {
    return happened;
  }

  /**
   * Plans an event.
   *
   * @param at not before {@link #now}
   */
  public Planned at(Instant at, Runnable what) {
    checkArgument(!at.isBefore(now), "planned for the past: %s at %s", at, now);
    var planned = new Planned(at, sequence++, what);
    waiting.add(planned);
    return planned;
  }

  /** Plans an event some time from now, which is not negative. */
  public Planned after(Duration delay, Runnable what) {
    return at(now.plus(delay), what);
  }

  /** Has something look at the world after every event. It plans nothing. */
  public void afterEach(Runnable look) {
    afterEach = look;
  }

  /** When the next event is to happen; empty if none is planned. */
  public Optional<Instant> next() {
    dropCancelled();
    return Optional.ofNullable(waiting.peek()).map(Planned::at);
  }

  /** Lets the next event happen. Returns whether there was one. */
  public boolean step() {
    dropCancelled();
    Planned first = waiting.poll();
    if (first == null) {
      return false;
    }
    now = first.at;
    happened++;
    first.what.run();
    afterEach.run();
    return true;
  }

  /** Lets all happen that is due up to and including a time, at which it is then. */
  public void runUntil(Instant end) {
    checkArgument(!end.isBefore(now), "in the past: %s at %s", end, now);
    for (Optional<Instant> next = next();
        next.isPresent() && !next.get().isAfter(end);
        next = next()) {
      step();
    }
    now = end;
  }

  private void dropCancelled() {
    for (Planned first = waiting.peek(); first != null && first.cancelled; first = waiting.peek()) {
      waiting.remove();
    }
  }
}
