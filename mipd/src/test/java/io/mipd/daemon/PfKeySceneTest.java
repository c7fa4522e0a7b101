package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.linux.KernelInterface;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Home agent and mobile node that tell Linux of their policies and associations by PF_KEY as far as
 * that goes. They have a user's IPsec in their configurations, a tunnel from the home address to
 * the home agent's other address, with an algorithm that PF_KEY cannot say.
 */
@Tag("kernel")
class PfKeySceneTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final String PEER = "2001:db8:f::1";
  private static final ImmutableList<String> NODES = ImmutableList.of("ha", "mn");
  private static final String OUR_MARK = "mark 0/0x80000000";

  /** Of what protects the samples' first mobile node. */
  private static final ImmutableMap<String, String> INDENT =
      ImmutableMap.of("home-agent.conf", " ".repeat(8), "mobile-node.conf", " ".repeat(4));

  /** SPIs of the associations with the home agent, and of the user's. */
  private static final ImmutableSet<String> MOBILITY =
      ImmutableSet.of("1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008");

  private static final ImmutableSet<String> USERS = ImmutableSet.of("3001", "3002");

  /** A user's at the home agent, with the selector of one of mipd's; it asks for nothing. */
  private static final String SAME_SELECTOR = "src ::/0 dst " + HOME + "/128 dir out";

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws Exception {
    net.close();
  }

  private void start(KernelInterface by) throws Exception {
    agent = net.startMipd("ha", configuration("ha", "home-agent.conf", by));
    mobile = net.startMipd("mn", configuration("mn", "mobile-node.conf", by));
  }

  private Path configuration(String node, String sample, KernelInterface by) throws Exception {
    String key = "0f".repeat(16) + " " + "1f".repeat(32) + "\n";
    net.keys(node, "user.keys", "0x3001 " + key + "0x3002 " + key);
    // 160 bits of the samples' 256.
    net.keys(node, "mobile-node-1.keys", TestNet.sampleKeys().replaceAll("(?m)[0-9a-f]{24}$", ""));
    Path file =
        net.configuration(
            node,
            sample,
            "# kernel-interface = netlink",
            "kernel-interface = " + by,
            "\n" + INDENT.get(sample) + "integrity = hmac-sha2-256-128",
            "\n" + INDENT.get(sample) + "integrity = hmac-sha1-96",
            "\n" + INDENT.get(sample) + "replay-window = 128",
            "\n" + INDENT.get(sample) + "replay-window = 32");
    String self = node.equals("mn") ? HOME.toString() : PEER;
    String other = node.equals("mn") ? PEER : HOME.toString();
    String tunnel = "src = \"%s\", dst = \"%s\", proto = esp, mode = tunnel, reqid = 9";
    return Files.writeString(
        file,
        """
        user-ipsec {
          policies = [ { src = "%s", dst = "%s", templates = [ { %s } ] } ]
          keys = user.keys
          associations = [ { %s, spi = 0x3001 }, { %s, spi = 0x3002 } ]
        }
        """
            .formatted(
                self,
                other,
                tunnel.formatted(self, other),
                tunnel.formatted(HOME, PEER),
                tunnel.formatted(PEER, HOME)),
        StandardOpenOption.APPEND);
  }

  private String careOf() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  private void registers(String link) throws Exception {
    net.until(
        "registered at " + link, TestNet.LONG, () -> careOf().startsWith("2001:db8:" + link + ":"));
    reachable("at " + link);
  }

  private void movesTo(String link) throws Exception {
    net.plug(link);
    registers(link);
  }

  /** From the correspondent, and within the user's tunnel. */
  private void reachable(String where) throws Exception {
    net.until(
        "pings come in " + where,
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + HOME));
    net.until(
        "the user's peer answers " + where,
        TestNet.LONG,
        () -> net.succeeds("mn", "ping -n -c 1 -W 1 -I " + HOME + " " + PEER));
  }

  private void comesHome() throws Exception {
    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    net.until(
        "pings come in at home",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + HOME));
  }

  /** Policies and states, a text each, without what passes: counters, and what was asked for. */
  private List<String> databases(String node, boolean marks) throws Exception {
    String all = net.in(node, "sh -c 'ip xfrm policy; ip xfrm state list nokeys'");
    return Pattern.compile("(?m)^(?=src )")
        .splitAsStream(all)
        .filter(one -> !one.contains("spi 0x00000000") || one.contains("mode ro"))
        .map(one -> one.replaceAll("(?m)^\\s*(anti-replay|seq-hi|lastused|[0-9a-f]{8}).*\n", ""))
        .map(one -> marks ? one : withoutMarkAndSelector(one))
        .map(one -> one.replaceAll("[ \t]+(?=\n)", "").strip())
        .sorted()
        .toList();
  }

  /** An association that came by PF_KEY has no selector of its own. */
  private static String withoutMarkAndSelector(String one) {
    String unmarked = one.replaceAll("\\s*" + OUR_MARK + "\\s*\n", "\n");
    return isAssociation(one) && MOBILITY.contains(spi(one))
        ? unmarked.replaceAll("(?m)^\\s*sel .*\n", "")
        : unmarked;
  }

  private static String spi(String association) {
    return association.replaceAll("(?s).* spi 0x0*([0-9a-f]+).*", "$1");
  }

  private static boolean isAssociation(String one) {
    return one.contains("\tproto esp spi ");
  }

  /** What of it is a policy and bears our mark. */
  private List<String> marked(String node) throws Exception {
    return databases(node, true).stream()
        .filter(one -> one.contains(" dir ") || one.contains("\tdir "))
        .filter(one -> one.contains(OUR_MARK))
        .toList();
  }

  /** SPIs of the associations that bear our mark, or bear none. */
  private ImmutableSet<String> associations(String node, boolean marked) throws Exception {
    return databases(node, true).stream()
        .filter(PfKeySceneTest::isAssociation)
        .filter(one -> one.contains(OUR_MARK) == marked)
        .map(PfKeySceneTest::spi)
        .collect(ImmutableSet.toImmutableSet());
  }

  private List<List<String>> everywhere() throws Exception {
    List<List<String>> all = new ArrayList<>();
    for (String link : List.of("a", "b")) {
      movesTo(link);
      for (String node : NODES) {
        all.add(ranked(databases(node, false)));
      }
    }
    return all;
  }

  /** Priorities depend on what was there before; it is their order that counts. */
  private static List<String> ranked(List<String> databases) {
    List<String> now = databases;
    for (String direction : List.of("in", "out", "fwd")) {
      var numbered = Pattern.compile("dir " + direction + " priority (\\d+)");
      ImmutableList<Integer> order =
          now.stream()
              .flatMap(one -> numbered.matcher(one).results())
              .map(match -> Integer.parseInt(match.group(1)))
              .distinct()
              .sorted()
              .collect(ImmutableList.toImmutableList());
      now =
          now.stream()
              .map(
                  one ->
                      numbered
                          .matcher(one)
                          .replaceAll(
                              match ->
                                  "dir "
                                      + direction
                                      + " rank "
                                      + order.indexOf(Integer.parseInt(match.group(1)))))
              .toList();
    }
    return now;
  }

  private long pfKeyRequests(Mipd node) throws Exception {
    return net.status(node).getLong("counters.pf-key-requests");
  }

  private void stop() throws Exception {
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
  }

  @Test
  void putsInForceWhatNetlinkPutsInForceOnEveryLink() throws Exception {
    net.plug("a");
    ImmutableSet<String> before = net.system("ha");
    start(KernelInterface.NETLINK);
    registers("a");
    List<List<String>> byNetlink = everywhere();
    for (String node : NODES) {
      assertThat(associations(node, false)).as(node).isEmpty();
      assertThat(databases(node, true).stream().filter(one -> MOBILITY.contains(spi(one))))
          .as(node)
          .allMatch(one -> one.contains("\tsel "));
    }
    assertThat(pfKeyRequests(agent)).isZero();
    stop();
    net.awaitSystem("ha", before);

    net.plug("a");
    start(KernelInterface.PF_KEY);
    registers("a");
    List<List<String>> byPfKey = everywhere();
    for (int i = 0; i < byNetlink.size(); i++) {
      assertThat(byPfKey.get(i)).isEqualTo(byNetlink.get(i));
    }
    for (Mipd one : List.of(agent, mobile)) {
      // PF_KEY has no type 0, nor a mask of types.
      assertThat(marked(one.node())).as(one.node()).allMatch(it -> it.contains("type 0"));
      assertThat(pfKeyRequests(one)).as(one.node()).isPositive();
      assertThat(associations(one.node(), false)).as(one.node()).isEqualTo(MOBILITY);
      assertThat(associations(one.node(), true)).as(one.node()).isEqualTo(USERS);
      // What it does by the other interface it does not take for somebody else's doing.
      assertThat(net.status(one).getInt("counters.repairs")).as(one.node()).isZero();
    }
    long handover = pfKeyRequests(mobile);
    movesTo("a");
    assertThat(pfKeyRequests(mobile)).isGreaterThan(handover);
    comesHome();
    stop();
    net.awaitSystem("ha", before);
  }

  @Test
  @Tag("long")
  void isKnownAgainAfterACrashAndTellsOthersFromOurs() throws Exception {
    net.plug("a");
    String users = "src 2001:db8:c::c dst 2001:db8:f::1 dir in priority 70007";
    for (String node : NODES) {
      net.in(node, "ip xfrm policy add " + users);
    }
    net.in("ha", "ip xfrm policy add " + SAME_SELECTOR + " priority 1000000");
    ImmutableSet<String> agentBefore = net.system("ha");
    List<String> mobileBefore = databases("mn", true);
    start(KernelInterface.PF_KEY);
    registers("a");
    // One selector is taken: what mipd puts there has the mark.
    assertThat(marked("ha")).anyMatch(one -> one.startsWith("src ::/0 dst " + HOME + "/128\n"));
    List<String> running = databases("mn", true);
    List<String> marked = marked("ha");
    Process pings = net.start("cn", "flow", "ping", "-n", "-i", "0.02", HOME.toString());

    net.kill(mobile);
    net.kill(agent);
    assertThat(databases("mn", true)).isEqualTo(running);
    int seen = net.said("flow").length();
    net.until("goes on", TestNet.LONG, () -> net.said("flow").length() > seen + 1000);

    agent = net.startMipd("ha", agent.configuration());
    mobile = net.startMipd("mn", mobile.configuration());
    net.until("registered again", TestNet.LONG, () -> !careOf().isEmpty());
    reachable("after the restart");
    for (String node : NODES) {
      assertThat(net.said(node)).contains("of a daemon that was killed are still in force");
    }
    assertThat(unnumbered(databases("mn", true))).isEqualTo(unnumbered(running));
    assertThat(unnumbered(marked("ha"))).isEqualTo(unnumbered(marked));
    movesTo("b");

    pings.destroyForcibly().onExit().join();
    net.kill(mobile);
    net.kill(agent);
    // Meanwhile the user puts one of his own in the place of one of ours.
    String replaced = "src " + HOME + "/128 dst ::/0 dir out";
    net.in("mn", "ip xfrm policy delete " + replaced);
    net.in("mn", "ip xfrm policy add " + replaced + " priority 123456 action block");
    for (Mipd dead : List.of(agent, mobile)) {
      assertThat(net.mipd(dead.node(), "cleanup", "--config", dead.configuration().toString()))
          .isZero();
    }
    assertThat(net.in("mn", "ip xfrm policy")).contains("action block priority 123456");
    net.in("mn", "ip xfrm policy delete " + replaced);
    net.awaitSystem("ha", agentBefore);
    // Its addresses at b are the kernel's own by now.
    assertThat(databases("mn", true)).isEqualTo(mobileBefore);
  }

  @Test
  @Tag("slow-in-guest")
  void aPolicyThatTheUserPutsInThePlaceOfOursIsHisAndOursStandsBesideIt() throws Exception {
    net.plug("a");
    start(KernelInterface.PF_KEY);
    registers("a");
    assertThat(marked("ha")).noneMatch(PfKeySceneTest::hasSameSelector);
    assertThat(databases("ha", true)).anyMatch(PfKeySceneTest::hasSameSelector);
    net.in("ha", "ip xfrm policy update " + SAME_SELECTOR + " priority 1000000");
    net.until(
        "ours is back",
        TestNet.LONG,
        () -> marked("ha").stream().anyMatch(PfKeySceneTest::hasSameSelector));
    assertThat(net.in("ha", "ip xfrm policy")).contains("priority 1000000");
    reachable("beside the user's");
    movesTo("b");
    stop();
    assertThat(net.in("ha", "ip xfrm policy")).contains("priority 1000000");
    net.in("ha", "ip xfrm policy delete " + SAME_SELECTOR);
  }

  private static boolean hasSameSelector(String policy) {
    return policy.startsWith("src ::/0 dst " + HOME + "/128\n") && policy.contains("dir out");
  }

  private static List<String> unnumbered(List<String> databases) {
    return databases.stream().map(one -> one.replaceAll("priority \\d+", "priority")).toList();
  }

  /** A kernel without {@code af_key}: the guest's, with the module taken out. */
  @Test
  void saysWhatIsMissingOnAKernelWithoutPfKey() throws Exception {
    Path loader = Path.of("/proc/sys/kernel/modprobe");
    String program = Files.readString(loader).strip();
    Path configuration = configuration("ha", "home-agent.conf", KernelInterface.PF_KEY);
    Files.writeString(loader, "/bin/false");
    try {
      net.sh(program + " -r af_key");
      List<String> command = new ArrayList<>(TestNet.java());
      command.addAll(List.of("run", "--config", configuration.toString()));
      Process process = net.start("ha", "ha", command.toArray(new String[0]));
      assertThat(process.waitFor(TestNet.START.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(net.said("ha"))
          .contains("the kernel world lacks: policies and associations by PF_KEYv2")
          .contains("CONFIG_NET_KEY")
          .contains("EAFNOSUPPORT");
      assertThat(process.exitValue()).isEqualTo(3);
      assertThat(net.mipd("ha", "probe")).isZero();
      assertThat(net.said("ha"))
          .contains("no   policies and associations by PF_KEYv2: CONFIG_NET_KEY");
    } finally {
      Files.writeString(loader, program);
      net.sh(program + " af_key");
    }
  }
}
