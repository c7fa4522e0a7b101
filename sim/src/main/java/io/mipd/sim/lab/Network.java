package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The lab's network, made of namespaces whose names carry the lab's process id. Nothing outside of
 * them is touched.
 *
 * <pre>
 *      sw: bridges    brhome ---- hlink  ha  uplink ---- right  wan  left ---- toha  core
 *                     bra ------- acc   ara  uplink ------------------------- toa   core
 *   mn eth0 ~~~~~~~   brb ------- acc   arb  uplink ------------------------- tob   core
 *    (the cable)                        cn   eth0 --------------------------- tocn  core
 * </pre>
 */
final class Network {
  static final String PREFIX = "mipd-lab-";

  /** The nodes; {@code sw} holds the switches, {@code wan} the long line to the home agent. */
  static final ImmutableList<String> NODES =
      ImmutableList.of("sw", "wan", "core", "ha", "ara", "arb", "cn", "mn");

  static final String HOME_AGENT = "2001:db8:1::1";
  static final String HOME_ADDRESS = "2001:db8:1::100";
  static final String CORRESPONDENT = "2001:db8:c::c";

  private final long pid;
  private final int interfaces;
  private final Map<String, SourceFilter> filters = new HashMap<>();

  Network(long pid, int interfaces) {
    this.pid = pid;
    this.interfaces = interfaces;
  }

  /** The namespace of a node. */
  String namespace(String node) {
    return PREFIX + pid + "-" + node;
  }

  /** The command that runs another one in a node's namespace. */
  ImmutableList<String> in(String node, List<String> command) {
    return ImmutableList.<String>builder()
        .add("ip", "netns", "exec", namespace(node))
        .addAll(command)
        .build();
  }

  ImmutableList<String> in(String node, String... command) {
    return in(node, ImmutableList.copyOf(command));
  }

  /** Link address of the mobile node's n-th interface. */
  static String mobileLinkAddress(int index) {
    return index == 0 ? "02:00:00:00:00:aa" : "02:00:00:00:01:aa";
  }

  static String mobileInterface(int index) {
    return "eth" + index;
  }

  /** The switch's end of the mobile node's n-th cable. */
  private static String plug(int index) {
    return "mn" + index;
  }

