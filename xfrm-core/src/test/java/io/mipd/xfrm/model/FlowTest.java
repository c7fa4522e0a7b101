package io.mipd.xfrm.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");

  @ParameterizedTest
  @CsvSource({
    "17, 1024, 443, ' udp 1024 > 443'",
    "17, -1, 443, ' udp opaque > 443'",
    "17, 1024, -1, ' udp 1024 > opaque'",
    "17, -1, -1, ' udp'",
    "58, 128, 3, ' ipv6-icmp type 128 code 3'",
    "58, 128, -1, ' ipv6-icmp type 128'",
    "58, -1, 0, ' ipv6-icmp'",
    "135, 5, 0, ' mobility-header type 5'",
    "135, -1, 0, ' mobility-header'",
    "50, -1, -1, ' esp'"
  })
  void tellsPortsAndTypesAsFarAsTheyAreSeen(
      int protocol, int source, int destination, String words) {
    assertThat(Flow.withPorts(HOME, PEER, protocol, source, destination))
        .hasToString("2001:db8:1::100 > 2001:db8:c::c" + words);
  }
}
