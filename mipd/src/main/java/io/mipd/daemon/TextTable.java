package io.mipd.daemon;

import com.google.common.base.Strings;
import com.google.common.collect.ImmutableList;
import java.util.ArrayList;
import java.util.List;

/** Columns for people, each as wide as its widest cell; two blanks between them. */
final class TextTable {
  private static final String GAP = "  ";

  private final List<ImmutableList<String>> rows = new ArrayList<>();

  TextTable(String... head) {
    rows.add(ImmutableList.copyOf(head));
  }

  /** As many cells as the head has. */
  TextTable row(Object... cells) {
    var row = ImmutableList.<String>builder();
    for (Object cell : cells) {
      row.add(cell.toString());
    }
    rows.add(row.build());
    return this;
  }

  boolean isEmpty() {
    return rows.size() == 1;
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    for (ImmutableList<String> row : rows) {
      var line = new StringBuilder();
      for (int i = 0; i < row.size(); i++) {
        line.append(i == 0 ? "" : GAP).append(Strings.padEnd(row.get(i), width(i), ' '));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private int width(int column) {
    return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
  }
}
