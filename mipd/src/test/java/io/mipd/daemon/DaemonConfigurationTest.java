package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DaemonConfigurationTest {
  private static final Path SAMPLES = Path.of("src/main/dist/etc");

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void keysAsThePackagePutsThem() throws IOException {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.copy(SAMPLES.resolve("mobile-node-1.keys.sample"), keys);
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
  }

  @Test
  void theHomeAgentsSampleIsRead() throws Exception {
    var configuration = DaemonConfiguration.read(sample("home-agent.conf"));

    assertThat(configuration.stateDirectory()).isEqualTo(Path.of("/var/lib/mipd"));
    var agent = (DaemonConfiguration.HomeAgent) configuration.role();
    assertThat(agent.title()).isEqualTo("home-agent");
    assertThat(agent.address()).isEqualTo(Ipv6Address.parse("2001:db8:1::1"));
    assertThat(agent.lifetime()).isEqualTo(Duration.ofMinutes(7));
    assertThat(agent.advertisements().enabled()).isTrue();
    var protection = (ConfiguredKeys) agent.served().get(0).protection().orElseThrow();
    assertThat(protection.encryption()).isEqualTo(EncryptionAlgorithm.AES_CBC);
    assertThat(protection.associations(agent.served().get(0).homeAddress(), agent.address()))
        .hasSize(8)
        .filteredOn(association -> association.mode() == Mode.TRANSPORT)
        .hasSize(4);
  }

  @Test
  void theMobileNodesSampleIsReadAndItsKeysAgreeWithTheHomeAgents() throws Exception {
    var mobile =
        (DaemonConfiguration.MobileNode)
            DaemonConfiguration.read(sample("mobile-node.conf")).role();
    var agent =
        (DaemonConfiguration.HomeAgent) DaemonConfiguration.read(sample("home-agent.conf")).role();

    assertThat(mobile.careOfAddresses()).isEqualTo(DaemonConfiguration.CareOf.AUTO);
    assertThat(mobile.interfaces()).containsExactly(new DaemonConfiguration.Uplink("eth0", 10));
    assertThat(
            mobile
                .protection()
                .orElseThrow()
                .associations(mobile.homeAddress(), mobile.homeAgent().orElseThrow()))
        .isEqualTo(
            agent
                .served()
                .get(0)
                .protection()
                .orElseThrow()
                .associations(mobile.homeAddress(), agent.address()));
  }

  @Test
  void theCorrespondentsSampleIsRead() throws Exception {
    DaemonConfiguration configuration = DaemonConfiguration.read(sample("correspondent.conf"));
    assertThat(configuration.role()).isEqualTo(new DaemonConfiguration.CorrespondentNode());
    assertThat(configuration.correspondent())
        .as("what the sample says is what is so without it")
        .hasValue(CorrespondentSettings.DEFAULT);
  }

  @Test
  void routesAreOptimizedWhereTheConfigurationSaysSo() throws Exception {
    Path file = sample("mobile-node.conf");
    var plain = (DaemonConfiguration.MobileNode) DaemonConfiguration.read(file).role();
    assertThat(plain.optimization()).isEmpty();
    Files.writeString(
        file,
        Files.readString(file)
            .replace(
                "mobile-node {",
                """
                mobile-node {
                  route-optimization {
                    peers = [ { prefix = "2001:db8:c::/64", use = off } ]
                    maximum-peers = 7
                    lifetime = 60s
                  }
                """));
    var mobile = (DaemonConfiguration.MobileNode) DaemonConfiguration.read(file).role();
    assertThat(mobile.optimization())
        .hasValue(
            new DaemonConfiguration.Optimization(
                ImmutableList.of(
                    new DaemonConfiguration.PeerRule(Ipv6Prefix.parse("2001:db8:c::/64"), false)),
                7,
                Duration.ofMinutes(1)));
  }

  @Test
  void whatACorrespondentCannotBeIsNamed() throws IOException {
    refused(
        "correspondent.conf",
        "maximum-lifetime = 420s",
        "maximum-lifetime = 421s",
        "correspondent.maximum-lifetime: out of range: 421s; allowed: a time with its unit from 4s"
            + " to 420s");
    refused(
        "correspondent.conf",
        "enabled = on",
        "enabled = off",
        "correspondent: off, and this node is nothing else; allowed: enabled = on");
  }

  @Test
  void careOfAddressesAreSomebodysBusiness() throws IOException {
    refused(
        "mobile-node.conf",
        "care-of-addresses = auto",
        "care-of-addresses = dhcp",
        "mobile-node.care-of-addresses: unknown: \"dhcp\"; allowed: auto, mipd, kernel");
  }

  @Test
  void sourceAddressesAreOfTwoKinds() throws IOException {
    refused(
        "mobile-node.conf",
        "care-of-addresses = auto",
        "source-addresses = [ { prefix = \"2001:db8:d::/48\", use = any } ]",
        "mobile-node.source-addresses[0].use: unknown: \"any\"; allowed: home-address,"
            + " care-of-address");
    refused(
        "mobile-node.conf",
        "care-of-addresses = auto",
        "source-addresses = ["
            + "{ prefix = \"::/0\", use = care-of-address }".repeat(65).replace("}{", "}, {")
            + "]",
        "mobile-node.source-addresses: more than 64; allowed: at most 64");
  }

  @Test
  void anUnknownKeyIsNamedWithItsLineAndWhatIsAllowed() throws IOException {
    refused(
        "mobile-node.conf",
        "lifetime = 420s",
        "life-time = 420s",
        ":58: mobile-node.life-time: unknown key; allowed: care-of-addresses,");
  }

  @Test
  void aWorldThatThereIsNotIsNamed() throws IOException {
    refused(
        "mobile-node.conf",
        "world = auto",
        "world = moon",
        ":8: world: unknown: \"moon\"; allowed: auto, kernel, engine");
  }

  @Test
  void aKeyTwiceInAFileIsRefused() throws IOException {
    refused(
        "mobile-node.conf",
        "lifetime = 420s",
        "lifetime = 420s\n  lifetime = 60s",
        ":59: mobile-node.lifetime: given twice, first in line 58; allowed: each key once");
  }

  @Test
  void anObjectTwiceInAFileIsRefused() throws IOException {
    refused(
        "mobile-node.conf",
        "world = auto",
        "mobile-node { \"home-address\" : x }",
        "mobile-node: given twice, first in line 8");
  }

  @Test
  void valuesOutOfRangeOrWithoutUnitAreRefused() throws IOException {
    refused("mobile-node.conf", "lifetime = 420s", "lifetime = 2s", "lifetime: out of range: 2s");
    refused("mobile-node.conf", "lifetime = 420s", "lifetime = 420", "a time without unit: 420");
    refused(
        "mobile-node.conf",
        "replay-window = 128",
        "replay-window = 5000",
        "protection.replay-window: out of range: 5000; allowed: a whole number from 0 to 4096");
    refused(
        "mobile-node.conf",
        "home-agent = \"2001:db8:1::1\"",
        "home-agent = \"fe80::1\"",
        "unicast");
    refused("mobile-node.conf", "role = mobile-node", "role = router", "role: unknown: \"router\"");
    refused("mobile-node.conf", "home-prefix = \"2001:db8:1::/64\"", "", "home-prefix: missing");
    refused(
        "home-agent.conf",
        "lifetime = 30s ",
        "valid-lifetime = 1h, preferred-lifetime = 2h, lifetime = 30s ",
        "preferred-lifetime: out of range: 2h");
    refused(
        "home-agent.conf",
        "home-interface = eth1",
        "home-interface = eth1, home-link = none",
        "home-link: unknown: \"none\"; allowed: physical, virtual");
  }

  @Test
  void whatMayBeRegisteredAndHowPrefixesAreToldIsRead() throws Exception {
    Path file = sample("home-agent.conf");
    Files.writeString(
        file,
        Files.readString(file)
            .replace(
                "home-interface = eth1",
                """
                home-interface = eth1
                home-link = virtual
                prefix-advertisements { minimum-interval = 30s, maximum-interval = 1h }
                care-of-addresses = [
                  { prefix = "2001:db8:a::/64" }
                  { prefix = "::/0", allow = off }
                ]
                """));
    var agent = (DaemonConfiguration.HomeAgent) DaemonConfiguration.read(file).role();
    assertThat(agent.virtual()).isTrue();
    assertThat(agent.deliveryLeast()).isEqualTo(Duration.ofSeconds(30));
    assertThat(agent.deliveryLongest()).isEqualTo(Duration.ofHours(1));
    assertThat(agent.careOfAddresses())
        .containsExactly(
            new DaemonConfiguration.CareOfRule(Ipv6Prefix.parse("2001:db8:a::/64"), true),
            new DaemonConfiguration.CareOfRule(Ipv6Prefix.ANY, false));
  }

  @Test
  void aMobileNodeMayHaveToFindItsHomeAgent() throws Exception {
    Path file = sample("mobile-node.conf");
    Files.writeString(file, Files.readString(file).replace("home-agent = \"2001:db8:1::1\"", ""));
    DaemonConfiguration read = DaemonConfiguration.read(file);
    assertThat(((DaemonConfiguration.MobileNode) read.role()).homeAgent()).isEmpty();
    Ipv6Address found = Ipv6Address.parse("2001:db8:1::2");
    var known = (DaemonConfiguration.MobileNode) read.withHomeAgent(found).role();
    assertThat(known.homeAgent()).hasValue(found);
  }

  @Test
  void counterModesAreRefusedWithTheReason() throws IOException {
    refused(
        "mobile-node.conf",
        "encryption = aes-cbc",
        "encryption = aes-gcm",
        "protection.encryption: aes-gcm with configured keys: a restart would repeat its nonces"
            + " under the same key, which reveals plaintext and lets packets be forged (RFC 8221"
            + " section 3); allowed: aes-cbc, null");
  }

  /** RFC 8221 sections 5 and 6: what must not be used cannot be asked for. */
  @ParameterizedTest
  @CsvSource({
    "encryption = aes-cbc, encryption = des-cbc",
    "encryption = aes-cbc, encryption = des-iv64",
    "encryption = aes-cbc, encryption = blowfish",
    "integrity = hmac-sha2-256-128, integrity = hmac-md5-96",
    "integrity = hmac-sha2-256-128, integrity = des-mac",
    "integrity = hmac-sha2-256-128, integrity = none"
  })
  void whatMustNotBeUsedIsRefused(String sample, String instead) throws IOException {
    refused("mobile-node.conf", sample, instead, ": unknown: ");
  }

  @Test
  void keysThatOthersMayReadAreRefused() throws IOException {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-r-----"));

    Path file = sample("mobile-node.conf");
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("mobile-node-1.keys: others may read")
        .hasMessageContaining("mode 0600 or stricter");
  }

  @Test
  void aBadKeyIsNotRepeatedInTheMessage() throws IOException {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.writeString(keys, "0x1001 00aa SECRET\n");

    Path file = sample("mobile-node.conf");
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .hasMessageContaining("mobile-node-1.keys:1: ")
        .hasMessageNotContaining("SECRET");
  }

  @Test
  void aKeyOfTheWrongLengthOrAMissingOneIsRefused() throws IOException {
    refused(
        "mobile-node.conf",
        "integrity = hmac-sha2-256-128",
        "integrity = hmac-sha1-96",
        "the integrity key of SPI 0x00001001 has 32 octets; allowed: 20 octets");
    refused(
        "mobile-node.conf",
        "{ to-home-agent = 0x1005",
        "{ to-home-agent = 0x1009",
        "has no keys for SPI 0x00001009");
  }

  /** Who the peer is, and by which reqid associations are found, is one mobile node's each. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "b.example.org | 5002 | 5003 | remote-identity b.example.org or a reqid is used twice",
        "c.example.org | 5001 | 5003 | remote-identity c.example.org or a reqid is used twice",
        "c.example.org | 5003 | 5003 | signalling.reqid: a reqid is there twice",
        "c.example.org | 5003 | 5004 | "
      })
  void negotiatedKeysAreOfOneMobileNode(
      String identity, int signalling, int payload, @Nullable String refusal) throws IOException {
    secret();
    Path file = folder.resolve("negotiated.conf");
    Files.writeString(
        file,
        """
        role = home-agent, world = kernel
        home-agent {
          home-interface = eth1, address = "2001:db8:1::1", home-prefix = "2001:db8:1::/64"
          mobile-nodes = [
            { home-address = "2001:db8:1::100", protection = %s }
            { home-address = "2001:db8:1::200", protection = %s }
          ]
        }
        """
            .formatted(
                negotiated("b.example.org", 5001, 5002),
                negotiated(identity, signalling, payload)));
    if (refusal == null) {
      assertThatCode(() -> DaemonConfiguration.read(file)).doesNotThrowAnyException();
    } else {
      assertThatThrownBy(() -> DaemonConfiguration.read(file))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("home-agent.mobile-nodes[1].protection")
          .hasMessageContaining(refusal);
    }
  }

  /** charon's associations name no protocol: a user's template of their reqid would find them. */
  @Test
  void aUsersPolicyHasNoReqidOfNegotiatedAssociations() throws IOException {
    secret();
    Path file = folder.resolve("user.conf");
    Files.writeString(
        file,
        """
        role = home-agent, world = kernel
        home-agent {
          home-interface = eth1, address = "2001:db8:1::1", home-prefix = "2001:db8:1::/64"
          mobile-nodes = [ { home-address = "2001:db8:1::100", protection = %s } ]
        }
        user-ipsec { policies = [ { templates = [ { proto = esp, reqid = 5001 } ] } ] }
        """
            .formatted(negotiated("b.example.org", 5001, 5002)));
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(
            "user-ipsec.policies[0].templates[0].reqid: 5001 is one of mobility's own");
  }

  /** Tunnels of all home addresses have the same ends: by the reqid the kernel tells them apart. */
  @Test
  void aFurtherHomeAddressHasNoReqidOfNegotiatedAssociations() throws IOException {
    secret();
    String text = Files.readString(SAMPLES.resolve("mobile-node.conf"));
    int open = text.indexOf("\n  protection {") + 1;
    int close = text.indexOf("\n  }\n", open) + "\n  }\n".length();
    String configured = text.substring(open, close).strip();
    assertThat(configured).contains("to-home-agent = 0x1005");
    Path file = folder.resolve("further.conf");
    Files.writeString(
        file,
        text.substring(0, open)
            + "  protection = "
            + negotiated("b.example.org", 5001, 0x1005)
            + "\n  further-home-addresses = [ { home-address = \"2001:db8:1::200\", "
            + configured
            + " } ]\n"
            + text.substring(close));
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("mobile-node.further-home-addresses[0].protection: SPI 0x00001005")
        .hasMessageContaining("reqid 4101 is another home address's");
  }

  @ParameterizedTest
  @CsvSource({"auto, ENGINE", "engine, ENGINE", "kernel, KERNEL"})
  void multicastThroughTheTunnelIsOfTheWorldThatIsAskedFor(
      String asked, DaemonConfiguration.WorldChoice world) throws Exception {
    DaemonConfiguration configuration = DaemonConfiguration.read(multicast(asked, "ipsec = off"));
    assertThat(configuration.world()).isEqualTo(world);
    assertThat(configuration.policiesNameGroups())
        .isEqualTo(world == DaemonConfiguration.WorldChoice.KERNEL);
  }

  /** charon's traffic selectors have no link-local addresses. */
  @Test
  void multicastThroughTheTunnelIsNotForNegotiatedKeys() throws IOException {
    secret();
    Path file = multicast("kernel", "protection = " + negotiated("b.example.org", 5001, 5002));
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("home-agent.multicast: through the tunnel, and keying is ike");
  }

  @Test
  void multicastThroughTheTunnelIsNotByPfKey() throws IOException {
    Path file = multicast("kernel, kernel-interface = pf-key", "ipsec = off");
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("kernel-interface: pf-key, and multicast is through the tunnel");
  }

  private Path multicast(String world, String protection) throws IOException {
    return Files.writeString(
        folder.resolve("multicast.conf"),
        """
        role = home-agent, world = %s
        home-agent {
          home-interface = eth1, address = "2001:db8:1::1", home-prefix = "2001:db8:1::/64"
          multicast = tunnel
          mobile-nodes = [ { home-address = "2001:db8:1::100", %s } ]
        }
        """
            .formatted(world, protection));
  }

  private void secret() throws IOException {
    Path secret = Files.writeString(folder.resolve("ike.secret"), "for a test\n");
    Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
  }

  private static String negotiated(String identity, int signalling, int payload) {
    return """
        { keying = ike, local-identity = a.example.org, remote-identity = %s, secret = ike.secret,
          signalling { reqid = %d }, payload { reqid = %d } }"""
        .formatted(identity, signalling, payload);
  }

  @Test
  void oneSpiForTwoHomeAddressesIsRefused() throws IOException {
    String text = Files.readString(SAMPLES.resolve("home-agent.conf"));
    int open = text.indexOf("    {\n      home-address");
    int close = text.indexOf("  ]\n}");
    String second = text.substring(open, close).replace("1::100", "1::200");
    Path file = folder.resolve("two.conf");
    Files.writeString(file, text.substring(0, close) + second + text.substring(close));

    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .hasMessageContaining("home-agent.mobile-nodes[1].protection: SPI 0x00001001");
  }

  @Test
  void duplicatesAreSeenThroughHoconsOtherSpellings() throws Exception {
    Path file = Path.of("x.conf");
    DuplicateKeys.check(
        file,
        "{ a { b = 1 }, c = [ {d:1}, {d:2} ] # a = 2\n e = \"\"\"\n a = 3 \"\"\" \n"
            + "f = ${a} { g = 1 }\n h += 1\n h += 2\n include \"y\"\n include \"z\"\n }");
    assertThatThrownBy(() -> DuplicateKeys.check(file, "a {\n b = {\n c : 1\n \"c\" = 2 } }"))
        .hasMessageContaining("x.conf:4: a.b.c: given twice, first in line 3");
    assertThatThrownBy(() -> DuplicateKeys.check(file, "a=[1,2]\nb=\"a}\"\n\na {}"))
        .hasMessageContaining("x.conf:4: a: given twice, first in line 1");
  }

  /** A file of the folder that the process is in, named without one. */
  @Test
  void includesAreReadFromTheFolderOfTheFileThatHasThem() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Files.writeString(folder.resolve("extra.conf"), "include \"inner/more.conf\"\ntunnel-mtu=1400");
    Files.writeString(inner.resolve("more.conf"), "correspondent { include file(\"cn.conf\") }");
    Files.writeString(inner.resolve("cn.conf"), "maximum-bindings = 77");
    Path here = Path.of("").toAbsolutePath();
    Path file = here.relativize(Files.createTempFile(here, "bare", ".conf"));
    try {
      assertThat(file.getParent()).isNull();
      Files.writeString(
          file,
          "role = correspondent-node\ninclude \""
              + here.relativize(folder.toRealPath()).resolve("extra.conf")
              + "\"");
      var configuration = DaemonConfiguration.read(file);
      assertThat(configuration.tunnelMtu()).isEqualTo(1400);
      assertThat(configuration.correspondent().orElseThrow().maximumBindings()).isEqualTo(77);
    } finally {
      Files.delete(file);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "include \"gone.conf\"|gone.conf: there is no such file; allowed: a file by its whole name",
        "include \"gone\"|gone: there is no such file; allowed: a file by its whole name",
        "include file(\"gone.conf\")|gone.conf: there is no such file; allowed: a file",
        "include required(\"gone.conf\")|gone.conf: there is no such file; allowed: a file",
        "include \".\"|cannot be read: Is a directory; allowed: a file",
        "include \"http://gone.conf/\"|gone.conf: there is no such file; allowed: a file",
        "include url(\"http://gone.conf/\")|not a file; allowed: a file by its whole name",
        "include classpath(\"gone.conf\")|not a file; allowed: a file by its whole name",
      })
  void whatCannotBeIncludedIsRefused(String include, String wrong) throws IOException {
    Path extra = folder.resolve("extra.conf");
    Files.writeString(extra, "# include \"gone.conf\"\n\nuser-ipsec { " + include + "\n}\n");
    Path file = folder.resolve("main.conf");
    Files.writeString(file, "role = correspondent-node\ninclude \"extra.conf\"\n");
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(extra + ":3: include \"")
        .hasMessageContaining(wrong);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tunnel-mtu = few|tunnel-mtu: ",
        "colour = red|colour: unknown key",
        "tunnel-mtu = 1400, tunnel-mtu = 1500|tunnel-mtu: given twice, first in line 3",
        "tunnel-mtu = ]|",
        "tunnel-mtu = ${gone}|",
      })
  void whatIsWrongInAnIncludedFileIsToldWithThatFile(String line, @Nullable String wrong)
      throws IOException {
    Path extra = folder.resolve("extra.conf");
    Files.writeString(extra, "\n\n" + line + "\n");
    Path file = folder.resolve("main.conf");
    Files.writeString(file, "role = correspondent-node\ninclude \"extra.conf\"\n");
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(extra + ":3: " + (wrong == null ? "" : wrong));
  }

  @Test
  void filesThatIncludeEachOtherAreRefused() throws IOException {
    Path file = folder.resolve("main.conf");
    Files.writeString(file, "role = correspondent-node\ninclude \"main.conf\"\n");
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(
            file + ":2: include \"main.conf\": more than 16 files in one another");
  }

  private Path sample(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.copy(SAMPLES.resolve(name), file);
    return file;
  }

  private void refused(String sample, String from, String to, String message) throws IOException {
    String text = Files.readString(SAMPLES.resolve(sample));
    assertThat(text).contains(from);
    Path file = folder.resolve("changed.conf");
    Files.writeString(file, text.replace(from, to));
    assertThatThrownBy(() -> DaemonConfiguration.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }
}
