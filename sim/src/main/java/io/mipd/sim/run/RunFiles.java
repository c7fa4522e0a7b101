package io.mipd.sim.run;

import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Results;
import io.mipd.sim.run.HandoverMeter.Handover;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The files of one run. */
final class RunFiles {
  private final Path folder;

  RunFiles(Path folder) {
    this.folder = folder;
  }

  void write(
      Results results,
      Measures measures,
      List<Handover> handovers,
      List<Signal> signals,
      List<Flow> flows)
      throws IOException {
    results.write(folder);
    writeParts(handovers);
    writeOthers(handovers);
    var figures = new StringBuilder("measure,value\n");
    measures.all().forEach((name, value) -> figures.append(name + "," + number(value) + "\n"));
    Files.writeString(folder.resolve("results.csv"), figures.toString());
    var sequence = new StringBuilder("time_s,from,to,message\n");
    for (Signal signal : signals) {
      sequence.append(
          seconds(signal.nanos())
              + ","
              + signal.from()
              + ","
              + signal.to()
              + ","
              + signal.message()
              + "\n");
    }
    Files.writeString(folder.resolve("signals.csv"), sequence.toString());
    if (flows.size() <= 32) {
      int number = 0;
      for (Flow flow : flows) {
        number++;
        String name = flow.name().replace(' ', '-').replace(">", "-to-");
        flow.record().write(folder.resolve("flow-" + number + "-" + name + ".csv"));
      }
    }
  }

  private void writeParts(List<Handover> handovers) throws IOException {
    var csv =
        new StringBuilder(
            "node,n,from,to,start_s," + String.join(",", Simulation.parts().keySet()) + "\n");
    for (Handover one : handovers) {
      List<String> words = new ArrayList<>();
      words.add(one.node());
      words.add(Integer.toString(one.row().number()));
      words.add(one.row().from());
      words.add(one.row().to());
      words.add(seconds(one.row().movement().start()));
      Simulation.parts().values().forEach(part -> words.add(HandoverRow.millis(part.apply(one))));
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
    if (tables.size() > 1 && tables.size() <= 32) {
      for (Map.Entry<String, StringBuilder> table : tables.entrySet()) {
        Files.writeString(
            folder.resolve("handovers-" + table.getKey() + ".csv"), table.getValue().toString());
      }
    }
  }

  private static String seconds(long nanos) {
    Duration since = Duration.ofNanos(nanos - Times.nanos(Duration.ZERO));
    return String.format(Locale.ROOT, "%d.%09d", since.toSeconds(), since.toNanosPart());
  }

  /** Whole numbers without a fraction; others so that they read back the same. */
  static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
