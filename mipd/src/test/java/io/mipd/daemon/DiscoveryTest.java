package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
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
  @Tag("slow-in-guest")
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
  @Tag("slow-in-guest")
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

  /** What the routers of the home link have told is known after a crash, though they are silent. */
  @Test
  @Tag("slow-in-guest")
  void knowsTheHomeLinkAfterACrash() throws Exception {
    Process router = aRouterAtHome();
    Path configuration =
        net.configuration(
            "ha",
            "home-agent.conf",
            "preference = 0",
            "preference = 7",
            "    interval = 3s ",
            "    valid-lifetime = 3600s\n    preferred-lifetime = 30s\n" + "    interval = 3s ");
    Mipd agent = net.startMipd("ha", configuration);
    net.until("what was heard is in the store", TestNet.LONG, this::isHomeLinkStored);
    net.kill(agent);
    // Not by a signal that lets it say farewell.
    net.ip("sw", "link", "set", "po", "down");
    router.destroyForcibly().waitFor();

    net.startMipd("ha", configuration);
    net.startMipd("mn", withoutHomeAgent());
    net.plug("a");
    net.until("reached by the tunnel", TestNet.LONG, this::isReached);
    assertThat(Files.readAllLines(folder.resolve("mn/state/home-agents")))
        .contains(TestNet.HOME_AGENT, OTHER_AGENT);
    net.until(
        "a prefix advertisement",
        TestNet.LONG,
        () -> said("mn").contains("received MobilePrefixAdvertisement"));
    Matcher told = OTHER_PREFIX.matcher(said("mn"));
    assertThat(told.find()).isTrue();
    assertThat(Integer.parseInt(told.group(1))).isBetween(3600 - 600, 3600 - 1);
  }

  private boolean isHomeLinkStored() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("ha/state/home-bindings"))) {
      for (Path file : files.filter(it -> it.toString().endsWith(".log")).toList()) {
        if (Files.readString(file, StandardCharsets.ISO_8859_1).contains("home-link")) {
          return true;
        }
      }
      return false;
    }
  }

  private static final String OTHER_AGENT = "2001:db8:1::2";

  private static final Pattern OTHER_PREFIX =
      Pattern.compile(
          "received MobilePrefixAdvertisement.*address=2001:db8:77::,[^\\]]*validLifetime=(\\d+)");

  /** A home agent that is a router, and has a prefix of its own on the home link. */
  private Process aRouterAtHome() throws Exception {
    net.addNode("or");
    net.sh(
        """
        ip -n "$P"sw link add po type veth peer name eth0 netns "$P"or
        ip -n "$P"sw link set po master brh up
        ip netns exec "$P"or sysctl -q net.ipv6.conf.all.forwarding=1
        ip -n "$P"or addr add 2001:db8:1::2/64 dev eth0 nodad
        ip -n "$P"or link set eth0 up
        """);
    return net.startRadvd(
        "or",
        "home-radvd",
        """
        interface eth0 {
          AdvSendAdvert on;
          MinRtrAdvInterval 0.5;
          MaxRtrAdvInterval 1.5;
          AdvDefaultLifetime 1800;
          AdvHomeAgentFlag on;
          prefix 2001:db8:1::2/64 { AdvRouterAddr on; };
          prefix 2001:db8:77::/64 { AdvValidLifetime 3600; AdvPreferredLifetime 1800; };
        };
        """);
  }

  private static final String ANYCAST_SHORT = "2001:db8:1:0?:fdff:ffff:ffff:fffe";

  private String decoded(PacketLog log, String... fields) throws Exception {
    String what = fields.length == 0 ? "" : " -Y " + fields[0] + " -T fields -e " + fields[1];
    return net.sh("tshark -r " + log.file() + what + " 2>/dev/null");
  }
}
