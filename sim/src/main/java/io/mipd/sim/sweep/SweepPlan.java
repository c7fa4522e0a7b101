package io.mipd.sim.sweep;

import com.google.common.base.Joiner;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.typesafe.config.Config;
import io.mipd.daemon.ConfigurationException;
import io.mipd.daemon.Section;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.scenario.ScenarioReader;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A scenario, the values that vary, and how often each combination is run.
 *
 * @param source the scenario as it is without them
 * @param axes in the order of the file
 * @param seed of the first repetition; the others' follow. All combinations have the same seeds, so
 *     that they differ by their values and not by their luck
 */
public record SweepPlan(
    String title,
    Library.Source source,
    ImmutableList<Axis> axes,
    int repetitions,
    long seed,
    Optional<Plot> plot) {
  /** Of each combination, where the file does not say. */
  private static final int REPETITIONS = 10;

  /** Runs of one sweep at most. */
  private static final int MOST = 1_000_000;

  /**
   * A value of the scenario's and what it is set to.
   *
   * @param path such as {@code links.wan.delay}
   */
  public record Axis(String path, ImmutableList<String> values) {}

  /**
   * What the report is to draw.
   *
   * @param x path of the axis to the right
   * @param y name of the measure upwards
   * @param by path of the axis that has a line for each of its values
   */
  public record Plot(String x, String y, Optional<String> by) {}

  /**
   * One run.
   *
   * @param number from 0
   * @param point number of the combination, from 0
   * @param values by path, in the order of the axes
   */
  public record Run(int number, int point, ImmutableMap<String, String> values, long seed) {}

  /**
   * Reads a sweep's file; a scenario's file is looked for beside it.
   *
   * @throws ConfigurationException with file, line, key, what is wrong and what is allowed
   */
  public static SweepPlan read(Path file) throws ConfigurationException, IOException {
    return read(file, Optional.empty());
  }

  /**
   * Likewise, of a scenario that is kept elsewhere.
   *
   * @param kept a copy of the scenario, if that is to be taken
   */
  static SweepPlan read(Path file, Optional<Path> kept) throws ConfigurationException, IOException {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw ConfigurationException.unreadable(file, e, "a readable file");
    }
    Config config = ScenarioReader.parse(file, text);
    var root = new Section(file, config.root(), "");
    String title = root.string("title", "what is compared, in a few words");
    String allowed = "a ready scenario (" + String.join(", ", Library.NAMES) + "), or a file";
    String scenario = root.string("scenario", allowed);
    String asked = Library.NAMES.contains(scenario) ? scenario : root.path("scenario").toString();
    Library.Source source = Library.find(kept.map(Path::toString).orElse(asked));
    var axes = ImmutableList.<Axis>builder();
    long runs = 1;
    for (Section one : root.sections("vary")) {
      Axis axis = axis(one);
      axes.add(axis);
      runs *= axis.values().size();
    }
    int repetitions = root.integer("repetitions", REPETITIONS, 1, MOST);
    if (runs * repetitions > MOST) {
      throw root.wrong("repetitions", runs * repetitions + " runs", "at most " + MOST + " runs");
    }
    int seed = root.integer("seed", 1, 0, Integer.MAX_VALUE);
    ImmutableList<Axis> all = axes.build();
    Optional<Section> section = root.optionalSection("plot");
    Optional<Plot> plot =
        section.isPresent() ? Optional.of(plot(section.get(), all)) : Optional.empty();
    root.finish();
    var plan = new SweepPlan(title, source, all, repetitions, seed, plot);
    if (kept.isEmpty()) {
      // What is kept was right when it ran; files that it names are not beside it.
      plan.check(root);
    }
    return plan;
  }

  /**
   * Whether each combination is a scenario: what is wrong is told at once, not in the middle of the
   * night. Values that are good alone need not be so together, nor the other way round.
   */
  private void check(Section root) throws ConfigurationException {
    for (ImmutableMap<String, String> point : points()) {
      try {
        sourceOf(point).read();
      } catch (ConfigurationException e) {
        throw root.wrong(
            "vary",
            "the combination "
                + Joiner.on(", ").withKeyValueSeparator(" = ").join(point)
                + " is no scenario: "
                + e.getMessage(),
            "values that go together, each with each of the others");
      }
    }
  }

  /** A value that varies, as the file has it. */
  private static Axis axis(Section section) throws ConfigurationException {
    String path = section.string("value", "the path of a value, such as links.wan.delay");
    ImmutableList<String> values = section.strings("in", "a list of values");
    if (values.isEmpty()) {
      values = range(section);
    }
    section.finish();
    return new Axis(path, values);
  }

  /** Decimal, so that ten times 0.1 is 1. */
  private static ImmutableList<String> range(Section section) throws ConfigurationException {
    String allowed = "a list of values as in, or numbers as from, to and step";
    BigDecimal from = section.parsed("from", allowed, BigDecimal::new);
    BigDecimal to = section.parsed("to", allowed, BigDecimal::new);
    BigDecimal step = section.parsed("step", allowed, BigDecimal::new);
    String unit = section.string("unit", "", "what stands behind the number, such as ms");
    if (step.signum() <= 0 || to.compareTo(from) < 0) {
      throw section.wrong("step", "it does not lead from " + from + " to " + to, "a step above 0");
    }
    var values = ImmutableList.<String>builder();
    for (BigDecimal value = from; value.compareTo(to) <= 0; value = value.add(step)) {
      values.add(value.toPlainString() + unit);
    }
    return values.build();
  }

  private static Plot plot(Section section, ImmutableList<Axis> axes)
      throws ConfigurationException {
    String allowed = "one of the values that vary: " + axes.stream().map(Axis::path).toList();
    String x = section.string("x", allowed);
    String y = section.string("y", "the name of a measure, such as handover.outage_in_ms");
    Optional<String> by =
        section.has("by") ? Optional.of(section.string("by", allowed)) : Optional.empty();
    for (String path : by.isPresent() ? List.of(x, by.get()) : List.of(x)) {
      if (axes.stream().noneMatch(axis -> axis.path().equals(path))) {
        throw section.wrong(path.equals(x) ? "x" : "by", "it does not vary: " + path, allowed);
      }
    }
    // The report reads them.
    section.string("x-label", "", "what stands along the axis to the right");
    section.string("y-label", "", "what stands along the axis upwards");
    section.finish();
    return new Plot(x, y, by);
  }

  /** All combinations: the last axis changes fastest. */
  private ImmutableList<ImmutableMap<String, String>> points() {
    List<Map<String, String>> points = new ArrayList<>();
    points.add(new LinkedHashMap<>());
    for (Axis axis : axes) {
      List<Map<String, String>> next = new ArrayList<>();
      for (Map<String, String> point : points) {
        for (String value : axis.values()) {
          Map<String, String> more = new LinkedHashMap<>(point);
          more.put(axis.path(), value);
          next.add(more);
        }
      }
      points = next;
    }
    return points.stream().map(ImmutableMap::copyOf).collect(ImmutableList.toImmutableList());
  }

  /** All runs: those of a combination, one for each seed, stand together. */
  public ImmutableList<Run> runs() {
    ImmutableList<ImmutableMap<String, String>> points = points();
    var runs = ImmutableList.<Run>builder();
    int number = 0;
    for (int point = 0; point < points.size(); point++) {
      for (int repetition = 0; repetition < repetitions; repetition++) {
        runs.add(new Run(number, point, points.get(point), seed + repetition));
        number++;
      }
    }
    return runs.build();
  }

  /** The scenario of a run, without files. */
  public Library.Source sourceOf(Run run) throws ConfigurationException {
    return sourceOf(run.values());
  }

  private Library.Source sourceOf(Map<String, String> point) throws ConfigurationException {
    Library.Source of = source;
    for (Map.Entry<String, String> value : point.entrySet()) {
      of = of.with(value.getKey(), value.getValue());
    }
    return of;
  }

  /** What repeats a run alone. */
  public String command(Run run) {
    try {
      return "bin/sim run " + sourceOf(run).command() + " --seed " + run.seed();
    } catch (ConfigurationException e) {
      throw new IllegalStateException("it was read before: " + e.getMessage(), e);
    }
  }
}
