package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The user's IPsec for care-of addresses, and for what a home agent passes on. */
@Tag("root")
class UserIpsecOnTheWayTest {
  private static final int THERE = 0x3001;
  private static final int BACK = 0x3002;
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse(TestNet.CORRESPONDENT);

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws java.io.IOException {
    net.close();
  }

  /**
   * @param selector of the policy, as this node sends
   * @param ends of a tunnel, if it is one
   * @param far the other end of the associations towards the correspondent
   */
  private Path configuration(
      String node, String sample, String selector, String mode, String ends, String far)
      throws Exception {
    String key = "0f".repeat(16) + " " + "1f".repeat(32) + "\n";
    net.keys(node, "user.keys", "0x3001 " + key + "0x3002 " + key);
    Path file = net.configuration(node, sample);
    Files.writeString(
        file,
        """
        user-ipsec {
          policies = [
            { %s, templates = [ { proto = esp, mode = %s, reqid = 9%s } ] }
          ]
          keys = user.keys
          associations = [
            { src = "%s", dst = "%s", proto = esp, mode = %s, spi = 0x3001, reqid = 9 }
            { src = "%s", dst = "%s", proto = esp, mode = %s, spi = 0x3002, reqid = 9 }
          ]
        }
        """
            .formatted(
                selector,
                mode,
                ends,
                far,
                TestNet.CORRESPONDENT,
                mode,
                TestNet.CORRESPONDENT,
                far,
                mode),
        StandardOpenOption.APPEND);
    return file;
  }

  private static String selector(String source, String destination) {
    return "src = \"" + source + "\", dst = \"" + destination + "\"";
  }

  private static String ends(String source, String destination) {
    return ", " + selector(source, destination);
  }

  private Path agent() throws Exception {
    return configuration(
        "ha",
        "home-agent.conf",
        selector("::/0", TestNet.CORRESPONDENT),
        "tunnel",
        ends(TestNet.HOME_AGENT, TestNet.CORRESPONDENT),
        TestNet.HOME_AGENT);
  }

  private Path gateway() throws Exception {
    return configuration(
        "cn",
        "correspondent.conf",
        selector(TestNet.CORRESPONDENT, "::/0"),
        "tunnel",
        ends(TestNet.CORRESPONDENT, TestNet.HOME_AGENT),
        TestNet.HOME_AGENT);
  }

  private static Predicate<byte[]> ofCorrespondent() {
    return PacketLog.from(CORRESPONDENT).or(PacketLog.to(CORRESPONDENT));
  }

  /** Neighbour discovery and errors are exempt. */
  private static boolean isClear(byte[] packet) {
    boolean exempt = packet[6] == 58 && (packet[40] & 0xff) != 128 && (packet[40] & 0xff) != 129;
    return packet[6] != 50 && !exempt;
  }

  private void answers(String node, String source, String destination) throws Exception {
    String ping = "ping -n -c 3 -i 0.2 -W 1 -I " + source + " " + destination;
    net.until(
        source + " has an answer of " + destination, TestNet.LONG, () -> net.succeeds(node, ping));
  }

