package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What the kernel of the guest brings, asked with the kernel's own tools: if one of these fails, no
 * other test tagged {@code kernel} can be trusted.
 */
@Tag("kernel")
class KernelFeaturesTest {
  private static final String HOME = "2001:db8:1::100";
  private static final String AGENT = "2001:db8:1::1";
  private static final String PEER = "2001:db8:c::c";
  private static final String CARE_OF = "2001:db8:a::aa";
  private static final String NEXT_CARE_OF = "2001:db8:b::aa";
  private static final String ALGORITHMS =
      " enc cbc(aes) 0x000102030405060708090a0b0c0d0e0f"
          + " auth-trunc hmac(sha256)"
          + " 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 128";

  private TestNamespace node;

  @BeforeEach
  void makeNode() throws Exception {
    TestNamespace.require("ip");
    node = TestNamespace.create();
  }

  @AfterEach
  void removeNode() {
    node.close();
  }

  private String xfrm(String command) throws Exception {
    return node.sh("ip xfrm " + command.replace("(", "'('").replace(")", "')'"));
  }

  @Test
  void knowsTheHomeAddressOption() throws Exception {
    xfrm("state add src " + HOME + " dst " + PEER + " proto hao mode ro coa " + CARE_OF);
    assertThat(xfrm("state")).contains("proto hao", "mode ro", "coa " + CARE_OF);
  }

  @Test
  void knowsTheTypeTwoRoutingHeader() throws Exception {
    xfrm("state add src " + PEER + " dst " + HOME + " proto route2 mode ro coa " + CARE_OF);
    assertThat(xfrm("state")).contains("proto route2", "mode ro", "coa " + CARE_OF);
  }

  @Test
  void movesARouteOptimizationStateInPlace() throws Exception {
    String state = " src " + HOME + " dst " + PEER + " proto hao mode ro coa ";
    xfrm("state add" + state + CARE_OF);
    xfrm("state update" + state + NEXT_CARE_OF);
    assertThat(xfrm("state")).contains("coa " + NEXT_CARE_OF).doesNotContain(CARE_OF);
  }

  @Test
  void takesEspAndAhInTunnelAndTransportMode() throws Exception {
    String ends = "state add src " + CARE_OF + " dst " + AGENT;
    xfrm(ends + " proto esp spi 0x1001 mode tunnel reqid 1" + ALGORITHMS);
    xfrm(ends + " proto esp spi 0x1002 mode transport reqid 2 replay-window 64" + ALGORITHMS);
    xfrm(
        ends
            + " proto ah spi 0x1003 mode transport reqid 3"
            + ALGORITHMS.substring(ALGORITHMS.indexOf(" auth-trunc")));
    assertThat(xfrm("state count")).contains("3");
  }

  @Test
  void takesAMergedPolicyOfTwoTemplates() throws Exception {
    xfrm(
        "policy add src %s dst %s dir out priority 10 tmpl src %s dst %s proto esp reqid 1 mode tunnel tmpl src %s dst %s proto esp reqid 2 mode tunnel"
            .formatted(HOME, PEER, HOME, PEER, CARE_OF, AGENT));
    assertThat(xfrm("policy")).containsSubsequence("reqid 1 mode tunnel", "reqid 2 mode tunnel");
  }

  /** XFRM_MSG_MIGRATE has no word in {@code ip xfrm}: the kernel's own list of options says. */
  @Test
  void isBuiltWithMigration() throws Exception {
    Path symbols = Path.of("/proc/kallsyms");
    assertThat(Files.readString(symbols)).contains(" xfrm_migrate");
  }

  @Test
  void makesTunnelsOfIpv6InIpv6() throws Exception {
    node.sh("ip -6 tunnel add away mode ip6ip6 local " + CARE_OF + " remote " + AGENT);
    assertThat(node.sh("ip -d link show away")).contains("ip6tnl");
  }

  @Test
  void marksAnAddressAsHomeAddress() throws Exception {
    node.sh("ip link add hlink type dummy && ip link set hlink up");
    node.sh("ip -6 addr add " + HOME + "/64 dev hlink nodad home");
    assertThat(node.sh("ip -6 addr show dev hlink"))
        .containsPattern(HOME + "/64 scope global .*home");
  }

  @Test
  void hasTunAndVethAndRules() throws Exception {
    assertThat(Path.of("/dev/net/tun")).exists();
    node.sh("ip tuntap add dev inner mode tun");
    node.sh("ip link add one type veth peer name other");
    node.sh("ip -6 rule add from " + HOME + " blackhole priority 1003");
    assertThat(node.sh("ip -6 rule")).contains("1003:", "blackhole");
  }

  @Test
  void hasRandomnessAndTheTime() throws Exception {
    var octets = new byte[32];
    SecureRandom.getInstanceStrong().nextBytes(octets);
    assertThat(octets).isNotEqualTo(new byte[32]);
    assertThat(Instant.now()).isAfter(Files.getLastModifiedTime(Path.of("pom.xml")).toInstant());
  }
}
