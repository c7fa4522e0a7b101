package io.mipd.sim.page;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class PlotTest {
  private static final ImmutableList<Plot.Point> POINTS =
      ImmutableList.of(
          new Plot.Point(10, 40, 2), new Plot.Point(20, 50, 0), new Plot.Point(30, 80, 4));

  private static final String LONG = "route-optimization = off, signalling = <esp> & \"more\"";

  private static Plot plot(boolean dots) {
    return new Plot(
        "delay & loss",
        "wan, ms",
        "median, ms",
        ImmutableList.of(new Plot.Series("tunnel", POINTS), new Plot.Series(LONG, POINTS)),
        dots);
  }

  private static Document parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)));
  }

  private static List<Element> all(Document document, String name) {
    NodeList found = document.getElementsByTagName(name);
    List<Element> elements = new ArrayList<>();
    for (int i = 0; i < found.getLength(); i++) {
      elements.add((Element) found.item(i));
    }
    return elements;
  }

  private static List<String> texts(Document document) {
    return all(document, "text").stream().map(it -> it.getTextContent().trim()).toList();
  }

  @Test
  void hasItsWordsAsText() throws Exception {
    Document svg = parse(plot(false).svg());
    assertThat(texts(svg))
        .contains("delay & loss", "wan, ms", "median, ms", "tunnel", LONG)
        // From zero, and not only from the least value on.
        .contains("0", "20", "80");
    assertThat(svg.getDocumentElement().getAttribute("viewBox"))
        .isEqualTo("0 0 " + svg.getDocumentElement().getAttribute("width") + " 360");
  }

  @Test
  void aBarReachesAsFarAsTheIntervalDoes() throws Exception {
    // A bar is a line from below to above.
    List<Element> upright =
        all(parse(plot(false).svg()), "line").stream()
            .filter(it -> it.getAttribute("x1").equals(it.getAttribute("x2")))
            .filter(it -> colour(it).contains("rgb(0,114,178)"))
            .toList();
    List<Double> lengths =
        upright.stream()
            .map(
                it ->
                    Math.abs(
                        Double.parseDouble(it.getAttribute("y1"))
                            - Double.parseDouble(it.getAttribute("y2"))))
            .filter(length -> length > 0)
            .toList();
    assertThat(lengths).hasSize(2);
    assertThat(lengths.get(1) / lengths.get(0)).isBetween(1.98, 2.02);
  }

  /** Its own, or that of what it is part of. */
  private static String colour(Element element) {
    String own = element.getAttribute("style");
    return own.contains("stroke:rgb")
        ? own
        : ((Element) element.getParentNode()).getAttribute("style");
  }

  @Test
  void hasADotForEachPoint() throws Exception {
    long dots =
        all(parse(plot(true).svg()), "rect").stream()
            .filter(it -> it.getAttribute("width").equals("2"))
            .count();
    assertThat(dots).isEqualTo(2L * POINTS.size());
  }

  @Test
  void namesNothingAsAnotherOnThePageDoes() {
    var other =
        new Plot("other", "x", "y", ImmutableList.of(new Plot.Series("z", POINTS)), false).svg();
    List<String> ids = ids(plot(false).svg());
    assertThat(ids).isNotEmpty().doesNotContainAnyElementsOf(ids(other));
    assertThat(plot(false).svg()).isEqualTo(plot(false).svg());
  }

  private static List<String> ids(String svg) {
    return Pattern.compile(" id=\"([^\"]+)\"")
        .matcher(svg)
        .results()
        .map(it -> it.group(1))
        .toList();
  }

  @Test
  void oneValueOrNoneIsDrawnToo() throws Exception {
    var none = new Plot("n", "x", "y", ImmutableList.of(), false);
    var one =
        new Plot(
            "n",
            "x",
            "y",
            ImmutableList.of(new Plot.Series("s", ImmutableList.of(new Plot.Point(0, 0, 0)))),
            false);
    assertThat(texts(parse(none.svg()))).contains("x", "y");
    assertThat(texts(parse(one.svg()))).contains("s", "0");
  }
}
