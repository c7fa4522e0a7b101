package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What comes out of the reverse tunnel may leave the home agent by the interface that it came in
 * by. A router tells such senders of a better way (RFC 4861 section 8.2); a mobile node that is
 * away must not hear of one, for it is not on that link.
 */
@Tag("root")
@Tag("kernel")
class RedirectTest {
  private static final int ENOUGH = 10;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  /** A better way is only told of to a link-local address. */
  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    String router =
        net.ip("r", "-6", "-o", "addr", "show", "dev", "eh", "scope", "link")
            .replaceAll("(?s).*inet6 ([0-9a-f:]+)/.*", "$1");
    net.ip("ha", "-6", "route", "replace", "default", "via", router, "dev", "eth0");
  }

  @AfterEach
  void takeDown() throws Exception {
    if (net != null) {
      net.close();
    }
  }

  private Path configuration(String node, String sample, String ipsec) throws Exception {
    return ipsec.equals("on")
        ? net.configuration(node, sample)
        : net.configuration(node, sample, TestNet.withoutIpsec(TestNet.sample(sample)));
  }

  /** Of the kernel's own, by {@code /proc/net/snmp6}. */
  private int count(String node, String counter) throws Exception {
    for (String line : net.in(node, "cat /proc/net/snmp6").lines().toList()) {
      String[] words = line.trim().split("\\s+", -1);
      if (words[0].equals(counter)) {
        return Integer.parseInt(words[1]);
      }
    }
    throw new AssertionError("no counter " + counter);
  }

  @ParameterizedTest
  @ValueSource(strings = {"on", "off"})
  void noneForWhatComesOutOfTheTunnel(String ipsec) throws Exception {
    var agent = net.startMipd("ha", configuration("ha", "home-agent.conf", ipsec));
    net.startMipd("mn", configuration("mn", "mobile-node.conf", ipsec));
    net.plug("a");
    net.until(
        "registered", TestNet.LONG, () -> !net.status(agent).getConfigList("bindings").isEmpty());
    net.until(
        "reached",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    net.in(
        "mn",
        "ping -n -c %d -i 0.1 -W 2 -I %s %s"
            .formatted(ENOUGH, TestNet.HOME_ADDRESS, TestNet.CORRESPONDENT));
    assertThat(count("ha", "Icmp6OutRedirects")).isZero();
    assertThat(count("mn", "Icmp6InRedirects")).isZero();

    // The home agent would tell of a better way whoever is on its link and not in a tunnel.
    net.ip("r", "-6", "route", "add", "2001:db8:d::/64", "via", "2001:db8:f::1");
    net.succeeds("r", "ping -n -c 1 -W 1 2001:db8:d::d");
    assertThat(count("ha", "Icmp6OutRedirects")).isPositive();
  }
}
