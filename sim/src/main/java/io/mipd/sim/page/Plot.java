package io.mipd.sim.page;

import com.google.common.collect.ImmutableList;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Rectangle2D;
import java.io.StringWriter;
import java.util.Locale;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.apache.batik.svggen.SVGGraphics2DIOException;
import org.apache.batik.svggen.SVGIDGenerator;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.block.BlockBorder;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.AbstractXYItemRenderer;
import org.jfree.chart.renderer.xy.XYDotRenderer;
import org.jfree.chart.renderer.xy.XYErrorRenderer;
import org.jfree.chart.text.TextUtils;
import org.jfree.chart.title.LegendTitle;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.data.xy.XYIntervalSeries;
import org.jfree.data.xy.XYIntervalSeriesCollection;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * Lines over two axes, with bars for what is not sure; or clouds of dots.
 *
 * @param dots whether points stand alone
 */
public record Plot(String title, String x, String y, ImmutableList<Series> series, boolean dots) {
  private static final int WIDTH = 860;

  /** Names longer than that make it wider, by so much for each letter. */
  private static final int LETTERS = 22;

  private static final int LETTER = 7;
  private static final int HEIGHT = 360;
  private static final int DOT = 2;
  private static final Ellipse2D MARK = new Ellipse2D.Double(-2.6, -2.6, 5.2, 5.2);

  /** Of a bar's end, and of a line in the key: pixels. */
  private static final double CAP = 6;

  private static final double KEY = 24;
  private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  private static final Color GRID = new Color(0xdddddd);

  /** Told apart also without colours, by dashes; colours of Okabe and Ito. */
  private static final ImmutableList<Color> COLOURS =
      ImmutableList.of(
          new Color(0x0072b2),
          new Color(0xd55e00),
          new Color(0x009e73),
          new Color(0xcc79a7),
          new Color(0xe69f00),
          new Color(0x56b4e9));

  private static final ImmutableList<BasicStroke> LINES =
      ImmutableList.of(line(), line(6, 3), line(2, 3), line(8, 3, 2, 3), line(4, 4), line(1, 2));

  static {
    // Words that stand upright are words all the same, and no outlines of letters.
    TextUtils.setUseDrawRotatedStringWorkaround(false);
  }

  /** What belongs together. */
  public record Series(String name, ImmutableList<Point> points) {}

  /**
   * @param halfWidth of the bar around {@code y}; 0 for none
   */
  public record Point(double x, double y, double halfWidth) {}

  private static BasicStroke line(float... dashes) {
    return new BasicStroke(
        1.8f,
        BasicStroke.CAP_BUTT,
        BasicStroke.JOIN_ROUND,
        1,
        dashes.length == 0 ? null : dashes,
        0);
  }

  /** The picture, by itself or for a page. */
  public String svg() {
    var up = axis(y);
    // From zero: who looks at a delay wants to see how long it is.
    up.setAutoRangeIncludesZero(true);
    var across = axis(x);
    across.setAutoRangeIncludesZero(false);
    var plot = new XYPlot(data(), across, up, renderer());
    plot.setBackgroundPaint(Color.WHITE);
    plot.setOutlineVisible(false);
    plot.setDomainGridlinePaint(GRID);
    plot.setDomainGridlineStroke(new BasicStroke(1));
    plot.setRangeGridlinePaint(GRID);
    plot.setRangeGridlineStroke(new BasicStroke(1));
    var chart = new JFreeChart(title, FONT, plot, /* createLegend= */ false);
    chart.setBackgroundPaint(Color.WHITE);
    // Beside the plot it hides nothing.
    var key = new LegendTitle(plot);
    key.setPosition(RectangleEdge.RIGHT);
    key.setItemFont(FONT);
    key.setFrame(BlockBorder.NONE);
    chart.addLegend(key);
    int letters = series.stream().mapToInt(one -> one.name().length()).max().orElse(0);
    int width = WIDTH + LETTER * Math.max(0, letters - LETTERS);
    SVGGraphics2D graphics = graphics();
    graphics.setSVGCanvasSize(new Dimension(width, HEIGHT));
    chart.draw(graphics, new Rectangle2D.Double(0, 0, width, HEIGHT));
    Element root = graphics.getRoot();
    root.setAttribute("viewBox", "0 0 " + width + " " + HEIGHT);
    root.setAttribute("role", "img");
    // A name that each picture would have, and nothing in it.
    root.removeChild(root.getFirstChild());
    Element words = root.getOwnerDocument().createElementNS(root.getNamespaceURI(), "title");
    words.setTextContent(title);
    root.insertBefore(words, root.getFirstChild());
    var out = new StringWriter();
    try {
      graphics.stream(root, out, /* useCss= */ true, /* escaped= */ false);
    } catch (SVGGraphics2DIOException e) {
      throw new IllegalStateException(e);
    }
    // A page of HTML has no place for what stands before it.
    StringBuffer document = out.getBuffer();
    return document.substring(document.indexOf("<svg")) + "\n";
  }

