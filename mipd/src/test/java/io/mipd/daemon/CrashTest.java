package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Daemons are killed while protected traffic flows. What they protect stays at home meanwhile, and
 * a new start is all that it takes.
 */
@Tag("root")
@Tag("kernel")
class CrashTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final int ENOUGH = 25;
  private static final boolean KERNEL = TestNet.world().equals("kernel");

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Tap fromMobile;

  @SuppressWarnings("NullAway.Init")
  private Tap fromAgent;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  @SuppressWarnings("NullAway.Init")
  private Process in;

  @SuppressWarnings("NullAway.Init")
  private Process out;

  private ImmutableSet<String> agentBefore = ImmutableSet.of();
  private ImmutableSet<String> mobileBefore = ImmutableSet.of();

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    fromMobile = Tap.on(net, "r", "ea");
    fromAgent = Tap.on(net, "r", "eh");
    net.start("sw", "home", "tcpdump", "-n", "-l", "-i", "ph", "ip6 host " + HOME + " or icmp6");
  }

  @AfterEach
  void takeDown() throws Exception {
    if (net != null) {
      fromMobile.close();
      fromAgent.close();
      net.close();
    }
  }

  private void start() throws Exception {
    agentBefore = net.system("ha");
    mobileBefore = net.system("mn");
    agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
  }

  /** Away and registered, with payload in both directions that does not stop. */
  private void flow() throws Exception {
    net.plug("a");
    net.until(
        "an address at A",
        TestNet.LONG,
        () -> {
          String addresses = net.ip("mn", "-6", "addr", "show", "dev", "eth0");
          return addresses.contains("2001:db8:a:") && !addresses.contains("tentative");
        });
    start();
    net.until("registered", TestNet.LONG, () -> !careOf().isEmpty());
    in = net.start("cn", "in", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);
    out =
        net.start(
            "mn",
            "out",
            "ping",
            "-n",
            "-i",
            "0.02",
            "-I",
            TestNet.HOME_ADDRESS,
            TestNet.CORRESPONDENT);
    flowsAgain("at first");
  }

  private String careOf() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  private int sequence() throws Exception {
    return net.status(agent).getConfigList("bindings").get(0).getInt("sequence");
  }

  private void flowsAgain(String when) throws Exception {
    Callable<Boolean> in = replies("in");
    Callable<Boolean> out = replies("out");
    net.until("pings in go on " + when, TestNet.LONG, in);
    net.until("pings out go on " + when, TestNet.LONG, out);
  }

  private Callable<Boolean> replies(String log) throws Exception {
    int enough = count(log, "bytes from") + ENOUGH;
    return () -> count(log, "bytes from") >= enough;
  }

  private int count(String log, String words) throws Exception {
    return net.said(log).split(words, -1).length - 1;
  }

  /** The kernel's policies and states do not die with us, and protect what they did before. */
  private void goesOnWithoutUs() throws Exception {
    if (KERNEL) {
      flowsAgain("without a daemon");
    }
  }

  private static int protocol(byte[] packet) {
    return packet[6] & 0xff;
  }

  /** What shows its home address on a foreign link, or a tunnel without ESP. */
  private static boolean isClear(byte[] packet) {
    return (Ipv6Address.read(packet, 8).equals(HOME) && !isSolicitation(packet))
        || protocol(packet) == IpProtocol.IPV6;
  }

  /** For the home link's router, which a node that was killed at home still believes in. */
  private static boolean isSolicitation(byte[] packet) {
    return protocol(packet) == IpProtocol.ICMPV6 && (packet[40] & 0xff) == 135;
  }

  /** What is on its way to the home address without protection. */
  private static boolean isClearToMobile(byte[] packet) {
    return Ipv6Address.read(packet, 24).equals(HOME) || protocol(packet) == IpProtocol.IPV6;
  }

  private void nothingInClear() throws Exception {
    assertThat(fromMobile.all(CrashTest::isClear)).isEmpty();
    assertThat(fromAgent.all(CrashTest::isClearToMobile)).isEmpty();
  }

  @Test
  void aMobileNodeThatIsKilled() throws Exception {
    flow();
    ImmutableSet<String> running = net.system("mn");
    int sequence = sequence();

    net.kill(mobile);
    fromAgent.clear();
    net.until(
        "payload keeps coming for it",
        TestNet.LONG,
        () -> fromAgent.all(it -> protocol(it) == IpProtocol.ESP).size() > ENOUGH);
    assertThat(net.ip("mn", "-6", "rule")).contains("from " + HOME + " blackhole");
    // A new sender, with the home address as its source, however it comes to have it.
    net.ip("mn", "addr", "add", HOME + "/128", "dev", "lo");
    assertThat(net.succeeds("mn", "ping -n -c 3 -i 0.05 -W 1 -I " + HOME + " 2001:db8:c::c"))
        .isEqualTo(KERNEL);
    net.ip("mn", "addr", "del", HOME + "/128", "dev", "lo");
    goesOnWithoutUs();
    nothingInClear();

    mobile = net.startMipd("mn", mobile.configuration());
    flowsAgain("after the restart");
    net.until("registered again", TestNet.LONG, () -> sequence() > sequence);
    net.assertSystem("mn", running);
    nothingInClear();

    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
    net.awaitSystem("mn", mobileBefore);
    net.awaitSystem("ha", agentBefore);
  }

  /** What is restored at once has other priorities than what came one by one, in the same order. */
  private static ImmutableSet<String> unnumbered(ImmutableSet<String> system) {
    return system.stream()
        .map(line -> line.replaceAll("priority \\d+", "priority"))
        .collect(ImmutableSet.toImmutableSet());
  }

  @Test
  void aHomeAgentThatIsKilled() throws Exception {
    flow();
    // What its kernel has begun to ask before the registration it asks again after a second.
    net.until(
        "nobody is asked for on the home link",
        TestNet.LONG,
        () -> !net.ip("ha", "-6", "neighbour", "show", HOME.toString()).contains("INCOMPLETE"));
    ImmutableSet<String> running = net.system("ha");
    String bound = careOf();
    int sequence = sequence();

    net.kill(agent);
    int seen = count("home", HOME.toString());
    fromMobile.clear();
    net.until(
        "payload keeps coming for it",
        TestNet.LONG,
        () -> fromMobile.all(it -> protocol(it) == IpProtocol.ESP).size() > ENOUGH);
    // Neither sent to the home link nor asked for there, where anybody might answer.
    assertThat(count("home", HOME.toString())).as(net.said("home")).isEqualTo(seen);
    goesOnWithoutUs();
    nothingInClear();

    agent = net.startMipd("ha", agent.configuration());
    flowsAgain("after the restart");
    assertThat(careOf()).isEqualTo(bound);
    assertThat(sequence()).isGreaterThanOrEqualTo(sequence);
    assertThat(unnumbered(net.system("ha"))).isEqualTo(unnumbered(running));
    nothingInClear();

    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
    net.awaitSystem("ha", agentBefore);
  }

  @Test
  @Tag("slow-in-guest")
  void theGuardOfABindingThatHasEndedMeanwhileGoes() throws Exception {
    agentBefore = net.system("ha");
    // As a daemon leaves it that is killed while somebody is bound.
    String guard = "blackhole " + HOME + "/128 metric " + HomeProxies.GUARD_METRIC;
    net.ip("ha", "-6 route add", guard, "proto " + SystemChanges.PROTOCOL);
    agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    net.until(
        "nobody is guarded",
        TestNet.LONG,
        () -> net.ip("ha", "-6", "route", "show", "type", "blackhole").isBlank());
    assertThat(net.stop(agent)).isZero();
    net.awaitSystem("ha", agentBefore);
  }

  @Test
  @Tag("slow-in-guest")
  void bothAreKilledAndCleanedUp() throws Exception {
    flow();
    net.kill(mobile);
    net.kill(agent);
    nothingInClear();
    // The guard goes as well, so those whom it guards must have gone before.
    in.destroyForcibly().onExit().join();
    out.destroyForcibly().onExit().join();
    for (String node : new String[] {"ha", "mn"}) {
      Mipd dead = node.equals("ha") ? agent : mobile;
      assertThat(net.mipd(node, "cleanup", "--config", dead.configuration().toString())).isZero();
    }
    net.awaitSystem("ha", agentBefore);
    net.awaitSystem("mn", mobileBefore);
    agent = net.startMipd("ha", agent.configuration());
    mobile = net.startMipd("mn", mobile.configuration());
    net.until(
        "pings go on",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    nothingInClear();
  }

  @Test
  @Tag("slow-in-guest")
  void killedWhileItRegistersForTheFirstTime() throws Exception {
    start();
    net.plug("a");
    net.until("it asks", TestNet.LONG, () -> net.said("mn").contains("sent BindingUpdate"));
    net.kill(mobile);
    net.kill(agent);
    agent = net.startMipd("ha", agent.configuration());
    mobile = net.startMipd("mn", mobile.configuration());
    net.until("registered", TestNet.LONG, () -> !careOf().isEmpty());
    net.until(
        "pings go on",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    nothingInClear();
  }

  @Test
  @Tag("slow-in-guest")
  void killedAtHomeAndStartedAway() throws Exception {
    start();
    net.plug("h");
    net.until(
        "at home",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    net.kill(mobile);
    net.plug("a");
    // Who forms care-of addresses there is dead, if it is not the kernel.
    net.until(
        "the foreign link's router is heard",
        TestNet.LONG,
        () ->
            // Before detection has ended the kernel would take the home address for its source.
            net.ip("mn", "-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative")
                    .contains("fe80:")
                && net.succeeds("mn", "ping -n -c 1 -W 1 ff02::2%eth0"));
    net.succeeds("mn", "ping -n -c 3 -i 0.05 -W 1 -I " + HOME + " 2001:db8:c::c");
    mobile = net.startMipd("mn", mobile.configuration());
    net.until("registered", TestNet.LONG, () -> !careOf().isEmpty());
    net.until(
        "pings go on",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    nothingInClear();
  }
}