  /** What the address of the foreign link sends is protected; the home address goes its own way. */
  @Test
  void careOfAddressesAreProtected() throws Exception {
    net.plug("a");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    // Of EUI-64, as the kernel makes it.
    String careOf =
        net.ip("mn", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link")
            .replaceAll("(?s).*inet6 fe80::([0-9a-f:]+)/.*", "2001:db8:a:0:$1");
    String link = "2001:db8:a::/64";
    Mipd peer =
        net.startMipd(
            "cn",
            configuration(
                "cn",
                "correspondent.conf",
                selector(TestNet.CORRESPONDENT, link),
                "transport",
                "",
                careOf));
    Mipd mobile =
        net.startMipd(
            "mn",
            configuration(
                "mn",
                "mobile-node.conf",
                selector(link, TestNet.CORRESPONDENT),
                "transport",
                "",
                careOf));
    net.until(
        "registered",
        TestNet.LONG,
        () -> net.status(mobile).hasPath("registration.care-of-address"));
    try (PacketLog wire = PacketLog.start(net, "r", "ea", "care-of")) {
      // Again, if the capture has missed one.
      net.until(
          "both ways are seen",
          TestNet.LONG,
          () -> {
            answers("mn", careOf, TestNet.CORRESPONDENT);
            answers("cn", TestNet.CORRESPONDENT, careOf);
            return wire.packets(PacketLog.esp(THERE)).size() >= 6
                && wire.packets(PacketLog.esp(BACK)).size() >= 6;
          });
      assertThat(wire.packets(ofCorrespondent().and(UserIpsecOnTheWayTest::isClear))).isEmpty();
      answers("mn", TestNet.HOME_ADDRESS, TestNet.CORRESPONDENT);
      net.kill(mobile);
      net.succeeds("mn", "ping -n -c 3 -i 0.2 -W 1 -I " + careOf + " " + TestNet.CORRESPONDENT);
      // What goes elsewhere does.
      answers("mn", careOf, "2001:db8:c::1");
      assertThat(wire.packets(ofCorrespondent().and(UserIpsecOnTheWayTest::isClear))).isEmpty();
    }
    for (Mipd one : List.of(peer, agent)) {
      assertThat(net.stop(one)).isZero();
    }
  }

  /**
   * Whoever sends to the correspondent by the home agent, at home and through its tunnels. A
   * correspondent whose policy is for all that it sends still finds its router anew.
   */
  @Test
  @Tag("kernel")
  void aHomeAgentProtectsWhatItPassesOn() throws Exception {
    net.plug("h");
    Mipd agent = net.startMipd("ha", agent());
    Mipd peer = net.startMipd("cn", gateway());
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    try (PacketLog wire = PacketLog.start(net, "r", "ec", "passed")) {
      answers("mn", TestNet.HOME_ADDRESS, TestNet.CORRESPONDENT);
      answers("ha", TestNet.HOME_AGENT, TestNet.CORRESPONDENT);
      answers("cn", TestNet.CORRESPONDENT, TestNet.HOME_ADDRESS);
      for (String node : List.of("cn", "r")) {
        net.ip(node, "-6", "neigh", "flush", "all");
      }
      net.plug("a");
      net.until(
          "registered",
          TestNet.LONG,
          () -> net.status(mobile).hasPath("registration.care-of-address"));
      int there = wire.packets(PacketLog.esp(THERE)).size();
      int back = wire.packets(PacketLog.esp(BACK)).size();
      answers("mn", TestNet.HOME_ADDRESS, TestNet.CORRESPONDENT);
      answers("cn", TestNet.CORRESPONDENT, TestNet.HOME_ADDRESS);
      net.until(
          "both ways are seen",
          TestNet.LONG,
          () ->
              wire.packets(PacketLog.esp(THERE)).size() >= there + 6
                  && wire.packets(PacketLog.esp(BACK)).size() >= back + 6);
      assertThat(wire.packets(ofCorrespondent().and(UserIpsecOnTheWayTest::isClear))).isEmpty();
      // The router's answers come in clear, to the address that had something to send.
      assertThat(net.in("cn", "sh -c 'grep TmplMismatch /proc/net/xfrm_stat || true'"))
          .as("what the kernel's policies have refused, where it has any")
          .doesNotContainPattern("[1-9]");
    }
    for (Mipd one : List.of(mobile, peer, agent)) {
      assertThat(net.stop(one)).isZero();
    }
  }

  /** A correspondent that knows nothing of it reaches nobody behind the home agent. */
  @Test
  void nothingPassesWithoutTheProtectionThatItIsToHave() throws Exception {
    net.plug("h");
    net.startMipd("ha", agent());
    net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    answers("mn", TestNet.HOME_ADDRESS, TestNet.HOME_AGENT);
    try (PacketLog home = PacketLog.start(net, "ha", "eth1", "home-link")) {
      for (String address : List.of(TestNet.HOME_ADDRESS, TestNet.HOME_AGENT)) {
        assertThat(net.succeeds("cn", "ping -n -c 3 -i 0.2 -W 1 " + address)).isFalse();
      }
      answers("r", "2001:db8:f::2", TestNet.HOME_ADDRESS);
      net.until(
          "the others are seen",
          TestNet.LONG,
          () -> !home.packets(PacketLog.from(Ipv6Address.parse("2001:db8:f::2"))).isEmpty());
      assertThat(home.packets(ofCorrespondent())).isEmpty();
    }
  }
}
