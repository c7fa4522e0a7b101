package io.mipd.sim.page;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import java.util.Locale;

/**
 * Messages between nodes, one below the other, with their times.
 *
 * @param start seconds, from which times are counted
 */
record SequenceDiagram(String title, double start, ImmutableList<Message> messages) {
  private static final double LEFT = 90;
  private static final double COLUMN = 170;
  private static final double TOP = 56;
  private static final double ROW = 24;
  private static final double HEAD = 6;

  /**
   * @param at seconds
   */
  record Message(double at, String from, String to, String words) {}

  String svg() {
    var names = ImmutableSet.<String>builder();
    messages.forEach(message -> names.add(message.from(), message.to()));
    ImmutableList<String> columns = names.build().asList();
    double width = LEFT + COLUMN * Math.max(1, columns.size());
    double height = TOP + ROW * messages.size() + 20;
    var content = new StringBuilder();
    content.append(Markup.label(8, 16, "start", title));
    for (int i = 0; i < columns.size(); i++) {
      double at = x(i);
      content.append(Markup.label(at, TOP - 16, "middle", columns.get(i)));
      content.append(Markup.line(at, TOP - 10, at, height - 10, "class=\"life\""));
    }
    double y = TOP + 10;
    for (Message message : messages) {
      content.append(
          Markup.label(
              LEFT - 12,
              y + 4,
              "end",
              String.format(Locale.ROOT, "%.1f ms", (message.at() - start) * 1000)));
      double from = x(columns.indexOf(message.from()));
      double to = x(columns.indexOf(message.to()));
      double head = to > from ? -HEAD : HEAD;
      content.append(Markup.line(from, y, to, y, "class=\"arrow\""));
      content.append(Markup.line(to, y, to + head, y - HEAD / 2, "class=\"arrow\""));
      content.append(Markup.line(to, y, to + head, y + HEAD / 2, "class=\"arrow\""));
      content.append(Markup.label((from + to) / 2, y - 4, "middle", message.words()));
      y += ROW;
    }
    return Markup.svg(width, height, title, content.toString());
  }

  private static double x(int column) {
    return LEFT + COLUMN * (column + 0.5);
  }
}
