package io.mipd.daemon;

import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The one thread that does everything. Its clock never jumps: it begins with the wall clock's time
 * and goes on monotonically.
 */
final class EventLoop {
  private static final long NANOS_PER_MILLI = 1_000_000;

  private final Poller poller;
  private final ConcurrentLinkedQueue<Task<?>> fromOthers = new ConcurrentLinkedQueue<>();
  private final Instant began = Instant.now();
  private final long beganNanos = System.nanoTime();
  private volatile boolean stopping;
  private boolean pausing;

  /** What the loop runs between two waits. */
  interface Work {
    /** Does what is due. */
    void turn(Instant now);

    /** When something will be due; empty if nothing is planned. */
    Optional<Instant> nextDeadline();
  }

  EventLoop(Poller poller) {
    this.poller = poller;
  }

  Instant now() {
    return began.plusNanos(System.nanoTime() - beganNanos);
  }

  /** Has the loop do something and tells what came of it. May be called by any thread. */
  <T> CompletableFuture<T> call(Callable<T> task) {
    var result = new CompletableFuture<T>();
    fromOthers.add(new Task<>(task, result));
    poller.wakeUp();
    return result;
  }

  /** Lets what waits to be done fail, where it is no longer meant for who would do it. */
  void abandon(Exception why) {
    for (Task<?> task = fromOthers.poll(); task != null; task = fromOthers.poll()) {
      task.result().completeExceptionally(why);
    }
  }

  private record Task<T>(Callable<T> call, CompletableFuture<T> result) {
    /** Unless nobody waits for it any more: who has given up must not find it done later. */
    void run() {
      if (result.isDone()) {
        return;
      }
      try {
        result.complete(call.call());
      } catch (Exception e) {
        result.completeExceptionally(e);
      }
    }
  }

  /** Makes {@link #run} return soon. May be called by any thread. */
  void stop() {
    stopping = true;
    poller.wakeUp();
  }

  boolean isStopping() {
    return stopping;
  }

  /** Makes {@link #run} return; it may be called again. From the loop's own thread. */
  void pause() {
    pausing = true;
  }

  void run(Work work) throws SystemCallException {
    pausing = false;
    while (!stopping && !pausing) {
      for (Task<?> task = fromOthers.poll(); task != null; task = fromOthers.poll()) {
        task.run();
      }
      work.turn(now());
      if (!stopping && !pausing) {
        poller.poll(timeoutMillis(work.nextDeadline()));
      }
    }
  }

  /** Rounded up, so that a deadline is past when the wait for it ends. */
  private int timeoutMillis(Optional<Instant> deadline) {
    if (!fromOthers.isEmpty()) {
      return 0;
    }
    if (deadline.isEmpty()) {
      return -1;
    }
    Duration left = Duration.between(now(), deadline.get());
    if (left.isNegative() || left.isZero()) {
      return 0;
    }
    if (left.compareTo(Duration.ofHours(1)) > 0) {
      return (int) Duration.ofHours(1).toMillis();
    }
    return (int) ((left.toNanos() + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI);
  }
}
