package io.mipd.sim.report;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Iterables;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;

/** What a run has shown: rows, verdicts, and what it was run with. */
public final class Results {
  /** Something that must hold. */
  public record Verdict(String name, boolean ok, String detail) {}

  private final List<Verdict> verdicts = new ArrayList<>();
  private final List<HandoverRow> rows = new ArrayList<>();
  private final List<HandoverRow> apart = new ArrayList<>();
  private final Map<String, Object> facts = new LinkedHashMap<>();

  public void verdict(String name, boolean ok, String detail) {
    verdicts.add(new Verdict(name, ok, detail));
  }

  /** A row of the table. */
  public void row(HandoverRow row) {
    rows.add(row);
  }

  /** A move that the table leaves out: the first registration, the return home. */
  public void apart(HandoverRow row) {
    apart.add(row);
  }

  /** Options, versions, measurements: goes into {@code result.json}. */
  public void fact(String name, Object value) {
    facts.put(name, value);
  }

  public ImmutableList<Verdict> verdicts() {
    return ImmutableList.copyOf(verdicts);
  }

  public boolean ok() {
    return !verdicts.isEmpty() && verdicts.stream().allMatch(Verdict::ok);
  }

  public void write(Path folder) throws IOException {
    var csv = new StringBuilder(HandoverRow.HEADER + "\n");
    rows.forEach(row -> csv.append(row.toCsv()).append('\n'));
    Files.writeString(folder.resolve("handovers.csv"), csv.toString());
    if (rows.stream().anyMatch(HandoverRow::isDirect)) {
      var routes = new StringBuilder(HandoverRow.ROUTE_HEADER + "\n");
      rows.forEach(row -> routes.append(row.toRouteCsv()).append('\n'));
      Files.writeString(folder.resolve("routes.csv"), routes.toString());
    }
    Map<String, Object> json = new LinkedHashMap<>(facts);
    json.put("ok", ok());
    json.put(
        "verdicts",
        verdicts.stream()
            .map(v -> Map.of("name", v.name(), "ok", v.ok(), "detail", v.detail()))
            .toList());
    json.put("apart", apart.stream().map(HandoverRow::toCsv).toList());
    for (Column column : Iterables.concat(COLUMNS, ROUTE_COLUMNS)) {
      OptionalDouble median = median(column);
      if (median.isPresent()) {
        json.put("median_" + column.name, median.getAsDouble());
      }
    }
    Files.writeString(
        folder.resolve("result.json"),
        ConfigValueFactory.fromMap(json)
                .render(
                    ConfigRenderOptions.defaults()
                        .setOriginComments(false)
                        .setComments(false)
                        .setJson(true))
            + "\n");
  }

  private record Column(String name, Function<HandoverRow, String> value) {}

  private static final ImmutableList<Column> COLUMNS =
      ImmutableList.of(
          new Column("ra_ms", row -> row.after(row.movement().router())),
          new Column("address_ms", row -> row.after(row.movement().address())),
          new Column("bu_ms", row -> row.after(row.movement().update())),
          new Column("ba_ms", row -> row.after(row.movement().acknowledgement())),
          new Column("payload_out_ms", row -> row.after(row.movement().payloadOut())),
          new Column("payload_in_ms", row -> row.after(row.movement().payloadIn())),
          new Column("lost_out", row -> Integer.toString(row.out().lost())),
          new Column("lost_in", row -> Integer.toString(row.in().lost())),
          new Column("outage_out_ms", row -> HandoverRow.millis(row.out().longestGapNanos())),
          new Column("outage_in_ms", row -> HandoverRow.millis(row.in().longestGapNanos())));

  private static final ImmutableList<Column> ROUTE_COLUMNS =
      ImmutableList.of(
          new Column("direct_out_ms", row -> row.after(row.movement().directOut())),
          new Column("direct_in_ms", row -> row.after(row.movement().directIn())));

  private OptionalDouble median(Column column) {
    double[] sorted =
        rows.stream()
            .map(column.value)
            .filter(text -> !text.isEmpty())
            .mapToDouble(Double::parseDouble)
            .sorted()
            .toArray();
    if (sorted.length == 0) {
      return OptionalDouble.empty();
    }
    int middle = sorted.length / 2;
    return OptionalDouble.of(
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2);
  }

  /** The table for people. */
  public String table() {
    var text = new StringBuilder();
    String form = "%5s  %-10s" + "%9s".repeat(COLUMNS.size()) + "%n";
    text.append(
        String.format(
            Locale.ROOT,
            form,
            "",
            "",
            "router",
            "address",
            "BU",
            "BA",
            "payload",
            "payload",
            "lost",
            "lost",
            "outage",
            "outage"));
    text.append(
        String.format(
            Locale.ROOT,
            form,
            "n",
            "move",
            "ms",
            "ms",
            "ms",
            "ms",
            "out ms",
            "in ms",
            "out",
            "in",
            "out ms",
            "in ms"));
    apart.forEach(row -> text.append(line(form, "-", row)));
    rows.forEach(row -> text.append(line(form, Integer.toString(row.number()), row)));
    if (!rows.isEmpty()) {
      var words = new ArrayList<String>(List.of("", "median"));
      for (Column column : COLUMNS) {
        OptionalDouble median = median(column);
        words.add(median.isEmpty() ? "" : String.format(Locale.ROOT, "%.1f", median.getAsDouble()));
      }
      text.append(String.format(Locale.ROOT, form, words.toArray()));
    }
    for (Column column : ROUTE_COLUMNS) {
      OptionalDouble median = median(column);
      if (median.isPresent()) {
        text.append(
            String.format(
                Locale.ROOT,
                "  median %s %.1f: ms until the first datagram %s the direct way%n",
                column.name,
                median.getAsDouble(),
                column.name.contains("out") ? "leaves by" : "comes by"));
      }
    }
    if (!apart.isEmpty()) {
      text.append("  -: not in handovers.csv and not in the medians\n");
    }
    return text.toString();
  }

  private static String line(String form, String number, HandoverRow row) {
    var words = new ArrayList<String>(List.of(number, row.from() + " -> " + row.to()));
    COLUMNS.forEach(column -> words.add(column.value.apply(row)));
    return String.format(Locale.ROOT, form, words.toArray());
  }
}
