package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A mobile node's daemon moves from link to link while protected traffic flows both ways, and each
 * command of that to its engine in turn is refused once, or is the last thing that it comes to.
 * What leaves is captured by the routers of its links. In the kernel world {@link KernelLedgerTest}
 * and {@code TransactionUnderTrafficKernelTest} do as much with less of a daemon.
 */
@Tag("root")
class EveryStepTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final int ENOUGH = 10;

  /**
   * As a move has at least: two tunnels' associations, policies out, in and for return routability.
   */
  private static final int SOME = 10;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Tap fromMobileAtA;

  @SuppressWarnings("NullAway.Init")
  private Tap fromMobileAtB;

  @SuppressWarnings("NullAway.Init")
  private Tap fromAgent;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  private String link = "a";

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    fromMobileAtA = Tap.on(net, "r", "ea");
    fromMobileAtB = Tap.on(net, "r", "eb");
    fromAgent = Tap.on(net, "r", "eh");
  }

  @AfterEach
  void takeDown() throws Exception {
    if (net != null) {
      fromMobileAtA.close();
      fromMobileAtB.close();
      fromAgent.close();
      net.close();
    }
  }

  private void flow() throws Exception {
    net.plug(link);
    agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"), FrailMipd.class);
    net.until("registered", TestNet.LONG, this::isHere);
    net.start("cn", "in", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);
    net.start(
        "mn", "out", "ping", "-n", "-i", "0.02", "-I", TestNet.HOME_ADDRESS, TestNet.CORRESPONDENT);
    flowsAgain("at first");
  }

  /** Whether the home agent has the care-of address of the link that it is on. */
  private boolean isHere() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return !bindings.isEmpty()
        && bindings.get(0).getString("care-of-address").startsWith("2001:db8:" + link + ":");
  }

  private void moves() throws Exception {
    link = link.equals("a") ? "b" : "a";
    net.plug(link);
  }

  /** The file is there with its content, or it is not there. */
  private static void arm(Path file, int step) throws IOException {
    Path made = Files.writeString(file.resolveSibling("armed"), Integer.toString(step));
    Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private Callable<Boolean> flows() throws Exception {
    int in = count("in") + ENOUGH;
    int out = count("out") + ENOUGH;
    return () -> count("in") >= in && count("out") >= out;
  }

  private void flowsAgain(String when) throws Exception {
    net.until("pings go on " + when, TestNet.LONG, flows());
  }

  private int count(String log) throws Exception {
    return net.said(log).split("bytes from", -1).length - 1;
  }

  private static int protocol(byte[] packet) {
    return packet[6] & 0xff;
  }

  /** What shows its home address on a foreign link, or a tunnel without ESP. */
  private static boolean isClear(byte[] packet) {
    return Ipv6Address.read(packet, 8).equals(HOME) || protocol(packet) == IpProtocol.IPV6;
  }

  /** What is on its way to the home address without protection. */
  private static boolean isClearToMobile(byte[] packet) {
    return Ipv6Address.read(packet, 24).equals(HOME) || protocol(packet) == IpProtocol.IPV6;
  }

  private void nothingInClear(String when) throws Exception {
    assertThat(fromMobileAtA.all(EveryStepTest::isClear)).as(when).isEmpty();
    assertThat(fromMobileAtB.all(EveryStepTest::isClear)).as(when).isEmpty();
    assertThat(fromAgent.all(EveryStepTest::isClearToMobile)).as(when).isEmpty();
    fromMobileAtA.clear();
    fromMobileAtB.clear();
    fromAgent.clear();
  }

  @Test
  void refusedAtEveryStep() throws Exception {
    flow();
    Path refuses = FrailMipd.refuses(mobile.configuration());
    int steps = 0;
    for (boolean refused = true; refused; steps++) {
      arm(refuses, steps);
      moves();
      net.until("there, refused at " + steps, TestNet.LONG, this::isHere);
      flowsAgain("refused at " + steps);
      refused = !Files.exists(refuses);
      nothingInClear("refused at " + steps);
    }
    assertThat(steps).isGreaterThan(SOME);
  }

  @Test
  void killedAtEveryStep() throws Exception {
    flow();
    Path dies = FrailMipd.dies(mobile.configuration());
    int steps = 0;
    for (boolean died = true; died; steps++) {
      arm(dies, steps);
      moves();
      net.until("there or dead", TestNet.LONG, () -> isDead() || isHere());
      Callable<Boolean> flows = flows();
      net.until("pings go on or it is dead", TestNet.LONG, () -> isDead() || flows.call());
      died = isDead();
      if (died) {
        assertThat(Files.exists(dies)).isFalse();
        fromAgent.clear();
        net.until(
            "payload keeps coming for it",
            TestNet.LONG,
            () -> fromAgent.all(it -> protocol(it) == IpProtocol.ESP).size() > ENOUGH);
        nothingInClear("dead at " + steps);
        mobile = net.startMipd("mn", mobile.configuration(), FrailMipd.class);
        flowsAgain("killed at " + steps);
      }
      nothingInClear("killed at " + steps);
    }
    assertThat(steps).isGreaterThan(SOME);
  }

  private boolean isDead() {
    return !mobile.process().isAlive();
  }
}
