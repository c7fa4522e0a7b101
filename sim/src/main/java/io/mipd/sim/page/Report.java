package io.mipd.sim.page;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.typesafe.config.Config;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.page.SequenceDiagram.Message;
import io.mipd.sim.scenario.ScenarioReader;
import io.mipd.sim.sweep.RunRecord;
import io.mipd.sim.sweep.SweepFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Makes {@code report.html} of a folder with the results of a run or of a sweep. */
public final class Report {
  private static final String NAME = "report.html";
  private static final String SCENARIO = "scenario.conf";
  private static final String SWEEP = "sweep.conf";

  /** Movements that are drawn; all are in the table. */
  private static final int MOST_DIAGRAMS = 12;

  private static final int MOST_FAILURES = 20;
  private static final int MOST_MESSAGES = 40;
  private static final int MOST_DOTS = 2500;
  private static final int MOST_FLOWS = 6;

  /** What leads to a movement is drawn with it. */
  private static final double BEFORE_SECONDS = 0.05;

  /** When virtual time begins. */
  private static final long BEGINNING_NANOS =
      EventQueue.BEGINNING.getEpochSecond() * 1_000_000_000L;

  private static final Pattern NUMBER = Pattern.compile("(-?[0-9]+(?:\\.[0-9]+)?)\\s*(\\D*)");

  private Report() {}

  /**
   * Writes the report, and says where.
   *
   * @throws ConfigurationException if it is no folder of results
   */
  public static Path write(Path folder) throws IOException, ConfigurationException {
    if (!Files.exists(folder.resolve(SCENARIO))) {
      throw ConfigurationException.at(
          folder, 0, "", "there are no results in it", "what sim run or sim sweep have left");
    }
    Path file = folder.resolve(NAME);
    Files.writeString(file, Files.exists(folder.resolve(SWEEP)) ? sweep(folder) : run(folder));
    return file;
  }

  // A run.

  private static String run(Path folder) throws IOException, ConfigurationException {
    String text = Files.readString(folder.resolve(SCENARIO));
    Path file = folder.resolve("result.json");
    Config result = ScenarioReader.parse(file, Files.readString(file));
    var page = new Page(result.getString("title"));
    page.paragraph(
        "Scenario "
            + result.getString("scenario")
            + ", seed "
            + result.getLong("seed")
            + ". To repeat it:");
    page.code(result.getString("repeat"));
    for (Config verdict : result.getConfigList("verdicts")) {
      page.verdict(
          verdict.getBoolean("ok"), verdict.getString("name") + ": " + verdict.getString("detail"));
    }
    page.heading("Topology");
    page.figure(new TopologyDrawing(ScenarioReader.read("", folder.resolve(SCENARIO), text)).svg());
    Table handovers = Table.read(folder.resolve("handovers.csv"));
    Table parts = Table.read(folder.resolve("parts.csv"));
    if (!parts.rows().isEmpty()) {
      page.heading("Movements");
      page.paragraph("Milliseconds after the new link came up; lost datagrams; longest gaps.");
      page.table(handovers);
      page.heading("Their parts");
      page.paragraph(
          "How long each part took, in milliseconds: the link, the router's advertisement, an"
              + " address, the Binding Update, its acknowledgement; with a direct route the Care-of"
              + " Test, the Binding Update to the correspondent, and the first datagram the direct"
              + " way.");
      page.table(parts);
    }
    flows(folder, page);
    windows(folder, page);
    sequences(folder, parts, page);
    page.heading("Figures");
    page.table(Table.read(folder.resolve("results.csv")));
    page.heading("The scenario");
    page.code(text);
    return page.html();
  }

  private static void flows(Path folder, Page page) throws IOException {
    ImmutableList<Plot.Series> series = series(folder, "flow", Report::delays);
    if (series.stream().anyMatch(one -> !one.points().isEmpty())) {
      page.heading("Delays");
      page.paragraph("Of each datagram by when it was sent; what was lost is missing.");
      page.figure(
          new Plot("delay of datagrams", "sent at, s", "ms", series, /* dots= */ true).svg());
    }
  }

  private static void windows(Path folder, Page page) throws IOException {
    ImmutableList<Plot.Series> windows = series(folder, "window", table -> column(table, "window"));
    if (windows.isEmpty()) {
      return;
    }
    page.heading("TCP");
    page.paragraph("Congestion windows, and what was acknowledged, of each connection.");
    page.figure(new Plot("congestion window", "s", "kilo-octets", windows, /* dots= */ true).svg());
    page.figure(
        new Plot(
                "acknowledged",
                "s",
                "kilo-octets",
                series(folder, "window", table -> column(table, "acknowledged")),
                /* dots= */ true)
            .svg());
  }

