package io.mipd.daemon;

import com.google.common.base.Splitter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A screen, in characters: a view is drawn so that the terminal neither wraps nor rolls it.
 *
 * @param columns at least 20
 * @param lines at least 4; the last one stays free, for the cursor
 */
record Terminal(int columns, int lines) {
  /** What is taken where nobody says what it is. */
  static final Terminal DEFAULT = new Terminal(80, 24);

  /** What is done to begin anew: the cursor goes home, what is there goes away. */
  static final String CLEAR = "\033[H\033[2J";

  /** With what a line begins that says what is left out. */
  static final String MORE = "... ";

  private static final int LEAST_COLUMNS = 20;
  private static final int LEAST_LINES = 4;

  /** Before what is left of a line that is too long. */
  private static final String INDENT = " ".repeat(10);

  Terminal {
    columns = Math.max(LEAST_COLUMNS, columns);
    lines = Math.max(LEAST_LINES, lines);
  }

  /** The one that this program writes to, by {@code COLUMNS} and {@code LINES}, or as it says. */
  static Terminal current() {
    String columns = System.getenv("COLUMNS");
    String lines = System.getenv("LINES");
    return columns != null && lines != null ? parse(lines + " " + columns) : parse(asked());
  }

  private static String asked() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(ProcessBuilder.Redirect.INHERIT)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      return new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      return "";
    }
  }

  /** Lines and columns, as {@code stty size} tells them. */
  static Terminal parse(String size) {
    List<String> words = Splitter.onPattern("\\s+").omitEmptyStrings().splitToList(size);
    try {
      // 0 0 is a terminal that does not know.
      return words.size() == 2 && Integer.parseInt(words.get(0)) > 0
          ? new Terminal(Integer.parseInt(words.get(1)), Integer.parseInt(words.get(0)))
          : DEFAULT;
    } catch (NumberFormatException e) {
      return DEFAULT;
    }
  }

  /** How many lines of a view there is room for, under its title. */
  int room() {
    return lines - 2;
  }

  /** A title, and as much as there is room for; if that is not all, the last line says so. */
  String screen(String title, String text) {
    List<String> all = new ArrayList<>();
    for (String line : Splitter.on('\n').split(text.stripTrailing())) {
      fold(line, all);
    }
    boolean fits = all.size() <= room();
    List<String> shown = all.subList(0, fits ? all.size() : room() - 1);
    var screen = new StringBuilder(cut(title)).append('\n');
    shown.forEach(line -> screen.append(line).append('\n'));
    if (!fits) {
      screen.append(cut(more(all.subList(shown.size(), all.size())))).append('\n');
    }
    return screen.toString();
  }

  /** How much is left out; the text itself may end with what it leaves out. */
  private static String more(List<String> left) {
    String last = left.get(left.size() - 1);
    return last.startsWith(MORE)
        ? MORE + (left.size() - 1) + " more lines, and " + last.substring(MORE.length())
        : MORE + left.size() + " more lines";
  }

  private String cut(String line) {
    return line.substring(0, Math.min(line.length(), columns));
  }

  /** At blanks, if there are some; nothing of it is lost. */
  private void fold(String line, List<String> into) {
    String left = line.stripTrailing();
    while (left.length() > columns) {
      int blank = left.lastIndexOf(' ', columns);
      // Not within the indent of what goes on here.
      int end = blank > INDENT.length() ? blank : columns;
      into.add(left.substring(0, end).stripTrailing());
      left = INDENT + left.substring(end).stripLeading();
    }
    into.add(left);
  }
}
