package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A home agent that comes back with more bindings than the kernel is asked to answer for, and makes
 * none of their policies before a packet needs them.
 */
@Tag("root")
class ManyBindingsTest {
  private static final int BINDINGS = 1100;

  private static final Ipv6Address AGENT = Ipv6Address.parse(TestNet.HOME_AGENT);
  private static final Ipv6Address ROUTER = Ipv6Address.parse("2001:db8:f::2");
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;
  private static final int INNER = 40;
  private static final int FINAL_ADDRESS = 48;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Forger nodes;

  @SuppressWarnings("NullAway.Init")
  private Tap heard;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    nodes = Forger.at(net, "r", KeyFile.read(net.keys("x", "none.keys", "# none\n")));
    heard = Tap.on(net, "r", "eh");
  }

  @AfterEach
  void takeDown() throws IOException {
    if (net != null) {
      nodes.close();
      heard.close();
      net.close();
    }
  }

  private static Ipv6Address home(int number) {
    return new Ipv6Address(0x2001_0db8_0001_0000L, 0x10000 + number);
  }

  private static Ipv6Address careOf(int number) {
    return new Ipv6Address(0x2001_0db8_000a_0000L, 0x10000 + number);
  }

  private Mipd start() throws Exception {
    BindingStoreFiller.main(
        new String[] {folder.resolve("ha/state").toString(), String.valueOf(BINDINGS)});
    var served = new StringBuilder("mobile-nodes = [\n");
    for (int i = 0; i < BINDINGS; i++) {
      served.append("{ home-address = \"").append(home(i)).append("\", ipsec = off }\n");
    }
    return net.startQuietMipd(
        "ha", net.configuration("ha", "home-agent.conf", "mobile-nodes = [", served.toString()));
  }

  private static boolean isTunnelled(byte[] packet, Ipv6Address to, Ipv6Address within) {
    return packet.length >= INNER + 40
        && packet[6] == IpProtocol.IPV6
        && Ipv6Address.read(packet, DESTINATION).equals(to)
        && Ipv6Address.read(packet, INNER + DESTINATION).equals(within);
  }

  @Test
  void allAreServedWhateverComesFirst() throws Exception {
    Mipd agent = start();
    assertThat(net.status(agent).getInt("counts.bindings")).isEqualTo(BINDINGS);
    // With the mobile node of the sample.
    assertThat(net.status(agent).getInt("counts.asleep")).isEqualTo(BINDINGS + 1);

    // What is for them.
    for (int number : List.of(3, BINDINGS - 3)) {
      nodes.send(Forger.datagram(ROUTER, home(number), "down"));
      heard.await(
          "a packet goes to where it is",
          packet -> isTunnelled(packet, careOf(number), home(number)));
    }

    // What comes from them, tunnelled.
    byte[] up = Forger.datagram(home(5), ROUTER, "up");
    nodes.send(Forger.ipv6(careOf(5), AGENT, IpProtocol.IPV6, up));
    heard.await(
        "a packet goes on",
        packet -> packet[6] == IpProtocol.UDP && Ipv6Address.read(packet, SOURCE).equals(home(5)));

    // A Binding Update.
    nodes.send(HandMadeUpdate.of(home(BINDINGS - 7), careOf(7), AGENT, 2, 100));
    heard.await(
        "it is acknowledged",
        packet ->
            packet[6] == IpProtocol.ROUTING
                && Ipv6Address.read(packet, FINAL_ADDRESS).equals(home(BINDINGS - 7)));
    assertThat(net.status(agent).getInt("counts.asleep")).isEqualTo(BINDINGS + 1 - 4);
    assertThat(net.stop(agent)).isZero();
  }

  @Test
  void allAreAnsweredForOnTheHomeLink() throws Exception {
    net.ip("mn", "addr", "add", "2001:db8:1::fe/64", "dev", "eth0", "nodad");
    net.plug("h");
    Mipd agent = start();
    String mac = net.in("ha", "cat /sys/class/net/eth1/address").strip();
    for (int number : List.of(0, BINDINGS - 1)) {
      net.until(
          "the home agent answers for " + home(number),
          TestNet.LONG,
          () -> {
            net.succeeds("mn", "ping -q -c 1 -W 1 " + home(number));
            return net.ip("mn", "neigh", "show", home(number).toString()).contains(mac);
          });
    }
    // Not for those that it does not serve, and no more for one that has gone.
    assertThat(net.succeeds("mn", "ping -q -c 1 -W 2 2001:db8:1::9:9")).isFalse();
    assertThat(net.ip("mn", "neigh", "show", "2001:db8:1::9:9")).doesNotContain(mac);
    nodes.send(HandMadeUpdate.of(home(BINDINGS - 2), careOf(7), AGENT, 2, 0));
    heard.await("it is acknowledged", packet -> packet[6] == IpProtocol.ROUTING);
    assertThat(net.succeeds("mn", "ping -q -c 1 -W 2 " + home(BINDINGS - 2))).isFalse();
    assertThat(net.ip("mn", "neigh", "show", home(BINDINGS - 2).toString())).doesNotContain(mac);
    assertThat(net.stop(agent)).isZero();
  }

  /** Who takes the address of one that is away hears that it is taken (RFC 4862 section 5.4.4). */
  @Test
  void detectionFindsAnAddressThatItAnswersFor() throws Exception {
    net.plug("h");
    Mipd agent = start();
    net.until(
        "the address is a duplicate",
        TestNet.LONG,
        () -> {
          net.ip("mn", "addr", "replace", home(BINDINGS - 1) + "/64", "dev", "eth0");
          return net.ip("mn", "addr", "show", "dev", "eth0").contains("dadfailed");
        });
    assertThat(net.stop(agent)).isZero();
  }
}
