package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.base.Splitter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each kind of mistake: what is said of it names the file, the line, the key and the remedy. */
class ConfigurationMistakesTest {
  private static final Path SAMPLES = Path.of("src/main/dist/etc");
  private static final String MN = "mobile-node.conf";
  private static final String HA = "home-agent.conf";
  private static final String CN = "correspondent.conf";

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void keysAsThePackagePutsThem() throws IOException {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.copy(SAMPLES.resolve("mobile-node-1.keys.sample"), keys);
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
    Files.writeString(folder.resolve("open.keys"), "# everybody's\n");
    Files.setPosixFilePermissions(
        folder.resolve("open.keys"), PosixFilePermissions.fromString("rw-r--r--"));
    Files.writeString(folder.resolve("bad.keys"), "# one\n0x1001 00aa\n");
    Files.setPosixFilePermissions(
        folder.resolve("bad.keys"), PosixFilePermissions.fromString("rw-------"));
  }

  /**
   * @param key the whole path of the key
   * @param wrong what is said of it
   * @param remedy what is allowed, or its beginning
   */
  private static Arguments row(
      String sample, String from, String to, String key, String wrong, String remedy) {
    return Arguments.of(sample, from, to, key, wrong, remedy);
  }

  /** A user's own IPsec, behind all else. */
  private static Arguments user(String sections, String key, String wrong, String remedy) {
    return row(
        MN,
        "role = mobile-node",
        "role = mobile-node\nuser-ipsec { " + sections + " }",
        "user-ipsec." + key,
        wrong,
        remedy);
  }

  private static Arguments further(String one, String key, String wrong, String remedy) {
    return row(
        MN,
        "mobile-node {",
        "mobile-node {\n  further-home-addresses = [" + one + "]\n",
        "mobile-node.further-home-addresses" + key,
        wrong,
        remedy);
  }

  private static Arguments http(String sections, String key, String wrong, String remedy) {
    return row(
        MN,
        "role = mobile-node",
        "role = mobile-node\nhttp { " + sections + " }",
        "http." + key,
        wrong,
        remedy);
  }

