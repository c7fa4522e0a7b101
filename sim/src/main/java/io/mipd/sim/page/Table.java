package io.mipd.sim.page;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A CSV file of ours: no line breaks within values. */
record Table(ImmutableList<String> header, ImmutableList<ImmutableList<String>> rows) {
  static final Table EMPTY = new Table(ImmutableList.of(), ImmutableList.of());

  /** Reads one; one that is not there has no rows. */
  static Table read(Path file) throws IOException {
    return Files.exists(file) ? of(Files.readAllLines(file)) : EMPTY;
  }

  /** One of comma-separated values, the first line its heading. */
  static Table of(List<String> text) {
    List<ImmutableList<String>> lines = text.stream().map(Table::values).toList();
    return lines.isEmpty()
        ? EMPTY
        : new Table(lines.get(0), ImmutableList.copyOf(lines.subList(1, lines.size())));
  }

  private static ImmutableList<String> values(String line) {
    if (!line.contains("\"")) {
      return ImmutableList.copyOf(Splitter.on(',').split(line));
    }
    var values = ImmutableList.<String>builder();
    var value = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '"' && quoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
        // Two of them within quotation marks stand for one (RFC 4180).
        value.append(c);
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        values.add(value.toString());
        value.setLength(0);
      } else {
        value.append(c);
      }
    }
    return values.add(value.toString()).build();
  }

  /** The value of a row in a column, which must be there. */
  String at(ImmutableList<String> row, String column) {
    return row.get(header.indexOf(column));
  }

  String html() {
    var html = new StringBuilder("<table><thead><tr>");
    header.forEach(word -> html.append("<th>" + Markup.text(word) + "</th>"));
    html.append("</tr></thead><tbody>\n");
    for (ImmutableList<String> row : rows) {
      html.append("<tr>");
      row.forEach(word -> html.append("<td>" + Markup.text(word) + "</td>"));
      html.append("</tr>\n");
    }
    return html.append("</tbody></table>\n").toString();
  }
}
