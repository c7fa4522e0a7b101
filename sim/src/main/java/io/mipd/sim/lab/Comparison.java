package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.sim.page.Plot;
import io.mipd.sim.report.Handover;
import io.mipd.sim.report.Turnaround;
import io.mipd.sim.scenario.Scenario;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The parts of the same handovers in the lab and in the simulator, side by side. First
 * registrations and returns home are left out: they are other exchanges.
 *
 * @param lines one for each part that happened in either
 * @param taken how long nodes of the lab took for messages, which is none of the parts
 */
record Comparison(
    ImmutableList<Line> lines,
    ImmutableList<Taken> taken,
    ImmutableList<Handover> lab,
    ImmutableList<Handover> simulator) {
  /** What may differ: so much, or a tenth of what is expected. */
  private static final double MOST_MILLIS = 5;

  private static final double MOST_SHARE = 0.1;

  /** In milliseconds. */
  private record Spread(double median, double least, double most) {
    static Optional<Spread> of(double[] values) {
      if (values.length == 0) {
        return Optional.empty();
      }
      double[] sorted = values.clone();
      Arrays.sort(sorted);
      int middle = sorted.length / 2;
      return Optional.of(
          new Spread(
              sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2,
              sorted[0],
              sorted[sorted.length - 1]));
    }

    private String toCsv() {
      return String.format(Locale.ROOT, "%.3f,%.3f,%.3f", median, least, most);
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%.1f (%.1f to %.1f)", median, least, most);
    }
  }

  /** One part. A side where it never happened is empty, and then the two do not agree. */
  record Line(String part, Optional<Spread> lab, Optional<Spread> simulator) {
    Optional<Double> difference() {
      return lab.flatMap(here -> simulator.map(there -> here.median() - there.median()));
    }

    boolean agrees() {
      double expected = simulator.map(Spread::median).orElse(0.0);
      return difference()
          .filter(it -> Math.abs(it) <= Math.max(MOST_MILLIS, MOST_SHARE * Math.abs(expected)))
          .isPresent();
    }
  }

  /**
   * How long a node took for messages of a kind, beside what the scenario says.
   *
   * @param millis {@code processing} of the node
   */
  record Taken(Turnaround turnaround, Spread spread, double millis) {}

  private static final ImmutableMap<String, String> WORDS =
      ImmutableMap.of(
          "layer2_ms", "layer 2: the cable is out until the link is up",
          "router_ms", "router discovery, after that",
          "address_ms", "address, after that",
          "update_ms", "Binding Update, after that",
          "acknowledgement_ms", "its acknowledgement, after that",
          "care_of_test_ms", "Care-of Test Init to Care-of Test",
          "correspondent_update_ms", "Binding Update to the correspondent, after that",
          "direct_ms", "first datagram out directly, after that");

  /** The parts, and what they come to. */
  private static ImmutableMap<String, Function<Handover, OptionalLong>> parts() {
    var all = ImmutableMap.<String, Function<Handover, OptionalLong>>builder();
    Handover.parts().forEach((name, part) -> all.put(WORDS.getOrDefault(name, name), part));
    return all.put(
            "first datagram in, after the link", it -> after(it, it.row().movement().payloadIn()))
        .put(
            "first datagram out directly, after the link",
            it -> after(it, it.row().movement().directOut()))
        .put("longest gap at the receiver, out", it -> it.row().out().longestGapNanos())
        .put("longest gap at the receiver, in", it -> it.row().in().longestGapNanos())
        .buildOrThrow();
  }

  private static OptionalLong after(Handover handover, OptionalLong step) {
    return step.isEmpty()
        ? step
        : OptionalLong.of(step.getAsLong() - handover.row().movement().start());
  }

  /**
   * @param turnarounds of the lab
   */
  static Comparison of(
      List<Handover> lab,
      List<Handover> simulator,
      List<Turnaround> turnarounds,
      Scenario scenario) {
    ImmutableList<Handover> real = counted(lab, scenario::isHome);
    ImmutableList<Handover> virtual = counted(simulator, scenario::isHome);
    var taken = ImmutableList.<Taken>builder();
    for (Turnaround one : turnarounds) {
      Spread.of(one.nanos().stream().mapToDouble(it -> it / 1e6).toArray())
          .ifPresent(
              it -> taken.add(new Taken(one, it, scenario.processing(one.node()).toNanos() / 1e6)));
    }
    var lines = ImmutableList.<Line>builder();
    parts()
        .forEach(
            (name, part) -> {
              Optional<Spread> here = Spread.of(millis(real, part));
              Optional<Spread> there = Spread.of(millis(virtual, part));
              if (here.isPresent() || there.isPresent()) {
                lines.add(new Line(name, here, there));
              }
            });
    return new Comparison(lines.build(), taken.build(), real, virtual);
  }

  private static ImmutableList<Handover> counted(List<Handover> all, Predicate<String> isHome) {
    return all.stream()
        .filter(it -> !it.first() && !isHome.test(it.row().to()))
        .collect(ImmutableList.toImmutableList());
  }

  private static double[] millis(List<Handover> handovers, Function<Handover, OptionalLong> part) {
    return handovers.stream()
        .map(part)
        .filter(OptionalLong::isPresent)
        .mapToDouble(it -> it.getAsLong() / 1e6)
        .toArray();
  }

  boolean agrees() {
    return !lines.isEmpty() && lines.stream().allMatch(Line::agrees);
  }

  /** Two tables in Markdown: the parts, and what nodes took for messages. */
  String table() {
    var text = new StringBuilder();
    text.append(
        "| median (least to most), ms | lab, "
            + lab.size()
            + " handovers | simulator, "
            + simulator.size()
            + " | difference | within 10 % or 5 ms |\n|---|---|---|---|---|\n");
    for (Line line : lines) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %s | %s |%n",
              line.part(),
              line.lab().map(Spread::toString).orElse("-"),
              line.simulator().map(Spread::toString).orElse("-"),
              line.difference().map(it -> String.format(Locale.ROOT, "%.1f", it)).orElse("-"),
              line.agrees() ? "yes" : "no"));
    }
    if (!taken.isEmpty()) {
      text.append(
          "\n| at | median (least to most), ms | lab | messages | scenario |\n|---|---|---|---|---|\n");
    }
    for (Taken one : taken) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %d | %.1f |%n",
              one.turnaround().node(),
              one.turnaround().what(),
              one.spread(),
              one.turnaround().nanos().size(),
              one.millis()));
    }
    return text.toString();
  }

  /** {@code compare.md}, {@code compare.csv} and {@code compare.svg}. */
  void write(Path folder) throws IOException {
    Files.writeString(folder.resolve("compare.md"), table());
    var csv =
        new StringBuilder(
            "part,lab_median_ms,lab_least_ms,lab_most_ms,simulator_median_ms,simulator_least_ms,"
                + "simulator_most_ms,agrees\n");
    for (Line line : lines) {
      csv.append(
          String.format(
              Locale.ROOT,
              "\"%s\",%s,%s,%s%n",
              line.part(),
              line.lab().map(Spread::toCsv).orElse(",,"),
              line.simulator().map(Spread::toCsv).orElse(",,"),
              line.agrees()));
    }
    Files.writeString(folder.resolve("compare.csv"), csv.toString());
    Files.writeString(folder.resolve("compare.svg"), plot());
  }

  private String plot() {
    Map<String, Function<Handover, OptionalLong>> shown =
        ImmutableMap.of(
            "router", it -> after(it, it.row().movement().router()),
            "registered", it -> after(it, it.row().movement().acknowledgement()),
            "direct", it -> after(it, it.row().movement().directOut()));
    var series = ImmutableList.<Plot.Series>builder();
    shown.forEach(
        (name, part) -> {
          distribution(series, name + ", lab", millis(lab, part));
          distribution(series, name + ", simulator", millis(simulator, part));
        });
    return new Plot(
            "Handovers in the lab and in the simulator",
            "ms after the link is up",
            "share of handovers so far",
            series.build(),
            false)
        .svg();
  }

  /** How many of all have happened by a time: a step for each. */
  private static void distribution(
      ImmutableList.Builder<Plot.Series> series, String name, double[] values) {
    if (values.length == 0) {
      return;
    }
    Arrays.sort(values);
    var points = ImmutableList.<Plot.Point>builder();
    for (int i = 0; i < values.length; i++) {
      points.add(new Plot.Point(values[i], (double) i / values.length, 0));
      points.add(new Plot.Point(values[i], (i + 1.0) / values.length, 0));
    }
    series.add(new Plot.Series(name, points.build()));
  }
}
