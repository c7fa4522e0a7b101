package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigRenderOptions;
import io.mipd.host.HomeAssociations;
import io.mipd.sim.event.Randomness;
import io.mipd.sim.node.RouterAdvertiser;
import io.mipd.sim.report.WiresharkProfile;
import io.mipd.sim.report.WiresharkProfile.EspKeys;
import io.mipd.sim.run.RunKeys;
import io.mipd.sim.scenario.Scenario;
import io.mipd.sim.scenario.Scenario.HomeAgentPlan;
import io.mipd.sim.scenario.Scenario.MobileNodePlan;
import io.mipd.sim.scenario.Scenario.UserAssociation;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The files that a scenario's daemons, radvd and tshark are given. Keys and SPIs are those that the
 * simulator draws for the same scenario and seed.
 */
final class ScenarioFiles {
  private static final ConfigRenderOptions PLAIN =
      ConfigRenderOptions.concise().setFormatted(false);

  private final Path results;
  private final Path run;
  private final Scenario scenario;
  private final Config source;
  private final RunKeys keys;
  private final Map<String, ImmutableList<SecurityAssociation>> associations =
      new LinkedHashMap<>();
  private final Map<String, HomeAssociations> protections = new LinkedHashMap<>();
  private final ImmutableList<SecurityAssociation> users;

  /**
   * @param run a folder with a short name, for sockets
   * @param source the scenario as it was written
   */
  ScenarioFiles(Path results, Path run, Scenario scenario, Config source) {
    this.results = results;
    this.run = run;
    this.scenario = scenario;
    this.source = source;
    keys = new RunKeys(new Randomness(scenario.seed()));
    int number = 0;
    for (Map.Entry<String, MobileNodePlan> node : scenario.mobileNodes().entrySet()) {
      MobileNodePlan plan = node.getValue();
      HomeAssociations all = RunKeys.of(number, plan);
      protections.put(node.getKey(), all);
      associations.put(
          node.getKey(),
          plan.ipsec()
              ? keys.between(
                  all, plan.homeAddress(), scenario.homeAgent(plan.homeAgent()).address())
              : ImmutableList.of());
      number++;
    }
    users =
        scenario.userIpsec().associations().stream()
            .map(keys::of)
            .collect(ImmutableList.toImmutableList());
  }

  /** The folder for {@code WIRESHARK_CONFIG_DIR}. */
  Path profile() {
    return results.resolve("wireshark");
  }

  Path configuration(String node) {
    return results.resolve("config").resolve(node).resolve("mipd.conf");
  }

  Path radvd(String router) {
    return results.resolve("config").resolve("radvd-" + router + ".conf");
  }

  /** The nodes that run mipd: correspondents, then home agents, then mobile nodes. */
  ImmutableList<String> daemons() {
    var names = ImmutableList.<String>builder();
    scenario
        .hosts()
        .forEach(
            (name, plan) -> {
              if (plan.corresponds() || scenario.userIpsec().policies().containsKey(name)) {
                names.add(name);
              }
            });
    return names
        .addAll(scenario.homeAgents().keySet())
        .addAll(scenario.mobileNodes().keySet())
        .build();
  }

  void write() throws IOException {
    Files.createDirectories(profile());
    for (String node : daemons()) {
      Files.createDirectories(configuration(node).getParent());
      Files.writeString(configuration(node), text(node));
      writeUserKeys(node);
    }
    for (Map.Entry<String, MobileNodePlan> node : scenario.mobileNodes().entrySet()) {
      if (node.getValue().ipsec()) {
        String name = node.getKey() + ".keys";
        writeKeys(configuration(node.getKey()).resolveSibling(name), of(node.getKey()));
        writeKeys(
            configuration(node.getValue().homeAgent()).resolveSibling(name), of(node.getKey()));
      }
    }
    for (var router : scenario.routers().entrySet()) {
      if (!router.getValue().advertises().isEmpty()) {
        Files.writeString(
            radvd(router.getKey()),
            radvd(router.getValue().links(), router.getValue().advertises()));
      }
    }
    List<EspKeys> all = new ArrayList<>();
    associations.values().forEach(some -> some.stream().map(RunKeys::profile).forEach(all::add));
    users.stream()
        .filter(it -> it.id().protocol() == TransformProtocol.ESP)
        .map(RunKeys::profile)
        .forEach(all::add);
    WiresharkProfile.write(profile(), all.stream().distinct().toList());
  }

