package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two daemons, real packets: a mobile node leaves home and comes back, and its pings go on. */
@Tag("root")
class FirstLightTest {
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

  @Test
  @Tag("kernel")
  void pingsOverTheHomeAddressGoOnFromLinkToLink() throws Exception {
    net.plug("h");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.until(
        "the home address is at home",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    net.start("cn", "ping", "ping", "-n", "-i", "0.1", TestNet.HOME_ADDRESS);
    net.start(
        "r",
        "leaks",
        "tcpdump",
        "-n",
        "-l",
        "-i",
        "any",
        "ip6 host "
            + TestNet.HOME_ADDRESS
            + " and (inbound or outbound) and not (icmp6 and net 2001:db8:c::/64)");

    net.plug("a");
    net.until("pings go on at A", TestNet.LONG, replies(20));
    assertThat(bindingOf(agent)).startsWith("2001:db8:a:");
    net.plug("b");
    net.until("registered at B", TestNet.LONG, () -> bindingOf(agent).startsWith("2001:db8:b:"));
    net.until("pings go on at B", TestNet.LONG, replies(20));
    assertThat(net.status(mobile).getString("registration.care-of-address"))
        .isEqualTo(bindingOf(agent));
    assertThat(net.status(agent).getConfigList("associations"))
        .filteredOn(one -> one.getString("spi").equals("0x00001005"))
        .singleElement()
        .satisfies(one -> assertThat(one.getLong("packets")).isGreaterThan(20));

    net.plug("h");
    net.until("deregistered", TestNet.LONG, () -> bindingOf(agent).isEmpty());
    net.until("pings go on at home", TestNet.LONG, replies(20));

    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
  }

  /**
   * The care-of address is used while it is being checked (RFC 4429), and turns out to be taken.
   */
  @Test
  @Tag("kernel")
  @Tag("slow-in-guest")
  void aCareOfAddressThatSomebodyElseHasIsGivenUp() throws Exception {
    net.plug("b");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.until("registered at B", TestNet.LONG, () -> bindingOf(agent).startsWith("2001:db8:b:"));
    String taken = bindingOf(agent).replace("2001:db8:b:", "2001:db8:a:");
    net.ip("r", "addr", "add", taken + "/64", "dev", "ea", "nodad");

    net.plug("a");
    net.until(
        "the collision is seen",
        TestNet.LONG,
        () -> net.said("mn").contains(taken + " is somebody else's on this link"));
    // Its next home is elsewhere; what it may have said of the address that was never its own is
    // overtaken.
    net.plug("b");
    net.until("pings go on at B", TestNet.LONG, this::pings);
    net.until("registered at B", TestNet.LONG, () -> bindingOf(agent).startsWith("2001:db8:b:"));
    net.until(
        "both ends agree",
        TestNet.LONG,
        () ->
            net.status(mobile).getString("registration.care-of-address").equals(bindingOf(agent)));
    assertThat(net.ip("mn", "-6", "addr")).doesNotContain(taken);
  }

  /**
   * radvd advertises the home link and does not tell the home agent's address: the mobile node
   * finds the home agent by asking for its own address without a name (RFC 6275 section 11.5.5).
   */
  @Test
  @Tag("kernel")
  void comesHomeWhereRadvdAdvertises() throws Exception {
    net.startRadvd(
        "ha",
        "radvd-home",
        """
        interface eth1 {
          AdvSendAdvert on;
          AdvHomeAgentFlag on;
          MinRtrAdvInterval 0.03;
          MaxRtrAdvInterval 0.5;
          MinDelayBetweenRAs 0.03;
          AdvIntervalOpt on;
          prefix 2001:db8:1::/64 { AdvValidLifetime 60; AdvPreferredLifetime 40; };
        };
        """);
    PacketLog homeLink = PacketLog.start(net, "ha", "eth1", "ha-eth1");
    Mipd agent =
        net.startMipd(
            "ha", net.configuration("ha", "home-agent.conf", "enabled = on", "enabled = off"));
    net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.plug("a");
    net.until("registered at A", TestNet.LONG, () -> bindingOf(agent).startsWith("2001:db8:a:"));

    net.plug("h");
    net.until("deregistered", TestNet.LONG, () -> bindingOf(agent).isEmpty());
    net.until("pings go on at home", TestNet.LONG, this::pings);
    Ipv6Address home = Ipv6Address.parse(TestNet.HOME_ADDRESS);
    Predicate<byte[]> solicitation =
        packet -> packet[6] == 58 && packet[40] == (byte) 135 && isTarget(packet, home);
    Predicate<byte[]> advertisement =
        packet -> packet[6] == 58 && packet[40] == (byte) 136 && isTarget(packet, home);
    assertThat(homeLink.packets(solicitation.and(PacketLog.to(home.solicitedNodeMulticast()))))
        .anyMatch(PacketLog.from(Ipv6Address.UNSPECIFIED));
    // The home agent answers to all, with the Solicited flag clear.
    assertThat(
            homeLink.packets(
                advertisement
                    .and(PacketLog.from(home).negate())
                    .and(PacketLog.to(Ipv6Address.ALL_NODES))))
        .isNotEmpty()
        .allMatch(packet -> (packet[44] & 0x40) == 0);
    // And in the end the mobile node tells all that the address is its own.
    assertThat(
            homeLink.packets(
                advertisement.and(PacketLog.from(home)).and(PacketLog.to(Ipv6Address.ALL_NODES))))
        .isNotEmpty()
        .allMatch(packet -> (packet[44] & 0x60) == 0x20);
    assertThat(net.said("ha"))
        .as("advertisements of its own")
        .doesNotContainPattern("action SendIcmpv6[^\n]*RouterAdvertisement");
  }

  private static boolean isTarget(byte[] packet, Ipv6Address address) {
    return Ipv6Address.read(packet, 48).equals(address);
  }

  /**
   * A home address with the interface identifier of the interface (L flag): the home agent answers
   * for the link-local address too, so that the kernel's own check of it on the home link fails.
   */
  @Test
  void theLinkLocalAddressComesHomeToo() throws Exception {
    String home = "2001:db8:1::ff:fe00:aa";
    String linkLocal = "fe80::ff:fe00:aa";
    net.ip("mn", "link", "set", "eth0", "down");
    net.ip("mn", "link", "set", "eth0", "address", "02:00:00:00:00:aa", "up");
    net.in("ha", "sysctl -q net.ipv6.neigh.eth1.proxy_delay=0");
    net.plug("a");
    Mipd agent =
        net.startMipd("ha", net.configuration("ha", "home-agent.conf", TestNet.HOME_ADDRESS, home));
    net.startMipd("mn", net.configuration("mn", "mobile-node.conf", TestNet.HOME_ADDRESS, home));
    net.until("registered at A", TestNet.LONG, () -> bindingOf(agent).startsWith("2001:db8:a:"));
    net.until(
        "the home agent answers for both",
        TestNet.LONG,
        () -> net.ip("ha", "-6", "neigh", "show", "proxy").contains(linkLocal));
    // RFC 6275 section 10.4.2: what is for the link-local address is not tunnelled, and the sender
    // is told so.
    net.addNode("n");
    net.sh(
        """
        ip -n "$P"sw link add pn type veth peer name eth0 netns "$P"n
        ip -n "$P"sw link set pn master brh up
        ip -n "$P"n link set eth0 up
        """);
    net.until(
        "whoever is on the home link is told",
        TestNet.LONG,
        () ->
            net.in("n", "sh -c 'ping -n -c 1 -W 2 " + linkLocal + "%eth0; true'")
                .contains("Address unreachable"));

    // The kernel checks addresses when the interface is set up, not when its cable is moved.
    net.ip("mn", "link", "set", "eth0", "down");
    net.plug("h");
    net.ip("mn", "link", "set", "eth0", "up");
    net.until("deregistered", TestNet.LONG, () -> bindingOf(agent).isEmpty());
    net.until("at home", TestNet.LONG, () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + home));
    net.until(
        "its link-local address is its own",
        TestNet.LONG,
        () -> net.succeeds("ha", "ping -n -c 1 -W 1 " + linkLocal + "%eth1"));
    assertThat(net.ip("mn", "-6", "addr", "show", "dev", "eth0", "to", linkLocal))
        .contains(linkLocal)
        .doesNotContain("tentative")
        .doesNotContain("dadfailed");
    assertThat(net.said("mn")).contains(linkLocal + " on interface");
  }

  private boolean pings() throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS);
  }

  private String bindingOf(Mipd agent) throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  /** So many more replies than there are now. */
  private Callable<Boolean> replies(int more) throws Exception {
    int enough = count() + more;
    return () -> count() >= enough;
  }

  private int count() throws Exception {
    return net.said("ping").split("bytes from", -1).length - 1;
  }

  @Test
  void theNetworkItselfWorks() throws Exception {
    net.plug("a");
    net.until(
        "the mobile node has an address",
        Duration.ofSeconds(10),
        () -> net.succeeds("mn", "ping -c 1 -W 1 " + TestNet.CORRESPONDENT));
    assertThat(net.succeeds("ha", "ping -c 1 -W 2 " + TestNet.CORRESPONDENT)).isTrue();
  }
}
