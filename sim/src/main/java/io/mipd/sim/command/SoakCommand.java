package io.mipd.sim.command;

import io.mipd.sim.run.Soak;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sim soak}. */
@Command(
    name = "soak",
    description = {
      "Runs random scenarios with random faults, one after the other on each core, and looks"
          + " after every event whether what must always hold holds.",
      "Exit status: 0 it did, 1 it did not; what it found is told with the command that repeats it."
    })
final class SoakCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "The first scenario's number, the others' follow (default: ${DEFAULT-VALUE})")
  private int seed = 1;

  @Option(
      names = "--runs",
      paramLabel = "N",
      description = "So many scenarios (default: ${DEFAULT-VALUE})")
  private int runs = 1000;

  @Option(
      names = "--minutes",
      paramLabel = "N",
      description = "Begins no more scenarios after so long (default: ${DEFAULT-VALUE})")
  private int minutes = 60;

  @Option(names = "--threads", paramLabel = "N", description = "Runs at a time (default: cores)")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = RunCommand.out(spec);
    Soak.Findings all =
        new Soak(seed, runs, Duration.ofMinutes(minutes), threads)
            .run(
                (number, sum) -> {
                  out.printf(Locale.ROOT, "\r%s", sum);
                  out.flush();
                });
    out.println();
    all.failures().forEach(failure -> out.println("FAILED " + failure));
    return all.failures().isEmpty() ? Main.OK : Main.FAILURE;
  }
}
