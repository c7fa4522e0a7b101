package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.sim.scenario.Routing;
import io.mipd.sim.scenario.Scenario;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A scenario's links and nodes as namespaces, whose names carry the lab's process id. A link is a
 * bridge in the namespace {@code sw}; where it delays, a {@link Forwarder} there is between it and
 * one of its two nodes.
 *
 * <pre>
 *        sw: bridges    br0 ---------------------- if0  router  if1 --- br1 ...
 *   mn eth0 ~~~~~~~~~   br2 -- out2 ~~ in2 (Forwarder) line2 -- if0  router
 *    (the cable)        br3 ---------------------- eth0 host
 * </pre>
 */
final class ScenarioNetwork {
  private static final String SWITCHES = "sw";

  /**
   * The index of a mobile node's interface: a veth whose index is by chance its peer's is taken for
   * a lone device, and the kernel then reports its loss of carrier up to a second late.
   */
  private static final int CABLE_INDEX = 1000;

  private final long pid;
  private final Scenario scenario;
  private final Routing routing;
  private final List<String> namespaces = new ArrayList<>();
  private final List<String> lines = new ArrayList<>();
  private final Map<String, Integer> cables = new LinkedHashMap<>();
  private int ports;

  ScenarioNetwork(long pid, Scenario scenario) {
    this.pid = pid;
    this.scenario = scenario;
    routing = Routing.of(scenario);
  }

  /** The namespace of a node. */
  String namespace(String node) {
    return Network.PREFIX + pid + "-" + node;
  }

  Program in(String node, List<String> command) {
    return Program.local(
        ImmutableList.<String>builder()
            .add("ip", "netns", "exec", namespace(node))
            .addAll(command)
            .build());
  }

  Program in(String node, String... command) {
    return in(node, ImmutableList.copyOf(command));
  }

  Program ip(String node, String... words) {
    return Program.local(
        ImmutableList.<String>builder().add("ip", "-n", namespace(node)).add(words).build());
  }

  /** The switches' own {@code ip}, which stays open. */
  Program openSwitches() {
    return ip(SWITCHES, "-force", "-batch", "-");
  }

  /** The lines that delay, as arguments of a {@link Forwarder}; empty if none does. */
  Optional<Program> forwarder() {
    return lines.isEmpty()
        ? Optional.empty()
        : Optional.of(in(SWITCHES, Program.java(Forwarder.class, lines.toArray(new String[0]))));
  }

  /** The first address of a node; a mobile node's home address. */
  Ipv6Address address(String node) {
    if (scenario.mobileNodes().containsKey(node)) {
      return scenario.mobileNode(node).homeAddress();
    }
    if (scenario.hosts().containsKey(node)) {
      return scenario.host(node).address();
    }
    if (scenario.homeAgents().containsKey(node)) {
      return scenario.homeAgent(node).address();
    }
    return routing.address(node, scenario.router(node).links().get(0));
  }

  /** The interfaces of a node. */
  ImmutableList<String> devices(String node) {
    int count =
        scenario.routers().containsKey(node)
            ? scenario.router(node).links().size()
            : scenario.homeAgents().containsKey(node) ? scenario.homeAgent(node).links().size() : 0;
    if (count == 0) {
      return ImmutableList.of("eth0");
    }
    var names = ImmutableList.<String>builder();
    for (int i = 0; i < count; i++) {
      names.add(device(i));
    }
    return names.build();
  }

  /** A router's interface on the n-th of its links. */
  static String device(int index) {
    return "if" + index;
  }

  private String bridge(String link) {
    return "br" + scenario.links().keySet().asList().indexOf(link);
  }

  /** Makes everything, with all links up but the mobile nodes' cables. */
  void build() throws IOException {
    add(SWITCHES);
    in(
            SWITCHES,
            "sysctl",
            "-qw",
            "net.ipv6.conf.all.disable_ipv6=1",
            "net.ipv6.conf.default.disable_ipv6=1")
        .must();
    for (String link : scenario.links().keySet()) {
      configure(
          SWITCHES,
          // No snooping: a multicast group that a node has joined before it was plugged in stays
          // heard.
          "link add " + bridge(link) + " type bridge mcast_snooping 0 forward_delay 0",
          "link set " + bridge(link) + " up");
    }
    for (var router : scenario.routers().entrySet()) {
      buildRouter(router.getKey(), router.getValue().links());
      for (String link : router.getValue().filters()) {
        filter(
            router.getKey(), router.getValue().links().indexOf(link), scenario.link(link).prefix());
      }
    }
    for (var agent : scenario.homeAgents().entrySet()) {
      buildRouter(agent.getKey(), agent.getValue().links());
    }
    for (var host : scenario.hosts().entrySet()) {
      add(host.getKey());
      in(host.getKey(), "sysctl", "-qw", "net.ipv6.conf.default.accept_ra=0").must();
      wire(host.getKey(), "eth0", host.getValue().link());
      var commands = new ArrayList<String>();
      commands.add("addr add " + host.getValue().address() + "/64 dev eth0 nodad");
      ImmutableList<String> routers = routing.on(host.getValue().link());
      if (!routers.isEmpty()) {
        commands.add(
            "route add default via " + routing.address(routers.get(0), host.getValue().link()));
      }
      configure(host.getKey(), commands.toArray(new String[0]));
    }
    for (String node : scenario.mobileNodes().keySet()) {
      buildMobileNode(node);
    }
    completeChecksums();
  }

