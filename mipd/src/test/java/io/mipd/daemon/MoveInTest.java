package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Configurations of the old daemon become ours, with a warning for each thing that is lost. */
class MoveInTest {
  private static final Path OLD = Path.of("src/test/resources/mip6d");
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");

  @TempDir private Path folder = Path.of("");

  /** What a command has printed, and how it ended. */
  record Said(int status, String out, String err) {}

  static Said mipd(List<String> words) {
    CommandLine line = Main.commandLine();
    var out = new StringWriter();
    var err = new StringWriter();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    int status = Main.run(line, words.toArray(new String[0]));
    return new Said(status, out.toString(), err.toString());
  }

  private Said takeOver(String name, String... options) {
    var words = new ArrayList<String>(List.of("import", OLD.resolve(name).toString()));
    words.addAll(List.of(options));
    words.addAll(List.of("--out", folder.toString()));
    return mipd(words);
  }

  private String associations() {
    return OLD.resolve("associations.sh").toString();
  }

  private DaemonConfiguration.Role read(String name) throws ConfigurationException {
    return DaemonConfiguration.read(folder.resolve(name)).role();
  }

  @Test
  void aHomeAgentWithItsAssociations() throws Exception {
    Said said = takeOver("ha.conf", "--associations", associations());

    assertThat(said.status()).as(said.err()).isZero();
    assertThat(said.out()).contains("wrote " + folder.resolve("home-agent.conf"));
    var agent = (DaemonConfiguration.HomeAgent) read("home-agent.conf");
    assertThat(agent.homeInterface()).isEqualTo("eth1");
    assertThat(agent.address()).isEqualTo(Ipv6Address.parse("2001:db8:1::1"));
    assertThat(agent.homePrefix()).isEqualTo(Ipv6Prefix.parse("2001:db8:1::/64"));
    assertThat(agent.lifetime()).isEqualTo(Duration.ofMinutes(7));
    assertThat(agent.advertisements().enabled()).isFalse();
    assertThat(agent.deliveryLeast()).isEqualTo(Duration.ofMinutes(1));
    assertThat(agent.served()).hasSize(1);
    var protection = (ConfiguredKeys) agent.served().get(0).protection().orElseThrow();
    assertThat(protection.integrity()).isEqualTo(IntegrityAlgorithm.HMAC_SHA2_256_128);
    assertThat(protection.signalling().toHomeAgent().value()).isEqualTo(0x2001);
    assertThat(protection.signalling().reqId().value()).isEqualTo(11);
    assertThat(protection.payload().orElseThrow().toMobileNode().value()).isEqualTo(0x2008);
    assertThat(DaemonConfiguration.read(folder.resolve("home-agent.conf")).correspondent())
        .isPresent();
    assertThat(said.err())
        .contains("ha.conf:3: DebugLevel:", "ha.conf:10: SendUnsolMobPfxAdvs:")
        .contains("request ids 11 and 12")
        .doesNotContain("00112233", "SPI 0x0000200");
    assertThat(Files.getPosixFilePermissions(folder.resolve("mobile-node-1.keys")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }

  /** Both ends, taken over apart from one another, have the same keys. */
  @Test
  void aMobileNodeThatFitsItsHomeAgent() throws Exception {
    assertThat(takeOver("ha.conf", "--associations", associations()).status()).isZero();
    Said said = takeOver("mn.conf", "--associations", associations());

    assertThat(said.status()).as(said.err()).isZero();
    var mobile = (DaemonConfiguration.MobileNode) read("mobile-node.conf");
    assertThat(mobile.homeAddress()).isEqualTo(HOME);
    assertThat(mobile.lifetime()).isEqualTo(Duration.ofMinutes(7));
    assertThat(mobile.interfaces()).containsExactly(new DaemonConfiguration.Uplink("eth0", 5));
    assertThat(mobile.optimization().orElseThrow().lifetime()).isEqualTo(Duration.ofMinutes(1));
    var agent = (DaemonConfiguration.HomeAgent) read("home-agent.conf");
    assertThat(mobile.protection().orElseThrow().associations(HOME, agent.address()))
        .isEqualTo(
            agent.served().get(0).protection().orElseThrow().associations(HOME, agent.address()));
    assertThat(said.err())
        .contains("mn.conf:9: MnMaxHaBindingLife: 420 s", "mn.conf:21: UseAltCoa:")
        .contains("Mh: taken as HomeRegBinding", "ICMP: taken as", "TunnelMh: taken as");
  }

  /** Releases of the old daemon differ in what it means not to say so. */
  @Test
  void aSetIsUsedUnlessItIsSwitchedOff() throws Exception {
    for (String said : List.of("", "UseMnHaIPsec disabled;")) {
      Path out = Files.createDirectories(folder.resolve("said" + said.length()));
      String text = Files.readString(OLD.resolve("mn.conf")).replace("UseMnHaIPsec enabled;", said);
      Path file = Files.writeString(out.resolve("old.conf"), text);

      assertThat(mipd(List.of("import", file.toString(), "--out", out.toString())).status())
          .isZero();

      var mobile =
          (DaemonConfiguration.MobileNode)
              DaemonConfiguration.read(out.resolve("mobile-node.conf")).role();
      assertThat(mobile.protection().isPresent()).isEqualTo(said.isEmpty());
    }
  }

  /** What has no equivalent is skipped with all its words, and takes nothing along. */
  @Test
  void parametersOfMoreWordsAndCommandsOnOneLine() throws Exception {
    String text =
        Files.readString(OLD.resolve("associations.sh"))
            .replace("replay-window 32", "limit packet-soft 10 mark 3 mask 7")
            .replace(" sel proto 135\nip xfrm", " sel proto 135; ip xfrm");
    Path script = Files.writeString(folder.resolve("sa.sh"), text);

    Said said = takeOver("ha.conf", "--associations", script.toString());

    assertThat(said.status()).as(said.err()).isZero();
    assertThat(said.err()).contains("sa.sh:4: limit:", "sa.sh:4: mark:", "sa.sh:4: mask:");
    var agent = (DaemonConfiguration.HomeAgent) read("home-agent.conf");
    assertThat(((ConfiguredKeys) agent.served().get(0).protection().orElseThrow()).encryption())
        .isEqualTo(EncryptionAlgorithm.AES_CBC);
  }

  @Test
  void withoutAScriptNewKeysAreMade() throws Exception {
    Said said = takeOver("mn.conf");

    assertThat(said.status()).as(said.err()).isZero();
    assertThat(said.err()).contains("no script of associations: new keys for 2001:db8:1::100");
    var mobile = (DaemonConfiguration.MobileNode) read("mobile-node.conf");
    assertThat(mobile.protection().orElseThrow().pairs()).hasSize(4);
    String first = Files.readString(folder.resolve("mobile-node.keys"));
    Files.delete(folder.resolve("mobile-node.keys"));
    Files.delete(folder.resolve("mobile-node.conf"));
    assertThat(takeOver("mn.conf").status()).isZero();
    assertThat(Files.readString(folder.resolve("mobile-node.keys"))).isNotEqualTo(first);
  }

  @Test
  void twoInterfacesAndADiscoveredHomeAgent() throws Exception {
    Said said = takeOver("mn-two-interfaces.conf");

    assertThat(said.status()).as(said.err()).isZero();
    var mobile = (DaemonConfiguration.MobileNode) read("mobile-node.conf");
    assertThat(mobile.homePrefix()).isEqualTo(Ipv6Prefix.parse("2001:db8:1::/48"));
    assertThat(mobile.homeAgent()).isEmpty();
    assertThat(mobile.protection()).isEmpty();
    assertThat(mobile.interfaces())
        .containsExactly(
            new DaemonConfiguration.Uplink("eth0", 9), new DaemonConfiguration.Uplink("wlan0", 5));
    assertThat(mobile.optimization().orElseThrow().peers())
        .containsExactly(
            new DaemonConfiguration.PeerRule(Ipv6Prefix.parse("2001:db8:c::c/128"), true),
            new DaemonConfiguration.PeerRule(Ipv6Prefix.parse("2001:db8:c::d/128"), false),
            new DaemonConfiguration.PeerRule(Ipv6Prefix.ANY, false));
    assertThat(said.err())
        .contains("interfaces.conf:2: MnIfPreference 0: eth1 is left out")
        .contains("IsMobRtr:", "HomeAddress: mipd serves no mobile networks")
        .contains("without protection, as before");
  }

  @Test
  void aHomeAgentWithAccessLists() throws Exception {
    Said said = takeOver("ha-plain.conf", "--address", "2001:db8:1::1");

    assertThat(said.status()).as(said.err()).isZero();
    var agent = (DaemonConfiguration.HomeAgent) read("home-agent.conf");
    assertThat(agent.homeInterface()).isEqualTo("lan0");
    assertThat(agent.served())
        .extracting(DaemonConfiguration.Served::homeAddress)
        .containsExactly(Ipv6Address.parse("2001:db8:1::8"));
    assertThat(said.err()).contains("DefaultBindingAclPolicy allow", "HaAcceptMobRtr");
  }

  @Test
  void aCorrespondent() throws Exception {
    Said said = takeOver("cn.conf");

    assertThat(said.status()).as(said.err()).isZero();
    assertThat(DaemonConfiguration.read(folder.resolve("correspondent.conf")).correspondent())
        .isPresent();
  }

  @Test
  void whatIsThereStays() throws IOException {
    Files.writeString(folder.resolve("mobile-node.keys"), "mine");

    Said said = takeOver("mn.conf");

    assertThat(said.status()).isEqualTo(Main.FAILURE);
    assertThat(said.err()).contains("is there already and stays as it is");
    assertThat(folder.resolve("mobile-node.conf")).doesNotExist();
    assertThat(folder.resolve("mobile-node.keys")).hasContent("mine");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "NodeConfig XY;                  | :1: NodeConfig: \"XY\"; allowed: HA, MN, CN",
        "NodeConfig MN                   | :1: NodeConfig: the file ends before its ;",
        "NodeConfig MN;                  | no MnHomeLink",
        "NodeConfig HA;                  | no Interface: which is the home link's?",
        "NodeConfig HA; Interface \"a\"; | give --address ADDRESS",
        "NodeConfig CN; Frobnicate 1;    | :1: Frobnicate: not in mip6d.conf(5)",
        "MnMaxHaBindingLife 262144;      | MnMaxHaBindingLife: 262144; allowed: up to 262140",
        "MnMaxHaBindingLife soon;        | \"soon\" where a number belongs",
        "UseMnHaIPsec perhaps;           | \"perhaps\" where enabled or disabled belongs",
        "UseMnHaIPsec enabled enabled;   | \"enabled\" where the end belongs",
        "Interface eth0;                 | \"eth0\" where a name in quotes belongs",
        "Interface \"eth0;               | the closing quote is missing",
        "Interface \"e\" { Speed 3; }    | :1: Speed: unknown in Interface",
        "MnHomeLink \"e\" { UseAltCoa true; } | MnHomeLink: no HomeAddress",
        "MnHomeLink \"e\" {              | the file ends within braces",
        "MnHomeLink \"e\" { HomeAddress 2001:db8::1; } | a / and the length of a prefix belongs",
        "MnHomeLink \"e\" { HomeAddress 2001:db8::1/129; } | \"129\" where a length up to 128",
        "IPsecPolicySet { IPsecPolicy Mh UseESP; } | HomeAgentAddress and HomeAddress belong before",
        "BindingAclPolicy 2001:db8::1 x; | allowed: allow, deny, or a status",
      })
  void mistakesAreNamedWithTheirPlace(String text, String complaint) throws IOException {
    Path file = Files.writeString(folder.resolve("old.conf"), text + "\n");

    Said said = mipd(List.of("import", file.toString(), "--out", folder.toString()));

    assertThat(said.status()).isEqualTo(Main.BAD_CONFIGURATION);
    assertThat(said.err()).contains(complaint.strip()).contains("old.conf");
    assertThat(folder.resolve("mobile-node.conf")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "UseESP 11 12 | UseAH 11 12 | IPsecPolicy HomeRegBinding: UseAH; allowed: UseESP",
        "HomeRegBinding UseESP 11 12 | HomeRegBinding UseESP 99 98 | with request id 99 is in none",
        "HomeRegBinding UseESP 11 12 | any UseESP | no IPsecPolicy HomeRegBinding",
      })
  void lessProtectionIsRefused(String before, String after, String complaint) throws IOException {
    String text = Files.readString(OLD.resolve("ha.conf")).replace(before.strip(), after.strip());
    Path file = Files.writeString(folder.resolve("old.conf"), text);

    Said said =
        mipd(
            List.of(
                "import",
                file.toString(),
                "--associations",
                associations(),
                "--out",
                folder.toString()));

    assertThat(said.status()).as(said.err()).isEqualTo(Main.BAD_CONFIGURATION);
    assertThat(said.err()).contains(complaint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "cbc(aes)        | cbc(des3_ede)  | enc cbc(des3_ede): mipd does not take it",
        "spi 0x2001      | spi 17         | spi 17; allowed: 0x100",
        "proto esp       | proto ah       | proto ah; allowed: esp",
        "ccddee01        | ccddee         | enc: a key of 15 octets",
        "c1d1e01 128     | c1d1e01 96     | auth-trunc 96; allowed: 128",
        "mode transport  | mode beet      | mode beet; allowed: transport, tunnel",
        "src 2001:db8:1::100 | src mn     | src mn; allowed: an IPv6 address",
        "enc 'cbc(aes)'  | offload        | the word after \"replay-window\" is no parameter",
        "enc 'cbc(aes)' 0x00112233445566778899aabbccddee01 | mark 7 | no enc; allowed: cbc(aes)",
      })
  void mistakesInAScriptAreNamedAndNoKeyIs(String before, String after, String complaint)
      throws IOException {
    String text =
        Files.readString(OLD.resolve("associations.sh")).replace(before.strip(), after.strip());
    Path script = Files.writeString(folder.resolve("sa.sh"), text);

    Said said = takeOver("ha.conf", "--associations", script.toString());

    assertThat(said.status()).as(said.err()).isEqualTo(Main.BAD_CONFIGURATION);
    assertThat(said.err()).contains("sa.sh:4: " + complaint).doesNotContain("00112233");
  }

  @Test
  void keysOfBothEnds() throws Exception {
    Path file = folder.resolve("new.keys");

    Said said =
        mipd(List.of("keygen", file.toString(), "--first-spi", "0x3001", "--key-bits", "256"));

    assertThat(said.status()).as(said.err()).isZero();
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    KeyFile keys = KeyFile.read(file);
    assertThat(keys.keys()).hasSize(8);
    assertThat(keys.keys().values())
        .allSatisfy(one -> assertThat(one.encryption().length()).isEqualTo(32));
    assertThat(keys.keys().values().stream().map(KeyFile.Keys::encryption).distinct()).hasSize(8);
    // What is printed is what a configuration takes.
    String sample = TestNet.sample("home-agent.conf");
    int from = sample.indexOf("protection {");
    int to = sample.indexOf("\n      }", from) + "\n      }".length();
    Files.writeString(
        folder.resolve("ha.conf"), sample.substring(0, from) + said.out() + sample.substring(to));
    var agent = (DaemonConfiguration.HomeAgent) read("ha.conf");
    assertThat(agent.served().get(0).protection().orElseThrow().pairs()).hasSize(4);
    for (String line : Splitter.on('\n').split(Files.readString(file))) {
      for (String word : Splitter.on(' ').split(line)) {
        assertThat(word.length() < 32 || !said.out().contains(word)).isTrue();
      }
    }
    assertThat(mipd(ImmutableList.of("keygen", file.toString())).status()).isEqualTo(Main.FAILURE);
  }

  @ParameterizedTest
  @CsvSource({"--first-spi,0x10", "--key-bits,100", "--integrity,md5", "--encryption,des"})
  void keygenNamesWhatItDoesNotTake(String option, String value) {
    Said said = mipd(List.of("keygen", folder.resolve("no.keys").toString(), option, value));

    assertThat(said.status()).isEqualTo(2);
    assertThat(said.err()).contains(option + ": \"" + value + "\"; allowed: ");
    assertThat(folder.resolve("no.keys")).doesNotExist();
  }
}