  /** Makes everything, with all links up but the mobile node's cables. */
  void build() throws IOException {
    for (String node : NODES) {
      Children.must(ImmutableList.of("ip", "netns", "add", namespace(node)));
    }
    // Before there are interfaces, so that every interface starts with these.
    sysctl("sw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
    sysctl("wan", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
    for (String router : ImmutableList.of("core", "ha", "ara", "arb")) {
      sysctl(
          router,
          "net.ipv6.conf.all.forwarding=1",
          "net.ipv6.conf.default.forwarding=1",
          "net.ipv6.conf.default.accept_ra=0");
    }
    sysctl("cn", "net.ipv6.conf.default.accept_ra=0");

    var wires = new ArrayList<String>();
    wire(wires, "ha", "hlink", "sw", "ha0");
    wire(wires, "ha", "uplink", "wan", "right");
    wire(wires, "core", "toha", "wan", "left");
    wire(wires, "ara", "acc", "sw", "ara0");
    wire(wires, "ara", "uplink", "core", "toa");
    wire(wires, "arb", "acc", "sw", "arb0");
    wire(wires, "arb", "uplink", "core", "tob");
    wire(wires, "cn", "eth0", "core", "tocn");
    for (int i = 0; i < interfaces; i++) {
      // Its own index high: a veth whose index is by chance its peer's is taken for a lone device,
      // and the kernel then reports its loss of carrier up to a second late.
      wires.add(
          "link add name "
              + mobileInterface(i)
              + " address "
              + mobileLinkAddress(i)
              + " netns "
              + namespace("mn")
              + " index "
              + (100 + i)
              + " type veth peer name "
              + plug(i)
              + " netns "
              + namespace("sw"));
    }
    batch(ImmutableList.of("ip", "-batch", "-"), wires);

    var switches = new ArrayList<String>();
    for (Link link : Link.values()) {
      // No snooping: a multicast group that a node has joined before it was plugged in stays heard.
      switches.add("link add " + link.bridge() + " type bridge mcast_snooping 0 forward_delay 0");
      switches.add("link set " + link.bridge() + " up");
    }
    switches.add("link set ha0 master brhome up");
    switches.add("link set ara0 master bra up");
    switches.add("link set arb0 master brb up");
    configure("sw", switches);
    configure("wan", ImmutableList.of("link set left up", "link set right up"));
    configure(
        "core",
        ImmutableList.of(
            "link set lo up",
            "addr add 2001:db8:f0::1/64 dev toha nodad",
            "addr add 2001:db8:fa::1/64 dev toa nodad",
            "addr add 2001:db8:fb::1/64 dev tob nodad",
            "addr add 2001:db8:c::1/64 dev tocn nodad",
            "link set toha up",
            "link set toa up",
            "link set tob up",
            "link set tocn up"));
    configure(
        "ha",
        ImmutableList.of(
            "link set lo up",
            "addr add " + HOME_AGENT + "/64 dev hlink nodad",
            "addr add 2001:db8:f0::2/64 dev uplink nodad",
            "link set hlink up",
            "link set uplink up",
            "route add default via 2001:db8:f0::1"));
    accessRouter("ara", "2001:db8:a::1", "2001:db8:fa::2", "2001:db8:fa::1", Link.A);
    accessRouter("arb", "2001:db8:b::1", "2001:db8:fb::2", "2001:db8:fb::1", Link.B);
    configure(
        "cn",
        ImmutableList.of(
            "link set lo up",
            "addr add " + CORRESPONDENT + "/64 dev eth0 nodad",
            "link set eth0 up",
            "route add default via 2001:db8:c::1"));
    configure(
        "core",
        ImmutableList.of(
            "route add 2001:db8:1::/64 via 2001:db8:f0::2",
            "route add 2001:db8:a::/64 via 2001:db8:fa::2",
            "route add 2001:db8:b::/64 via 2001:db8:fb::2"));
    var mobile = new ArrayList<String>();
    mobile.add("link set lo up");
    for (int i = 0; i < interfaces; i++) {
      mobile.add("link set " + mobileInterface(i) + " up");
    }
    configure("mn", mobile);
    completeChecksums();
  }

  private void accessRouter(String node, String own, String uplink, String core, Link link)
      throws IOException {
    configure(
        node,
        ImmutableList.of(
            "link set lo up",
            "addr add " + own + "/64 dev acc nodad",
            "addr add " + uplink + "/64 dev uplink nodad",
            "link set acc up",
            "link set uplink up",
            "route add default via " + core));
    // As access networks do (RFC 2827): what claims to come from elsewhere goes no further.
    filters.put(
        node,
        SourceFilter.install(this, node, link, uplink.substring(0, uplink.length() - 1) + "/64"));
  }

  /** Packets that an access router refused to carry because of their source. */
  long foreignSources(String accessRouter) throws IOException {
    SourceFilter filter = filters.get(accessRouter);
    return filter == null ? 0 : filter.refused();
  }

  private void wire(
      List<String> commands, String node, String name, String otherNode, String otherName) {
    commands.add(
        "link add name "
            + name
            + " netns "
            + namespace(node)
            + " type veth peer name "
            + otherName
            + " netns "
            + namespace(otherNode));
  }

  /**
   * A veth leaves transport checksums and segmentation to hardware that is not there, and captures
   * would show packets as no wire carries them.
   */
  private void completeChecksums() throws IOException {
    for (String node : NODES) {
      List<String> links =
          Splitter.on('\n')
              .omitEmptyStrings()
              .splitToList(
                  Children.must(
                      ImmutableList.of(
                          "ip", "-n", namespace(node), "-o", "link", "show", "type", "veth")));
      for (String link : links) {
        // 3: eth0@if7: <...
        String name = Splitter.onPattern("[:@]\\s*").splitToList(link).get(1).strip();
        Children.must(
            in(node, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off"));
      }
    }
  }

  private void sysctl(String node, String... settings) throws IOException {
    Children.must(
        in(node, ImmutableList.<String>builder().add("sysctl", "-qw").add(settings).build()));
  }

  /** Runs several {@code ip} commands in a node's namespace, in one process. */
  void configure(String node, Iterable<String> commands) throws IOException {
    batch(ImmutableList.of("ip", "-n", namespace(node), "-batch", "-"), commands);
  }

  private static void batch(List<String> command, Iterable<String> lines) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (var in = new PrintStream(process.getOutputStream(), false, StandardCharsets.UTF_8)) {
      lines.forEach(in::println);
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(
            String.join(" ", command)
                + ": "
                + output.strip()
                + "\nof:\n"
                + String.join("\n", lines));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** The commands that pull a cable out. */
  static ImmutableList<String> unplug(int index) {
    return ImmutableList.of(
        "link set " + plug(index) + " down", "link set " + plug(index) + " nomaster");
  }

  /** The commands that plug a cable in. */
  static ImmutableList<String> plugInto(int index, Link link) {
    return ImmutableList.of(
        "link set " + plug(index) + " master " + link.bridge(), "link set " + plug(index) + " up");
  }

  /** Ends what still runs in this lab's namespaces and removes them. */
  void remove() {
    for (String node : NODES) {
      removeNamespace(namespace(node));
    }
  }

  /** Removes the namespaces of labs that do not run any more; tells each. */
  static void removeOrphans(PrintStream tell) throws IOException {
    Path folder = Path.of("/run/netns");
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (var names = Files.list(folder)) {
      for (String name :
          names
              .map(path -> "" + path.getFileName())
              .filter(n -> n.startsWith(PREFIX))
              .sorted()
              .toList()) {
        List<String> parts = Splitter.on('-').splitToList(name);
        long owner =
            parts.size() == 4 && parts.get(2).matches("\\d{1,9}")
                ? Long.parseLong(parts.get(2))
                : 0;
        if (owner > 0 && !isLab(owner)) {
          tell.println("removing " + name);
          removeNamespace(name);
        }
      }
    }
  }

  /** A process id is used again some day: what counts is whether a lab runs under it. */
  static boolean isLab(long pid) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"))
          .contains(Lab.class.getName());
    } catch (IOException e) {
      return false;
    }
  }

  private static void removeNamespace(String name) {
    if (!Files.exists(Path.of("/run/netns", name))) {
      return;
    }
    try {
      // Only processes inside a namespace of the lab's own making.
      for (String pid :
          Splitter.on('\n')
              .omitEmptyStrings()
              .split(Children.must(ImmutableList.of("ip", "netns", "pids", name)))) {
        ProcessHandle.of(Long.parseLong(pid.strip())).ifPresent(ProcessHandle::destroyForcibly);
      }
      Children.must(ImmutableList.of("ip", "netns", "del", name));
    } catch (IOException e) {
      System.err.println("lab: cannot remove " + name + ": " + e.getMessage());
    }
  }
}
