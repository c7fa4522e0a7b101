package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import com.typesafe.config.Config;
import io.mipd.control.ControlClient;
import io.mipd.control.ControlRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A home link, two access links with radvd, a router between them and a correspondent, in network
 * namespaces whose names carry the process id. The mobile node's cable goes into any of the links.
 *
 * <pre>
 *   mn eth0 ---- [h] ---- eth1 ha eth0 ---- eh r ec ---- eth0 cn
 *                [a] ---------------------- ea r
 *                [b] ---------------------- eb r
 * </pre>
 */
final class TestNet implements AutoCloseable {
  static final String HOME_AGENT = "2001:db8:1::1";
  static final String HOME_ADDRESS = "2001:db8:1::100";
  static final String CORRESPONDENT = "2001:db8:c::c";

  /** Enough for whatever is waited for: a guest of a busy host takes its time. */
  static final Duration LONG = Duration.ofSeconds(world().equals("kernel") ? 60 : 20);

  /** A virtual machine in a guest of a busy host takes its time to start. */
  static final Duration START = Duration.ofMinutes(2);

  private static final Path SAMPLES = Path.of("src/main/dist/etc");
  private static final String SAMPLE_KEYS = "mobile-node-1.keys.sample";
  private static final AtomicInteger COUNT = new AtomicInteger();

  /** How far an association's sequence numbers are, as {@code ip xfrm state} tells it. */
  private static final String REPLAY_POSITION =
      "\\s*(anti-replay (esn )?context:.*|seq-hi 0x.*|[0-9a-f]{8}( [0-9a-f]{8})* ?)";

  /** What bin/check makes for guests, and the class path that it was made with. */
  private static final Path ARCHIVE = Path.of("target/mipd.jsa").toAbsolutePath();

  /** Words that a shell would leave as they are. */
  private static final Pattern PLAIN = Pattern.compile("[\\w ./:%=+,@-]+");

  private static final ImmutableList<String> NAMES = ImmutableList.of("sw", "ha", "r", "cn", "mn");

  private final String prefix =
      "mipd-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet() + "-";
  private final Path folder;
  private final Deque<Process> processes = new ArrayDeque<>();
  private final List<String> names = new ArrayList<>(NAMES);

  private TestNet(Path folder) {
    this.folder = folder;
  }

  /** Makes it, with the mobile node's cable in no link. Skips the test where that cannot be. */
  static TestNet create(Path folder) throws Exception {
    for (String command : List.of("ip", "nft", "radvd", "ping", "tcpdump", "sysctl")) {
      needsCommand(command);
    }
    needs(System.getProperty("user.name", "").equals("root"), "not root");
    needs(Files.exists(Path.of("/dev/net/tun")), "there is no /dev/net/tun");
    var net = new TestNet(folder);
    try {
      net.build();
    } catch (Exception | Error e) {
      net.close();
      throw e;
    }
    return net;
  }

  /** Skips the test where a command is missing. */
  static void needsCommand(String command) {
    needs(isCommand(command), command + " is not installed");
  }

  private static boolean isCommand(String name) {
    return List.of("/usr/bin", "/usr/sbin", "/bin", "/sbin").stream()
        .anyMatch(where -> Files.isExecutable(Path.of(where, name)));
  }

  /** Skips the test where something is missing; fails if it is to be there (CI). */
  static void needs(boolean there, String missing) {
    if (!there) {
      System.err.println("SKIPPED: " + missing);
      assertThat(System.getenv("CI")).as(missing).isNotEqualTo("true");
      assumeTrue(false, missing);
    }
  }

