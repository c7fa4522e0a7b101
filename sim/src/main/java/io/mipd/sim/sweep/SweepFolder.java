package io.mipd.sim.sweep;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.sweep.SweepPlan.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The results of a sweep: {@code sweep.conf}, {@code scenario.conf}, a line in {@code runs.jsonl}
 * for each run that has ended, and when all have, {@code results.csv}.
 */
public final class SweepFolder {
  private static final String PLAN = "sweep.conf";
  private static final String SCENARIO = "scenario.conf";
  private static final String RUNS = "runs.jsonl";
  private static final String RESULTS = "results.csv";

  private final Path folder;
  private final SweepPlan plan;
  private final Map<Integer, RunRecord> done = new TreeMap<>();

  private SweepFolder(Path folder, SweepPlan plan) {
    this.folder = folder;
    this.plan = plan;
  }

  /**
   * Opens the folder of a sweep, or makes it.
   *
   * @throws ConfigurationException if it has the results of another sweep
   */
  public static SweepFolder open(Path folder, Path file, SweepPlan plan)
      throws IOException, ConfigurationException {
    Files.createDirectories(folder);
    String text = Files.readString(file);
    String scenario = plan.source().text();
    Path mine = folder.resolve(PLAN);
    Path its = folder.resolve(SCENARIO);
    if (Files.exists(mine)
        && (!Files.readString(mine).equals(text) || !Files.readString(its).equals(scenario))) {
      throw ConfigurationException.at(
          folder, 0, "--out", "it has the results of another sweep", "a new folder, or its own");
    }
    Files.writeString(mine, text);
    Files.writeString(its, scenario);
    var opened = new SweepFolder(folder, plan);
    opened.load(folder);
    // An interruption may have left half a line, which the next one must not go on.
    opened.rewrite();
    return opened;
  }

  /**
   * What there is of a sweep, which may still run, or have been interrupted. Nothing is written.
   *
   * @throws ConfigurationException if it is no folder of a sweep's results
   */
  public static SweepFolder read(Path folder) throws IOException, ConfigurationException {
    SweepPlan plan = SweepPlan.read(folder.resolve(PLAN), Optional.of(folder.resolve(SCENARIO)));
    var read = new SweepFolder(folder, plan);
    read.load(folder);
    return read;
  }

  private void load(Path from) throws IOException {
    Path runs = from.resolve(RUNS);
    if (Files.exists(runs)) {
      for (String line : Files.readAllLines(runs)) {
        RunRecord.parse(line).ifPresent(record -> done.put(record.number(), record));
      }
    }
  }

  /** The runs that have ended, in their order. */
  public synchronized ImmutableList<RunRecord> records() {
    return ImmutableList.copyOf(done.values());
  }

  /** How many runs the whole sweep has. */
  public int size() {
    return plan.runs().size();
  }

  /** Takes over what other parts of the same sweep have done. */
  public void merge(Path other) throws IOException, ConfigurationException {
    if (!isSame(other, PLAN) || !isSame(other, SCENARIO)) {
      throw ConfigurationException.at(
          other, 0, "", "it has no results of this sweep", "folders of parts of one sweep");
    }
    load(other);
    rewrite();
  }

  public Path path() {
    return folder;
  }

  /** The runs of one of several parts that have not ended. */
  public synchronized List<Run> left(int part, int parts) {
    List<Run> left = new ArrayList<>();
    for (Run run : plan.runs()) {
      if (run.number() % parts == part - 1 && !done.containsKey(run.number())) {
        left.add(run);
      }
    }
    return left;
  }

  private boolean isSame(Path other, String name) throws IOException {
    Path its = other.resolve(name);
    return Files.exists(its)
        && Files.readString(its).equals(Files.readString(folder.resolve(name)));
  }

  /** A run has ended. Its line is there as soon as this returns. */
  public synchronized void add(RunRecord record) throws IOException {
    done.put(record.number(), record);
    Files.writeString(
        folder.resolve(RUNS),
        record.toJson() + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /** Whether all runs of the whole sweep have ended. */
  public synchronized boolean isComplete() {
    return done.size() == size();
  }

  /** Runs that were not as they should be, with what repeats them. */
  public synchronized List<String> failures() {
    List<String> failures = new ArrayList<>();
    for (Run run : plan.runs()) {
      RunRecord record = done.get(run.number());
      if (record != null && !record.ok()) {
        failures.add(record.failure());
      }
    }
    return failures;
  }

  /** In the order of the runs, whoever ended first. */
  private void rewrite() throws IOException {
    var lines = new StringBuilder();
    done.values().forEach(record -> lines.append(record.toJson()).append('\n'));
    Files.writeString(folder.resolve(RUNS), lines.toString());
  }

  /** The estimates of each combination of sound runs, by its number and the measure's name. */
  public synchronized ImmutableMap<Integer, ImmutableSortedMap<String, Estimate>> estimates() {
    Map<Integer, Map<String, List<Double>>> values = new TreeMap<>();
    for (Run run : plan.runs()) {
      RunRecord record = done.get(run.number());
      // What a run in which something was broken has measured is no estimate of anything.
      if (record == null || !record.sound()) {
        continue;
      }
      Map<String, List<Double>> point =
          values.computeIfAbsent(run.point(), number -> new TreeMap<>());
      record
          .measures()
          .forEach(
              (name, value) ->
                  point.computeIfAbsent(name, measure -> new ArrayList<>()).add(value));
    }
    var estimates = ImmutableMap.<Integer, ImmutableSortedMap<String, Estimate>>builder();
    values.forEach(
        (point, byName) -> {
          var all = ImmutableSortedMap.<String, Estimate>naturalOrder();
          byName.forEach(
              (name, list) ->
                  all.put(
                      name, Estimate.of(list.stream().mapToDouble(Double::doubleValue).toArray())));
          estimates.put(point, all.buildOrThrow());
        });
    return estimates.buildOrThrow();
  }

  /** Puts the runs in order, and writes the table of estimates. */
  public synchronized void finish() throws IOException {
    rewrite();
    Files.writeString(folder.resolve(RESULTS), table());
  }

  /** The estimates of what has been run so far, as comma-separated values with a heading. */
  public synchronized String table() {
    var csv = new StringBuilder();
    plan.axes().forEach(axis -> csv.append(quoted(axis.path())).append(','));
    csv.append("measure,runs,mean,half_width_95,min,max\n");
    ImmutableMap<Integer, ImmutableSortedMap<String, Estimate>> all = estimates();
    Optional<Integer> last = Optional.empty();
    for (Run run : plan.runs()) {
      if (last.equals(Optional.of(run.point()))) {
        continue;
      }
      last = Optional.of(run.point());
      all.getOrDefault(run.point(), ImmutableSortedMap.of())
          .forEach(
              (name, estimate) -> {
                run.values().values().forEach(value -> csv.append(quoted(value)).append(','));
                csv.append(
                    String.join(
                        ",",
                        quoted(name),
                        Integer.toString(estimate.count()),
                        number(estimate.mean()),
                        estimate.count() > 1 ? number(estimate.halfWidth()) : "",
                        number(estimate.least()),
                        number(estimate.most())));
                csv.append('\n');
              });
    }
    return csv.toString();
  }

  /** A value that may have commas and quotation marks (RFC 4180). */
  private static String quoted(String text) {
    return text.contains(",") || text.contains("\"")
        ? '"' + text.replace("\"", "\"\"") + '"'
        : text;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.6g", value);
  }
}
