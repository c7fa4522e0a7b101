package io.mipd.xfrm.transform;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is sealed opens again to the same octets, and nothing else opens. */
class IpsecRoundTripTest {
  private static final Ipv6Address SOURCE = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address DESTINATION = Ipv6Address.parse("2001:db8:1::1");

  static KeyMaterial key(int octets) {
    byte[] key = new byte[octets];
    for (int i = 0; i < octets; i++) {
      key[i] = (byte) (i * 7 + 1);
    }
    return KeyMaterial.copyOf(key);
  }

  static ImmutableList<SecurityAssociation> associations() {
    var all = ImmutableList.<SecurityAssociation>builder();
    for (Mode mode : new Mode[] {Mode.TRANSPORT, Mode.TUNNEL}) {
      for (boolean extended : new boolean[] {false, true}) {
        for (var integrity :
            new IntegrityAlgorithm[] {
              IntegrityAlgorithm.HMAC_SHA1_96, IntegrityAlgorithm.HMAC_SHA2_256_128
            }) {
          for (int keyLength : new int[] {0, 16, 24, 32}) {
            all.add(
                builder(TransformProtocol.ESP, mode, extended)
                    .encryption(
                        keyLength == 0 ? EncryptionAlgorithm.NULL : EncryptionAlgorithm.AES_CBC,
                        key(keyLength))
                    .integrity(integrity, key(integrity.keyLength()))
                    .build());
          }
          all.add(
              builder(TransformProtocol.AH, mode, extended)
                  .integrity(integrity, key(integrity.keyLength()))
                  .build());
        }
        for (int keyLength : new int[] {20, 36}) {
          all.add(
              builder(TransformProtocol.ESP, mode, extended)
                  .encryption(EncryptionAlgorithm.AES_GCM_16, key(keyLength))
                  .build());
        }
      }
    }
    return all.build();
  }

  private static SecurityAssociation.Builder builder(
      TransformProtocol protocol, Mode mode, boolean extended) {
    return SecurityAssociation.builder(
            new AssociationId(DESTINATION, protocol, new Spi(0x1001)), SOURCE, mode)
        .replayWindow(64)
        .extendedSequenceNumbers(extended);
  }

  static OutboundTransform outbound(SecurityAssociation association) {
    SequenceSource numbers = new MemorySequenceStore().outbound(association);
    return association.id().protocol() == TransformProtocol.AH
        ? new AhOutbound(association, numbers)
        : new EspOutbound(association, numbers);
  }

  static InboundTransform inbound(SecurityAssociation association) {
    AntiReplay replay = new MemorySequenceStore().inbound(association);
    return association.id().protocol() == TransformProtocol.AH
        ? new AhInbound(association, replay)
        : new EspInbound(association, replay);
  }

  /** A UDP packet of the given payload between the two. */
  static PacketBuffer packet(int payload) {
    byte[] octets = new byte[40 + 8 + payload];
    octets[0] = 0x60;
    Place.putShort(octets, 4, 8 + payload);
    octets[6] = IpProtocol.UDP;
    octets[7] = 64;
    SOURCE.write(octets, 8);
    DESTINATION.write(octets, 24);
    Place.putShort(octets, 40, 5000);
    Place.putShort(octets, 42, 6000);
    Place.putShort(octets, 44, 8 + payload);
    for (int i = 0; i < payload; i++) {
      octets[48 + i] = (byte) i;
    }
    var packet = new PacketBuffer(2048);
    packet.set(octets, 0, octets.length);
    return packet;
  }

  @ParameterizedTest
  @MethodSource("associations")
  void opensWhatItSealed(SecurityAssociation association) {
    var out = outbound(association);
    var in = inbound(association);
    for (int payload : new int[] {0, 1, 7, 13, 14, 15, 16, 100, 1300, 1301}) {
      var packet = packet(payload);
      byte[] before = packet.toOctets();
      int overhead = out.overhead(packet.length());
      assertThat(out.apply(packet)).isNull();
      assertThat(packet.length() - before.length).isEqualTo(overhead);
      assertThat(packet.array()[packet.start() + 6] & 0xff)
          .isEqualTo(association.id().protocol().number());
      assertThat(in.apply(packet, packet.start() + 40, packet.start() + 6)).isNull();
      assertThat(packet.toOctets()).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @MethodSource("associations")
  void refusesWhatWasTamperedWith(SecurityAssociation association) {
    var packet = packet(50);
    assertThat(outbound(association).apply(packet)).isNull();
    byte[] sealed = packet.toOctets();
    boolean ah = association.id().protocol() == TransformProtocol.AH;
    for (int at = ah ? 8 : 44; at < sealed.length; at++) {
      byte[] changed = sealed.clone();
      changed[at] ^= 0x10;
      var buffer = new PacketBuffer(2048);
      buffer.set(changed, 0, changed.length);
      assertThat(inbound(association).apply(buffer, buffer.start() + 40, buffer.start() + 6))
          .as("octet %s changed", at)
          .isNotNull();
    }
  }

  @ParameterizedTest
  @MethodSource("associations")
  void refusesEveryTruncation(SecurityAssociation association) {
    var packet = packet(50);
    assertThat(outbound(association).apply(packet)).isNull();
    byte[] sealed = packet.toOctets();
    for (int length = 40; length < sealed.length; length++) {
      var buffer = new PacketBuffer(2048);
      buffer.set(sealed, 0, length);
      assertThat(inbound(association).apply(buffer, buffer.start() + 40, buffer.start() + 6))
          .as("cut to %s", length)
          .isNotNull();
    }
  }

  @ParameterizedTest
  @MethodSource("associations")
  void takesNoPacketTwice(SecurityAssociation association) {
    var out = outbound(association);
    var in = inbound(association);
    var random = new Random(7);
    for (int i = 0; i < 50; i++) {
      var packet = packet(random.nextInt(100));
      assertThat(out.apply(packet)).isNull();
      byte[] sealed = packet.toOctets();
      assertThat(in.apply(packet, packet.start() + 40, packet.start() + 6)).isNull();
      packet.clear();
      packet.set(sealed, 0, sealed.length);
      assertThat(in.apply(packet, packet.start() + 40, packet.start() + 6))
          .isEqualTo(Discard.IN_STATE_SEQ_ERROR);
    }
  }
}
