package io.mipd.sim.page;

import com.google.common.collect.ImmutableList;
import java.util.Locale;

/**
 * Lines over two axes, with bars for what is not sure; or clouds of dots.
 *
 * @param dots whether points stand alone
 */
public record Plot(String title, String x, String y, ImmutableList<Series> series, boolean dots) {
  private static final double WIDTH = 860;
  private static final double HEIGHT = 360;
  private static final double LEFT = 70;

  /** The key is there: it hides nothing. It takes more where names are long. */
  private static final double RIGHT = 220;

  private static final double KEY = 42;

  /** Of a letter, at most on average. */
  private static final double LETTER = 7;

  private static final double TOP = 34;
  private static final double BOTTOM = 50;
  private static final double CAP = 4;

  /** Told apart also without colours, by dashes; colours of Okabe and Ito. */
  private static final ImmutableList<String> COLOURS =
      ImmutableList.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9");

  private static final ImmutableList<String> DASHES =
      ImmutableList.of("", "6 3", "2 3", "8 3 2 3", "4 4", "1 2");

  /** What belongs together. */
  public record Series(String name, ImmutableList<Point> points) {}

  /**
   * @param halfWidth of the bar around {@code y}; 0 for none
   */
  public record Point(double x, double y, double halfWidth) {}

  /** The picture, by itself or for a page. */
  public String svg() {
    Scale across = Scale.of(least(true), most(true));
    // From zero: who looks at a delay wants to see how long it is.
    Scale up = Scale.of(Math.min(0, least(false)), most(false));
    var content = new StringBuilder();
    content.append(Markup.label((LEFT + WIDTH - RIGHT) / 2, 16, "middle", title));
    for (double tick : across.ticks()) {
      double at = x(across, tick);
      content.append(Markup.line(at, TOP, at, HEIGHT - BOTTOM, "class=\"grid\""));
      content.append(Markup.label(at, HEIGHT - BOTTOM + 16, "middle", tick(tick, across.step())));
    }
    for (double tick : up.ticks()) {
      double at = y(up, tick);
      content.append(Markup.line(LEFT, at, WIDTH - RIGHT, at, "class=\"grid\""));
      content.append(Markup.label(LEFT - 6, at + 4, "end", tick(tick, up.step())));
    }
    content.append(Markup.label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "middle", x));
    content.append(
        "<text transform=\"translate(16 "
            + Markup.at((TOP + HEIGHT - BOTTOM) / 2)
            + ") rotate(-90)\" text-anchor=\"middle\">"
            + Markup.text(y)
            + "</text>\n");
    for (int i = 0; i < series.size(); i++) {
      content.append(dots ? dots(i, across, up) : lines(i, across, up));
      double key = TOP + 14 + 16 * i;
      content.append(
          Markup.line(WIDTH - RIGHT + 12, key - 4, WIDTH - RIGHT + 37, key - 4, stroke(i)));
      content.append(Markup.label(WIDTH - RIGHT + KEY, key, "start", series.get(i).name()));
    }
    int letters = series.stream().mapToInt(one -> one.name().length()).max().orElse(0);
    double width = Math.max(WIDTH, WIDTH - RIGHT + KEY + LETTER * letters);
    return Markup.svg(width, HEIGHT, title, content.toString());
  }

  private static String stroke(int i) {
    String dashes = DASHES.get(i % DASHES.size());
    return "stroke=\""
        + COLOURS.get(i % COLOURS.size())
        + "\" stroke-width=\"1.8\" fill=\"none\""
        + (dashes.isEmpty() ? "" : " stroke-dasharray=\"" + dashes + "\"");
  }

  private String lines(int i, Scale across, Scale up) {
    var path = new StringBuilder();
    var bars = new StringBuilder();
    String thin = "stroke=\"" + COLOURS.get(i % COLOURS.size()) + "\"";
    for (Point point : series.get(i).points()) {
      double at = x(across, point.x());
      path.append(path.length() == 0 ? "M" : " L")
          .append(Markup.at(at) + " " + Markup.at(y(up, point.y())));
      bars.append(
          "<circle cx=\""
              + Markup.at(at)
              + "\" cy=\""
              + Markup.at(y(up, point.y()))
              + "\" r=\"2.6\" fill=\""
              + COLOURS.get(i % COLOURS.size())
              + "\"/>\n");
      if (point.halfWidth() > 0) {
        double low = y(up, point.y() - point.halfWidth());
        double high = y(up, point.y() + point.halfWidth());
        bars.append(Markup.line(at, low, at, high, thin));
        bars.append(Markup.line(at - CAP, low, at + CAP, low, thin));
        bars.append(Markup.line(at - CAP, high, at + CAP, high, thin));
      }
    }
    return "<path d=\"" + path + "\" " + stroke(i) + "/>\n" + bars;
  }

  private String dots(int i, Scale across, Scale up) {
    var path = new StringBuilder();
    for (Point point : series.get(i).points()) {
      path.append(
          "M" + Markup.at(x(across, point.x())) + " " + Markup.at(y(up, point.y())) + "h1.6");
    }
    return "<path d=\""
        + path
        + "\" stroke=\""
        + COLOURS.get(i % COLOURS.size())
        + "\" stroke-width=\"1.6\"/>\n";
  }

  private static String tick(double value, double step) {
    int digits = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    return String.format(Locale.ROOT, "%." + digits + "f", value == 0 ? 0 : value);
  }

  private static double x(Scale scale, double value) {
    return LEFT + scale.place(value) * (WIDTH - LEFT - RIGHT);
  }

  private static double y(Scale scale, double value) {
    return HEIGHT - BOTTOM - scale.place(value) * (HEIGHT - TOP - BOTTOM);
  }

  private double least(boolean across) {
    return series.stream()
        .flatMap(one -> one.points().stream())
        .mapToDouble(point -> across ? point.x() : point.y() - point.halfWidth())
        .min()
        .orElse(0);
  }

  private double most(boolean across) {
    return series.stream()
        .flatMap(one -> one.points().stream())
        .mapToDouble(point -> across ? point.x() : point.y() + point.halfWidth())
        .max()
        .orElse(1);
  }
}
