package io.mipd.sim.lab;

import com.google.common.collect.ImmutableSortedSet;
import com.typesafe.config.Config;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.link.Line;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.scenario.Scenario;
import io.mipd.sim.scenario.Scenario.Fault;
import io.mipd.sim.scenario.Scenario.FlowKind;
import io.mipd.sim.scenario.Scenario.LinkPlan;
import io.mipd.sim.scenario.Scenario.MobileNodePlan;
import io.mipd.sim.scenario.Scenario.Move;
import java.time.Duration;
import java.util.Map;
import java.util.TreeSet;

/** What a scenario may ask of the simulator and not of the lab. */
final class LabLimits {
  /** Each node is a namespace with programs of its own. */
  private static final int MOST_NODES = 40;

  /** radvd wants the Advertisement Interval option where it advertises more often than RFC 4861. */
  private static final Duration RARE = Duration.ofSeconds(4);

  private final Library.Source source;
  private final Scenario scenario;

  private LabLimits(Library.Source source, Scenario scenario) {
    this.source = source;
    this.scenario = scenario;
  }

  /**
   * @throws ConfigurationException with file, line, key and remedy, for the first thing that a lab
   *     cannot do
   */
  static void check(Library.Source source, Scenario scenario) throws ConfigurationException {
    var limits = new LabLimits(source, scenario);
    limits.checkNodes();
    for (Map.Entry<String, LinkPlan> link : scenario.links().entrySet()) {
      limits.checkLink(link.getKey(), link.getValue().line());
    }
    limits.checkRouters();
    limits.checkTraffic();
    limits.checkFaults();
  }

  private void checkNodes() throws ConfigurationException {
    for (Map.Entry<String, MobileNodePlan> node : scenario.mobileNodes().entrySet()) {
      if (node.getValue().count() > 1) {
        throw wrong("mobile-nodes." + node.getKey() + ".count", "a group of nodes", "1 in the lab");
      }
      if (!node.getValue().optimistic()) {
        throw wrong(
            "mobile-nodes." + node.getKey() + ".optimistic-dad",
            "the lab's mobile nodes use an address while it is being checked",
            "on in the lab");
      }
    }
    int nodes =
        scenario.routers().size()
            + scenario.homeAgents().size()
            + scenario.mobileNodes().size()
            + scenario.hosts().size();
    if (nodes > MOST_NODES) {
      throw wrong("title", nodes + " nodes", "up to " + MOST_NODES + " in the lab");
    }
  }

  private void checkLink(String name, Line line) throws ConfigurationException {
    String key = "links." + name;
    if (line.mtu() != Line.IDEAL.mtu()) {
      throw wrong(key + ".mtu", "an MTU of its own", Line.IDEAL.mtu() + " in the lab");
    }
    if (!line.reordering().equals(Line.Reordering.NONE)) {
      throw wrong(key + ".reordering", "the lab's lines keep the order", "none in the lab");
    }
    if (isPlain(line)) {
      return;
    }
    var nodes = new TreeSet<>(fixed(scenario, name));
    for (Map.Entry<String, MobileNodePlan> node : scenario.mobileNodes().entrySet()) {
      boolean begins = node.getValue().link().filter(name::equals).isPresent();
      if (begins || scenario.moves().stream().anyMatch(it -> goes(it, node.getKey(), name))) {
        nodes.add(node.getKey());
      }
    }
    if (nodes.size() > 2 || fixed(scenario, name).isEmpty()) {
      throw wrong(
          key,
          "delay, rate, loss or bursts on a link of " + nodes,
          "in the lab on a link of two nodes, one of which stays");
    }
  }

  private static boolean goes(Move move, String node, String link) {
    return move.node().equals(node) && move.to().filter(link::equals).isPresent();
  }

  /** Whether a link is a switch and nothing else. */
  static boolean isPlain(Line line) {
    return line.delay().isZero() && line.rate().isEmpty() && line.loss().expected() == 0;
  }

  /** The nodes that are always on a link. */
  static ImmutableSortedSet<String> fixed(Scenario scenario, String link) {
    var nodes = ImmutableSortedSet.<String>naturalOrder();
    scenario
        .routers()
        .forEach(
            (name, plan) ->
                plan.links().stream().filter(link::equals).forEach(it -> nodes.add(name)));
    scenario
        .homeAgents()
        .forEach(
            (name, plan) ->
                plan.links().stream().filter(link::equals).forEach(it -> nodes.add(name)));
    scenario
        .hosts()
        .forEach(
            (name, plan) -> {
              if (plan.link().equals(link)) {
                nodes.add(name);
              }
            });
    return nodes.build();
  }

  private void checkRouters() throws ConfigurationException {
    for (var router : scenario.routers().entrySet()) {
      for (var link : router.getValue().advertises().entrySet()) {
        String key = "routers." + router.getKey() + ".advertise." + link.getKey();
        if (!link.getValue().maxRaDelayTime().isZero()) {
          throw wrong(
              key + ".answer-within", "the lab's radvd answers at once", "answer-within = 0s");
        }
        if (!link.getValue().unicastAnswers()) {
          throw wrong(
              key + ".unicast-answers", "the lab's radvd answers who asks alone", "on in the lab");
        }
        if (!link.getValue().interval()
            && link.getValue().maxRtrAdvInterval().compareTo(RARE) < 0) {
          throw wrong(
              key + ".interval-option",
              "radvd does without only where max-interval is 4s or more",
              "on in the lab");
        }
      }
    }
  }

  private void checkTraffic() throws ConfigurationException {
    for (int i = 0; i < scenario.flows().size(); i++) {
      if (scenario.flows().get(i).kind() == FlowKind.TCP) {
        Config one = source.config().getConfigList("traffic").get(i);
        throw ConfigurationException.at(
            source.file(),
            one.getValue("kind").origin().lineNumber(),
            "traffic.kind",
            "the simulator's model of TCP, which is not Linux's",
            "cbr, echo, request in the lab; bin/lab without --scenario sends by Linux's TCP");
      }
    }
  }

  private void checkFaults() throws ConfigurationException {
    for (int i = 0; i < scenario.faults().size(); i++) {
      if (!(scenario.faults().get(i) instanceof Fault.Crash)) {
        Config one = source.config().getConfigList("faults").get(i);
        throw ConfigurationException.at(
            source.file(),
            one.getValue("kind").origin().lineNumber(),
            "faults.kind",
            "no fault of the lab's: " + one.getString("kind"),
            "crash in the lab");
      }
    }
  }

  private ConfigurationException wrong(String key, String what, String allowed) {
    int line =
        source.config().hasPath(key) ? source.config().getValue(key).origin().lineNumber() : 0;
    return ConfigurationException.at(source.file(), line, key, what, allowed);
  }
}
