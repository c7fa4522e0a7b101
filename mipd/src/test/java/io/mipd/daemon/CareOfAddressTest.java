package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.Sets;
import io.mipd.daemon.TestNet.Mipd;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Care-of addresses that mipd configures itself; the kernel's optimistic detection is off. What
 * measures time is not for a guest.
 */
@Tag("root")
class CareOfAddressTest {
  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    // The interface has been up, so that it has a link-local address, on a link without a router.
    net.plug("h");
    net.until(
        "a link-local address",
        TestNet.LONG,
        () -> {
          String addresses = net.ip("mn", "-6", "addr", "show", "dev", "eth0");
          return addresses.contains("fe80:") && !addresses.contains("tentative");
        });
    net.unplug();
  }

  @AfterEach
  void takeDown() throws java.io.IOException {
    net.close();
  }

  private void start() throws Exception {
    agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    mobile = net.startMipd("mn", configuration());
  }

  private Path configuration() throws Exception {
    return net.configuration(
        "mn", "mobile-node.conf", "care-of-addresses = auto", "care-of-addresses = mipd");
  }

  private String bindingOf(Mipd daemon) throws Exception {
    var bindings = net.status(daemon).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  private void registersAt(String link) throws Exception {
    net.until(
        "registered at " + link,
        TestNet.LONG,
        () -> bindingOf(agent).startsWith("2001:db8:" + link + ":"));
  }

  private boolean pings() throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS);
  }

  private String addressesOf(String device) throws Exception {
    return net.ip("mn", "-6", "-o", "addr", "show", "dev", device);
  }

  /** The address that the mobile node forms, from its link-layer address. */
  private String address(String link) throws Exception {
    List<String> mac = List.of(net.in("mn", "cat /sys/class/net/eth0/address").strip().split(":"));
    int first = Integer.parseInt(mac.get(0), 16) ^ 2;
    String text =
        String.format(
            "2001:db8:%s:0:%02x%s:%sff:fe%s:%s%s",
            link, first, mac.get(1), mac.get(2), mac.get(3), mac.get(4), mac.get(5));
    return io.mipd.xfrm.model.Ipv6Address.parse(text).toString();
  }

  /** Lines of tcpdump: a time in seconds, the link-layer header, the rest. */
  private List<String> seen(String... words) throws Exception {
    return net.said("capture")
        .lines()
        .filter(line -> List.of(words).stream().allMatch(line::contains))
        .toList();
  }

  private static double at(String line) {
    return Double.parseDouble(line.substring(0, line.indexOf(' ')));
  }

  /** With {@code -v} tcpdump breaks a packet into lines; each packet is one here. */
  private void capture(String node, String device) throws Exception {
    net.start(
        node,
        "capture",
        "sh",
        "-c",
        "tcpdump -tt -n -l -v -i "
            + device
            + " ip6 | sed -u -e ':a' -e '$!N' -e 's/\\n[ \\t]\\+/ /;ta' -e 'P;D'");
    net.until("the capture runs", TestNet.LONG, () -> net.said("capture").contains("listening on"));
  }

  @Test
  void theAddressIsUsedAtOnceAndNobodyIsDisturbed() throws Exception {
    start();
    net.plug("b");
    registersAt("b");
    net.until("pings at B", TestNet.LONG, this::pings);
    capture("mn", "eth0");
    net.start("cn", "ping", "ping", "-n", "-i", "0.1", TestNet.HOME_ADDRESS);
    net.until("pings", TestNet.LONG, () -> net.said("ping").contains("bytes from"));

    net.plug("a");
    registersAt("a");
    String ours = address("a");
    assertThat(bindingOf(agent)).isEqualTo(ours);
    assertThat(addressesOf("lo")).contains(ours);
    net.until(
        "it is the interface's", TestNet.LONG, () -> addressesOf("eth0").contains(ours + "/64"));
    net.until("only there", TestNet.LONG, () -> !addressesOf("lo").contains(ours));
    net.until("pings at A", TestNet.LONG, this::pings);
    // The router verifies that we are there, and asks the kernel.
    net.ip("r", "neigh", "flush", "dev", "ea");
    net.until("pings at A", TestNet.LONG, this::pings);
    net.until(
        "the kernel answers",
        TestNet.LONG,
        () -> !seen("neighbor advertisement", "tgt is " + ours, "override").isEmpty());

    double detected = at(seen(" :: > ff02::1:ff", "who has " + ours).get(0));
    double heard =
        at(
            seen("router advertisement", "2001:db8:a::/64").stream()
                .filter(line -> at(line) <= detected)
                .reduce((first, second) -> second)
                .orElseThrow());
    double update = at(seen(ours + " > " + TestNet.HOME_AGENT, "DSTOPT").get(0));
    double acknowledged = at(seen(TestNet.HOME_AGENT + " > " + ours, "ESP").get(0));
    System.out.printf(
        "ms after the router advertisement: solicitation %.1f, Binding Update %.1f,"
            + " acknowledgement %.1f%n",
        1000 * (detected - heard), 1000 * (update - heard), 1000 * (acknowledged - heard));
    // Long before detection ends, 1 s after its only solicitation.
    assertThat(update - detected).isLessThan(0.9);
    assertThat(acknowledged - detected).isLessThan(0.9);
    // RFC 7527: with a nonce.
    assertThat(seen(" :: > ff02::1:ff", "who has " + ours))
        .singleElement()
        .asString()
        .contains("option (14)");
    // RFC 4429 section 3.3: what is answered meanwhile is answered without Override.
    assertThat(seen("neighbor advertisement", "tgt is " + ours, "solicited"))
        .filteredOn(line -> at(line) < detected + 0.9)
        .isNotEmpty()
        .noneMatch(line -> line.contains("override"));
    // Section 3.2: and never asked from it.
    assertThat(seen(" " + ours + " > ", "neighbor solicitation"))
        .filteredOn(line -> at(line) < detected + 0.9)
        .isEmpty();
    assertThat(net.ip("mn", "-6", "route"))
        .contains("2001:db8:a::/64 dev eth0")
        .contains("default via fe80:")
        .doesNotContain("2001:db8:b::/64");

    net.plug("h");
    net.until("deregistered", TestNet.LONG, () -> bindingOf(agent).isEmpty());
    net.until("pings at home", TestNet.LONG, this::pings);
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
  }

  @Test
  void anAddressThatSomebodyElseHasIsGivenUp() throws Exception {
    start();
    net.plug("b");
    registersAt("b");
    String taken = address("a");
    net.ip("r", "addr", "add", taken + "/64", "dev", "ea", "nodad");

    net.plug("a");
    net.until("the collision is seen", TestNet.LONG, says(taken + " is somebody else's on this"));
    assertThat(addressesOf("lo") + addressesOf("eth0")).doesNotContain(taken);
    net.plug("b");
    registersAt("b");
    net.until("pings at B", TestNet.LONG, this::pings);
  }

  private Callable<Boolean> says(String words) {
    return () -> net.said("mn").contains(words);
  }

  /** The interface was taken down: the kernel checks its link-local address for 3 s and more. */
  @Test
  void theLinkLocalAddressNeedNotBeReady() throws Exception {
    net.in("mn", "sysctl -q -w net.ipv6.conf.eth0.dad_transmits=3");
    start();
    net.ip("mn", "link", "set", "eth0", "down");
    capture("r", "ea");
    net.plug("a");
    net.ip("mn", "link", "set", "eth0", "up");
    registersAt("a");
    net.until("pings at A", TestNet.LONG, this::pings);
    assertThat(addressesOf("eth0")).contains("fe80:").contains("tentative");
    // Routers are asked, and neighbours answered, without it.
    net.until("in the capture", TestNet.LONG, () -> !seen(":: > ff02::2").isEmpty());
    assertThat(seen("fe80:", "router solicitation")).isEmpty();
    net.until(
        "it is the interface's",
        TestNet.LONG,
        () -> addressesOf("eth0").contains(address("a") + "/64"));
    net.until("pings at A", TestNet.LONG, this::pings);
  }

  /** Another node configures it while we are still asking: neither is to have it. */
  @Test
  void aDuplicateThatShowsLate() throws Exception {
    // Detection takes 15 s, so that there is time for somebody else to come.
    net.in("mn", "sysctl -q -w net.ipv6.conf.eth0.dad_transmits=15");
    start();
    net.plug("a");
    registersAt("a");
    String taken = bindingOf(agent);
    net.until("pings at A", TestNet.LONG, this::pings);
    // Its solicitation leaves at once: during the random delay it would hear ours, and give up.
    net.in("r", "sysctl -q -w net.ipv6.conf.ea.router_solicitation_delay=0");
    net.ip("r", "addr", "add", taken + "/64", "dev", "ea");
    net.until("the collision is seen", TestNet.LONG, says(taken + " is somebody else's on this"));
    assertThat(addressesOf("lo") + addressesOf("eth0")).doesNotContain(taken);
    net.plug("b");
    registersAt("b");
    net.until("pings at B", TestNet.LONG, this::pings);
  }

  /** Without what the kernel has learnt from routers, whoever configures addresses. */
  private Set<String> system() throws Exception {
    return Sets.filter(net.system("mn"), line -> !line.contains(" linkdown "));
  }

  @Test
  @Tag("kernel")
  @Tag("slow-in-guest")
  void aStopLeavesNothing() throws Exception {
    Set<String> before = system();
    start();
    net.plug("a");
    registersAt("a");
    net.until("it is the interface's", TestNet.LONG, () -> addressesOf("eth0").contains(":a:"));
    net.plug("b");
    registersAt("b");
    // While it is still on the loopback device.
    net.unplug();
    assertThat(net.stop(mobile)).isZero();
    assertThat(Sets.difference(system(), before)).isEmpty();
  }

  @Test
  @Tag("kernel")
  @Tag("slow-in-guest")
  void aStopUnderDetectionLeavesNothing() throws Exception {
    net.in("mn", "sysctl -q -w net.ipv6.conf.eth0.dad_transmits=10");
    start();
    net.plug("a");
    registersAt("a");
    assertThat(addressesOf("lo")).contains(address("a"));
    assertThat(net.stop(mobile)).isZero();
    assertThat(addressesOf("lo")).doesNotContain("2001:db8:");
  }

  @Test
  @Tag("kernel")
  void afterAKillTheNextStartTakesOver() throws Exception {
    Set<String> before = system();
    start();
    net.plug("a");
    registersAt("a");
    String ours = bindingOf(agent);
    net.until("it is the interface's", TestNet.LONG, () -> addressesOf("eth0").contains(ours));
    net.kill(mobile);
    assertThat(addressesOf("eth0")).contains(ours);
    int sequence = net.status(agent).getConfigList("bindings").get(0).getInt("sequence");
    mobile = net.startMipd("mn", mobile.configuration());
    net.until(
        "registered again",
        TestNet.LONG,
        () -> net.status(agent).getConfigList("bindings").get(0).getInt("sequence") != sequence);
    net.until("pings at A", TestNet.LONG, this::pings);
    // And killed while the address is on the loopback device, where it ends by itself.
    net.kill(mobile);
    net.unplug();
    assertThat(net.mipd("mn", "cleanup", "--config", configuration().toString())).isZero();
    net.until("it has gone", TestNet.LONG, () -> !addressesOf("lo").contains(ours));
    assertThat(Sets.difference(system(), before)).isEmpty();
  }

  /** Whoever starts mipd has an address already; it is used, and goes on. */
  @Test
  void theKernelsAddressIsTakenOver() throws Exception {
    net.plug("a");
    net.until(
        "the kernel's address",
        TestNet.LONG,
        () -> addressesOf("eth0").contains("2001:db8:a:") && !addressesOf("eth0").contains("tent"));
    start();
    registersAt("a");
    assertThat(addressesOf("lo")).doesNotContain("2001:db8:");
    net.until("it is renewed", TestNet.LONG, says("action Renew["));
    net.plug("b");
    registersAt("b");
    net.until("it has gone", TestNet.LONG, () -> !addressesOf("eth0").contains("2001:db8:a:"));
    net.until("pings at B", TestNet.LONG, this::pings);
  }
}