  private void build() throws Exception {
    // One process for each namespace: in a guest each costs as much as hundreds of system calls.
    sh(
        """
        ip -batch - <<END
        netns add ${P}sw
        netns add ${P}ha
        netns add ${P}r
        netns add ${P}cn
        netns add ${P}mn
        END
        dad=net.ipv6.conf.all.dad_transmits=1
        router=net.ipv6.conf.all.forwarding=1
        ip netns exec ${P}sw sysctl -q net.ipv6.conf.default.disable_ipv6=1
        ip netns exec ${P}ha sysctl -q $dad $router
        ip netns exec ${P}r sysctl -q $dad $router
        ip netns exec ${P}cn sysctl -q $dad
        ip netns exec ${P}mn sysctl -q $dad
        ip -n ${P}sw -batch - <<END
        link set lo up
        link add brh type bridge forward_delay 0 stp_state 0 mcast_snooping 0
        link add bra type bridge forward_delay 0 stp_state 0 mcast_snooping 0
        link add brb type bridge forward_delay 0 stp_state 0 mcast_snooping 0
        link set brh up
        link set bra up
        link set brb up
        link add ph type veth peer name eth1 netns ${P}ha
        link add pa type veth peer name ea netns ${P}r
        link add pb type veth peer name eb netns ${P}r
        link add pm type veth peer name eth0 netns ${P}mn
        link set ph master brh up
        link set pa master bra up
        link set pb master brb up
        END
        ip -n ${P}ha -batch - <<END
        link set lo up
        link add eth0 type veth peer name eh netns ${P}r
        addr add 2001:db8:1::1/64 dev eth1 nodad
        addr add 2001:db8:f::1/64 dev eth0 nodad
        link set eth0 up
        link set eth1 up
        route add default via 2001:db8:f::2
        END
        ip -n ${P}cn -batch - <<END
        link set lo up
        link add eth0 type veth peer name ec netns ${P}r
        addr add 2001:db8:c::c/64 dev eth0 nodad
        link set eth0 up
        route add default via 2001:db8:c::1
        END
        ip -n ${P}r -batch - <<END
        link set lo up
        addr add 2001:db8:f::2/64 dev eh nodad
        addr add 2001:db8:a::1/64 dev ea nodad
        addr add 2001:db8:b::1/64 dev eb nodad
        addr add 2001:db8:c::1/64 dev ec nodad
        link set eh up
        link set ea up
        link set eb up
        link set ec up
        route add 2001:db8:1::/64 via 2001:db8:f::1
        END
        ip -n ${P}mn -batch - <<END
        link set lo up
        link set eth0 up
        END
        """);
    var text = new StringBuilder();
    for (String link : List.of("a", "b")) {
      text.append(
          """
          interface e%s {
            AdvSendAdvert on;
            IgnoreIfMissing on;
            MinRtrAdvInterval 0.03;
            MaxRtrAdvInterval 0.5;
            MinDelayBetweenRAs 0.03;
            AdvIntervalOpt on;
            prefix 2001:db8:%s::/64 { AdvRouterAddr on; AdvValidLifetime 600; AdvPreferredLifetime 40; };
          };
          """
              .formatted(link, link));
    }
    startRadvd("r", "radvd", text.toString());
    until(
        "addresses are usable",
        LONG,
        () -> {
          for (String node : List.of("r", "ha", "cn")) {
            if (ip(node, "-6", "addr", "show", "tentative").contains("inet6")) {
              return false;
            }
          }
          return true;
        });
  }

  /**
   * The world that this machine's tests are about: the kernel's in a guest that has Mobile IPv6.
   */
  static String world() {
    return System.getenv("MIPD_GUEST") == null ? "engine" : "kernel";
  }

  /** Another namespace, without links. */
  void addNode(String name) throws Exception {
    names.add(name);
    sh("ip netns add " + ns(name) + "\nip -n " + ns(name) + " link set lo up\n");
  }

  String ns(String name) {
    return prefix + name;
  }

  Path folder() {
    return folder;
  }

  /** Runs a script; {@code $P} is the namespaces' prefix. */
  String sh(String script) throws Exception {
    return run(script, List.of("sh", "-e"), script);
  }

  /** Runs a command of plain words, or, where a shell is to read it, a script of it. */
  private String command(String command) throws Exception {
    return PLAIN.matcher(command).matches()
        ? run(command, Splitter.on(' ').omitEmptyStrings().splitToList(command), "")
        : sh(command);
  }

  private String run(String what, List<String> command, String input) throws Exception {
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("P", prefix);
    Process process = builder.start();
    try (var in = process.getOutputStream()) {
      in.write(input.getBytes(StandardCharsets.UTF_8));
    }
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s\n%s", what, said).isZero();
    return said;
  }

  /** Output of {@code ip -n NAMESPACE ...}. */
  String ip(String node, String... arguments) throws Exception {
    return command("ip -n " + ns(node) + " " + String.join(" ", arguments));
  }

  /** Output of a command in a namespace, which must succeed. */
  String in(String node, String command) throws Exception {
    return command("ip netns exec " + ns(node) + " " + command);
  }

