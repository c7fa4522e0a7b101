package io.mipd.xfrm.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Against captures and tshark the codec is held elsewhere; here to itself and to bad input. */
class Icmpv6CodecTest {
  private static final Ipv6Address SOURCE = Ipv6Address.parse("fe80::1");
  private static final Ipv6Address DESTINATION = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address PREFIX = Ipv6Address.parse("2001:db8:1::1");

  private static final Ipv6Address GROUP = Ipv6Address.parse("ff0e::101");

  private static final ImmutableList<NdOption> OPTIONS =
      ImmutableList.of(
          new NdOption.SourceLinkLayerAddress(new LinkLayerAddress(Octets.parse("020000000001"))),
          new NdOption.PrefixInformation(64, PREFIX, true, true, true, 86400, 14400),
          new NdOption.Mtu(1500),
          new NdOption.AdvertisementInterval(3000),
          new NdOption.HomeAgentInformation(-7, 1800),
          new NdOption.Unknown(200, Octets.parse("010203040506")));

  private static final ImmutableList<Icmpv6Message> MESSAGES =
      ImmutableList.of(
          new Icmpv6Message.ErrorMessage(2, 0, 1400, Octets.parse("60000000")),
          new Icmpv6Message.EchoRequest(1, 2, Octets.parse("aabb")),
          new Icmpv6Message.EchoReply(1, 2, Octets.EMPTY),
          new Icmpv6Message.RouterSolicitation(OPTIONS.subList(0, 1)),
          new Icmpv6Message.RouterAdvertisement(64, true, false, true, 8, 1800, 5, 6, OPTIONS),
          new Icmpv6Message.NeighborSolicitation(DESTINATION, OPTIONS.subList(0, 1)),
          new Icmpv6Message.NeighborAdvertisement(
              true,
              false,
              true,
              DESTINATION,
              ImmutableList.of(
                  new NdOption.TargetLinkLayerAddress(
                      new LinkLayerAddress(Octets.parse("020000000002"))))),
          new Icmpv6Message.ListenerQuery(10_000, Ipv6Address.UNSPECIFIED, Optional.empty()),
          new Icmpv6Message.ListenerQuery(
              0x8123, PREFIX, Optional.of(new Icmpv6Message.ListenerQuery.Querier(2, 125))),
          new Icmpv6Message.ListenerReport(GROUP),
          new Icmpv6Message.ListenerDone(GROUP),
          new Icmpv6Message.ListenerReport2(
              ImmutableList.of(
                  new Icmpv6Message.GroupRecord(4, GROUP, ImmutableList.of()),
                  new Icmpv6Message.GroupRecord(1, GROUP, ImmutableList.of(PREFIX, SOURCE)))),
          new Icmpv6Message.HomeAgentDiscoveryRequest(7),
          new Icmpv6Message.HomeAgentDiscoveryReply(7, ImmutableList.of(PREFIX, DESTINATION)),
          new Icmpv6Message.MobilePrefixSolicitation(8, ImmutableList.of()),
          new Icmpv6Message.MobilePrefixSolicitation(8, OPTIONS.subList(5, 6)),
          new Icmpv6Message.MobilePrefixAdvertisement(8, true, true, OPTIONS.subList(1, 2)),
          new Icmpv6Message.Unknown(250, 3, Octets.parse("0102030405060708")));

  private static ByteBuf encoded(Icmpv6Message message) {
    ByteBuf out = Unpooled.buffer();
    Icmpv6Codec.encode(message, SOURCE, DESTINATION, out);
    return out;
  }

  private static void complete(ByteBuf octets) {
    octets.setShort(2, 0);
    octets.setShort(2, Checksum.of(SOURCE, DESTINATION, IpProtocol.ICMPV6, octets));
  }

  @Test
  void readsWhatItWrites() throws Exception {
    for (Icmpv6Message message : MESSAGES) {
      assertThat(Icmpv6Codec.decode(encoded(message), SOURCE, DESTINATION)).isEqualTo(message);
    }
  }

