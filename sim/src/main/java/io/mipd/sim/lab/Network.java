package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.sim.report.Endpoints;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  private static final String[] WITHOUT_IPV6 = {
    "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"
  };

  static final String HOME_AGENT = "2001:db8:1::1";
  static final String HOME_ADDRESS = "2001:db8:1::100";
  static final String CORRESPONDENT = "2001:db8:c::c";

  /** Between whom the datagrams go that are measured. */
  static final Endpoints ENDPOINTS =
      new Endpoints(HOME_AGENT, HOME_ADDRESS, CORRESPONDENT, Traffic.PORT_OUT, Traffic.PORT_IN);

  /** The home agent's guest: the other ends of its interfaces. */
  private static final String HOME_TAP = "ha0";

  private static final String UPLINK_TAP = "haup";

  private final long pid;
  private final int interfaces;
  private final World world;
  private Optional<Guest> guest = Optional.empty();
  private final Map<String, SourceFilter> filters = new HashMap<>();

  Network(long pid, int interfaces, World world) {
    this.pid = pid;
    this.interfaces = interfaces;
    this.world = world;
  }

  /** The namespace of a node. */
  String namespace(String node) {
    return PREFIX + pid + "-" + node;
  }

  private boolean isInGuest(String node) {
    return world.guestNode().equals(Optional.of(node));
  }

  /** The machine that has a node's namespace. */
  Machine machine(String node) {
    if (!isInGuest(node)) {
      return Machine.LOCAL;
    }
    return guest.orElseThrow(() -> new IllegalStateException("no guest yet for " + node));
  }

  /** The guest that one node lives in, once it is booted. */
  Optional<Guest> guest() {
    return guest;
  }

  /** A command in a node's namespace. */
  Program in(String node, List<String> command) {
    return new Program(
        machine(node),
        ImmutableList.<String>builder()
            .add("ip", "netns", "exec", namespace(node))
            .addAll(command)
            .build());
  }

  Program in(String node, String... command) {
    return in(node, ImmutableList.copyOf(command));
  }

  /** The {@code ip} command about a node's namespace. */
  Program ip(String node, String... words) {
    return new Program(
        machine(node),
        ImmutableList.<String>builder().add("ip", "-n", namespace(node)).add(words).build());
  }

  /** Where what one of a node's interfaces sends and receives can be seen: a namespace here. */
  record Tap(String node, String device) {}

  /**
   * A guest is seen from here, by our clock and at our speed: its TAP devices carry what its node's
   * interfaces do.
   */
  Tap tapOf(String node, String device) {
    if (!isInGuest(node)) {
      return new Tap(node, device);
    }
    return new Tap(
        "sw",
        switch (device) {
          case "hlink" -> HOME_TAP;
          case "uplink" -> UPLINK_TAP;
          default -> Cables.plug(device.charAt(device.length() - 1) - '0');
        });
  }

  /** Link address of the mobile node's n-th interface. */
  static String mobileLinkAddress(int index) {
    return index == 0 ? "02:00:00:00:00:aa" : "02:00:00:00:01:aa";
  }

  static String mobileInterface(int index) {
    return "eth" + index;
  }

  /** Boots a guest whose interfaces are the other ends of TAP devices in the switches. */
  interface Boot {
    Guest boot(ImmutableList<String> taps) throws IOException, InterruptedException;
  }

  /** Makes everything, with all links up but the mobile node's cables. */
  void build(Boot boot) throws IOException, InterruptedException {
    for (String node : NODES) {
      if (!isInGuest(node)) {
        Program.local("ip", "netns", "add", namespace(node)).must();
      }
    }
    // Before there are interfaces, so that every interface starts with these.
    sysctl("sw", WITHOUT_IPV6);
    sysctl("wan", WITHOUT_IPV6);
    if (world.guestNode().isPresent()) {
      bootGuest(world.guestNode().get(), boot);
    }
    for (String router : ImmutableList.of("core", "ha", "ara", "arb")) {
      sysctl(
          router,
          "net.ipv6.conf.all.forwarding=1",
          "net.ipv6.conf.default.forwarding=1",
          "net.ipv6.conf.default.accept_ra=0");
    }
    sysctl("cn", "net.ipv6.conf.default.accept_ra=0");

    var wires = new ArrayList<String>();
    if (isInGuest("ha")) {
      wireGuestHomeAgent(wires);
    } else {
      wire(wires, "ha", "hlink", "sw", "ha0");
      wire(wires, "ha", "uplink", "wan", "right");
    }
    wire(wires, "core", "toha", "wan", "left");
    wire(wires, "ara", "acc", "sw", "ara0");
    wire(wires, "ara", "uplink", "core", "toa");
    wire(wires, "arb", "acc", "sw", "arb0");
    wire(wires, "arb", "uplink", "core", "tob");
    wire(wires, "cn", "eth0", "core", "tocn");
    for (int i = 0; i < interfaces; i++) {
      if (isInGuest("mn")) {
        wireGuestMobileNode(i);
      } else {
        wires.add(cable(i, Cables.plug(i)) + " netns " + namespace("sw"));
      }
    }
    Program.local("ip", "-batch", "-").must(ImmutableList.copyOf(wires));

    var switches = new ArrayList<String>();
    for (Link link : Link.values()) {
      // No snooping: a multicast group that a node has joined before it was plugged in stays heard.
      switches.add("link add " + link.bridge() + " type bridge mcast_snooping 0 forward_delay 0");
      switches.add("link set " + link.bridge() + " up");
    }
    if (isInGuest("ha")) {
      switches.add("link add brline type bridge mcast_snooping 0 forward_delay 0");
      switches.add("link set brline up");
      switches.add("link set " + UPLINK_TAP + " master brline");
      switches.add("link set line master brline up");
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

  /**
   * A cable of the mobile node, without the end of the command that says where its other end is.
   * Its own index is high: a veth whose index is by chance its peer's is taken for a lone device,
   * and the kernel then reports its loss of carrier up to a second late.
   */
  private String cable(int index, String plug) {
    return "link add name "
        + mobileInterface(index)
        + " address "
        + mobileLinkAddress(index)
        + " netns "
        + namespace("mn")
        + " index "
        + (100 + index)
        + " type veth peer name "
        + plug;
  }

  private void bootGuest(String node, Boot boot) throws IOException, InterruptedException {
    var taps = ImmutableList.<String>builder();
    if (node.equals("ha")) {
      taps.add(HOME_TAP, UPLINK_TAP);
    } else {
      for (int i = 0; i < interfaces; i++) {
        taps.add(Cables.plug(i));
      }
    }
    for (String tap : taps.build()) {
      in("sw", "ip", "tuntap", "add", "dev", tap, "mode", "tap").must();
      ip("sw", "link", "set", tap, "up").must();
    }
    Guest booted = boot.boot(taps.build());
    guest = Optional.of(booted);
    new Program(
            booted, ImmutableList.<String>builder().add("sysctl", "-qw").add(WITHOUT_IPV6).build())
        .must();
    new Program(booted, ImmutableList.of("ip", "netns", "add", namespace(node))).must();
  }

  /** The interfaces of its guest become the node's own. */
  private void wireGuestHomeAgent(List<String> wires) throws IOException {
    completeChecksums(machine("ha"), ImmutableList.of("vec0", "vec1"), ImmutableList.of());
    new Program(machine("ha"), ImmutableList.of("ip", "-batch", "-"))
        .must(
            ImmutableList.of(
                "link set vec0 netns " + namespace("ha") + " name hlink",
                "link set vec1 netns " + namespace("ha") + " name uplink"));
    wire(wires, "wan", "right", "sw", "line");
  }

  /** In the guest a bridge is the cable, from the guest's interface to the node's veth. */
  private void wireGuestMobileNode(int index) throws IOException {
    String cable = "cable" + index;
    String inside = "vec" + index;
    String plug = Cables.guestPlug(index);
    completeChecksums(machine("mn"), ImmutableList.of(inside), ImmutableList.of());
    new Program(machine("mn"), ImmutableList.of("ip", "-batch", "-"))
        .must(
            ImmutableList.of(
                cable(index, plug),
                "link add " + cable + " type bridge mcast_snooping 0 forward_delay 0",
                "link set " + inside + " master " + cable + " up",
                "link set " + plug + " master " + cable,
                "link set " + cable + " up"));
    completeChecksums(machine("mn"), ImmutableList.of(plug), ImmutableList.of());
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
      var names = ImmutableList.<String>builder();
      for (String link :
          Splitter.on('\n')
              .omitEmptyStrings()
              .split(ip(node, "-o", "link", "show", "type", "veth").must())) {
        // 3: eth0@if7: <...
        names.add(Splitter.onPattern("[:@]\\s*").splitToList(link).get(1).strip());
      }
      completeChecksums(machine(node), names.build(), in(node).command());
    }
  }

  private static void completeChecksums(
      Machine machine, ImmutableList<String> devices, ImmutableList<String> within)
      throws IOException {
    for (String device : devices) {
      new Program(
              machine,
              ImmutableList.<String>builder()
                  .addAll(within)
                  .add("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off")
                  .add("gro", "off")
                  .build())
          .must();
    }
  }

  private void sysctl(String node, String... settings) throws IOException {
    in(node, ImmutableList.<String>builder().add("sysctl", "-qw").add(settings).build()).must();
  }

  /** Runs several {@code ip} commands in a node's namespace, in one process. */
  void configure(String node, Iterable<String> commands) throws IOException {
    ip(node, "-batch", "-").must(ImmutableList.copyOf(commands));
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
        List<String> parts = Splitter.on('-').limit(4).splitToList(name);
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

  static void removeNamespace(String name) {
    if (!Files.exists(Path.of("/run/netns", name))) {
      return;
    }
    try {
      // Only processes inside a namespace of the lab's own making.
      for (String pid :
          Splitter.on('\n')
              .omitEmptyStrings()
              .split(Program.local("ip", "netns", "pids", name).must())) {
        ProcessHandle.of(Long.parseLong(pid.strip())).ifPresent(ProcessHandle::destroyForcibly);
      }
      Program.local("ip", "netns", "del", name).must();
    } catch (IOException e) {
      System.err.println("lab: cannot remove " + name + ": " + e.getMessage());
    }
  }
}
