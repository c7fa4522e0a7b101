package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mobile node on two access links at once, whose routers take no others' addresses. */
@Tag("root")
@Tag("kernel")
class TwoUplinksTest {
  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Tap fromA;

  @SuppressWarnings("NullAway.Init")
  private Tap fromB;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    net.sh(
        """
        ip -n "$P"sw link add pn type veth peer name eth1 netns "$P"mn
        ip -n "$P"mn link set eth1 up
        """);
    net.filterSources();
    fromA = Tap.on(net, "r", "ea");
    fromB = Tap.on(net, "r", "eb");
  }

  @AfterEach
  void takeDown() throws Exception {
    if (net != null) {
      fromA.close();
      fromB.close();
      net.close();
    }
  }

  private void plugSecond(String link) throws Exception {
    net.sh("ip -n \"$P\"sw link set pn master br" + link + " up");
  }

  @Test
  void packetsLeaveByTheUplinkOfTheirSource() throws Exception {
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile =
        net.startMipd(
            "mn",
            net.configuration(
                "mn",
                "mobile-node.conf",
                "{ name = eth0, preference = 10 }",
                "{ name = eth0, preference = 10 }, { name = eth1, preference = 20 }"));
    net.plug("a");
    net.until("registered at A", TestNet.LONG, () -> careOf(agent).startsWith("2001:db8:a:"));
    net.until("pings go by A", TestNet.LONG, this::pings);

    // The better one comes up; the kernel's default route stays where it is.
    plugSecond("b");
    net.until("registered at B", TestNet.LONG, () -> careOf(agent).startsWith("2001:db8:b:"));
    net.until("pings go by B", TestNet.LONG, this::pings);
    assertThat(net.status(mobile).getString("registration.care-of-address"))
        .startsWith("2001:db8:b:");
    net.in("cn", "ping -n -q -c 50 -i 0.02 -w 5 " + TestNet.HOME_ADDRESS);

    net.ip("sw", "link", "set", "pn", "down", "nomaster");
    net.until("back at A", TestNet.LONG, () -> careOf(agent).startsWith("2001:db8:a:"));
    net.in("cn", "ping -n -q -c 50 -i 0.02 -w 5 " + TestNet.HOME_ADDRESS);

    assertThat(fromA.all(packet -> isForeign(packet, "2001:db8:a::/64"))).isEmpty();
    assertThat(fromB.all(packet -> isForeign(packet, "2001:db8:b::/64"))).isEmpty();
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
  }

  private static boolean isForeign(byte[] packet, String link) {
    Ipv6Address source = Ipv6Address.read(packet, 8);
    return source.isGlobalUnicast() && !Ipv6Prefix.parse(link).contains(source);
  }

  private boolean pings() throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS);
  }

  private String careOf(Mipd agent) throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }
}
