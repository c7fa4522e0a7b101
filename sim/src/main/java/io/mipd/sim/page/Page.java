package io.mipd.sim.page;

/** A page of HTML in the making; nothing of it comes from elsewhere. */
final class Page {
  private static final String STYLE =
      """
      body { font: 15px/1.45 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em; color: #222 }
      h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2em }
      table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
      th, td { border-bottom: 1px solid #ccc; padding: 3px 8px; text-align: right }
      th:first-child, td:first-child { text-align: left }
      pre { background: #f5f5f5; padding: 1em; overflow: auto; font-size: 12px }
      figure { margin: 1em 0; overflow-x: auto }
      svg { font: 12px system-ui, sans-serif; max-width: 100%; height: auto }
      svg .life { stroke: #999; stroke-dasharray: 3 3 }
      svg .arrow { stroke: #222 } svg .wire { stroke: #555; stroke-width: 2 }
      svg .node { fill: #0072b2; fill-opacity: .12; stroke: #0072b2 } svg .plug { fill: #0072b2 }
      .bad { color: #b00020; font-weight: bold } .scroll { overflow-x: auto }
      """;

  private final StringBuilder body = new StringBuilder();
  private final String title;

  Page(String title) {
    this.title = title;
    body.append("<h1>" + Markup.text(title) + "</h1>\n");
  }

  Page heading(String words) {
    body.append("<h2>" + Markup.text(words) + "</h2>\n");
    return this;
  }

  Page paragraph(String words) {
    body.append("<p>" + Markup.text(words) + "</p>\n");
    return this;
  }

  Page verdict(boolean ok, String words) {
    body.append(
        ok
            ? "<p>ok: " + Markup.text(words) + "</p>\n"
            : "<p class=\"bad\">FAILED: " + Markup.text(words) + "</p>\n");
    return this;
  }

  Page code(String words) {
    body.append("<pre>" + Markup.text(words) + "</pre>\n");
    return this;
  }

  Page figure(String svg) {
    body.append("<figure>" + svg + "</figure>\n");
    return this;
  }

  Page table(Table table) {
    body.append("<div class=\"scroll\">" + table.html() + "</div>");
    return this;
  }

  String html() {
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        + "<meta name=\"viewport\" content=\"width=device-width\">\n<title>"
        + Markup.text(title)
        + "</title>\n<style>\n"
        + STYLE
        + "</style></head>\n<body>\n"
        + body
        + "</body></html>\n";
  }
}