  private ImmutableList<SecurityAssociation> of(String node) {
    return associations.getOrDefault(node, ImmutableList.of());
  }

  private static void writeKeys(Path file, List<SecurityAssociation> all) throws IOException {
    Files.deleteIfExists(file);
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    var lines = new StringBuilder("# Test keys of one run of bin/lab.\n");
    all.stream()
        .map(RunKeys::profile)
        .distinct()
        .forEach(
            one ->
                lines.append(
                    one.spi() + " " + one.encryptionKey() + " " + one.integrityKey() + "\n"));
    Files.writeString(file, lines.toString());
  }

  private String text(String node) {
    var text = new StringBuilder();
    String role =
        scenario.mobileNodes().containsKey(node)
            ? "mobile-node"
            : scenario.homeAgents().containsKey(node) ? "home-agent" : "cn";
    text.append("role = " + role + "\nworld = engine\n");
    text.append("state-directory = \"" + results.resolve("state").resolve(node) + "\"\n");
    text.append("control-socket = \"" + run.resolve(node + ".sock") + "\"\n");
    boolean corresponds;
    MobileNodePlan mobile = scenario.mobileNodes().get(node);
    HomeAgentPlan agent = scenario.homeAgents().get(node);
    if (mobile != null) {
      text.append(mobileNode(node, mobile));
      corresponds = mobile.corresponds();
    } else if (agent != null) {
      text.append(homeAgent(node, agent));
      corresponds = agent.corresponds();
    } else {
      corresponds = scenario.host(node).corresponds();
    }
    if (corresponds || role.equals("cn")) {
      text.append("correspondent { enabled = " + (corresponds ? "on" : "off") + " }\n");
    }
    return text + userIpsec(node);
  }

  private String homeAgent(String node, HomeAgentPlan plan) {
    var text = new StringBuilder("home-agent {\n");
    text.append(
        "  home-interface = "
            + ScenarioNetwork.device(plan.links().indexOf(plan.homeLink()))
            + "\n  address = \""
            + plan.address()
            + "\"\n  home-prefix = \""
            + scenario.link(plan.homeLink()).prefix()
            + "\"\n  maximum-lifetime = "
            + plan.lifetime().toSeconds()
            + "s\n  router-advertisements { enabled = on, interval = "
            + plan.advertisement().toMillis()
            + "ms, lifetime = 1800s }\n  mobile-nodes = [\n");
    for (Map.Entry<String, MobileNodePlan> mobile : scenario.mobileNodes().entrySet()) {
      if (mobile.getValue().homeAgent().equals(node)) {
        text.append(
            "    { home-address = \""
                + mobile.getValue().homeAddress()
                + "\"\n"
                + protection(mobile.getKey(), mobile.getValue())
                + "    }\n");
      }
    }
    return text + "  ]\n}\n";
  }

  private String mobileNode(String node, MobileNodePlan plan) {
    return "mobile-node {\n  home-address = \""
        + plan.homeAddress()
        + "\"\n  home-prefix = \""
        + scenario.link(scenario.homeAgent(plan.homeAgent()).homeLink()).prefix()
        + "\"\n  home-agent = \""
        + scenario.homeAgent(plan.homeAgent()).address()
        + "\"\n  lifetime = "
        + plan.lifetime().toSeconds()
        + "s\n  interfaces = [ { name = eth0, preference = 10 } ]\n"
        // As in the simulator.
        + "  care-of-addresses = mipd\n  route-optimization { enabled = "
        + (plan.optimizes() ? "on" : "off")
        + " }\n"
        + protection(node, plan)
        + "}\n";
  }

