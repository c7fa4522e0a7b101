package io.mipd.sim.command;

import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.report.Results;
import io.mipd.sim.run.Outcome;
import io.mipd.sim.run.Simulation;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.scenario.Scenario;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sim run}. */
@Command(
    name = "run",
    description = {
      "Runs a scenario and leaves a folder with what it has measured.",
      "Exit status: 0 all that must hold held, 1 something did not, 2 the scenario is wrong."
    })
final class RunCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "NAME|FILE", description = "A ready scenario, or a file with one")
  private String scenario = "";

  @Option(names = "--seed", paramLabel = "N", description = "Of chance (default: the scenario's)")
  private @Nullable Long seed;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where results go: a new or an empty folder (default: sim-results/NAME-SEED)")
  private @Nullable Path out;

  @Option(
      names = "--set",
      paramLabel = "PATH=VALUE",
      description = "A value of the scenario's, such as links.wan.delay=25ms; may be repeated")
  private Map<String, String> values = new LinkedHashMap<>();

  @Override
  public Integer call() throws Exception {
    Library.Source source = Library.find(scenario);
    for (Map.Entry<String, String> value : values.entrySet()) {
      source = source.with(value.getKey(), value.getValue());
    }
    Scenario read = source.read();
    if (seed != null) {
      read = read.withSeed(seed);
    }
    Path folder =
        out != null ? out : Path.of("sim-results", plain(source.name()) + "-" + read.seed());
    prepare(folder, out != null);
    Files.writeString(folder.resolve("scenario.conf"), source.text());
    PrintWriter print = out(spec);
    print.println(read.name() + ": " + read.title() + "; seed " + read.seed());
    print.flush();
    Outcome outcome = Simulation.run(read, Optional.of(folder));
    print.println();
    print.print(outcome.results().table());
    print.println();
    for (Results.Verdict verdict : outcome.results().verdicts()) {
      print.printf(
          Locale.ROOT,
          "%-6s %s: %s%n",
          verdict.ok() ? "ok" : "FAILED",
          verdict.name(),
          verdict.detail());
    }
    print.println("results: " + folder);
    return outcome.results().ok() ? Main.OK : Main.FAILURE;
  }

  static PrintWriter out(@Nullable CommandSpec spec) {
    if (spec == null) {
      throw new IllegalStateException("not called by picocli");
    }
    return spec.commandLine().getOut();
  }

  private static String plain(String name) {
    Path file = Path.of(name).getFileName();
    return String.valueOf(file).replaceAll("[.]conf$", "").replaceAll("[^A-Za-z0-9.-]", "_");
  }

  /**
   * @param chosen by the user, whose files we do not touch
   */
  private static void prepare(Path folder, boolean chosen)
      throws IOException, ConfigurationException {
    Files.createDirectories(folder);
    try (Stream<Path> there = Files.walk(folder)) {
      for (Path file : there.sorted(Comparator.reverseOrder()).toList()) {
        if (file.equals(folder)) {
          continue;
        }
        if (chosen) {
          throw ConfigurationException.at(
              folder, 0, "--out", "there is something in it", "a new or an empty folder");
        }
        Files.delete(file);
      }
    }
  }
}
