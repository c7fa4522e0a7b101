package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.merger.source.PolicyWords;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UserIpsecTest {
  private static final Path SAMPLES = Path.of("src/main/dist/etc");

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void keys() throws IOException {
    keys("mobile-node-1.keys", Files.readString(SAMPLES.resolve("mobile-node-1.keys.sample")));
    String key = "0f".repeat(16) + " " + "1f".repeat(32) + "\n";
    keys("user.keys", "0x3001 " + key + "0x3002 " + key + "0x1001 " + key);
  }

  private void keys(String name, String lines) throws IOException {
    Path file = Files.writeString(folder.resolve(name), lines);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }

  /** The sample's own section, without the signs that make it a comment. */
  private static String uncommented(String sample) throws IOException {
    String text = Files.readString(SAMPLES.resolve(sample));
    int at = text.indexOf("# user-ipsec {");
    String close = "\n# }\n";
    int end = text.indexOf(close, at) + close.length();
    return text.substring(0, at)
        + text.substring(at, end)
            .lines()
            .map(line -> line.replaceFirst("^# ?", ""))
            .collect(Collectors.joining("\n", "", "\n"))
        + text.substring(end);
  }

  private UserIpsec read(String text) throws Exception {
    return DaemonConfiguration.read(Files.writeString(folder.resolve("mipd.conf"), text))
        .userIpsec();
  }

  private UserIpsec policies(String policies) throws Exception {
    return read(
        Files.readString(SAMPLES.resolve("mobile-node.conf"))
            + "user-ipsec { policies = ["
            + policies
            + "] }");
  }

  @Test
  void theMobileNodesSampleMeansATunnelInAllDirections() throws Exception {
    UserIpsec user = read(uncommented("mobile-node.conf"));

    assertThat(user.policies())
        .containsExactly(
            PolicyWords.parse(
                "src 2001:db8:1::100 dst 2001:db8:c::2 dir out priority 100 tmpl src"
                    + " 2001:db8:1::100 dst 2001:db8:c::2 proto esp reqid 100 mode tunnel"),
            PolicyWords.parse(
                "src 2001:db8:c::2 dst 2001:db8:1::100 dir in priority 100 tmpl src"
                    + " 2001:db8:c::2 dst 2001:db8:1::100 proto esp reqid 100 mode tunnel"),
            PolicyWords.parse(
                "src 2001:db8:c::2 dst 2001:db8:1::100 dir fwd priority 100 tmpl src"
                    + " 2001:db8:c::2 dst 2001:db8:1::100 proto esp reqid 100 mode tunnel"));
    assertThat(user.associations())
        .extracting(one -> one.id().toString())
        .containsExactly(
            "dst 2001:db8:c::2 proto esp spi 0x00003001",
            "dst 2001:db8:1::100 proto esp spi 0x00003002");
    SecurityAssociation first = user.associations().get(0);
    assertThat(first.mode()).isEqualTo(Mode.TUNNEL);
    assertThat(first.encryption()).isEqualTo(EncryptionAlgorithm.AES_CBC);
    assertThat(first.replayWindow()).isEqualTo(128);
  }

  @Test
  void theHomeAgentsSampleIsRead() throws Exception {
    UserIpsec user = read(uncommented("home-agent.conf"));
    assertThat(user.policies())
        .extracting(Policy::toString)
        .hasSize(3)
        .anyMatch(
            it -> it.endsWith("dir in priority 100 tmpl [proto esp reqid 100 mode transport]"));
    assertThat(user.policies().get(1).selector().toString())
        .as("the ports are mirrored, too")
        .isEqualTo("src 2001:db8:c::2/128 dst 2001:db8:1::1/128 proto tcp sport 179");
    assertThat(user.associations()).hasSize(2);
  }

  @Test
  void everyPartOfASelectorIsRead() throws Exception {
    assertThat(
            policies(
                    """
                    { src = "2001:db8:1::/64", proto = icmpv6, type = 128, code = 0, dir = in, action = block },
                    { proto = mh, type = 5, dir = fwd, priority = 7 },
                    { dst = "2001:db8:c::2", proto = udp, sport = "1024/0xff00", mark = "0x1/0xff", if_id = 3, dir = out,
                      templates = [ { proto = comp, reqid = 1, level = use }, { proto = ah, reqid = 2, spi = 0x999 } ] },
                    { proto = 99, mark = 6, dir = out }
                    """)
                .policies())
        .containsExactly(
            PolicyWords.parse(
                "src 2001:db8:1::/64 proto ipv6-icmp type 128 code 0 dir in action block"),
            PolicyWords.parse("proto mobility-header type 5 dir fwd priority 7"),
            PolicyWords.parse(
                "dst 2001:db8:c::2 proto udp sport 1024/0xff00 mark 0x1/0xff if_id 3 dir out tmpl"
                    + " proto comp reqid 1 level use tmpl proto ah reqid 2 spi 0x999"),
            PolicyWords.parse("proto 99 mark 6/0x7fffffff dir out"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{ sorce = x }|policies[0].sorce: unknown key; allowed: action, code, dir, dport, dst",
        "{ src = \"2001:db8::1/64\" }|policies[0].src: \"2001:db8::1/64\": 2001:db8::1 has bits beyond",
        "{ dport = 80 }|policies[0].dport: given without a protocol that has it; allowed: a proto that has ports",
        "{ proto = tcp, type = 1 }|policies[0].type: given without a protocol that has it; allowed: proto = ipv6-icmp",
        "{ proto = tcp, dport = 70000 }|policies[0].dport: \"70000\": not a port",
        "{ proto = gre6 }|policies[0].proto: \"gre6\": not a protocol name or number",
        "{ dir = up }|policies[0].dir: unknown: \"up\"; allowed: both, out, in, fwd",
        "{ mark = \"0x80000000/0x80000000\" }|policies[0].mark: \"0x80000000/0x80000000\": it asks for bit",
        "{ action = block, templates = [ { proto = ah, reqid = 1 } ] }|policies[0].templates: given although action is block",
        "{ templates = [ { proto = esp } ] }|policies[0].templates[0].reqid: missing",
        "{ templates = [ { proto = esp, reqid = 0x1001 } ] }|policies[0].templates[0].reqid: not a whole number",
        "{ templates = [ { proto = esp, reqid = 4097 } ] }|policies[0].templates[0].reqid: 4097 is one of mobility's own",
        "{ templates = [ { proto = esp, reqid = 1, spi = 0x300 } ] }|templates[0].spi: one SPI for both directions",
        "{ templates = [ { proto = esp, reqid = 1, mode = tunnel } ] }|templates[0].src: missing",
        "{ templates = [ { proto = esp, reqid = 1, src = \"2001:db8::1\" } ] }|templates[0].src: given although mode is transport",
        "{ dir = in }, { dir = in, priority = 3 }|policies[1].dir: src ::/0 dst ::/0 dir in is that of policies[0], too"
      })
  void whatIsWrongIsNamed(String policies, String message) {
    assertThatThrownBy(() -> policies(policies))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(folder.resolve("mipd.conf").toString())
        .hasMessageContaining(": user-ipsec." + (message.startsWith("pol") ? message : ""))
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "spi = 0x3002, reqid|spi = 0x3003, reqid|keys: |has no keys for SPI 0x00003003",
        "spi = 0x3002, reqid|spi = 0x1001, reqid|associations[1].spi: |is taken; allowed: an SPI that neither",
        "spi = 0x3002, reqid = 100|spi = 0x3002, reqid = 4101|associations[1].reqid: |is one of mobility's own",
        "proto = esp, mode = tunnel, spi = 0x3002|proto = ah, mode = tunnel, spi = 0x3002|keys: |the encryption key of SPI 0x00003002 has 16 octets; allowed: - (none)",
        "encryption = aes-cbc      # or|encryption = aes-gcm # or|associations[0].encryption: |would repeat its nonces",
        "proto = esp               # or ah|proto = ah #|associations[0].encryption: |given although AH does not encrypt"
      })
  void whatIsWrongWithAssociationsIsNamed(String from, String to, String key, String message)
      throws IOException {
    String text = uncommented("mobile-node.conf");
    assertThat(text).contains(from);
    assertThatThrownBy(() -> read(text.replace(from, to)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("user-ipsec." + key)
        .hasMessageContaining(message);
  }

  @Test
  void keysThatOthersMayReadAreRefused() throws IOException {
    Files.setPosixFilePermissions(
        folder.resolve("user.keys"), PosixFilePermissions.fromString("rw-r--r--"));
    assertThatThrownBy(() -> read(uncommented("mobile-node.conf")))
        .hasMessageContaining("user.keys: others may read or change these keys");
  }
}
