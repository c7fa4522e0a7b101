package io.mipd.sim.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Octets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TcpSegmentTest {
  private static final Ipv6Address ONE = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address TWO = Ipv6Address.parse("2001:db8:c::c");

  private static final TcpSegment SYN =
      new TcpSegment(20000, 20001, 0, 0, true, false, 0xffff, 1220, Octets.of(new byte[0]));

  private static final TcpSegment DATA =
      new TcpSegment(
          20000, 20001, 0xffff_fff0L, 7, false, true, 0x1234, 0, Octets.of(new byte[] {1, 2, 3}));

  /** But for the checksum by hand, from RFC 9293 and RFC 7323. */
  @Test
  void hasTheOctetsOfTheRfc() {
    String octets = HexFormat.of().formatHex(SYN.encode(ONE, TWO).toArray());
    assertThat(octets.substring(0, 32)).isEqualTo("4e204e2100000000000000007002ffff");
    assertThat(octets.substring(36)).isEqualTo("0000" + "020404c4" + "01030307");
    assertThat(HexFormat.of().formatHex(DATA.encode(ONE, TWO).toArray()))
        .startsWith("4e204e21fffffff00000000750101234")
        .endsWith("0000010203");
  }

  @Test
  void isReadAsItWasWritten() {
    for (TcpSegment one : new TcpSegment[] {SYN, DATA}) {
      assertThat(TcpSegment.decode(ONE, TWO, one.encode(ONE, TWO))).hasValue(one);
    }
  }

  @Test
  void whatIsCutOffOrChangedIsRefused() {
    byte[] whole = SYN.encode(ONE, TWO).toArray();
    IntStream.range(0, whole.length)
        .forEach(
            length ->
                assertThat(TcpSegment.decode(ONE, TWO, Octets.of(Arrays.copyOf(whole, length))))
                    .as("%s octets", length)
                    .isEmpty());
    for (int i = 0; i < whole.length; i++) {
      byte[] changed = whole.clone();
      changed[i] ^= 4;
      assertThat(TcpSegment.decode(ONE, TWO, Octets.of(changed))).as("octet %s", i).isEmpty();
    }
  }
}
