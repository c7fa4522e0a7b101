package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Links that carry less than Ethernet: nobody else tells how much, for the first hop is ours. */
@Tag("root")
class SmallLinksTest {
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

  private boolean isAway(Mipd agent) throws Exception {
    return !net.status(agent).getConfigList("bindings").isEmpty();
  }

  private boolean pings(int octets) throws Exception {
    return net.succeeds(
        "cn", "ping -n -c 1 -W 1 -M do -s " + (octets - 48) + " " + TestNet.HOME_ADDRESS);
  }

  @Test
  void packetsFitTheLinkThatTheyLeaveBy() throws Exception {
    net.ip("ha", "link", "set", "eth0", "mtu", "1280");
    net.ip("r", "link", "set", "eh", "mtu", "1280");
    net.ip("mn", "link", "set", "eth0", "mtu", "1280");
    net.ip("r", "link", "set", "ea", "mtu", "1280");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.plug("a");
    net.until("registered", TestNet.LONG, () -> isAway(agent));
    net.until("small packets pass", TestNet.LONG, () -> pings(200));
    // The largest that IPv6 always carries; with ESP around it fits no link here.
    net.until("large packets pass", TestNet.LONG, () -> pings(1280));
    for (Mipd one : new Mipd[] {agent, mobile}) {
      assertThat(net.status(one).getLong("counters.not-sent")).as(one.node()).isZero();
      assertThat(net.status(one).getLong("counters.fragments-sent")).as(one.node()).isPositive();
      assertThat(net.status(one).getLong("counters.reassembled")).as(one.node()).isPositive();
    }
  }

  @Test
  void aLinkThatShrinksIsNoticed() throws Exception {
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.plug("a");
    net.until("registered", TestNet.LONG, () -> isAway(agent));
    net.until("packets pass", TestNet.LONG, () -> pings(1280));
    assertThat(net.status(mobile).getLong("counters.fragments-sent")).isZero();
    net.ip("mn", "link", "set", "eth0", "mtu", "1300");
    // The other way the router tells the home agent.
    net.ip("r", "link", "set", "ea", "mtu", "1300");
    net.until(
        "replies leave in fragments",
        TestNet.LONG,
        () -> pings(1280) && net.status(mobile).getLong("counters.fragments-sent") > 0);
    assertThat(net.status(mobile).getLong("counters.packet-too-big-learnt")).isZero();
  }
}
