package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlRequest;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Home agent and mobile node that leave IPsec and Mobile IPv6 to Linux itself. */
@Tag("kernel")
class KernelSceneTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final Ipv6Address AGENT = Ipv6Address.parse(TestNet.HOME_AGENT);
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse(TestNet.CORRESPONDENT);

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  private ImmutableSet<String> agentBefore = ImmutableSet.of();
  private ImmutableSet<String> mobileBefore = ImmutableSet.of();

  /** What of the traffic between mobile node and home agent is in ESP. */
  private enum Protected {
    NOTHING,
    SIGNALLING,
    ALL;

    String[] changes(String sample) {
      return switch (this) {
        case NOTHING -> TestNet.withoutIpsec(sample);
        case SIGNALLING ->
            new String[] {"payload { to-home-agent = 0x1005, to-mobile-node = 0x1006 }", ""};
        case ALL -> new String[0];
      };
    }
  }

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws Exception {
    net.close();
  }

  /** Both, the mobile node at home, where its kernel has an address by then. */
  private void start(Protected kind) throws Exception {
    start(kind, Main.class);
  }

  private void start(Protected kind, Class<?> main) throws Exception {
    agentBefore = net.system("ha");
    agent = net.startMipd("ha", configuration(kind, "ha", "home-agent.conf"), main);
    net.plug("h");
    net.until(
        "the kernel has an address at home",
        TestNet.LONG,
        () -> {
          String addresses = net.ip("mn", "-6", "addr", "show", "dev", "eth0");
          return addresses.contains("2001:db8:1:") && !addresses.contains("tentative");
        });
    mobileBefore = net.system("mn");
    mobile = net.startMipd("mn", configuration(kind, "mn", "mobile-node.conf"), main);
    assertThat(net.status(agent).getString("world")).isEqualTo("kernel");
    assertThat(net.status(mobile).getString("world")).isEqualTo("kernel");
  }

  private Path configuration(Protected kind, String node, String sample) throws Exception {
    return net.configuration(node, sample, kind.changes(TestNet.sample(sample)));
  }

  private void reachable(String where) throws Exception {
    net.until(
        "pings go on " + where,
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
  }

  private String careOf() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  /** Movement, registration and pings from {@code link} on. */
  private void movesTo(String link) throws Exception {
    net.plug(link);
    net.until(
        "registered at " + link, TestNet.LONG, () -> careOf().startsWith("2001:db8:" + link + ":"));
    reachable("at " + link);
  }

  private void comesHome() throws Exception {
    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    reachable("at home");
  }

  private void stopsWithoutTrace() throws Exception {
    assertThat(net.stop(mobile)).isZero();
    net.awaitSystem("mn", mobileBefore);
    assertThat(net.stop(agent)).isZero();
    net.awaitSystem("ha", agentBefore);
  }

  private static int protocol(byte[] packet) {
    return packet[6] & 0xff;
  }

  /** Between correspondent and home address, in clear on a foreign link. */
  private static boolean isBare(byte[] packet) {
    return (Ipv6Address.read(packet, 8).equals(HOME)
            && Ipv6Address.read(packet, 24).equals(CORRESPONDENT))
        || (Ipv6Address.read(packet, 24).equals(HOME)
            && Ipv6Address.read(packet, 8).equals(CORRESPONDENT));
  }

  @ParameterizedTest
  @EnumSource
  void goesFromLinkToLinkAndHomeAgain(Protected kind) throws Exception {
    start(kind);
    reachable("at home, before any registration");
    // On the cable: at the interface itself the kernel shows also what it has taken out of ESP.
    PacketLog cable = PacketLog.start(net, "sw", "pm", "cable");

    movesTo("a");
    movesTo("b");
    movesTo("a");

    int first = protocol(cable.last(PacketLog.from(AGENT).and(KernelSceneTest::isPayload)));
    assertThat(first).isEqualTo(kind == Protected.ALL ? IpProtocol.ESP : IpProtocol.IPV6);
    assertThat(cable.packets(PacketLog.esp(0x1001)).isEmpty())
        .as("signalling in clear")
        .isEqualTo(kind == Protected.NOTHING);
    int away = cable.packets(KernelSceneTest::isBare).size();
    movesTo("b");
    assertThat(cable.packets(KernelSceneTest::isBare)).as("in clear while away").hasSize(away);

    comesHome();
    stopsWithoutTrace();
  }

  /** RFC 6275 section 10.3.2, on a foreign link; until it is wanted again. */
  @Test
  @Tag("slow-in-guest")
  void deRegistersWhereItIsWhenTheOperatorWantsIt() throws Exception {
    start(Protected.ALL);
    movesTo("a");
    net.ask(mobile, ControlRequest.of("deregister"));
    net.until(
        "de-registered, and acknowledged",
        TestNet.LONG,
        () -> careOf().isEmpty() && !net.status(mobile).hasPath("registration.care-of-address"));
    assertThat(net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS)).isFalse();

    net.ask(mobile, ControlRequest.of("handover").with("to", "auto"));
    net.until("registered again", TestNet.LONG, () -> careOf().startsWith("2001:db8:a:"));
    reachable("at a again");
    comesHome();
    stopsWithoutTrace();
  }

  private static boolean isPayload(byte[] packet) {
    return protocol(packet) == IpProtocol.IPV6 || PacketLog.esp(0x1006).test(packet);
  }

  /** Somebody empties the kernel's databases under us. */
  @Test
  void putsBackWhatSomebodyElseFlushes() throws Exception {
    start(Protected.ALL);
    movesTo("a");
    Tap foreign = Tap.on(net, "r", "ea");
    Tap home = Tap.on(net, "r", "eh");
    Process pings = net.start("cn", "flow", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);

    for (String what : new String[] {"policy", "state"}) {
      for (String node : new String[] {"mn", "ha"}) {
        int repaired = repairs(node);
        net.in(node, "ip xfrm " + what + " flush");
        net.until(
            what + " of " + node + " is put back", TestNet.LONG, () -> repairs(node) > repaired);
        reachable("after the " + what + " flush at " + node);
        movesTo(careOf().startsWith("2001:db8:a:") ? "b" : "a");
      }
    }
    assertThat(net.said("mn")).contains("changed by somebody else, put back");
    assertThat(foreign.all(KernelSceneTest::isBare)).isEmpty();
    assertThat(home.all(packet -> Ipv6Address.read(packet, 8).equals(HOME) && !isBare(packet)))
        .isEmpty();
    pings.destroy();
    comesHome();
    stopsWithoutTrace();
    foreign.close();
    home.close();
  }

  /** One policy of many is taken away, or no longer asks for protection. */
  @Test
  void putsBackASinglePolicyThatSomebodyElseChanges() throws Exception {
    start(Protected.ALL);
    movesTo("a");
    Tap foreign = Tap.on(net, "r", "ea");
    Tap agents = Tap.on(net, "r", "eh");
    net.start("cn", "flow", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);

    for (String node : new String[] {"mn", "ha"}) {
      Policy sends = payload(node, Direction.OUT);
      Policy receives = payload(node, node.equals("mn") ? Direction.IN : Direction.FWD);
      for (XfrmCommand change :
          new XfrmCommand[] {
            new XfrmCommand.DeletePolicy(sends.id()),
            new XfrmCommand.DeletePolicy(receives.id()),
            new XfrmCommand.UpdatePolicy(inClear(sends)),
            new XfrmCommand.UpdatePolicy(inClear(receives))
          }) {
        int repaired = repairs(node);
        somebodyElse(node, change);
        net.until(node + " puts back: " + change, TestNet.LONG, () -> repairs(node) > repaired);
        reachable("after " + change);
      }
    }
    assertThat(foreign.all(KernelSceneTest::isBare)).isEmpty();
    assertThat(agents.all(PacketLog.to(HOME))).isEmpty();
    foreign.close();
    agents.close();
  }

  /** Of all that the home address sends or gets. */
  private Policy payload(String node, Direction direction) throws Exception {
    try (KernelBackend kernel = kernel(node)) {
      return kernel.policies().stream()
          .filter(
              one ->
                  one.direction() == direction
                      && one.selector().protocol() == IpProtocol.ANY
                      && (one.selector().source().isAny() || one.selector().destination().isAny()))
          .findFirst()
          .orElseThrow();
    }
  }

  private static Policy inClear(Policy policy) {
    return Policy.allow(policy.selector(), policy.direction(), 1, Bundle.EMPTY);
  }

  private void somebodyElse(String node, XfrmCommand does) throws Exception {
    try (KernelBackend kernel = kernel(node)) {
      assertThat(kernel.apply(does)).isEqualTo(XfrmReply.DONE);
    }
  }

  private KernelBackend kernel(String node) throws Exception {
    return NetworkNamespace.within(
        NetworkNamespace.named(net.ns(node)), () -> KernelBackend.open());
  }

  /** More changes of others than the daemon is told of, and one of ours among them. */
  @Test
  @Tag("slow-in-guest")
  void noticesThatWereLostAreMadeUpFor() throws Exception {
    start(Protected.ALL);
    movesTo("a");
    Tap foreign = Tap.on(net, "r", "ea");
    Tap agents = Tap.on(net, "r", "eh");
    net.start("cn", "flow", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);

    for (Mipd one : new Mipd[] {mobile, agent}) {
      String node = one.node();
      Policy.Id sends = payload(node, Direction.OUT).id();
      int repaired = repairs(node);
      signal("STOP", one);
      others(node, "add", " priority 9 action allow");
      for (int i = 0; i < ROUNDS; i++) {
        others(node, "update", " priority 8 action allow");
      }
      somebodyElse(node, new XfrmCommand.DeletePolicy(sends));
      signal("CONT", one);
      net.until("put back at " + node, TestNet.LONG, () -> repairs(node) > repaired);
      assertThat(net.status(one).getInt("counters.notices-lost")).isPositive();
      assertThat(net.said(node))
          .contains("the kernel's notices were lost; everything is read again")
          .contains("changed by somebody else, put back");
      reachable("after the notices of " + node + " were lost");
      assertThat(net.in(node, "ip xfrm policy")).contains("src " + other(OTHERS) + "/128");
      others(node, "delete", "");
    }
    assertThat(foreign.all(KernelSceneTest::isBare)).isEmpty();
    assertThat(agents.all(PacketLog.to(HOME))).isEmpty();
    movesTo("b");
    comesHome();
    stopsWithoutTrace();
    foreign.close();
    agents.close();
  }

  private static final int OTHERS = 2000;

  /** Times each of them is changed, so that the notices are more than a socket's queue holds. */
  private static final int ROUNDS = 5;

  private static Ipv6Address other(int number) {
    return Ipv6Address.parse("2001:db8:99::" + Integer.toHexString(number));
  }

  /** Adds or deletes very many policies of somebody else. */
  private void others(String node, String verb, String rest) throws Exception {
    var batch = new StringBuilder();
    for (int i = 1; i <= OTHERS; i++) {
      batch.append("xfrm policy " + verb + " dir fwd src " + other(i) + " dst " + AGENT + rest);
      batch.append('\n');
    }
    Path file = Files.writeString(net.folder().resolve("others.batch"), batch);
    net.ip(node, "-batch", file.toString());
  }

  private void signal(String name, Mipd to) throws Exception {
    net.sh("kill -" + name + " " + to.process().pid());
  }

  private int repairs(String node) throws Exception {
    return net.status(node.equals("mn") ? mobile : agent).getInt("counters.repairs");
  }

  /** While the mobile node moves, and somebody takes away what there was. */
  @Test
  @Tag("long")
  void whatThereIsNoMemoryForIsPutInForceWhenThereIs() throws Exception {
    start(Protected.ALL, StarvedMipd.class);
    movesTo("a");
    Tap atA = Tap.on(net, "r", "ea");
    Tap atB = Tap.on(net, "r", "eb");
    Tap agents = Tap.on(net, "r", "eh");
    net.start("cn", "flow", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);
    net.start(
        "mn", "own", "ping", "-n", "-i", "0.02", "-I", TestNet.HOME_ADDRESS, CORRESPONDENT + "");

    for (Mipd one : new Mipd[] {mobile, agent}) {
      String node = one.node();
      String link = careOf().startsWith("2001:db8:a:") ? "b" : "a";
      Path noMemory = Files.createFile(StarvedMipd.noMemory(one.configuration()));
      net.plug(link);
      net.until(node + " notices", TestNet.LONG, () -> net.said(node).contains("says the test"));
      net.in(node, "ip xfrm policy flush");
      net.until(
          node + " cannot put back",
          TestNet.LONG,
          () -> net.said(node).contains("changed by somebody else, and not put back yet: "));
      assertThat(net.said(node)).doesNotContain("changed by somebody else, put back: ");

      Files.delete(noMemory);

      net.until(
          node + " puts back",
          TestNet.LONG,
          () -> net.said(node).contains("changed by somebody else, put back: "));
      net.until(
          "registered at " + link,
          TestNet.LONG,
          () -> careOf().startsWith("2001:db8:" + link + ":"));
      reachable("at " + link + ", where " + node + " had no memory");
    }
    assertThat(atA.all(KernelSceneTest::isBare)).isEmpty();
    assertThat(atB.all(KernelSceneTest::isBare)).isEmpty();
    assertThat(agents.all(PacketLog.to(HOME))).isEmpty();
    comesHome();
    stopsWithoutTrace();
    atA.close();
    atB.close();
    agents.close();
  }

  /** With the mark that is for us alone, and in clear. */
  @Test
  @Tag("long")
  void replacesWhatSomebodyElseHasPutWhereOursIsToCome() throws Exception {
    start(Protected.ALL);
    // Before it knows that it is at home there are policies of ours in the same place.
    net.until("at home", TestNet.LONG, () -> net.status(mobile).getString("place").equals("home"));
    Tap foreign = Tap.on(net, "r", "ea");
    Tap agents = Tap.on(net, "r", "eh");
    net.start("cn", "flow", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);
    Ipv6Prefix home = Ipv6Prefix.host(HOME);
    Selector fromHome = Selector.between(home, Ipv6Prefix.ANY);
    Selector toHome = Selector.between(Ipv6Prefix.ANY, home);
    somebodyElse("mn", inClear(fromHome, Direction.OUT));
    somebodyElse("mn", inClear(toHome, Direction.IN));
    somebodyElse("ha", inClear(toHome, Direction.OUT));
    somebodyElse("ha", inClear(fromHome, Direction.FWD));

    movesTo("a");

    for (String node : new String[] {"mn", "ha"}) {
      assertThat(net.said(node).lines())
          .filteredOn(
              line -> line.contains("has put a policy in the place of one of ours, replaced"))
          .as(node)
          .hasSize(2);
    }
    assertThat(payload("mn", Direction.OUT).bundle().isEmpty()).isFalse();
    assertThat(foreign.all(KernelSceneTest::isBare)).isEmpty();
    assertThat(agents.all(PacketLog.to(HOME))).isEmpty();
    comesHome();
    stopsWithoutTrace();
    foreign.close();
    agents.close();
  }

  private static XfrmCommand inClear(Selector selector, Direction direction) {
    return new XfrmCommand.AddPolicy(Policy.allow(selector, direction, 1, Bundle.EMPTY));
  }

  /** A user's own policies and states are none of ours. */
  @Test
  void leavesTheUsersPoliciesAlone() throws Exception {
    // Marks that cover the bit by which ours are known are others' all the same.
    for (String mark : new String[] {"", "mark 5", "mark 0x10 mask 0x80000010"}) {
      net.in(
          "ha", "ip xfrm policy add src 2001:db8:c::c dst 2001:db8:f::1 dir in priority 7 " + mark);
    }
    net.in(
        "ha",
        "ip xfrm state add src 2001:db8:c::c dst 2001:db8:f::1 proto esp spi 0x777 mode tunnel"
            + " enc 'ecb(cipher_null)' '' auth 'hmac(sha1)' 0x"
            + "00".repeat(20)
            + " mark 5");
    start(Protected.ALL);
    movesTo("a");
    assertThat(net.in("ha", "ip xfrm policy")).contains("src 2001:db8:c::c/128 dst 2001:db8:f::1");
    comesHome();
    stopsWithoutTrace();
  }
}
