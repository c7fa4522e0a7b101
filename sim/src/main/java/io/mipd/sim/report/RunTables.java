package io.mipd.sim.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The tables that a run of a scenario leaves, in the simulator or in the lab: {@code results.csv},
 * {@code parts.csv}, {@code handovers-NODE.csv}, {@code flow-N-NAME.csv}.
 *
 * @param beginning of the run, in nanoseconds since the epoch
 */
public record RunTables(Path folder, long beginning) {
  /** More would be a folder that nobody finds anything in. */
  public static final int MOST_FILES = 32;

  /**
   * A flow.
   *
   * @param name such as {@code cbr mn>cn}; several may have the same
   */
  public record Named(String name, FlowRecord flow) {}

  public void write(Measures measures, List<Handover> handovers, List<Named> flows)
      throws IOException {
    writeParts(handovers);
    writeOthers(handovers);
    var figures = new StringBuilder("measure,value\n");
    measures.all().forEach((name, value) -> figures.append(name + "," + number(value) + "\n"));
    Files.writeString(folder.resolve("results.csv"), figures.toString());
    if (flows.size() <= MOST_FILES) {
      int number = 0;
      for (Named flow : flows) {
        number++;
        flow.flow().write(folder.resolve("flow-" + fileName(number, flow.name())));
      }
    }
  }

  /**
   * The end of the name of a flow's file.
   *
   * @param number from 1
   */
  public static String fileName(int number, String flow) {
    return number + "-" + flow.replace(' ', '-').replace(">", "-to-") + ".csv";
  }

  private void writeParts(List<Handover> handovers) throws IOException {
    var csv =
        new StringBuilder(
            "node,n,from,to,start_s," + String.join(",", Handover.parts().keySet()) + "\n");
    for (Handover one : handovers) {
      List<String> words = new ArrayList<>();
      words.add(one.node());
      words.add(Integer.toString(one.row().number()));
      words.add(one.row().from());
      words.add(one.row().to());
      words.add(seconds(one.row().movement().start()));
      Handover.parts().values().forEach(part -> words.add(HandoverRow.millis(part.apply(one))));
      csv.append(String.join(",", words)).append('\n');
    }
    Files.writeString(folder.resolve("parts.csv"), csv.toString());
  }

  /** Where several move, each has a table of its own. */
  private void writeOthers(List<Handover> handovers) throws IOException {
    Map<String, StringBuilder> tables = new LinkedHashMap<>();
    for (Handover one : handovers) {
      tables
          .computeIfAbsent(one.node(), node -> new StringBuilder(HandoverRow.HEADER + "\n"))
          .append(one.row().toCsv())
          .append('\n');
    }
    if (tables.size() > 1 && tables.size() <= MOST_FILES) {
      for (Map.Entry<String, StringBuilder> table : tables.entrySet()) {
        Files.writeString(
            folder.resolve("handovers-" + table.getKey() + ".csv"), table.getValue().toString());
      }
    }
  }

  /** A time of the run in seconds, with all digits. */
  public String seconds(long nanos) {
    Duration since = Duration.ofNanos(nanos - beginning);
    return String.format(Locale.ROOT, "%d.%09d", since.toSeconds(), since.toNanosPart());
  }

  /** Whole numbers without a fraction; others so that they read back the same. */
  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