  private static String policy(String words) {
    return "policies = [ { src = \"2001:db8:1::100\", dst = \"2001:db8:c::2\", " + words + " } ]";
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        // The file as a whole.
        row(
            MN,
            "role = mobile-node",
            "rolle = mobile-node",
            "role",
            "missing",
            "home-agent, mobile-node"),
        row(
            MN,
            "role = mobile-node",
            "role = router",
            "role",
            "unknown: \"router\"",
            "home-agent, mobile-node"),
        row(
            MN,
            "role = mobile-node",
            "role = home-agent",
            "home-agent",
            "missing",
            "an object in braces"),
        row(
            MN,
            "world = auto",
            "world = moon",
            "world",
            "unknown: \"moon\"",
            "auto, kernel, engine"),
        row(
            MN,
            "world = auto",
            "word = auto",
            "word",
            "unknown key",
            "charon-socket, control-group, control-socket, "),
        row(
            MN,
            "world = auto",
            "world = [auto]",
            "world",
            "not a single value",
            "auto, kernel, engine"),
        row(
            MN,
            "# kernel-interface = netlink",
            "kernel-interface = pfkey",
            "kernel-interface",
            "unknown: \"pfkey\"",
            "netlink, pf-key"),
        row(
            MN,
            "world = auto",
            "world = engine\nkernel-interface = pf-key",
            "kernel-interface",
            "pf-key, and world is engine",
            "netlink, or world = kernel"),
        row(
            MN,
            "world = auto",
            "world = auto\nworld = engine",
            "world",
            "given twice, first in line 8",
            "each key once"),
        row(
            MN,
            "control-socket = /run/mipd/control.sock",
            "control-group = nobody-has-it",
            "control-group",
            "there is no group \"nobody-has-it\"",
            "the name of a group of this system"),
        further(
            "{ home-address = \"2001:db8:1::100\", ipsec = off }",
            "[0].home-address",
            "2001:db8:1::100 is there already",
            "each home address once"),
        further(
            "{ home-address = \"2001:db8:2::100\", ipsec = off }",
            "[0].home-prefix",
            "missing",
            "an IPv6 prefix in quotes"),
        further(
            "{ home-address = \"2001:db8:1::101\", protection { keys = mobile-node-1.keys, "
                + "signalling { to-home-agent = 0x1008, to-mobile-node = 0x1002 } } }",
            "[0].protection",
            "SPI 0x00001008 or 0x00001002 or reqid 4104 is another home address's, too",
            "every SPI and every reqid once"),
        further(
            "{ when = sometimes, home-prefix = \"2001:db8:9::/64\", ipsec = off }",
            "[0].when",
            "unknown: \"sometimes\"",
            "always, advertised"),
        further(
            "{ when = advertised, ipsec = off }",
            "[0].home-prefix",
            "missing",
            "an IPv6 prefix in quotes"),
        row(
            HA,
            "home-interface = eth1",
            "home-interface = eth1, further-home-prefixes = [ { prefix = \"2001:db8:1::/48\" } ]",
            "home-agent.further-home-prefixes[0].prefix",
            "2001:db8:1::/48 overlaps another home prefix",
            "each home prefix once"),
        row(
            HA,
            "home-interface = eth1",
            "home-interface = eth1, further-home-prefixes = [ { prefix = \"2001:db8:9::/64\","
                + " valid-lifetime = 10s, preferred-lifetime = 11s } ]",
            "home-agent.further-home-prefixes[0].preferred-lifetime",
            "out of range: 11s",
            "a time with its unit from 0s to 10s"),
        http("port = 8480", "token", "missing", "the path of a file"),
        http("token = nowhere.token", "token", "cannot read ", "a file with a token, mode 0600"),
        http("token = open.keys", "token", "", "mode 0600 or stricter"),
        http("token = bad.keys", "token", "no token in ", "32 to 256 letters"),
        http("port = 0", "port", "out of range: 0", "a whole number from 1 to 65535"),
        http("address = ha.example.org", "address", "not an IP address: ", "an IP address of this"),
        http("names = [\"http://x\"]", "names", "not a host name: ", "a list of host names"),
        http("tocken = x", "token", "missing", "the path of a file"),
        http("enabled = off, tocken = x", "tocken", "unknown key", "address, changes, enabled, "),
        row(
            MN,
            "tunnel-device = mipd0",
            "tunnel-device = \"mipd zero\"",
            "tunnel-device",
            "not an interface name: \"mipd zero\"",
            "the name of a network interface"),
        row(
            MN,
            "tunnel-mtu = 1400",
            "tunnel-mtu = 1279",
            "tunnel-mtu",
            "out of range: 1279",
            "a whole number from 1280 to 65535"),
        row(
            MN,
            "tunnel-mtu = 1400",
            "tunnel-mtu = much",
            "tunnel-mtu",
            "not a whole number: \"much\"",
            "a whole number from 1280 to 65535"),
        // The mobile node.
        row(
            MN,
            "home-address = \"2001:db8:1::100\"",
            "home-address = \"2001:db8:1::10g\"",
            "mobile-node.home-address",
            "not an IPv6 address: \"2001:db8:1::10g\"",
            "a global unicast IPv6 address"),
        row(
            MN,
            "home-address = \"2001:db8:1::100\"",
            "home-address = \"192.0.2.1\"",
            "mobile-node.home-address",
            "not an IPv6 address: \"192.0.2.1\"",
            "a global unicast IPv6 address"),
        row(
            MN,
            "home-address = \"2001:db8:1::100\"",
            "home-address = \"2001:db8:2::100\"",
            "mobile-node.home-prefix",
            "home-address 2001:db8:2::100 is not in it",
            "the prefix of the home link"),
        row(
            MN,
            "home-prefix = \"2001:db8:1::/64\"",
            "home-prefix = \"2001:db8:1::1/64\"",
            "mobile-node.home-prefix",
            "not an IPv6 prefix: \"2001:db8:1::1/64\"",
            "an IPv6 prefix in quotes"),
        row(
            MN,
            "home-prefix = \"2001:db8:1::/64\"",
            "",
            "mobile-node.home-prefix",
            "missing",
            "an IPv6 prefix in quotes"),
        row(
            MN,
            "home-agent = \"2001:db8:1::1\"",
            "home-agent = \"fe80::1\"",
            "mobile-node.home-agent",
            "not a global unicast address: \"fe80::1\"",
            "a global unicast IPv6 address"),
        row(
            MN,
            "home-agent = \"2001:db8:1::1\"",
            "home-agent = \"2001:db8:1::100\"",
            "mobile-node.home-agent",
            "the same as home-address",
            "the home agent's own address"),
        row(
            MN,
            "lifetime = 420s",
            "lifetime = 420",
            "mobile-node.lifetime",
            "a time without unit: 420",
            "a time with its unit from 4s"),
        row(
            MN,
            "lifetime = 420s",
            "lifetime = soon",
            "mobile-node.lifetime",
            "not a time: \"soon\"",
            "a time with its unit from 4s"),
        row(
            MN,
            "lifetime = 420s",
            "lifetime = 3s",
            "mobile-node.lifetime",
            "out of range: 3s",
            "a time with its unit from 4s"),
        row(
            MN,
            "{ name = eth0, preference = 10 }",
            "",
            "mobile-node.interfaces",
            "not a list of objects",
            "a list in brackets"),
        row(
            MN,
            "{ name = eth0, preference = 10 }",
            "eth0",
            "mobile-node.interfaces",
            "not an object",
            "an object in braces"),
        row(
            MN,
            "{ name = eth0, preference = 10 }",
            "{ name = eth0 }, { name = eth0 }",
            "mobile-node.interfaces[1].name",
            "eth0 is there twice",
            "each interface once"),
        row(
            MN,
            "preference = 10 }",
            "preference = 10, speed = 3 }",
            "mobile-node.interfaces[0].speed",
            "unknown key",
            "name, preference"),
        row(
            MN,
            "care-of-addresses = auto",
            "care-of-addresses = dhcp",
            "mobile-node.care-of-addresses",
            "unknown: \"dhcp\"",
            "auto, mipd, kernel"),
        row(
            MN,
            "ipsec = on",
            "ipsec = maybe",
            "mobile-node.ipsec",
            "neither true nor false",
            "true, false, on, off"),
        row(
            MN,
            "ipsec = on",
            "ipsec = off",
            "mobile-node.protection",
            "given although ipsec is off",
            "ipsec on, or no protection"),
        // Protection.
        row(
            MN,
            "keys = mobile-node-1.keys",
            "keys = none.keys",
            "mobile-node.protection.keys",
            "there is no such file",
            "a file of keys, mode 0600"),
        row(
            MN,
            "keys = mobile-node-1.keys",
            "keys = open.keys",
            "mobile-node.protection.keys",
            "others may read or change these keys",
            "mode 0600 or stricter"),
        row(
            MN,
            "keys = mobile-node-1.keys",
            "keys = bad.keys",
            "mobile-node.protection.keys",
            "bad.keys:2: not three words",
            "lines of SPI"),
        row(
            MN,
            "encryption = aes-cbc",
            "encryption = aes-gcm",
            "mobile-node.protection.encryption",
            "aes-gcm with configured keys",
            "aes-cbc, null"),
        row(
            MN,
            "integrity = hmac-sha2-256-128",
            "integrity = md5",
            "mobile-node.protection.integrity",
            "unknown: \"md5\"",
            "hmac-"),
        row(
            MN,
            "replay-window = 128",
            "replay-window = 9999",
            "mobile-node.protection.replay-window",
            "out of range: 9999",
            "a whole number from 0 to 4096"),
        row(
            MN,
            "{ to-home-agent = 0x1001",
            "{ to-home-agent = 0x10",
            "mobile-node.protection.signalling.to-home-agent",
            "not an SPI: \"0x10\"",
            "a number from 256"),
        row(
            MN,
            "{ to-home-agent = 0x1005",
            "{ to-home-agent = 0x1009",
            "mobile-node.protection.keys",
            "has no keys for SPI 0x00001009",
            "a line for every SPI used here"),
        row(
            MN,
            "integrity = hmac-sha2-256-128",
            "integrity = hmac-sha1-96",
            "mobile-node.protection.keys",
            "the integrity key of SPI 0x00001001 has 32 octets",
            "20 octets"),
        // The home agent and the correspondent.
        row(
            HA,
            "home-interface = eth1",
            "home-interface = eth1, home-link = none",
            "home-agent.home-link",
            "unknown: \"none\"",
            "physical, virtual"),
        row(
            HA,
            "preference = 0 ",
            "preference = 40000 ",
            "home-agent.router-advertisements.preference",
            "out of range: 40000",
            "a whole number from -32768"),
        row(
            HA,
            "home-address = \"2001:db8:1::100\"",
            "home-address = \"2001:db8:1::1\"",
            "home-agent.mobile-nodes[0].home-address",
            "2001:db8:1::1 is not a home address here",
            "an address of 2001:db8:1::/64"),
        row(
            HA,
            "home-interface = eth1",
            "home-interface = eth1, care-of-addresses = [ { allow = off } ]",
            "home-agent.care-of-addresses[0].prefix",
            "missing",
            "an IPv6 prefix in quotes"),
        row(
            CN,
            "maximum-lifetime = 420s",
            "maximum-lifetime = 421s",
            "correspondent.maximum-lifetime",
            "out of range: 421s",
            "a time with its unit from 4s to 420s"),
        row(
            CN,
            "enabled = on",
            "enabled = off",
            "correspondent",
            "off, and this node is nothing else",
            "enabled = on"),
        // The user's own IPsec.
        user(policy("dir = up"), "policies[0].dir", "unknown: \"up\"", "both, out, in, fwd"),
        user(
            policy("dport = 443"), "policies[0].dport", "given without a protocol that has it", ""),
        user(
            policy("action = block, templates = [ { proto = esp, reqid = 7 } ]"),
            "policies[0].templates",
            "given although action is block",
            "no templates"),
        user(
            "keys = mobile-node-1.keys",
            "keys",
            "given without associations",
            "associations, or no keys"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void isNamedWithFileLineKeyAndRemedy(
      String sample, String from, String to, String key, String wrong, String remedy)
      throws IOException {
    String text = Files.readString(SAMPLES.resolve(sample));
    assertThat(text).contains(from);
    int at = text.indexOf(from);
    Path file = folder.resolve("changed.conf");
    Files.writeString(file, text.substring(0, at) + to + text.substring(at + from.length()));

    ConfigurationException said =
        catchThrowableOfType(ConfigurationException.class, () -> DaemonConfiguration.read(file));
    assertThat(said).as("accepted").isNotNull();
    assertThat(said)
        .hasMessageMatching(Pattern.quote(file.toString()) + ":[1-9][0-9]*: .+; allowed: .+");
    List<String> parts = Splitter.on(": ").limit(3).splitToList("" + said.getMessage());
    int line = Integer.parseInt(parts.get(0).substring(file.toString().length() + 1));
    assertThat(parts.get(1)).isEqualTo(key);
    assertThat(parts.get(2)).contains(wrong).contains("; allowed: " + remedy);
    assertThat(Files.readAllLines(file).get(line - 1))
        .as("line %s", line)
        .satisfiesAnyOf(
            it ->
                assertThat(it)
                    .contains(key.substring(key.lastIndexOf('.') + 1).replaceFirst("\\[.*", "")),
            it -> assertThat("" + said.getMessage()).contains(": missing; "),
            it -> assertThat(it).contains(to));
  }

  /** What is no HOCON has no keys yet. */
  @Test
  void whatIsNoHoconIsNamedWithItsLine() throws IOException {
    Path file = folder.resolve("broken.conf");
    Files.writeString(file, "role = mobile-node\nmobile-node {\n  lifetime = 420s\n");
    ConfigurationException said =
        catchThrowableOfType(ConfigurationException.class, () -> DaemonConfiguration.read(file));
    assertThat(said)
        .hasMessageStartingWith(file + ":4: expecting a close")
        .hasMessageContaining("; allowed: HOCON: each brace and bracket closed");
  }
}
