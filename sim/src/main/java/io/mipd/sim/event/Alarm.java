package io.mipd.sim.event;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The one next deadline of something that plans by itself: set anew after whatever may have changed
 * it.
 */
public final class Alarm {
  private final EventQueue queue;
  private final Runnable what;
  private EventQueue.@Nullable Planned planned;

  /**
   * @param what to do when it is due
   */
  public Alarm(EventQueue queue, Runnable what) {
    this.queue = queue;
    this.what = what;
  }

  /** Sets it, or takes it back. What is overdue happens next. */
  public void set(Optional<Instant> due) {
    Optional<Instant> at = due.map(it -> it.isBefore(queue.now()) ? queue.now() : it);
    if (planned != null) {
      if (at.isPresent() && planned.at().equals(at.get())) {
        return;
      }
      planned.cancel();
      planned = null;
    }
    at.ifPresent(it -> planned = queue.at(it, this::ring));
  }

  private void ring() {
    planned = null;
    what.run();
  }
}