  /** Whether a command in a namespace succeeds. */
  boolean succeeds(String node, String command) throws Exception {
    Process process =
        new ProcessBuilder("sh", "-c", "ip netns exec " + ns(node) + " " + command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor() == 0;
  }

  /** Starts a command in a namespace; what it says goes into {@code LOG.log}. */
  Process start(String node, String log, String... command) throws IOException {
    List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", ns(node)));
    words.addAll(List.of(command));
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(log + ".log").toFile()))
            .start();
    processes.push(process);
    return process;
  }

  /**
   * A router that advertises.
   *
   * @param name of its log, and of its configuration
   */
  Process startRadvd(String node, String name, String configuration) throws IOException {
    Path file = Files.writeString(folder.resolve(name + ".conf"), configuration);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    return start(
        node,
        name,
        "radvd",
        "-n",
        "-u",
        "root",
        "-C",
        file.toString(),
        "-p",
        folder.resolve(name + ".pid").toString(),
        "-m",
        "stderr");
  }

  /** What a started command has said so far. */
  String said(String log) throws IOException {
    Path file = folder.resolve(log + ".log");
    return Files.exists(file) ? Files.readString(file) : "";
  }

  /**
   * Access router {@code r} takes from links a and b only what has a source of the link's, as real
   * ones do. Neither nftables nor traffic control is in every kernel that we test.
   */
  void filterSources() throws Exception {
    for (String link : List.of("a", "b")) {
      String rule = "rule add iif e" + link + " from ";
      ip("r", "-6", rule + "2001:db8:" + link + "::/64 lookup main pref 10");
      ip("r", "-6", rule + "2000::/3 blackhole pref 11");
    }
  }

  /** Whatever link a has for the home agent is lost until it is let through again. */
  void holdBack(boolean on) throws Exception {
    lose(on, "iif ea to 2001:db8:1::/64");
  }

  /**
   * What a node's key manager, mn or ha, has for the other one is lost until it is let through
   * again.
   */
  void loseKeyExchangeOf(String node, boolean on) throws Exception {
    String ways = node.equals("mn") ? "to 2001:db8:1::/64" : "from 2001:db8:1::/64";
    lose(on, ways + " ipproto 17 dport 500");
  }

  /** What the home agent sends in ESP is lost until it is let through again. */
  void loseEspOfTheHomeAgent(boolean on) throws Exception {
    lose(on, "from " + HOME_AGENT + " ipproto 50");
  }

  /**
   * What the home agent has for the home address on the home link is lost, until it is let through
   * again: it goes to a link-layer address that is nobody's.
   */
  void loseWhatComesHome(boolean on) throws Exception {
    String neighbour = HOME_ADDRESS + " dev eth1";
    String nobody = " lladdr 02:00:00:00:00:01 nud permanent";
    ip("ha", "-6", "neigh " + (on ? "replace " + neighbour + nobody : "del " + neighbour));
  }

  /**
   * @param which as {@code ip rule} says it
   */
  private void lose(boolean on, String which) throws Exception {
    ip("r", "-6", "rule " + (on ? "add " : "del ") + which + " blackhole pref 12");
  }

  /** What a node's kernel has counted under a name of {@code /proc/net/snmp6}. */
  long kernelCounter(String node, String name) throws Exception {
    return in(node, "cat /proc/net/snmp6")
        .lines()
        .map(line -> line.split("\\s+"))
        .filter(words -> words[0].equals(name))
        .mapToLong(words -> Long.parseLong(words[1]))
        .sum();
  }

  /** Pulls the mobile node's cable and plugs it into link {@code h}, {@code a} or {@code b}. */
  void plug(String link) throws Exception {
    sh(
        "ip -n \"$P\"sw link set pm down nomaster\n"
            + "ip -n \"$P\"sw link set pm master br"
            + link
            + " up\n");
  }

  void unplug() throws Exception {
    ip("sw", "link", "set", "pm", "down", "nomaster");
  }

  /**
   * A configuration made from the sample of a role.
   *
   * @param changes pairs of texts: what stands in the sample, and what is to stand there
   */
  Path configuration(String node, String sample, String... changes) throws IOException {
    Path etc = Files.createDirectories(folder.resolve(node));
    if (!Files.exists(etc.resolve("mobile-node-1.keys"))) {
      keys(node, "mobile-node-1.keys", sampleKeys());
    }
    String text =
        Files.readString(SAMPLES.resolve(sample))
            .replace("/var/lib/mipd", etc.resolve("state").toString())
            .replace("/run/mipd/control.sock", etc.resolve("control.sock").toString())
            .replace("world = auto", "world = " + world());
    String by = System.getenv("MIPD_KERNEL_INTERFACE");
    text =
        by == null
            ? text
            : text.replace("# kernel-interface = netlink", "kernel-interface = " + by);
    for (int i = 0; i < changes.length; i += 2) {
      assertThat(text).contains(changes[i]);
      text = text.replace(changes[i], changes[i + 1]);
    }
    return Files.writeString(etc.resolve("mipd.conf"), text);
  }

  /** A file of keys beside a node's configuration. */
  Path keys(String node, String name, String lines) throws IOException {
    Path file = Files.createDirectories(folder.resolve(node)).resolve(name);
    Files.writeString(file, lines);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }

  /** The text of a sample configuration. */
  static String sample(String name) throws IOException {
    return Files.readString(SAMPLES.resolve(name));
  }

  /**
   * What {@link #configuration} is to change in a sample, for neither signalling nor payload to be
   * protected.
   */
  static String[] withoutIpsec(String sample) {
    return new String[] {"ipsec = on", "ipsec = off", protection(sample), ""};
  }

  /** The first section {@code protection} of a sample that is no comment. */
  static String protection(String sample) {
    Matcher first = Pattern.compile("(?m)^ *(?=protection \\{)").matcher(sample);
    if (!first.find()) {
      throw new AssertionError("no protection");
    }
    int depth = 0;
    for (int i = first.end(); i < sample.length(); i++) {
      depth += sample.charAt(i) == '{' ? 1 : sample.charAt(i) == '}' ? -1 : 0;
      if (depth == 0 && sample.charAt(i) == '}') {
        return sample.substring(first.end(), i + 1);
      }
    }
    throw new AssertionError("no end of protection");
  }

  /** The sample's keys. */
  static String sampleKeys() throws IOException {
    return Files.readString(SAMPLES.resolve(SAMPLE_KEYS));
  }

  /** A running {@code mipd run}. */
  record Mipd(Process process, String node, Path configuration) {}

  /** Starts a daemon and waits until it says that it is ready. */
  Mipd startMipd(String node, Path configuration) throws Exception {
    return startMipd(node, configuration, Main.class);
  }

  /**
   * @param main what takes the arguments of {@code mipd}
   */
  Mipd startMipd(String node, Path configuration, Class<?> main) throws Exception {
    return startMipd(node, configuration, main, "DEBUG");
  }

  /** Starts a daemon that logs no single message, for scenes of very many. */
  Mipd startQuietMipd(String node, Path configuration) throws Exception {
    return startMipd(node, configuration, Main.class, "INFO");
  }

  private Mipd startMipd(String node, Path configuration, Class<?> main, String level)
      throws Exception {
    int before = occurrences(said(node), "mipd ready: ");
    List<String> command = new ArrayList<>(java(main, "-Dmipd.log=" + level));
    command.addAll(List.of("run", "--config", configuration.toString()));
    Process process = start(node, node, command.toArray(new String[0]));
    until(
        "mipd on " + node + " is ready",
        START,
        () -> {
          assertThat(process.isAlive()).as(said(node)).isTrue();
          return occurrences(said(node), "mipd ready: ") > before;
        });
    return new Mipd(process, node, configuration);
  }

  private static int occurrences(String text, String word) {
    return text.split(word, -1).length - 1;
  }

  /** The command line of mipd, from the classes under test. */
  static ImmutableList<String> java(String... options) {
    return java(Main.class, options);
  }

  static ImmutableList<String> java(Class<?> main, String... options) {
    var command =
        ImmutableList.<String>builder()
            .add(Path.of(System.getProperty("java.home"), "bin", "java").toString())
            .add("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
            .add("-Xms64m", "-Xmx256m");
    String ofGuest = System.getenv("MIPD_GUEST") == null ? null : System.getenv("MIPD_JAVA_OPTS");
    if (ofGuest != null) {
      command.addAll(Splitter.on(' ').omitEmptyStrings().split(ofGuest));
    }
    command.add(options);
    if (ofGuest != null && main == Main.class && Files.exists(ARCHIVE)) {
      command.add("-XX:SharedArchiveFile=" + ARCHIVE, "-Xlog:cds=off", "-Xlog:cds+dynamic=off");
      command.add("-cp", classPathOfArchive());
    } else {
      command.add(
          "-cp",
          System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    }
    return command.add(main.getName()).build();
  }

  /** As the launcher expands it: an archive is good for files in the same order only. */
  private static String classPathOfArchive() {
    try (Stream<Path> jars = Files.list(ARCHIVE.getParent());
        Stream<Path> libraries = Files.list(ARCHIVE.resolveSibling("lib"))) {
      return Stream.concat(jars, libraries)
          .map(Path::toString)
          .filter(name -> name.endsWith(".jar"))
          .collect(Collectors.joining(":"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends SIGTERM and waits; the exit status. */
  int stop(Mipd mipd) throws Exception {
    mipd.process().destroy();
    assertThat(mipd.process().waitFor(LONG.toSeconds(), TimeUnit.SECONDS))
        .as("mipd on %s stops\n%s", mipd.node(), said(mipd.node()))
        .isTrue();
    return mipd.process().exitValue();
  }

  void kill(Mipd mipd) throws Exception {
    mipd.process().destroyForcibly().waitFor();
  }

  /** What {@code mipd status} answers. */
  Config status(Mipd mipd) throws Exception {
    return ask(mipd, ControlRequest.of("status"));
  }

  /** What a daemon answers. */
  Config ask(Mipd mipd, ControlRequest request) throws Exception {
    return ControlClient.ask(mipd.configuration().resolveSibling("control.sock"), request);
  }

  /** Runs another of mipd's commands in a namespace; its exit status. */
  int mipd(String node, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(java());
    command.addAll(List.of(arguments));
    Process process = start(node, node, command.toArray(new String[0]));
    assertThat(process.waitFor(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  /** Waits until something is so. */
  void until(String what, Duration limit, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      long asked = System.nanoTime();
      if (condition.call()) {
        return;
      }
      long now = System.nanoTime();
      if (now > end) {
        throw new AssertionError("not within " + limit + ": " + what + "\n" + logs());
      }
      // As long as the question has taken, so that at least half of a slow guest is the daemons'.
      TimeUnit.NANOSECONDS.sleep(Math.max(Duration.ofMillis(20).toNanos(), now - asked));
    }
  }

  /** The ends of all logs. */
  String logs() throws IOException {
    var text = new StringBuilder();
    for (String node : names) {
      String said = said(node);
      if (said.isEmpty()) {
        continue;
      }
      text.append("--- ").append(node).append('\n');
      text.append(said, Math.max(0, said.length() - 6000), said.length());
      String charon = said(node + "-charon");
      text.append(charon, Math.max(0, charon.length() - 6000), charon.length());
    }
    return text.append(kernels()).toString();
  }

  /** What the kernels of the daemons' nodes say. */
  private String kernels() {
    var text = new StringBuilder();
    for (String node : List.of("ha", "mn", "cn")) {
      try {
        text.append("--- kernel of ").append(node).append('\n');
        text.append(
            in(
                node,
                """
                sh -c 'ip -6 addr; ip -6 neigh; ip -6 rule; ip -6 route show table all
                ip xfrm policy; ip -s -6 xfrm state list nokeys; grep -v "[[:space:]]0$" /proc/net/xfrm_stat
                true'
                """));
      } catch (Exception | AssertionError e) {
        text.append(e.getMessage());
      }
    }
    return text.toString();
  }

  /** Everything of a node that mipd might leave behind, a line each. */
  ImmutableSet<String> system(String node) throws Exception {
    String said =
        in(
            node,
            """
            sh -c 'ip -6 addr; ip -6 route show table all; ip -6 rule; ip -6 neigh show proxy
            nft list ruleset 2>/dev/null; ip xfrm policy; ip xfrm state list nokeys; ip maddr show; sysctl -a -r "^net.ipv6" 2>/dev/null'
            """);
    return said.lines()
        // What passes by itself, and the numbers of interfaces, which are given out anew.
        .filter(line -> !line.matches(".*(mc_forwarding|stable_secret|base_reachable_time).*"))
        .filter(line -> !line.matches(REPLAY_POSITION))
        .map(line -> line.replaceAll("(valid_lft|preferred_lft|expires) \\S+", ""))
        .map(line -> line.replaceAll("^\\d{1,3}:(?!\\tfrom)", "").replaceAll("@\\w+:", ":").strip())
        .collect(ImmutableSet.toImmutableSet());
  }

  /**
   * As {@link #assertSystem}, when the kernel has had time to do what is its own again. What it has
   * asked for in vain (an acquire) it forgets after 30 s, and nobody can make it forget earlier.
   */
  void awaitSystem(String node, ImmutableSet<String> before) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(45).toNanos();
    while (!system(node).equals(before) && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(200);
    }
    assertSystem(node, before);
  }

  /** That the system of a node is as it was. */
  void assertSystem(String node, ImmutableSet<String> before) throws Exception {
    ImmutableSet<String> now = system(node);
    assertThat(Sets.difference(now, before)).as("new at " + node).isEmpty();
    assertThat(Sets.difference(before, now)).as("gone at " + node).isEmpty();
  }

  @Override
  public void close() throws IOException {
    while (!processes.isEmpty()) {
      processes.pop().destroyForcibly().onExit().join();
    }
    for (String name : names) {
      new ProcessBuilder("ip", "netns", "del", ns(name))
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .onExit()
          .join();
    }
  }
}
