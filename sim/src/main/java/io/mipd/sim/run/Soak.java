package io.mipd.sim.run;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.scenario.Library;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Random scenarios, one after the other, each watched by what must always hold. */
public final class Soak {
  /**
   * What they have come to.
   *
   * @param runs scenarios
   * @param events of all of them
   * @param handovers registrations of another care-of address that a home agent has acknowledged
   * @param failures what did not hold, each with the command that repeats it
   */
  public record Findings(int runs, long events, long handovers, ImmutableList<String> failures) {
    static final Findings NONE = new Findings(0, 0, 0, ImmutableList.of());

    Findings plus(Findings other) {
      return new Findings(
          runs + other.runs,
          events + other.events,
          handovers + other.handovers,
          ImmutableList.<String>builder().addAll(failures).addAll(other.failures).build());
    }

    @Override
    public String toString() {
      return runs
          + " scenarios, "
          + events
          + " events, "
          + handovers
          + " handovers, "
          + failures.size()
          + " failures";
    }
  }

  /** Learns what there is so far, on any thread. */
  public interface Progress {
    void done(int number, Findings sum);
  }

  private final int first;
  private final int runs;
  private final Duration most;
  private final int threads;
  private Findings sum = Findings.NONE;

  /**
   * @param first number of a scenario, those of the others follow
   * @param runs so many
   * @param most after so long none is begun any more
   * @param threads at a time
   */
  public Soak(int first, int runs, Duration most, int threads) {
    checkArgument(first >= 0 && runs >= 1, "not a range: %s from %s", runs, first);
    checkArgument(threads >= 1, "no threads: %s", threads);
    this.first = first;
    this.runs = runs;
    this.most = most;
    this.threads = threads;
  }

  /** Runs them. */
  public Findings run(Progress progress) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    var next = new AtomicInteger();
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        all.add(workers.submit(() -> work(next, end, progress)));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } finally {
      workers.shutdownNow();
    }
    return sum();
  }

  private void work(AtomicInteger next, long end, Progress progress) {
    for (int i = next.getAndIncrement();
        i < runs && System.nanoTime() < end;
        i = next.getAndIncrement()) {
      int number = first + i;
      progress.done(number, add(one(number)));
    }
  }

  private static Findings one(int number) {
    String repeat = "; to repeat it: bin/sim run random-" + number;
    try {
      Outcome outcome = Simulation.run(Library.random(number).read(), Optional.empty());
      return new Findings(
          1,
          outcome.events(),
          Math.round(outcome.measures().getOrDefault("home-agents.movements", 0.0)),
          outcome.violations().stream()
              .limit(1)
              .map(violation -> "random-" + number + ": " + violation + repeat)
              .collect(ImmutableList.toImmutableList()));
    } catch (ConfigurationException
        | IOException
        | RuntimeException
        | AssertionError
        | StackOverflowError e) {
      // What a part throws is its mistake, and one more finding.
      return new Findings(1, 0, 0, ImmutableList.of("random-" + number + ": " + e + repeat));
    }
  }

  private synchronized Findings add(Findings more) {
    sum = sum.plus(more);
    return sum;
  }

  private synchronized Findings sum() {
    return sum;
  }
}
