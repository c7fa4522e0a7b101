package io.mipd.daemon;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableList;
import java.util.ArrayList;
import java.util.List;

/** Columns for people, each as wide as its widest cell; two blanks between them. */
final class TextTable {
  private static final String GAP = "  ";

  private final int[] widths;
  private final List<Row> rows = new ArrayList<>();

  /**
   * @param below a line beneath it, or nothing
   */
  private record Row(ImmutableList<String> cells, String below) {}

  TextTable(String... head) {
    widths = new int[head.length];
    row((Object[]) head);
  }

  /** As many cells as the head has. */
  TextTable row(Object... cells) {
    return rowAbove("", cells);
  }

  /** A row, and a line beneath it that keeps to no column. */
  TextTable rowAbove(String below, Object... cells) {
    var row = ImmutableList.<String>builder();
    for (int i = 0; i < widths.length; i++) {
      String cell = cells[i].toString();
      widths[i] = Math.max(widths[i], cell.length());
      row.add(cell);
    }
    rows.add(new Row(row.build(), below));
    return this;
  }

  boolean isEmpty() {
    return rows.size() == 1;
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    for (Row row : rows) {
      var line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(i == 0 ? "" : GAP).append(Strings.padEnd(row.cells().get(i), widths[i], ' '));
      }
      text.append(line.toString().stripTrailing()).append('\n');
      if (!row.below().isEmpty()) {
        text.append(row.below()).append('\n');
      }
    }
    return text.toString();
  }
}
