package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two daemons whose user has IPsec of his own, within what mobility does. */
@Tag("root")
class UserIpsecLightTest {
  /** The home agent's other address, as the user's peer. */
  private static final String PEER = "2001:db8:f::1";

  private static final int DATA_OF_PING = 1000;

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

  private Path configuration(String node, String sample, String mode) throws Exception {
    String key = "0f".repeat(16) + " " + "1f".repeat(32) + "\n";
    net.keys(node, "user.keys", "0x3001 " + key + "0x3002 " + key);
    String self = node.equals("mn") ? TestNet.HOME_ADDRESS : PEER;
    String other = node.equals("mn") ? PEER : TestNet.HOME_ADDRESS;
    String ends = mode.equals("tunnel") ? ", src = \"" + self + "\", dst = \"" + other + "\"" : "";
    Path file = net.configuration(node, sample);
    java.nio.file.Files.writeString(
        file,
        """
        user-ipsec {
          policies = [
            { src = "%s", dst = "%s", templates = [ { proto = esp, mode = %s, reqid = 9%s } ] }
          ]
          keys = user.keys
          associations = [
            { src = "%s", dst = "%s", proto = esp, mode = %s, spi = 0x3001, reqid = 9 }
            { src = "%s", dst = "%s", proto = esp, mode = %s, spi = 0x3002, reqid = 9 }
          ]
        }
        """
            .formatted(
                self,
                other,
                mode,
                ends,
                TestNet.HOME_ADDRESS,
                PEER,
                mode,
                PEER,
                TestNet.HOME_ADDRESS,
                mode),
        java.nio.file.StandardOpenOption.APPEND);
    return file;
  }

  /** The user's ESP is inside the tunnel to the home agent, on every link. */
  @ParameterizedTest
  @ValueSource(strings = {"tunnel", "transport"})
  @Tag("kernel")
  void whatTheUserProtectsIsInsideTheTunnel(String mode) throws Exception {
    net.plug("a");
    Mipd agent = net.startMipd("ha", configuration("ha", "home-agent.conf", mode));
    Mipd mobile = net.startMipd("mn", configuration("mn", "mobile-node.conf", mode));
    net.until("registered", TestNet.LONG, () -> !careOf(mobile).isEmpty());
    for (String link : List.of("a", "b")) {
      net.plug(link);
      net.until(
          "registered at " + link,
          TestNet.LONG,
          () ->
              careOf(agent).startsWith("2001:db8:" + link + ":")
                  && careOf(mobile).equals(careOf(agent)));
      net.until(
          "the peer answers at " + link,
          TestNet.LONG,
          () -> net.succeeds("mn", "ping -c 1 -W 1 -I " + TestNet.HOME_ADDRESS + " " + PEER));
      try (PacketLog wire = PacketLog.start(net, "r", "e" + link, "wire-" + mode + link)) {
        String ping = "ping -n -c 5 -i 0.2 -W 1 -s %d -I %s %s";
        // One may be lost while the move settles.
        net.until(
            "all of five are under the user's association",
            TestNet.LONG,
            () -> {
              long before = packets(agent, "0x00003001");
              net.in("mn", ping.formatted(DATA_OF_PING, TestNet.HOME_ADDRESS, PEER));
              return packets(agent, "0x00003001") == before + 5;
            });
        Config explained = explain(mobile, DATA_OF_PING + 48);
        int length = explained.getInt("size.outer");
        String care = careOf(mobile);
        net.until(
            "all of them are on the wire as explained",
            TestNet.LONG,
            () -> wire.packets(it -> isOutside(it, care, length)).size() >= 5);
        assertThat(explained.getConfigList("wire"))
            .filteredOn(it -> it.hasPath("spi"))
            .extracting(it -> it.getString("spi"))
            .containsExactly("0x00001005", "0x00003001");
        // Neither the home address nor the user's association is ever to be seen outside.
        assertThat(
                wire.packets(
                    PacketLog.from(Ipv6Address.parse(TestNet.HOME_ADDRESS))
                        .or(PacketLog.to(Ipv6Address.parse(TestNet.HOME_ADDRESS)))
                        .or(it -> it[6] == 50 && ByteBuffer.wrap(it).getInt(40) >>> 12 == 3)))
            .isEmpty();
      }
    }
    assertThat(run(mobile, "check")).contains("user-policies\":" + (mode.equals("tunnel") ? 3 : 2));
    assertThat(run(mobile, "diff", "--care-of", "home")).contains("removed\":[\"src");
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
  }

