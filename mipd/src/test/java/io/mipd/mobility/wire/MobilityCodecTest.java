package io.mipd.mobility.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MobilityCodecTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::ff:fe00:aa");

  private static final ImmutableList<MobilityMessage> MESSAGES =
      ImmutableList.of(
          new MobilityMessage.BindingRefreshRequest(ImmutableList.of()),
          new MobilityMessage.HomeTestInit(0x0123_4567_89ab_cdefL, ImmutableList.of()),
          new MobilityMessage.CareOfTestInit(-1L, ImmutableList.of()),
          new MobilityMessage.HomeTest(
              3, 5L, new MobilityMessage.KeygenToken(7), ImmutableList.of()),
          new MobilityMessage.CareOfTest(
              0xffff, 5L, new MobilityMessage.KeygenToken(7), ImmutableList.of()),
          new MobilityMessage.BindingUpdate(
              new SequenceNumber(4711),
              ImmutableSet.of(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION),
              new BindingLifetime(105),
              ImmutableList.of(
                  new MobilityOption.AlternateCareOfAddress(new CareOfAddress(CARE_OF)))),
          new MobilityMessage.BindingUpdate(
              new SequenceNumber(1),
              ImmutableSet.of(BindingFlag.KEY_MANAGEMENT_MOBILITY),
              BindingLifetime.DEREGISTER,
              ImmutableList.of(
                  new MobilityOption.NonceIndices(1, 2),
                  new MobilityOption.Unknown(200, Octets.parse("0102030405")),
                  new MobilityOption.BindingAuthorizationData(
                      Octets.parse("000102030405060708090a0b"),
                      // Header, sequence number to lifetime, each option, Pad1 before the last.
                      Octets.parse(
                          "3b0405000000"
                              + "000110000000"
                              + "040400010002"
                              + "c8050102030405"
                              + "00"
                              + "050c")))),
          new MobilityMessage.BindingAcknowledgement(
              BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW,
              true,
              new SequenceNumber(65535),
              new BindingLifetime(1),
              ImmutableList.of(new MobilityOption.BindingRefreshAdvice(50))),
          new MobilityMessage.BindingError(
              MobilityMessage.BindingError.UNKNOWN_BINDING, HOME, ImmutableList.of()),
          new MobilityMessage.Unknown(44, Octets.parse("0000")));

  private static ByteBuf encoded(MobilityMessage message) {
    ByteBuf out = Unpooled.buffer();
    MobilityCodec.encode(message, HOME, AGENT, out);
    return out;
  }

  @Test
  void readsWhatItWrites() throws MalformedPacketException {
    for (MobilityMessage message : MESSAGES) {
      ByteBuf octets = encoded(message);
      assertThat(octets.readableBytes() % 8).as("%s", message).isZero();
      assertThat(MobilityCodec.decode(octets, HOME, AGENT)).isEqualTo(message);
    }
  }

  @Test
  void refusesEveryTruncation() {
    for (MobilityMessage message : MESSAGES) {
      ByteBuf whole = encoded(message);
      for (int length = 0; length < whole.readableBytes(); length++) {
        ByteBuf part = whole.slice(0, length);
        assertThatThrownBy(() -> MobilityCodec.decode(part, HOME, AGENT))
            .as("%s cut to %s", message, length)
            .isInstanceOf(MalformedPacketException.class);
      }
    }
  }

  @Test
  void refusesAWrongChecksum() {
    ByteBuf octets = encoded(MESSAGES.get(5));
    octets.setByte(9, octets.getByte(9) ^ 1);
    assertThatThrownBy(() -> MobilityCodec.decode(octets, HOME, AGENT))
        .isInstanceOfSatisfying(
            MalformedPacketException.class,
            e -> assertThat(e.reason()).isEqualTo(MalformedPacketException.Reason.BAD_CHECKSUM));
  }

  @Test
  void putsTheAlternateCareOfAddressAtItsAlignment() {
    // RFC 6275 section 6.2.5: 8n+6. After the twelve octets of the update that is 14.
    ByteBuf octets = encoded(MESSAGES.get(5));
    assertThat(octets.getUnsignedByte(12)).isEqualTo((short) MobilityOption.PADN);
    assertThat(octets.getUnsignedByte(14))
        .isEqualTo((short) MobilityOption.ALTERNATE_CARE_OF_ADDRESS);
  }

  /** RFC 6275 sections 9.5.1 and 11.7.3: last, and without trailing padding. */
  @Test
  void refusesAnAuthenticatorThatIsNotTheLast() {
    assertThat(encoded(MESSAGES.get(6)).readableBytes()).isEqualTo(40);
    ByteBuf padded = encoded(MESSAGES.get(6));
    padded.setByte(1, 5);
    padded.writeBytes(new byte[] {1, 6, 0, 0, 0, 0, 0, 0});
    checksum(padded);
    assertThatThrownBy(() -> MobilityCodec.decode(padded, HOME, AGENT))
        .isInstanceOfSatisfying(
            MalformedPacketException.class, e -> assertThat(e.offset()).isEqualTo(26));

    ByteBuf followed =
        encoded(
            new MobilityMessage.BindingUpdate(
                new SequenceNumber(1),
                ImmutableSet.of(),
                BindingLifetime.DEREGISTER,
                ImmutableList.of(
                    new MobilityOption.BindingAuthorizationData(
                        Octets.parse("000102030405060708090a0b"), Octets.EMPTY),
                    new MobilityOption.NonceIndices(1, 2))));
    assertThatThrownBy(() -> MobilityCodec.decode(followed, HOME, AGENT))
        .isInstanceOf(MalformedPacketException.class);
  }

  /** What is ignored is covered all the same: the values alone do not tell what was signed. */
  @Test
  void keepsWhatTheAuthenticatorCoversOctetForOctet() throws MalformedPacketException {
    ByteBuf octets = encoded(MESSAGES.get(6));
    octets.setByte(3, 0xff); // Reserved, in the header
    octets.setByte(9, 0xff); // and beside the flags
    checksum(octets);
    var update = (MobilityMessage.BindingUpdate) MobilityCodec.decode(octets, HOME, AGENT);
    assertThat(
            update
                .option(MobilityOption.BindingAuthorizationData.class)
                .map(MobilityOption.BindingAuthorizationData::mhData))
        .hasValue(Octets.parse("3b0405ff0000000110ff0000040400010002c805010203040500050c"));
    assertThat(MobilityCodec.mhData(MESSAGES.get(6), 12))
        .isEqualTo(Octets.parse("3b04050000000001100000000404000100" + "02c805010203040500050c"));
  }

  private static void checksum(ByteBuf octets) {
    octets.setShort(4, 0);
    octets.setShort(4, Checksum.of(HOME, AGENT, IpProtocol.MOBILITY, octets));
  }

  @Test
  void survivesAMillionMutations() {
    long seed = 20_261_123L;
    var random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < 1_000_000; i++) {
      ByteBuf octets = encoded(MESSAGES.get(i % MESSAGES.size()));
      int changes = 1 + random.nextInt(4);
      for (int k = 0; k < changes; k++) {
        octets.setByte(random.nextInt(octets.readableBytes()), random.nextInt());
      }
      // A checksum that fits lets the mutation reach the message and its options.
      checksum(octets);
      try {
        assertThat(MobilityCodec.decode(octets, HOME, AGENT)).isNotNull();
      } catch (MalformedPacketException e) {
        refused++;
      }
    }
    assertThat(refused).as("seed %s", seed).isBetween(10_000, 990_000);
  }
}
