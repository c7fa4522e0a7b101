package io.mipd.sim.page;

import com.google.common.collect.ImmutableList;
import io.mipd.sim.scenario.Scenario;
import java.util.Map;
import java.util.TreeMap;

/** Links as lines from left to right, and nodes as columns that hang on theirs. */
record TopologyDrawing(Scenario scenario) {
  private static final double LEFT = 220;
  private static final double COLUMN = 84;
  private static final double TOP = 30;
  private static final double ROW = 34;
  private static final double BOX = 60;

  private record Column(String kind, ImmutableList<String> links) {}

  String svg() {
    Map<String, Column> columns = new TreeMap<>();
    scenario
        .routers()
        .forEach((name, plan) -> columns.put(name, new Column("router", plan.links())));
    scenario
        .homeAgents()
        .forEach((name, plan) -> columns.put(name, new Column("home agent", plan.links())));
    scenario
        .hosts()
        .forEach(
            (name, plan) -> columns.put(name, new Column("host", ImmutableList.of(plan.link()))));
    scenario
        .mobileNodes()
        .forEach(
            (name, plan) ->
                columns.put(
                    plan.count() == 1 ? name : name + " × " + plan.count(),
                    new Column(
                        "mobile node",
                        plan.link().map(ImmutableList::of).orElse(ImmutableList.of()))));
    ImmutableList<String> links = scenario.links().keySet().asList();
    double width = LEFT + COLUMN * columns.size() + 10;
    double height = TOP + ROW * (links.size() + 1) + 24;
    var content = new StringBuilder();
    for (int i = 0; i < links.size(); i++) {
      double y = TOP + ROW * (i + 1);
      content.append(Markup.line(LEFT, y, width - 10, y, "class=\"wire\""));
      content.append(Markup.label(LEFT - 8, y + 4, "end", words(links.get(i))));
    }
    double x = LEFT + COLUMN / 2;
    for (Map.Entry<String, Column> entry : columns.entrySet()) {
      content.append(Markup.label(x, TOP - 8, "middle", entry.getKey()));
      content.append(Markup.label(x, height - 8, "middle", entry.getValue().kind()));
      var plugs = new StringBuilder();
      int first = links.size();
      int last = 0;
      for (String link : entry.getValue().links()) {
        int row = links.indexOf(link);
        first = Math.min(first, row);
        last = Math.max(last, row);
        double y = TOP + ROW * (row + 1);
        plugs.append(
            "<circle class=\"plug\" cx=\""
                + Markup.at(x)
                + "\" cy=\""
                + Markup.at(y)
                + "\" r=\"4.5\"/>\n");
      }
      if (first <= last) {
        double top = TOP + ROW * (first + 1) - 10;
        content.append(
            "<rect class=\"node\" x=\""
                + Markup.at(x - BOX / 4)
                + "\" y=\""
                + Markup.at(top)
                + "\" width=\""
                + Markup.at(BOX / 2)
                + "\" height=\""
                + Markup.at(ROW * (last - first) + 20)
                + "\" rx=\"5\"/>\n");
      }
      content.append(plugs);
      x += COLUMN;
    }
    return Markup.svg(width, height, "topology", content.toString());
  }

  private String words(String link) {
    Scenario.LinkPlan plan = scenario.links().get(link);
    if (plan == null) {
      return link;
    }
    String delay =
        plan.line().delay().isZero()
            ? ""
            : ", " + Markup.figure(plan.line().delay().toNanos() / 1e6) + " ms";
    double loss = plan.line().loss().expected();
    return link + delay + (loss > 0 ? ", loss " + Markup.figure(loss * 100) + " %" : "");
  }
}
