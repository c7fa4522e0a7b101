package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.daemon.CaptureFile.Captured;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CaptureFileTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");

  /**
   * Little-endian pcap of Ethernet frames: TCP from H to P; an ARP request; in a VLAN a Binding
   * Update from C to A with a Home Address option. tshark 4.0 reads it as that.
   */
  private static final String PCAP =
      "d4c3b2a1020004000000000000000000000004000100000001000000020000004a0000004a000000"
          + "00000000000000000000000086dd600000000014064020010db80001000000000000000000102001"
          + "0db8000c0000000000000000000204d201bb0000000100000000500203e800000000010000000200"
          + "00002a0000002a000000ffffffffffff000000000000080600000000000000000000000000000000"
          + "00000000000000000000000001000000020000006200000062000000000000000000000000000000"
          + "8100000786dd6000000000283c4020010db8000a0000000000000000001020010db8000100000000"
          + "000000000001870201020000c91020010db80001000000000000000000103b010500000000000000"
          + "000000000000";

  /** The same, as {@code editcap -F pcapng} of Wireshark 4.0 makes it. */
  private static final String PCAPNG =
      "0a0d0d0a6c0000004d3c2b1a01000000ffffffffffffffff04004500456469746361702028576972"
          + "65736861726b2920342e302e313720284769742076342e302e3137207061636b6167656420617320"
          + "342e302e31372d302b6465623132753329000000000000006c000000010000001400000001000000"
          + "0000040014000000060000006c000000000000000000000042420f004a0000004a00000000000000"
          + "000000000000000086dd600000000014064020010db800010000000000000000001020010db8000c"
          + "0000000000000000000204d201bb0000000100000000500203e80000000000006c00000006000000"
          + "4c000000000000000000000042420f002a0000002a000000ffffffffffff00000000000008060000"
          + "000000000000000000000000000000000000000000000000000000004c0000000600000084000000"
          + "000000000000000042420f0062000000620000000000000000000000000000008100000786dd6000"
          + "000000283c4020010db8000a0000000000000000001020010db80001000000000000000000018702"
          + "01020000c91020010db80001000000000000000000103b0105000000000000000000000000000000"
          + "84000000";

  private static final Captured TCP =
      new Captured(1, Flow.withPorts(H, P, IpProtocol.TCP, 1234, 443), 60);
  private static final Captured UPDATE = new Captured(3, Flow.mobility(H, A, 5), 80);

  private List<Captured> read(byte[] octets) throws IOException {
    return CaptureFile.read(Path.of("a capture"), octets);
  }

  static byte[] pcap() {
    return octets(PCAP);
  }

  private static byte[] octets(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  @Test
  void pcapAndPcapngAreReadWithTheNumbersOfOtherPrograms() throws IOException {
    assertThat(read(octets(PCAP))).containsExactly(TCP, UPDATE);
    assertThat(read(octets(PCAPNG))).containsExactly(TCP, UPDATE);
  }

  @Test
  void rawPacketsInBigEndianAreRead() throws IOException {
    byte[] little = octets(PCAP);
    var big = ByteBuffer.allocate(24 + 16 + 60);
    big.putInt(0xa1b23c4d).putInt(0x20004).putInt(0).putInt(0).putInt(262144).putInt(101);
    big.putInt(1).putInt(2).putInt(60).putInt(60).put(little, 24 + 16 + 14, 60);
    assertThat(read(big.array())).containsExactly(TCP);
  }

  @Test
  void whatWasCutShortHasTheLengthOfItsHeader() throws IOException {
    byte[] all = octets(PCAP);
    byte[] first = Arrays.copyOf(all, 24 + 16 + 14 + 50);
    ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN).putInt(24 + 8, 14 + 50);
    assertThat(read(first)).containsExactly(TCP);
  }

  @Test
  void aCaptureThatEndsWithinAPacketIsReadUpToThere() throws IOException {
    byte[] all = octets(PCAP);
    assertThat(read(Arrays.copyOf(all, all.length - 1))).containsExactly(TCP);
    byte[] next = octets(PCAPNG);
    assertThat(read(Arrays.copyOf(next, next.length - 40))).containsExactly(TCP);
  }

  @Test
  void whatIsNoCaptureIsSaid() {
    assertThatThrownBy(() -> read(new byte[40]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("neither pcap nor pcapng");
    byte[] wireless = octets(PCAP);
    wireless[20] = 105;
    assertThatThrownBy(() -> read(wireless)).hasMessageContaining("link type 105; known: Ethernet");
  }

  /** Only the one exception, whatever the octets. */
  @Test
  void changedOctetsNeverDoMoreThanFail() {
    long seed = new Random().nextLong();
    var random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] octets = octets(random.nextBoolean() ? PCAP : PCAPNG);
      for (int changes = random.nextInt(4); changes >= 0; changes--) {
        octets[random.nextInt(octets.length)] = (byte) random.nextInt();
      }
      try {
        read(Arrays.copyOf(octets, random.nextInt(octets.length + 1)));
      } catch (IOException e) {
        assertThat(e.getMessage()).startsWith("a capture: ");
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }
}