  private void add(String node) throws IOException {
    Program.local("ip", "netns", "add", namespace(node)).must();
    namespaces.add(node);
    configure(node, "link set lo up");
  }

  private void buildRouter(String node, ImmutableList<String> joined) throws IOException {
    add(node);
    in(
            node,
            "sysctl",
            "-qw",
            "net.ipv6.conf.all.forwarding=1",
            "net.ipv6.conf.default.forwarding=1",
            "net.ipv6.conf.default.accept_ra=0")
        .must();
    var commands = new ArrayList<String>();
    for (int i = 0; i < joined.size(); i++) {
      wire(node, device(i), joined.get(i));
      commands.add(
          "addr add " + routing.address(node, joined.get(i)) + "/64 dev " + device(i) + " nodad");
    }
    routing
        .from(node)
        .forEach(
            (link, way) ->
                way.nextHop()
                    .ifPresent(
                        hop ->
                            commands.add(
                                "route add " + scenario.link(link).prefix() + " via " + hop)));
    configure(node, commands.toArray(new String[0]));
  }

  /** As access networks do (RFC 2827): what claims to come from elsewhere goes no further. */
  private void filter(String router, int index, Ipv6Prefix prefix) throws IOException {
    in(
            router,
            "nft",
            "add table ip6 filter; add chain ip6 filter forward { type filter hook forward priority"
                + " 0; }; add rule ip6 filter forward iif "
                + device(index)
                + " ip6 saddr != "
                + prefix
                + " counter drop")
        .must();
  }

  /** A veth from a node to a link; through a line if the link is one and this is its first node. */
  private void wire(String node, String device, String link) throws IOException {
    int port = ports++;
    boolean delays =
        !LabLimits.isPlain(scenario.link(link).line())
            && LabLimits.fixed(scenario, link).first().equals(node);
    Program.local(
            "ip",
            "link",
            "add",
            "name",
            device,
            "netns",
            namespace(node),
            "type",
            "veth",
            "peer",
            "name",
            "port" + port,
            "netns",
            namespace(SWITCHES))
        .must();
    configure(node, "link set " + device + " up");
    if (delays) {
      configure(
          SWITCHES,
          "link set port" + port + " up",
          "link add name in" + port + " type veth peer name out" + port,
          "link set in" + port + " up",
          "link set out" + port + " master " + bridge(link) + " up");
      lines.addAll(
          Forwarder.arguments(
              "port" + port,
              "in" + port,
              scenario.link(link).line(),
              scenario.seed() * 1000 + port));
    } else {
      configure(SWITCHES, "link set port" + port + " master " + bridge(link) + " up");
    }
  }

  private void buildMobileNode(String node) throws IOException {
    add(node);
    int number = cables.size();
    cables.put(node, number);
    in(
            node,
            "sysctl",
            "-qw",
            "net.ipv6.conf.default.dad_transmits=" + scenario.mobileNode(node).transmits())
        .must();
    Program.local(
            "ip",
            "link",
            "add",
            "name",
            "eth0",
            "address",
            linkAddress(node),
            "netns",
            namespace(node),
            "index",
            Integer.toString(CABLE_INDEX + number),
            "type",
            "veth",
            "peer",
            "name",
            "plug" + number,
            "netns",
            namespace(SWITCHES))
        .must();
    configure(node, "link set eth0 up");
  }

  /** Link address of a mobile node. */
  String linkAddress(String node) {
    return "02:00:00:00:%02x:aa".formatted(cables.get(node));
  }

  /** The commands of the switches that pull a mobile node's cable out. */
  ImmutableList<String> unplug(String node) {
    String plug = "plug" + cables.get(node);
    return ImmutableList.of("link set " + plug + " down", "link set " + plug + " nomaster");
  }

  /** The commands of the switches that plug it in. */
  ImmutableList<String> plug(String node, String link) {
    String plug = "plug" + cables.get(node);
    return ImmutableList.of(
        "link set " + plug + " master " + bridge(link), "link set " + plug + " up");
  }

  private void configure(String node, String... commands) throws IOException {
    ip(node, "-batch", "-").must(ImmutableList.copyOf(commands));
  }

  /**
   * A veth leaves transport checksums and segmentation to hardware that is not there, and captures
   * would show packets as no wire carries them.
   */
  private void completeChecksums() throws IOException {
    for (String node : namespaces) {
      for (String link :
          Splitter.on('\n')
              .omitEmptyStrings()
              .split(ip(node, "-o", "link", "show", "type", "veth").must())) {
        // 3: eth0@if7: <...
        String device = Splitter.onPattern("[:@]\\s*").splitToList(link).get(1).strip();
        in(node, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            .must();
      }
    }
  }

  /** Ends what still runs in these namespaces and removes them. */
  void remove() {
    namespaces.forEach(node -> Network.removeNamespace(namespace(node)));
  }
}