  private SVGGraphics2D graphics() {
    Document document;
    try {
      document =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .getDOMImplementation()
              .createDocument(SVGGraphics2D.SVG_NAMESPACE_URI, "svg", null);
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException(e);
    }
    var context = SVGGeneratorContext.createDefault(document);
    context.setComment(null);
    // Several plots on a page: their parts have names of their own.
    String plot = "plot" + Integer.toHexString(hashCode()) + "-";
    context.setIDGenerator(
        new SVGIDGenerator() {
          @Override
          public String generateID(String prefix) {
            return super.generateID(plot + prefix);
          }
        });
    return new SVGGraphics2D(context, /* textAsShapes= */ false);
  }

  private static NumberAxis axis(String words) {
    var axis = new NumberAxis(words);
    axis.setLabelFont(FONT);
    axis.setTickLabelFont(FONT);
    axis.setStandardTickUnits(NumberAxis.createStandardTickUnits(Locale.ROOT));
    return axis;
  }

  private XYIntervalSeriesCollection data() {
    var data = new XYIntervalSeriesCollection();
    for (Series one : series) {
      var points =
          new XYIntervalSeries(
              one.name(), /* autoSort= */ false, /* allowDuplicateXValues= */ true);
      for (Point point : one.points()) {
        points.add(
            point.x(),
            point.x(),
            point.x(),
            point.y(),
            point.y() - point.halfWidth(),
            point.y() + point.halfWidth());
      }
      data.addSeries(points);
    }
    return data;
  }

  private AbstractXYItemRenderer renderer() {
    AbstractXYItemRenderer renderer = dots ? dotted() : lined();
    for (int i = 0; i < series.size(); i++) {
      renderer.setSeriesPaint(i, COLOURS.get(i % COLOURS.size()));
      renderer.setSeriesStroke(i, LINES.get(i % LINES.size()));
    }
    return renderer;
  }

  private static XYDotRenderer dotted() {
    var renderer = new XYDotRenderer();
    renderer.setDotWidth(DOT);
    renderer.setDotHeight(DOT);
    renderer.setDefaultLegendShape(MARK);
    return renderer;
  }

  private XYErrorRenderer lined() {
    var renderer = new XYErrorRenderer();
    renderer.setDrawXError(false);
    renderer.setDrawYError(
        series.stream().flatMap(one -> one.points().stream()).anyMatch(it -> it.halfWidth() > 0));
    renderer.setCapLength(CAP);
    renderer.setErrorStroke(new BasicStroke(1));
    renderer.setDefaultLinesVisible(true);
    renderer.setDrawSeriesLineAsPath(true);
    renderer.setDrawOutlines(false);
    renderer.setLegendLine(new Line2D.Double(-KEY / 2, 0, KEY / 2, 0));
    renderer.setDefaultShape(MARK);
    renderer.setAutoPopulateSeriesShape(false);
    return renderer;
  }
}