  /** By the boxes of RFC 6275 sections 6.5 to 6.8; the checksums are left to the other tests. */
  @Test
  void writesDiscoveryAsItIsDrawn() throws Exception {
    Ipv6Address first = Ipv6Address.parse("2001:db8:1::1");
    Ipv6Address second = Ipv6Address.parse("2001:db8:1::2");
    assertOctets(new Icmpv6Message.HomeAgentDiscoveryRequest(0x1234), "9000", "12340000");
    assertOctets(
        new Icmpv6Message.HomeAgentDiscoveryReply(0x1234, ImmutableList.of(first, second)),
        "9100",
        "12340000" + "20010db8000100000000000000000001" + "20010db8000100000000000000000002");
    assertOctets(
        new Icmpv6Message.MobilePrefixSolicitation(0x1234, ImmutableList.of()), "9200", "12340000");
    assertOctets(
        new Icmpv6Message.MobilePrefixAdvertisement(
            0x1234,
            true,
            false,
            ImmutableList.of(
                new NdOption.PrefixInformation(64, first, true, true, true, 86400, 14400))),
        "9300",
        "12348000"
            + "030440e0"
            + "00015180"
            + "00003840"
            + "00000000"
            + "20010db8000100000000000000000001");
  }

  private static void assertOctets(Icmpv6Message message, String typeAndCode, String body)
      throws MalformedPacketException {
    ByteBuf octets = Unpooled.wrappedBuffer(Octets.parse(typeAndCode + "0000" + body).toArray());
    complete(octets);
    assertThat(encoded(message)).isEqualTo(octets);
    assertThat(Icmpv6Codec.decode(octets, SOURCE, DESTINATION)).isEqualTo(message);
  }

  /** A part of an address is no address. */
  @Test
  void refusesAReplyThatEndsWithinAnAddress() {
    ByteBuf whole = encoded(new Icmpv6Message.HomeAgentDiscoveryReply(7, ImmutableList.of(PREFIX)));
    for (int length = 9; length < whole.readableBytes(); length++) {
      ByteBuf part = whole.copy(0, length);
      complete(part);
      assertThat(isRefused(part)).as("%s octets", length).isTrue();
    }
  }

  @Test
  void refusesAWrongChecksum() {
    for (Icmpv6Message message : MESSAGES) {
      ByteBuf octets = encoded(message);
      octets.setShort(2, octets.getShort(2) ^ 1);
      assertThatThrownBy(() -> Icmpv6Codec.decode(octets, SOURCE, DESTINATION))
          .isInstanceOf(MalformedPacketException.class);
    }
  }

  /** What is cut within an option or before the fixed part ends; the rest may have an end there. */
  @Test
  void aTruncationIsRefusedOrIsAMessageOfItsOwn() {
    int refused = 0;
    for (Icmpv6Message message : MESSAGES) {
      ByteBuf whole = encoded(message);
      for (int length = 0; length < whole.readableBytes(); length++) {
        ByteBuf part = whole.copy(0, length);
        if (length >= 4) {
          complete(part);
        }
        refused += isRefused(part) ? 1 : 0;
      }
    }
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void survivesAMillionMutations() {
    long seed = 4443;
    var random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < 1_000_000; i++) {
      ByteBuf octets = encoded(MESSAGES.get(i % MESSAGES.size()));
      for (int k = random.nextInt(4); k >= 0; k--) {
        octets.setByte(random.nextInt(octets.readableBytes()), random.nextInt());
      }
      // A checksum that fits lets the mutation reach the message and its options.
      complete(octets);
      refused += isRefused(octets) ? 1 : 0;
    }
    assertThat(refused).as("seed %s", seed).isBetween(10_000, 990_000);
  }

  private static boolean isRefused(ByteBuf octets) {
    try {
      assertThat(Icmpv6Codec.decode(octets, SOURCE, DESTINATION)).isNotNull();
      return false;
    } catch (MalformedPacketException e) {
      return true;
    }
  }

  /** RFC 3810 section 5.1.3. */
  @Test
  void aQueryOfVersion2IsToBeAnsweredByItsCode() {
    var querier = Optional.of(new Icmpv6Message.ListenerQuery.Querier(2, 125));
    assertThat(new Icmpv6Message.ListenerQuery(0x7fff, GROUP, querier).maximumResponse())
        .hasMillis(32767);
    assertThat(new Icmpv6Message.ListenerQuery(0x8000, GROUP, querier).maximumResponse())
        .hasMillis(32768);
    assertThat(new Icmpv6Message.ListenerQuery(0xffff, GROUP, querier).maximumResponse())
        .hasMillis(0x1fffL << 10);
    assertThat(new Icmpv6Message.ListenerQuery(0xffff, GROUP, Optional.empty()).maximumResponse())
        .hasMillis(65535);
  }
}
