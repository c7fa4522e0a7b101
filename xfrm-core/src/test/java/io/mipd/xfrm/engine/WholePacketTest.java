package io.mipd.xfrm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a packet socket shows before the kernel has looked at it. */
class WholePacketTest {
  private static final int PAYLOAD = 12;
  private static final Ipv6Address SENDER = Ipv6Address.parse("2001:db8:1::bad");
  private static final Ipv6Address GROUP = Ipv6Address.parse("ff0e::101");

  private static PacketBuffer shown(int octets) {
    var all = new byte[octets];
    all[0] = 0x60;
    all[Ipv6Fields.PAYLOAD_LENGTH + 1] = PAYLOAD;
    var packet = new PacketBuffer();
    packet.set(all, 0, octets);
    return packet;
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 39, 40, Ipv6Fields.HEADER + PAYLOAD - 1})
  void aPieceIsNoPacket(int octets) {
    assertThat(PacketEngine.isWhole(shown(octets))).isFalse();
  }

  @Test
  void whatALinkHasPutBehindAPacketIsCutOff() {
    PacketBuffer packet = shown(Ipv6Fields.HEADER + PAYLOAD + 6);
    assertThat(PacketEngine.isWhole(packet)).isTrue();
    assertThat(packet.length()).isEqualTo(Ipv6Fields.HEADER + PAYLOAD);
    assertThat(PacketEngine.isWhole(packet)).isTrue();
    assertThat(packet.length()).isEqualTo(Ipv6Fields.HEADER + PAYLOAD);
  }

  @Test
  void theProtocolIsBehindTheExtensionHeaders() {
    byte[] datagram = Packets.udp(SENDER, GROUP, 20);
    byte[] piece = Packets.fragment(datagram, 1, 8, 28);
    byte[] behindOption = Packets.withExtension(piece, IpProtocol.HOP_BY_HOP, new byte[8]);
    for (byte[] octets : new byte[][] {datagram, piece, behindOption}) {
      assertThat(PacketEngine.upperLayer(Packets.buffer(octets))).hasValue(IpProtocol.UDP);
    }
    assertThat(PacketEngine.upperLayer(shown(Ipv6Fields.HEADER + PAYLOAD))).isEmpty();
  }
}