  private static ImmutableList<Plot.Point> column(Table table, String name) {
    int step = 1 + table.rows().size() / MOST_DOTS;
    var points = ImmutableList.<Plot.Point>builder();
    for (int i = 0; i < table.rows().size(); i += step) {
      ImmutableList<String> row = table.rows().get(i);
      points.add(
          new Plot.Point(
              Long.parseLong(table.at(row, "time_ns")) / 1e9,
              Long.parseLong(table.at(row, name)) / 1e3,
              0));
    }
    return points.build();
  }

  /** Of the files of the first flows, by name. */
  private static ImmutableList<Plot.Series> series(
      Path folder, String kind, Function<Table, ImmutableList<Plot.Point>> points)
      throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files =
          all.filter(it -> String.valueOf(it.getFileName()).matches(kind + "-[0-9]+-.*[.]csv"))
              .sorted()
              .limit(MOST_FLOWS)
              .toList();
    }
    var series = ImmutableList.<Plot.Series>builder();
    for (Path file : files) {
      String name =
          String.valueOf(file.getFileName()).replaceAll("^" + kind + "-[0-9]+-|[.]csv$", "");
      series.add(new Plot.Series(name, points.apply(Table.read(file))));
    }
    return series.build();
  }

  private static ImmutableList<Plot.Point> delays(Table table) {
    int step = 1 + table.rows().size() / MOST_DOTS;
    var points = ImmutableList.<Plot.Point>builder();
    for (int i = 0; i < table.rows().size(); i += step) {
      String sent = table.at(table.rows().get(i), "sent_ns");
      String received = table.at(table.rows().get(i), "received_ns");
      if (sent.isEmpty() || received.isEmpty()) {
        continue;
      }
      double at = (Long.parseLong(sent) - BEGINNING_NANOS) / 1e9;
      points.add(new Plot.Point(at, (Long.parseLong(received) - Long.parseLong(sent)) / 1e6, 0));
    }
    return points.build();
  }

  private static void sequences(Path folder, Table parts, Page page) throws IOException {
    Table signals = Table.read(folder.resolve("signals.csv"));
    if (signals.rows().isEmpty() || parts.rows().isEmpty()) {
      return;
    }
    page.heading("Message sequences");
    page.paragraph(
        "What passed the mobile node's interface, decrypted; times in milliseconds after the new"
            + " link came up.");
    for (int i = 0; i < parts.rows().size() && i < MOST_DIAGRAMS; i++) {
      ImmutableList<String> row = parts.rows().get(i);
      String node = parts.at(row, "node");
      double start = Double.parseDouble(parts.at(row, "start_s"));
      double end = Double.MAX_VALUE;
      for (ImmutableList<String> other : parts.rows()) {
        double next = Double.parseDouble(parts.at(other, "start_s"));
        if (parts.at(other, "node").equals(node) && next > start) {
          end = Math.min(end, next - BEFORE_SECONDS);
        }
      }
      double until = end;
      ImmutableList<Message> messages =
          signals.rows().stream()
              .map(
                  it ->
                      new Message(
                          Double.parseDouble(signals.at(it, "time_s")),
                          signals.at(it, "from"),
                          signals.at(it, "to"),
                          signals.at(it, "message")))
              .filter(it -> it.from().equals(node) || it.to().equals(node))
              .filter(it -> it.at() >= start - BEFORE_SECONDS && it.at() < until)
              .limit(MOST_MESSAGES)
              .collect(toImmutableList());
      String title = node + ": " + parts.at(row, "from") + " to " + parts.at(row, "to");
      page.figure(new SequenceDiagram(title, start, messages).svg());
    }
  }

  // A sweep.

  private static String sweep(Path folder) throws IOException, ConfigurationException {
    Path file = folder.resolve(SWEEP);
    String text = Files.readString(file);
    Config plan = ScenarioReader.parse(file, text);
    var page = new Page(plan.getString("title"));
    page.paragraph("To repeat it, with sweep.conf as it is below:");
    page.code("bin/sim sweep sweep.conf --out DIR");
    SweepFolder sweep = SweepFolder.read(folder);
    judge(sweep.records(), sweep.size(), page);
    Table results = Table.of(sweep.table().lines().toList());
    if (plan.hasPath("plot") && !results.rows().isEmpty()) {
      plot(plan, results, page);
    }
    page.heading("All figures");
    page.table(results);
    page.heading("The sweep");
    page.code(text);
    page.heading("The scenario");
    page.code(Files.readString(folder.resolve(SCENARIO)));
    return page.html();
  }

  private static void plot(Config plan, Table results, Page page) {
    String y = plan.getString("plot.y");
    Set<String> measures = new TreeSet<>();
    results.rows().forEach(row -> measures.add(results.at(row, "measure")));
    if (!measures.contains(y)) {
      page.verdict(
          false,
          "plot.y: no run has the measure \""
              + y
              + "\"; they have: "
              + String.join(", ", measures));
      return;
    }
    String x = plan.getString("plot.x");
    Optional<String> by =
        plan.hasPath("plot.by") ? Optional.of(plan.getString("plot.by")) : Optional.empty();
    page.figure(
        new Plot(
                plan.getString("title"),
                plan.hasPath("plot.x-label")
                    ? plan.getString("plot.x-label")
                    : x + unit(results, x),
                plan.hasPath("plot.y-label") ? plan.getString("plot.y-label") : y,
                series(results, x, y, by),
                /* dots= */ false)
            .svg());
    page.paragraph(
        "Bars: confidence intervals of 95 % of the mean over seeds, by Student's t; none where"
            + " all seeds agree. The column runs tells how many had the measure.");
    page.table(
        new Table(
            results.header(),
            results.rows().stream()
                .filter(row -> results.at(row, "measure").equals(y))
                .collect(toImmutableList())));
  }

  /** What becomes of runs that are missing, or not as they should be. */
  private static void judge(List<RunRecord> records, int runs, Page page) {
    page.verdict(records.size() == runs, records.size() + " of " + runs + " runs have ended");
    List<RunRecord> broken = records.stream().filter(it -> !it.sound()).toList();
    List<RunRecord> failed = records.stream().filter(it -> it.sound() && !it.ok()).toList();
    page.verdict(
        broken.isEmpty(),
        broken.size() + " of them broke what must always hold: no mean has their figures");
    failures(broken, page);
    page.verdict(
        failed.isEmpty(),
        failed.size()
            + " others did not register each movement, or had no traffic: what they measured is in"
            + " the means");
    failures(failed, page);
  }

  private static void failures(List<RunRecord> records, Page page) {
    if (!records.isEmpty()) {
      page.code(
          records.stream()
              .limit(MOST_FAILURES)
              .map(RunRecord::failure)
              .collect(Collectors.joining("\n")));
    }
    if (records.size() > MOST_FAILURES) {
      page.paragraph("These are the first " + MOST_FAILURES + "; runs.jsonl has all.");
    }
  }

  /** Axes besides x that have more than one value; the one that was named is the first. */
  private static ImmutableList<String> others(Table results, String x, Optional<String> by) {
    Set<String> others = new LinkedHashSet<>();
    by.ifPresent(others::add);
    for (String path : results.header().subList(0, results.header().indexOf("measure"))) {
      if (!path.equals(x)
          && results.rows().stream().map(row -> results.at(row, path)).distinct().count() > 1) {
        others.add(path);
      }
    }
    return ImmutableList.copyOf(others);
  }

  /** A line for each combination of the values of the axes besides x. */
  private static ImmutableList<Plot.Series> series(
      Table results, String x, String y, Optional<String> by) {
    ImmutableList<String> others = others(results, x, by);
    Map<String, List<Plot.Point>> lines = new LinkedHashMap<>();
    Map<String, Integer> words = new LinkedHashMap<>();
    for (ImmutableList<String> row : results.rows()) {
      if (!results.at(row, "measure").equals(y)) {
        continue;
      }
      String value = results.at(row, x);
      Matcher number = NUMBER.matcher(value);
      // What is no number stands in the order in which it comes.
      double at =
          number.matches()
              ? Double.parseDouble(number.group(1))
              : words.computeIfAbsent(value, it -> words.size());
      String half = results.at(row, "half_width_95");
      String name =
          others.isEmpty()
              ? y
              : others.stream()
                  .map(path -> last(path, others) + " = " + results.at(row, path))
                  .collect(Collectors.joining(", "));
      lines
          .computeIfAbsent(name, it -> new ArrayList<>())
          .add(
              new Plot.Point(
                  at,
                  Double.parseDouble(results.at(row, "mean")),
                  half.isEmpty() ? 0 : Double.parseDouble(half)));
    }
    var series = ImmutableList.<Plot.Series>builder();
    lines.forEach(
        (name, points) -> series.add(new Plot.Series(name, ImmutableList.copyOf(points))));
    return series.build();
  }

  /** What stands behind all numbers of an axis, such as ", ms"; nothing if it differs. */
  private static String unit(Table results, String x) {
    List<String> units =
        results.rows().stream()
            .map(row -> NUMBER.matcher(results.at(row, x)))
            .map(number -> number.matches() ? number.group(2) : "")
            .distinct()
            .toList();
    return units.size() == 1 && !units.get(0).isEmpty() ? ", " + units.get(0) : "";
  }

  /** The end of a path says enough, unless another ends alike. */
  private static String last(String path, List<String> others) {
    String end = path.substring(path.lastIndexOf('.') + 1);
    boolean alone =
        others.stream().filter(it -> it.equals(end) || it.endsWith("." + end)).count() == 1;
    return alone ? end : path;
  }
}
