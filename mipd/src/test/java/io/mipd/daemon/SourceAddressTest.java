package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which address programs on a mobile node take that have bound none (RFC 6724 section 5). */
@Tag("root")
@Tag("kernel")
class SourceAddressTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final String DIRECT = "2001:db8:c::d";

  /** Connects a UDP socket, and says its address: of 16 octets behind family, port and flow. */
  private static final String CONNECT =
      "perl -MSocket=:all -e 'socket(S, AF_INET6, SOCK_DGRAM, 0) or die $!;"
          + " connect(S, pack_sockaddr_in6(9, inet_pton(AF_INET6, $ARGV[0]))) or die $!;"
          + " print inet_ntop(AF_INET6, (unpack_sockaddr_in6(getsockname(S)))[1])' ";

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    TestNet.needsCommand("perl");
    net = TestNet.create(folder);
    net.ip("cn", "addr", "add", DIRECT + "/64", "dev", "eth0", "nodad");
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  private Ipv6Address chosen(String destination) throws Exception {
    return Ipv6Address.parse(net.in("mn", CONNECT + destination).strip());
  }

  private void registered() throws Exception {
    net.until(
        "registered",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
  }

  @Test
  void theHomeAddressUnlessToldOtherwise() throws Exception {
    net.plug("a");
    net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    net.until(
        "an address of the link",
        TestNet.LONG,
        () ->
            net.ip("mn", "-6", "addr", "show", "dev", "eth0", "scope", "global", "-tentative")
                    .contains("2001:db8:a:")
                && net.ip("mn", "-6", "addr", "show", "tentative").isBlank());
    ImmutableSet<String> before = net.system("mn");
    Mipd mobile =
        net.startMipd(
            "mn",
            net.configuration(
                "mn",
                "mobile-node.conf",
                "care-of-addresses = auto",
                "care-of-addresses = auto\n  source-addresses = ["
                    + "{ prefix = \"2001:db8:c::e/128\", use = home-address },"
                    + "{ prefix = \"2001:db8:c::8/125\", use = care-of-address }]"));
    registered();

    assertThat(chosen("2001:db8:c::e")).isEqualTo(HOME);
    assertThat(chosen(TestNet.HOME_AGENT)).isEqualTo(HOME);
    assertThat("" + chosen(DIRECT)).startsWith("2001:db8:a:");
    // Who has bound the home address keeps it, and nothing bears it on the foreign link.
    try (PacketLog foreign = PacketLog.start(net, "r", "ea", "link-a")) {
      assertThat(net.succeeds("mn", "ping -n -c 3 -i 0.2 -W 2 " + DIRECT)).isTrue();
      assertThat(
              net.succeeds(
                  "mn", "ping -n -c 3 -i 0.2 -W 2 -I " + TestNet.HOME_ADDRESS + " " + DIRECT))
          .isTrue();
      net.until(
          "the ping from the care-of address",
          TestNet.LONG,
          () -> !foreign.packets(SourceAddressTest::isDirect).isEmpty());
      assertThat(foreign.packets(it -> Ipv6Address.read(it, 8).equals(HOME))).isEmpty();
    }

    assertThat(net.stop(mobile)).isZero();
    net.awaitSystem("mn", before);
  }

  @Test
  @Tag("slow-in-guest")
  void alsoAtHome() throws Exception {
    net.plug("h");
    net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    registered();

    assertThat(chosen(TestNet.CORRESPONDENT)).isEqualTo(HOME);
    assertThat(chosen(TestNet.HOME_AGENT)).isEqualTo(HOME);
    assertThat(net.succeeds("mn", "ping -n -c 1 -W 2 " + TestNet.CORRESPONDENT)).isTrue();
  }

  private static boolean isDirect(byte[] packet) {
    return Ipv6Address.read(packet, 24).equals(Ipv6Address.parse(DIRECT));
  }
}
