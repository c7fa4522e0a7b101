package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import io.mipd.control.ControlRequest;
import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The home link is given another prefix while the mobile node is away (RFC 6275 section 10.6). */
@Tag("root")
@Tag("kernel")
class RenumberingTest {
  private static final String OLD = TestNet.HOME_ADDRESS;

  /** Of the new prefix, with the interface identifier of the old one. */
  private static final String NEW = "2001:db8:9::100";

  private static final String PROTECTION =
      """
      protection {
        keys = new.keys
        signalling { to-home-agent = 0x2001, to-mobile-node = 0x2002 }
        prefix-discovery { to-home-agent = 0x2007, to-mobile-node = 0x2008 }
        payload { to-home-agent = 0x2005, to-mobile-node = 0x2006 }
      }
      """;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    String keys = TestNet.sampleKeys().replace("0x100", "0x200").replace("0f0e", "2f2e");
    net.keys("ha", "new.keys", keys);
    net.keys("mn", "new.keys", keys);
    net.ip("ha", "addr", "add", "2001:db8:9::1/64", "dev", "eth1", "nodad");
    net.ip("r", "route", "add", "2001:db8:9::/64", "via", "2001:db8:f::1");
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  /**
   * @param old lifetimes of the prefix that is there, as they are written
   * @param coming likewise, of the one that is to come
   */
  private Path agent(String old, String coming) throws IOException {
    return net.configuration(
        "ha",
        "home-agent.conf",
        "maximum-lifetime = 420s",
        "maximum-lifetime = 20s",
        "    interval = 3s ",
        "    interval = 1s, " + old,
        "  mobile-nodes = [",
        "  prefix-advertisements { minimum-interval = 1s, maximum-interval = 2s }\n"
            + "  further-home-prefixes = [ { prefix = \"2001:db8:9::/64\", "
            + coming
            + " } ]\n  mobile-nodes = [ { home-address = \""
            + NEW
            + "\"\n"
            + PROTECTION
            + "}\n");
  }

  private Path mobile() throws IOException {
    return net.configuration(
        "mn",
        "mobile-node.conf",
        "mobile-node {",
        "mobile-node {\n  further-home-addresses = [\n"
            + "  { when = advertised, home-prefix = \"2001:db8:9::/64\"\n"
            + PROTECTION
            + "} ]\n");
  }

  private void reload(Mipd agent, String old, String coming) throws Exception {
    agent(old, coming);
    Config told = net.ask(agent, ControlRequest.of("reload"));
    assertThat(told.getBoolean("needs-restart")).isFalse();
    assertThat(told.getConfigList("changes"))
        .isNotEmpty()
        .allMatch(it -> it.getString("effect").equals("applied"));
  }

  /** Home addresses that are bound at a link. */
  private List<String> bound(Mipd agent, String link) throws Exception {
    return net.status(agent).getConfigList("bindings").stream()
        .filter(it -> it.getString("care-of-address").startsWith("2001:db8:" + link + ":"))
        .map(it -> it.getString("home-address"))
        .sorted()
        .toList();
  }

  private void awaitBound(Mipd agent, String link, String... homes) throws Exception {
    net.until(
        List.of(homes) + " at " + link,
        TestNet.LONG,
        () -> bound(agent, link).equals(List.of(homes)));
  }

  private boolean isReached(String home) throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + home);
  }

  /** The address that a program takes which has bound none. */
  private boolean isTaken(String home) throws Exception {
    return net.ip("mn", "-6", "route", "get", "2001:db8:c::c").contains("src " + home + " ");
  }

  @Test
  void aNewHomeAddressComesAndTheOldOneGoes() throws Exception {
    net.plug("a");
    Mipd agent = net.startMipd("ha", agent("", "valid-lifetime = 0s"));
    Mipd mobile = net.startMipd("mn", mobile());
    awaitBound(agent, "a", OLD);
    net.until("reached at the old address", TestNet.LONG, () -> isReached(OLD));
    assertThat(isTaken(OLD)).isTrue();
    Config waiting = net.status(mobile).getConfigList("further-registrations").get(0);
    assertThat(waiting.getString("home-address")).isEqualTo(NEW);
    assertThat(waiting.getBoolean("valid")).isFalse();

    reload(agent, "preferred-lifetime = 0s,", "valid-lifetime = 1h");
    awaitBound(agent, "a", OLD, NEW);
    net.until("reached at the new address", TestNet.LONG, () -> isReached(NEW));
    assertThat(isReached(OLD)).isTrue();
    net.until("the new one is taken", TestNet.LONG, () -> isTaken(NEW));
    net.plug("b");
    awaitBound(agent, "b", OLD, NEW);
    net.until("both reached at b", TestNet.LONG, () -> isReached(OLD) && isReached(NEW));

    reload(agent, "valid-lifetime = 0s,", "valid-lifetime = 1h");
    net.until(
        "the old one is not in use",
        TestNet.LONG,
        () -> !net.status(mobile).getBoolean("registration.valid"));
    // First correspondents and home agent are told.
    net.until(
        "the old one is nowhere",
        TestNet.LONG,
        () -> net.status(mobile).getString("places.\"" + OLD + "\"").equals("nowhere"));
    awaitBound(agent, "b", NEW);
    assertThat(isReached(OLD)).isFalse();
    assertThat(isReached(NEW)).isTrue();

    // What has been told is known also after a restart.
    assertThat(net.stop(mobile)).isZero();
    Mipd again = net.startMipd("mn", net.folder().resolve("mn/mipd.conf"));
    net.plug("a");
    awaitBound(agent, "a", NEW);
    net.until("reached after a restart", TestNet.LONG, () -> isReached(NEW));
    net.until("the new one is taken again", TestNet.LONG, () -> isTaken(NEW));

    net.plug("h");
    net.until(
        "the new one is at home",
        TestNet.LONG,
        () -> net.status(agent).getConfigList("bindings").isEmpty() && isReached(NEW));
    assertThat(net.stop(again)).isZero();
    assertThat(net.stop(agent)).isZero();
  }
}
