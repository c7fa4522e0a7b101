package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three daemons, real packets: what the mobile node and its peer say goes directly. */
@Tag("root")
@Tag("kernel")
class RouteOptimizationTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final Ipv6Address PEER = Ipv6Address.parse(TestNet.CORRESPONDENT);
  private static final int ENOUGH = 10;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  private Path mobileNode() throws IOException {
    return net.configuration(
        "mn",
        "mobile-node.conf",
        "mobile-node {",
        "mobile-node {\n  route-optimization { enabled = on }\n");
  }

  private Mipd startCorrespondent() throws Exception {
    return net.startMipd("cn", net.configuration("cn", "correspondent.conf"));
  }

  private boolean isOptimized(Mipd mobile, String link) throws Exception {
    List<? extends Config> routes = net.status(mobile).getConfigList("routes");
    return routes.size() == 1
        && routes.get(0).getString("state").equals("optimized")
        && routes.get(0).getString("care-of-address").startsWith("2001:db8:" + link + ":");
  }

  private static boolean isDirectOut(byte[] packet) {
    return (packet[6] & 0xff) == IpProtocol.DESTINATION_OPTIONS
        && Ipv6Address.read(packet, 24).equals(PEER);
  }

  private static boolean isDirectIn(byte[] packet) {
    return (packet[6] & 0xff) == IpProtocol.ROUTING && isFrom(packet, PEER);
  }

  private static boolean isFrom(byte[] packet, Ipv6Address address) {
    return Ipv6Address.read(packet, 8).equals(address);
  }

  /** More pings are answered than now. */
  private Callable<Boolean> replies() throws Exception {
    int enough = count() + ENOUGH;
    return () -> count() >= enough;
  }

  private int count() throws Exception {
    return net.said("ping").split("bytes from", -1).length - 1;
  }

  @Test
  void takesTheDirectWayFromLinkToLinkAndHomeAgain() throws Exception {
    Map<String, ImmutableSet<String>> before = new LinkedHashMap<>();
    for (String node : List.of("ha", "cn")) {
      before.put(node, net.system(node));
    }
    net.plug("h");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    net.until(
        "an address of the home link",
        TestNet.LONG,
        () ->
            net.ip("mn", "-6", "addr", "show", "dev", "eth0", "scope", "global", "-tentative")
                .contains("2001:db8:1:"));
    before.put("mn", net.system("mn"));
    Mipd peer = startCorrespondent();
    Mipd mobile = net.startMipd("mn", mobileNode());
    net.until(
        "at home",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    net.start("cn", "ping", "ping", "-n", "-i", "0.1", TestNet.HOME_ADDRESS);
    for (String link : List.of("a", "b")) {
      try (PacketLog wire = PacketLog.start(net, "r", "ec", "peer-" + link);
          PacketLog foreign = PacketLog.start(net, "r", "e" + link, "link-" + link)) {
        net.plug(link);
        net.until("optimized at " + link, TestNet.LONG, () -> isOptimized(mobile, link));
        assertThat(net.status(peer).getConfigList("correspondent-bindings")).hasSize(1);
        net.until("pings go on at " + link, TestNet.LONG, replies());
        net.until(
            "requests go directly at " + link,
            TestNet.LONG,
            () -> wire.packets(RouteOptimizationTest::isDirectIn).size() >= ENOUGH);
        net.until(
            "answers go directly at " + link,
            TestNet.LONG,
            () -> wire.packets(RouteOptimizationTest::isDirectOut).size() >= ENOUGH);
        assertThat(foreign.packets(it -> isFrom(it, HOME))).isEmpty();
      }
    }
    net.plug("h");
    net.until(
        "nothing is optimized at home",
        TestNet.LONG,
        () ->
            net.status(mobile).getConfigList("routes").isEmpty()
                && net.status(peer).getConfigList("correspondent-bindings").isEmpty());
    net.until("pings go on at home", TestNet.LONG, replies());

    // The mobile node first: its router is the home agent.
    for (Mipd mipd : List.of(mobile, agent, peer)) {
      assertThat(net.stop(mipd)).isZero();
      net.awaitSystem(mipd.node(), before.getOrDefault(mipd.node(), ImmutableSet.of()));
    }
  }

  /** A correspondent that has forgotten everything says so, and the tunnel takes over at once. */
  @Test
  @Tag("slow-in-guest")
  void theTunnelTakesOverWhereTheCorrespondentForgets() throws Exception {
    net.plug("a");
    net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd peer = startCorrespondent();
    Mipd mobile = net.startMipd("mn", mobileNode());
    net.until(
        "by the tunnel",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    net.start("cn", "ping", "ping", "-n", "-i", "0.1", TestNet.HOME_ADDRESS);
    net.until("optimized", TestNet.LONG, () -> isOptimized(mobile, "a"));
    net.until("pings go on directly", TestNet.LONG, replies());

    assertThat(net.stop(peer)).isZero();
    // A host without Mobile IPv6 sends to the home address, and cannot take the option.
    net.until("pings go on by the tunnel", TestNet.LONG, replies());
    startCorrespondent();
    net.until("pings still go on", TestNet.LONG, replies());
  }
}
