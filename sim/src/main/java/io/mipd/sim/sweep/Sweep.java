package io.mipd.sim.sweep;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.report.Results;
import io.mipd.sim.run.Outcome;
import io.mipd.sim.run.Simulation;
import io.mipd.sim.scenario.Scenario;
import io.mipd.sim.sweep.SweepPlan.Run;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Carries out what is left of a sweep, a run on each core. */
public final class Sweep {
  /** Learns how far it is. */
  public interface Progress {
    void done(int runs, int of);
  }

  private final SweepPlan plan;
  private final SweepFolder folder;

  public Sweep(SweepPlan plan, SweepFolder folder) {
    this.plan = plan;
    this.folder = folder;
  }

  /**
   * Runs what has not been run.
   *
   * @param threads at a time
   * @param part from 1, of {@code parts}
   * @throws IOException if results cannot be written
   */
  public void run(int threads, int part, int parts, Progress progress)
      throws IOException, InterruptedException {
    List<Run> left = folder.left(part, parts);
    var ended = new AtomicInteger();
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> futures = new ArrayList<>();
      for (Run run : left) {
        futures.add(
            workers.submit(
                () -> {
                  folder.add(perform(run));
                  progress.done(ended.incrementAndGet(), left.size());
                  return null;
                }));
      }
      for (Future<?> future : futures) {
        future.get();
      }
    } catch (ExecutionException e) {
      throw new IOException("a run has failed: " + e.getCause(), e);
    } finally {
      workers.shutdownNow();
    }
    folder.finish();
  }

  private RunRecord perform(Run run) throws ConfigurationException, IOException {
    Scenario scenario = plan.sourceOf(run).read().withSeed(run.seed());
    Outcome outcome;
    try {
      outcome = Simulation.run(scenario, Optional.empty());
    } catch (RuntimeException e) {
      // A mistake of the code's, which the other runs need not have.
      return new RunRecord(
          run.number(),
          run.seed(),
          /* sound= */ false,
          /* ok= */ false,
          ImmutableList.of("it broke off: " + e),
          plan.command(run),
          ImmutableSortedMap.of());
    }
    return new RunRecord(
        run.number(),
        run.seed(),
        outcome.violations().isEmpty(),
        outcome.results().ok(),
        outcome.results().verdicts().stream()
            .filter(verdict -> !verdict.ok())
            .map(Sweep::words)
            .collect(ImmutableList.toImmutableList()),
        plan.command(run),
        outcome.measures());
  }

  private static String words(Results.Verdict verdict) {
    return verdict.name() + ": " + verdict.detail();
  }
}