  private void awaitHome() throws Exception {
    net.until(
        "the home address is at home",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -c 1 -W 1 " + TestNet.HOME_ADDRESS));
  }

  private static String pingOf(String source, String destination) {
    return "ping -n -c 3 -i 0.2 -W 1 -I " + source + " " + destination;
  }

  /**
   * No tunnel is around it then. With the engine only: where the kernel undoes a tunnel, a capture
   * on the same interface shows what was in it as well.
   */
  @ParameterizedTest
  @ValueSource(strings = {"tunnel", "transport"})
  void atHomeItIsProtectedLikewise(String mode) throws Exception {
    net.plug("h");
    Mipd agent = net.startMipd("ha", configuration("ha", "home-agent.conf", mode));
    Mipd mobile = net.startMipd("mn", configuration("mn", "mobile-node.conf", mode));
    awaitHome();
    Ipv6Address home = Ipv6Address.parse(TestNet.HOME_ADDRESS);
    Ipv6Address peer = Ipv6Address.parse(PEER);
    try (PacketLog wire = PacketLog.start(net, "ha", "eth1", "home-link")) {
      net.until(
          "the peer answers",
          TestNet.LONG,
          () -> net.succeeds("mn", pingOf(TestNet.HOME_ADDRESS, PEER)));
      assertThat(net.succeeds("ha", pingOf(PEER, TestNet.HOME_ADDRESS))).isTrue();
      assertThat(net.succeeds("mn", pingOf(TestNet.HOME_ADDRESS, TestNet.CORRESPONDENT))).isTrue();
      net.until(
          "both ways are seen",
          TestNet.LONG,
          () ->
              wire.packets(PacketLog.esp(0x3001)).size() >= 6
                  && wire.packets(PacketLog.esp(0x3002)).size() >= 6);
      assertThat(wire.packets(it -> it[6] != 50 && isBetween(it, home, peer))).isEmpty();
    }
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
  }

  private static boolean isBetween(byte[] packet, Ipv6Address one, Ipv6Address other) {
    Ipv6Address source = Ipv6Address.read(packet, 8);
    Ipv6Address destination = Ipv6Address.read(packet, 24);
    return (source.equals(one) && destination.equals(other))
        || (source.equals(other) && destination.equals(one));
  }

  /** The peer knows nothing of the policy: it is not answered, and learns nothing. */
  @Test
  @Tag("kernel")
  void nothingIsTakenWithoutTheProtectionThatItIsToHave() throws Exception {
    net.plug("h");
    net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    net.startMipd("mn", configuration("mn", "mobile-node.conf", "transport"));
    awaitHome();
    try (PacketLog wire = PacketLog.start(net, "ha", "eth1", "home-link")) {
      assertThat(net.succeeds("ha", pingOf(PEER, TestNet.HOME_ADDRESS))).isFalse();
      assertThat(net.succeeds("mn", pingOf(TestNet.HOME_ADDRESS, PEER))).isFalse();
      assertThat(net.succeeds("mn", pingOf(TestNet.HOME_ADDRESS, TestNet.CORRESPONDENT))).isTrue();
      Ipv6Address peer = Ipv6Address.parse(PEER);
      net.until(
          "the others are seen",
          TestNet.LONG,
          () -> !wire.packets(PacketLog.to(Ipv6Address.parse(TestNet.CORRESPONDENT))).isEmpty());
      assertThat(wire.packets(PacketLog.to(peer).and(it -> it[6] != 50))).isEmpty();
    }
  }

  private static boolean isOutside(byte[] packet, String careOf, int length) {
    return packet.length == length
        && packet[6] == 50
        && Ipv6Address.read(packet, 8).equals(Ipv6Address.parse(careOf))
        && ByteBuffer.wrap(packet).getInt(40) == 0x1005;
  }

  private String careOf(Mipd mipd) throws Exception {
    Config status = net.status(mipd);
    if (mipd.node().equals("mn")) {
      String key = "registration.care-of-address";
      return status.hasPath(key) ? status.getString(key) : "";
    }
    var bindings = status.getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  private long packets(Mipd mipd, String spi) throws Exception {
    return net.status(mipd).getConfigList("associations").stream()
        .filter(one -> one.getString("spi").equals(spi))
        .mapToLong(one -> one.getLong("packets"))
        .sum();
  }

  /** What the running daemon is asked about a ping. */
  private static Config explain(Mipd mipd, int length) {
    return ConfigFactory.parseString(
        run(
            mipd,
            "explain",
            "--length",
            "" + length,
            "src",
            TestNet.HOME_ADDRESS,
            "dst",
            PEER,
            "proto",
            "icmpv6",
            "type",
            "128"));
  }

  private static String run(Mipd mipd, String... words) {
    List<String> all = new ArrayList<>(List.of("policy"));
    all.addAll(List.of(words));
    all.add("--json");
    all.addAll(
        Splitter.on(' ')
            .splitToList("--socket " + mipd.configuration().resolveSibling("control.sock")));
    var out = new StringWriter();
    var line = Main.commandLine();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(out));
    assertThat(Main.run(line, all.toArray(new String[0]))).as(out.toString()).isLessThan(2);
    return out.toString();
  }
}
