package io.mipd.sim.page;

import java.util.Locale;

/** HTML and SVG as text. */
final class Markup {
  private Markup() {}

  /** Text that may have any characters. */
  static String text(String words) {
    return words
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  /** A coordinate. */
  static String at(double pixels) {
    String words = String.format(Locale.ROOT, "%.1f", pixels);
    return words.endsWith(".0") ? words.substring(0, words.length() - 2) : words;
  }

  /** A figure for people: four digits that say something, and no exponent unless there must be. */
  static String figure(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e9) {
      return Long.toString((long) value);
    }
    return String.format(Locale.ROOT, Math.abs(value) >= 1000 ? "%.0f" : "%.4g", value);
  }

  static String svg(double width, double height, String title, String content) {
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 "
        + at(width)
        + " "
        + at(height)
        + "\" width=\""
        + at(width)
        + "\" height=\""
        + at(height)
        + "\"><title>"
        + text(title)
        + "</title>\n"
        + content
        + "</svg>\n";
  }

  static String line(double x1, double y1, double x2, double y2, String style) {
    return "<line x1=\""
        + at(x1)
        + "\" y1=\""
        + at(y1)
        + "\" x2=\""
        + at(x2)
        + "\" y2=\""
        + at(y2)
        + "\" "
        + style
        + "/>\n";
  }

  /**
   * @param anchor start, middle or end
   */
  static String label(double x, double y, String anchor, String words) {
    return "<text x=\""
        + at(x)
        + "\" y=\""
        + at(y)
        + "\" text-anchor=\""
        + anchor
        + "\">"
        + text(words)
        + "</text>\n";
  }
}
