package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Home agent address discovery and prefix discovery between daemons, as the wire shows them. */
@Tag("root")
@Tag("kernel")
class DiscoveryTest {

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

  private Path withoutHomeAgent() throws IOException {
    return net.configuration("mn", "mobile-node.conf", "  home-agent = \"2001:db8:1::1\"\n", "");
  }

  private boolean isReached() throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS);
  }

  private String said(String node) throws IOException {
    return net.said(node);
  }

  /** It asks, finds, remembers and registers; then it is told of the home prefixes. */
  @Test
  void findsItsHomeAgentAndHearsOfTheHomePrefixes() throws Exception {
    Map<String, ImmutableSet<String>> before = new LinkedHashMap<>();
    for (String node : List.of("ha", "mn")) {
      before.put(node, net.system(node));
    }
    // Whose addresses are deprecated before a binding ends learns it when he registers; and no
    // binding is longer than the access network's prefix is valid.
    Mipd agent =
        net.startMipd(
            "ha",
            net.configuration(
                "ha",
                "home-agent.conf",
                "    interval = 3s ",
                "    valid-lifetime = 3600s\n    preferred-lifetime = 30s\n    interval = 3s "));
    try (PacketLog wire = PacketLog.start(net, "r", "ea", "link-a")) {
      Mipd mobile = net.startMipd("mn", withoutHomeAgent());
      net.plug("a");
      net.until("reached by the tunnel", TestNet.LONG, this::isReached);
      assertThat(Files.readAllLines(folder.resolve("mn/state/home-agents")))
          .contains(TestNet.HOME_AGENT);
      net.until(
          "a prefix advertisement",
          TestNet.LONG,
          () -> said("mn").contains("received MobilePrefixAdvertisement"));
      assertThat(said("ha")).contains("received MobilePrefixSolicitation");
      assertThat(net.status(mobile).getConfig("registration").getString("home-agent"))
          .isEqualTo(TestNet.HOME_AGENT);
      net.until(
          "the reply is captured",
          TestNet.LONG,
          () -> decoded(wire).contains("Home Agent Address Discovery Reply"));
      assertThat(decoded(wire))
          .containsPattern(ANYCAST_SHORT + " .*Home Agent Address Discovery Request")
          // In ESP, so that nobody else sees what is asked and told.
          .doesNotContain("Mobile Prefix");
      assertThat(decoded(wire, "icmpv6.type==145", "icmpv6.mip6.home_agent_address"))
          .contains(TestNet.HOME_AGENT);

      assertThat(net.stop(mobile)).isZero();
    }
    // What was found is known from the beginning.
    Mipd again = net.startMipd("mn", net.folder().resolve("mn/mipd.conf"));
    net.until("reached again", TestNet.LONG, this::isReached);
    assertThat(said("mn").split("home agents found", -1)).hasSize(2);
    assertThat(net.stop(again)).isZero();
    assertThat(net.stop(agent)).isZero();
    net.unplug();
    for (String node : List.of("ha")) {
      net.awaitSystem(node, before.getOrDefault(node, ImmutableSet.of()));
    }
  }

  /** The administrator keeps one link out; the log of the home agent says so. */
  @Test
  void refusesRegistrationsFromWhereTheyAreNotAllowed() throws Exception {
    net.startMipd(
        "ha",
        net.configuration(
            "ha",
            "home-agent.conf",
            "  # The mobile nodes that we serve.",
            "  care-of-addresses = [ { prefix = \"2001:db8:b::/64\", allow = off } ]\n"));
    net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.plug("b");
    net.until("a refusal", TestNet.LONG, () -> said("mn").contains("the home agent refuses: 129"));
    assertThat(said("ha")).contains("is kept out by \"care-of-addresses: deny 2001:db8:b::/64\"");
    assertThat(isReached()).isFalse();
    net.plug("a");
    net.until("reached at link a", TestNet.LONG, this::isReached);
  }

  /** The home link is a device that leads nowhere, and nobody is asked or told there. */
  @Test
  void servesAVirtualHomeLink() throws Exception {
    net.ip("ha", "link", "set", "eth1", "down");
    net.ip("ha", "link", "add", "home0", "type", "veth", "peer", "name", "home1");
    net.ip("ha", "link", "set", "home1", "up");
    net.ip("ha", "link", "set", "home0", "up");
    net.ip("ha", "-6", "addr", "add", TestNet.HOME_AGENT + "/64", "dev", "home0", "nodad");
    net.in("ha", "sysctl -q net.ipv6.conf.home0.forwarding=1");
    net.startMipd(
        "ha",
        net.configuration(
            "ha",
            "home-agent.conf",
            "  home-interface = eth1",
            "  home-link = virtual\n  home-interface = home0"));
    try (PacketLog home = PacketLog.start(net, "ha", "home0", "home0")) {
      net.plug("a");
      net.startMipd("mn", withoutHomeAgent());
      net.until("reached by the tunnel", TestNet.LONG, this::isReached);
      assertThat(home.packets(it -> it[6] == 58 && (it[40] & 0xff) == 136)).isEmpty();
    }
    assertThat(said("ha")).doesNotContain("StartDad");
  }

  private static final String ANYCAST_SHORT = "2001:db8:1:0?:fdff:ffff:ffff:fffe";

  private String decoded(PacketLog log, String... fields) throws Exception {
    String what = fields.length == 0 ? "" : " -Y " + fields[0] + " -T fields -e " + fields[1];
    return net.sh("tshark -r " + log.file() + what + " 2>/dev/null");
  }
}
