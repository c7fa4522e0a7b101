package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Both ends are mobile, and each is the other's correspondent: one packet bears a type 2 routing
 * header for who it goes to and a Home Address option of who it comes from (RFC 6275 sections 6.3
 * and 6.4).
 */
@Tag("root")
@Tag("kernel")
class TwoMobileNodesTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final Ipv6Address OTHER_HOME = Ipv6Address.parse("2001:db8:1::200");
  private static final String ROUTE_OPTIMIZATION = "  route-optimization { enabled = on }\n";
  private static final int ENOUGH = 10;

  private static final int NEXT_HEADER = 6;
  private static final int HOP_LIMIT = 7;
  private static final int SOURCE = 8;
  private static final int ROUTING_HEADER = 40;
  private static final int ROUTED_ADDRESS = ROUTING_HEADER + 8;
  private static final int OPTIONS_HEADER = ROUTING_HEADER + 24;
  private static final int OPTION_ADDRESS = OPTIONS_HEADER + 8;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    net.addNode("m2");
    net.sh(
        """
        ip -n "$P"sw link add p2 type veth peer name eth0 netns "$P"m2
        ip -n "$P"sw link set p2 master brb up
        ip -n "$P"m2 link set eth0 up
        """);
    net.plug("a");
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  private static String secondKeys() throws IOException {
    return TestNet.sampleKeys().replace("0x100", "0x200").replace("0f0e", "2f2e");
  }

  private Mipd startAgent() throws Exception {
    net.keys("ha", "mobile-node-2.keys", secondKeys());
    return net.startMipd(
        "ha",
        net.configuration(
            "ha",
            "home-agent.conf",
            "mobile-nodes = [",
            """
            mobile-nodes = [
              { home-address = "%s", protection {
                keys = mobile-node-2.keys
                signalling { to-home-agent = 0x2001, to-mobile-node = 0x2002 }
                return-routability { to-home-agent = 0x2003, to-mobile-node = 0x2004 }
                payload { to-home-agent = 0x2005, to-mobile-node = 0x2006 }
              } }
            """
                .formatted(OTHER_HOME)));
  }

  private Mipd startFirst() throws Exception {
    return net.startMipd(
        "mn",
        net.configuration(
            "mn",
            "mobile-node.conf",
            "mobile-node {",
            "correspondent { enabled = on }\nmobile-node {\n" + ROUTE_OPTIMIZATION));
  }

  private Mipd startSecond() throws Exception {
    net.keys("m2", "mobile-node-2.keys", secondKeys());
    return net.startMipd(
        "m2",
        net.configuration(
            "m2",
            "mobile-node.conf",
            "mobile-node {",
            "correspondent { enabled = on }\nmobile-node {\n" + ROUTE_OPTIMIZATION,
            HOME.toString(),
            OTHER_HOME.toString(),
            "mobile-node-1.keys",
            "mobile-node-2.keys",
            "prefix-discovery { to-home-agent = 0x1007, to-mobile-node = 0x1008 }",
            "",
            "0x1001",
            "0x2001",
            "0x1002",
            "0x2002",
            "0x1003",
            "0x2003",
            "0x1004",
            "0x2004",
            "0x1005",
            "0x2005",
            "0x1006",
            "0x2006"));
  }

  /** Whether what it sends to its one peer goes directly, from a link. */
  private boolean isOptimized(Mipd mipd, String link) throws Exception {
    List<? extends Config> routes = net.status(mipd).getConfigList("routes");
    return routes.size() == 1
        && routes.get(0).getString("state").equals("optimized")
        && routes.get(0).getString("care-of-address").startsWith("2001:db8:" + link + ":");
  }

  private boolean isBound(Mipd mipd, String link) throws Exception {
    List<? extends Config> bindings = net.status(mipd).getConfigList("correspondent-bindings");
    return bindings.size() == 1
        && bindings.get(0).getString("care-of-address").startsWith("2001:db8:" + link + ":");
  }

  private static boolean isOfBoth(byte[] packet, Ipv6Address from, Ipv6Address to) {
    return (packet[NEXT_HEADER] & 0xff) == IpProtocol.ROUTING
        && (packet[ROUTING_HEADER] & 0xff) == IpProtocol.DESTINATION_OPTIONS
        && (packet[OPTIONS_HEADER] & 0xff) == IpProtocol.ICMPV6
        && Ipv6Address.read(packet, ROUTED_ADDRESS).equals(to)
        && Ipv6Address.read(packet, OPTION_ADDRESS).equals(from);
  }

  /**
   * A mobile node's own packet, that no router has handled. Mobility messages of one to the other
   * come by the tunnel and from the home agent on with the home address alone.
   */
  private static boolean showsHome(byte[] packet) {
    if ((packet[HOP_LIMIT] & 0xff) != 64) {
      return false;
    }
    Ipv6Address source = Ipv6Address.read(packet, SOURCE);
    return source.equals(HOME) || source.equals(OTHER_HOME);
  }

  /** More pings are answered than now. */
  private Callable<Boolean> replies() throws Exception {
    int enough = count() + ENOUGH;
    return () -> count() >= enough;
  }

  private int count() throws Exception {
    return net.said("ping").split("bytes from", -1).length - 1;
  }

  private void awaitBoth(PacketLog wire) throws Exception {
    net.until(
        "requests bear both",
        TestNet.LONG,
        () -> wire.packets(it -> isOfBoth(it, OTHER_HOME, HOME)).size() >= ENOUGH);
    net.until(
        "answers bear both",
        TestNet.LONG,
        () -> wire.packets(it -> isOfBoth(it, HOME, OTHER_HOME)).size() >= ENOUGH);
    assertThat(wire.packets(TwoMobileNodesTest::showsHome)).isEmpty();
  }

  @Test
  void eachIsTheOthersCorrespondent() throws Exception {
    ImmutableSet<String> before = net.system("ha");
    Mipd agent = startAgent();
    Mipd first = startFirst();
    Mipd second = startSecond();
    net.until(
        "both are registered",
        TestNet.LONG,
        () -> net.status(agent).getConfigList("bindings").size() == 2);
    // From its home address: a kernel without Mobile IPv6 would take the care-of address.
    net.start(
        "m2", "ping", "ping", "-n", "-i", "0.1", "-I", OTHER_HOME.toString(), TestNet.HOME_ADDRESS);
    net.until("pings by the tunnels", TestNet.LONG, replies());

    try (PacketLog wire = PacketLog.start(net, "r", "ea", "link-a")) {
      net.until("the first's route", TestNet.LONG, () -> isOptimized(first, "a"));
      net.until("the second's route", TestNet.LONG, () -> isOptimized(second, "b"));
      assertThat(isBound(second, "a")).isTrue();
      assertThat(isBound(first, "b")).isTrue();
      awaitBoth(wire);
    }
    // Both on one link, where the router carries nothing between them.
    try (PacketLog wire = PacketLog.start(net, "mn", "eth0", "link-b")) {
      net.plug("b");
      net.until("the first's new route", TestNet.LONG, () -> isOptimized(first, "b"));
      net.until("the second knows", TestNet.LONG, () -> isBound(second, "b"));
      awaitBoth(wire);
    }
    // One is at home: its binding ends, and what it sends has the routing header alone.
    net.plug("h");
    net.until(
        "the first's route ends",
        TestNet.LONG,
        () ->
            net.status(first).getConfigList("routes").isEmpty()
                && net.status(second).getConfigList("correspondent-bindings").isEmpty());
    net.until("pings go on", TestNet.LONG, replies());

    for (Mipd mipd : List.of(second, first, agent)) {
      assertThat(net.stop(mipd)).isZero();
    }
    net.awaitSystem("ha", before);
  }
}