  private String protection(String node, MobileNodePlan plan) {
    HomeAssociations all = protections.get(node);
    if (!plan.ipsec() || all == null) {
      return "    ipsec = off\n";
    }
    return "    ipsec = on\n    protection {\n      keys = "
        + node
        + ".keys\n      encryption = aes-cbc\n      integrity = hmac-sha2-256-128\n"
        + "      replay-window = 128\n      extended-sequence-numbers = off\n"
        + pair("signalling", Optional.of(all.signalling()))
        + pair("return-routability", all.returnRoutability())
        + pair("payload", all.payload())
        + pair("prefix-discovery", all.prefixDiscovery())
        + "    }\n";
  }

  private static String pair(String name, Optional<HomeAssociations.Pair> pair) {
    return pair.map(
            it ->
                "      "
                    + name
                    + " { to-home-agent = "
                    + it.toHomeAgent()
                    + ", to-mobile-node = "
                    + it.toMobileNode()
                    + " }\n")
        .orElse("");
  }

  private ImmutableList<UserAssociation> associationsOf(String node) {
    Ipv6Address address =
        scenario.mobileNodes().containsKey(node)
            ? scenario.mobileNode(node).homeAddress()
            : scenario.homeAgents().containsKey(node)
                ? scenario.homeAgent(node).address()
                : scenario.host(node).address();
    return scenario.userIpsec().associations().stream()
        .filter(it -> it.source().equals(address) || it.destination().equals(address))
        .collect(ImmutableList.toImmutableList());
  }

  private void writeUserKeys(String node) throws IOException {
    if (scenario.userIpsec().policies().containsKey(node)) {
      writeKeys(
          configuration(node).resolveSibling("user.keys"),
          associationsOf(node).stream().map(keys::of).toList());
    }
  }

  private String userIpsec(String node) {
    if (!scenario.userIpsec().policies().containsKey(node)) {
      return "";
    }
    var text = new StringBuilder("user-ipsec {\n  policies = ");
    text.append(source.getValue("user-ipsec.policies." + node + ".list").render(PLAIN));
    text.append("\n  keys = user.keys\n  associations = [\n");
    for (UserAssociation one : associationsOf(node)) {
      text.append(
          "    { src = \""
              + one.source()
              + "\", dst = \""
              + one.destination()
              + "\", proto = "
              + one.protocol().name().toLowerCase(Locale.ROOT)
              + ", mode = "
              + one.mode().name().toLowerCase(Locale.ROOT)
              + ", spi = "
              + one.spi()
              + ", reqid = "
              + one.reqId().value()
              + " }\n");
    }
    return text + "  ]\n}\n";
  }

  private static String radvd(
      List<String> links, Map<String, RouterAdvertiser.Settings> advertises) {
    var text = new StringBuilder();
    advertises.forEach(
        (link, settings) -> {
          text.append("interface " + ScenarioNetwork.device(links.indexOf(link)) + "\n{\n");
          text.append("  AdvSendAdvert on;\n");
          text.append("  MinRtrAdvInterval " + seconds(settings.minRtrAdvInterval()) + ";\n");
          text.append("  MaxRtrAdvInterval " + seconds(settings.maxRtrAdvInterval()) + ";\n");
          text.append("  MinDelayBetweenRAs " + seconds(settings.minDelayBetweenRas()) + ";\n");
          text.append("  AdvRASolicitedUnicast on;\n");
          text.append("  AdvIntervalOpt " + (settings.interval() ? "on" : "off") + ";\n");
          text.append("  AdvDefaultLifetime " + settings.lifetime().toSeconds() + ";\n");
          settings
              .prefixes()
              .forEach(
                  one ->
                      text.append(
                          "  prefix "
                              + one.address()
                              + "/"
                              + one.prefixLength()
                              + " { AdvOnLink on; AdvAutonomous on; };\n"));
          text.append("};\n");
        });
    return text.toString();
  }

  private static String seconds(Duration time) {
    return String.format(Locale.ROOT, "%.3f", time.toNanos() / 1e9);
  }
}
