package io.mipd.xfrm.transform;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Joiner;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.EspSuite;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where headers go, what goes into them, and what comes of headers that are not right. */
class HeadersTest {
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:b::20");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final KeyMaterial INTEGRITY_KEY = IpsecRoundTripTest.key(32);

  private static SecurityAssociation.Builder association(TransformProtocol protocol, Mode mode) {
    return SecurityAssociation.builder(
            new AssociationId(AGENT, protocol, new Spi(0x1001)), CARE_OF, mode)
        .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, INTEGRITY_KEY)
        .replayWindow(64);
  }

  /** A packet with these extension headers of eight octets each, and UDP. */
  private static PacketBuffer packet(int... headers) {
    var packet = IpsecRoundTripTest.packet(20);
    byte[] octets = packet.array();
    for (int i = headers.length - 1; i >= 0; i--) {
      int follows = octets[packet.start() + 6] & 0xff;
      octets[packet.start() + 6] = (byte) headers[i];
      int at = Place.open(packet, packet.start() + 40, 8);
      octets[at] = (byte) follows;
      octets[at + 1] = 0;
      // As options PadN of six octets; as a routing header type 1 with no segment left.
      Place.putInt(
          octets, at + 2, 0x0104_0000 & (headers[i] == IpProtocol.ROUTING ? 0x0100_ffff : -1));
      octets[at + 6] = 0;
      octets[at + 7] = 0;
    }
    Place.setPayloadLength(packet);
    return packet;
  }

  /** The chain of headers, as far as it is readable. */
  private static String chain(PacketBuffer p) {
    List<String> names = new ArrayList<>();
    byte[] octets = p.array();
    int type = octets[p.start() + 6] & 0xff;
    int at = p.start() + 40;
    while (true) {
      switch (type) {
        case IpProtocol.HOP_BY_HOP -> names.add("hop-by-hop");
        case IpProtocol.DESTINATION_OPTIONS ->
            names.add((octets[at + 6] & 0xff) == 0xc9 ? "home-address" : "options");
        case IpProtocol.ROUTING -> names.add("routing" + octets[at + 2]);
        case IpProtocol.AH -> names.add("ah");
        default -> {
          names.add(IpProtocol.nameOf(type));
          return Joiner.on(' ').join(names);
        }
      }
      int length = type == IpProtocol.AH ? 4 * (octets[at + 1] + 2) : 8 * (octets[at + 1] + 1);
      type = octets[at] & 0xff;
      at += length;
    }
  }

  private static final int HBH = IpProtocol.HOP_BY_HOP;
  private static final int OPT = IpProtocol.DESTINATION_OPTIONS;
  private static final int RT = IpProtocol.ROUTING;

  /** RFC 4303 section 3.1.1, RFC 8200 section 4.1, RFC 6275 sections 6.3 and 6.4. */
  @Test
  void everyHeaderHasItsPlace() {
    var esp = association(TransformProtocol.ESP, Mode.TRANSPORT).build();
    var ah = association(TransformProtocol.AH, Mode.TRANSPORT).build();
    var p = packet(HBH, OPT, RT, OPT);
    assertThat(chain(p)).isEqualTo("hop-by-hop options routing1 options udp");
    assertThat(new AhOutbound(ah, () -> 1).apply(p)).isNull();
    assertThat(chain(p)).isEqualTo("hop-by-hop options routing1 ah options udp");
    assertThat(new EspOutbound(esp, () -> 1).apply(p)).isNull();
    assertThat(chain(p)).isEqualTo("hop-by-hop options routing1 esp");
    assertThat(new HomeAddressInsertion(CARE_OF).apply(p)).isNull();
    assertThat(chain(p)).isEqualTo("hop-by-hop options routing1 home-address esp");
    assertThat(new RoutingHeaderInsertion(CARE_OF).apply(p)).isNull();
    assertThat(chain(p)).isEqualTo("hop-by-hop options routing1 routing2 home-address esp");

    p = packet(OPT);
    assertThat(new HomeAddressInsertion(CARE_OF).apply(p)).isNull();
    assertThat(chain(p)).isEqualTo("home-address options udp");
    assertThat(new AhOutbound(ah, () -> 1).apply(p)).isNull();
    assertThat(chain(p)).isEqualTo("home-address ah options udp");

    p = packet(HBH);
    assertThat(new RoutingHeaderInsertion(CARE_OF).apply(p)).isNull();
    assertThat(new EspOutbound(esp, () -> 1).apply(p)).isNull();
    assertThat(chain(p)).isEqualTo("hop-by-hop routing2 esp");
    assertThat(p.length() - 40)
        .isEqualTo((p.array()[p.start() + 4] & 0xff) << 8 | (p.array()[p.start() + 5] & 0xff));
  }

  @Test
  void addressesChangePlaces() {
    var p = packet();
    var source = Ipv6Address.read(p.array(), p.start() + 8);
    var destination = Ipv6Address.read(p.array(), p.start() + 24);
    assertThat(new HomeAddressInsertion(CARE_OF).apply(p)).isNull();
    assertThat(Ipv6Address.read(p.array(), p.start() + 8)).isEqualTo(CARE_OF);
    assertThat(Ipv6Address.read(p.array(), p.start() + 48)).isEqualTo(source);

    assertThat(new RoutingHeaderInsertion(AGENT).apply(p)).isNull();
    assertThat(Ipv6Address.read(p.array(), p.start() + 24)).isEqualTo(AGENT);
    assertThat(Ipv6Address.read(p.array(), p.start() + 48)).isEqualTo(destination);
    assertThat(HexFormat.of().formatHex(p.array(), p.start() + 40, p.start() + 48))
        .isEqualTo("3c02020100000000");
  }

  /** RFC 6040 sections 4.1 (normal mode) and 4.2; the field's values 0 to 3, -1 for a discard. */
  @ParameterizedTest
  @CsvSource({
    "0,0,0", "0,2,0", "0,1,0", "0,3,-1", "2,0,2", "2,2,2", "2,1,1", "2,3,3", "1,0,1", "1,2,1",
    "1,1,1", "1,3,3", "3,0,3", "3,2,3", "3,1,3", "3,3,3"
  })
  void congestionIsToldOn(int inner, int arriving, int expected) {
    var p = packet();
    byte[] octets = p.array();
    octets[p.start()] = 0x6b; // DSCP 46
    octets[p.start() + 1] = (byte) (0x80 | inner << 4 | 0x5);
    assertThat(new Ipv6InIpv6(CARE_OF, AGENT).apply(p)).isNull();
    int outer = p.start();
    assertThat(octets[outer + 1] >> 4 & 3).as("copied").isEqualTo(inner);
    assertThat((octets[outer] & 0xf) << 2 | (octets[outer + 1] & 0xc0) >> 6).isEqualTo(46);
    assertThat(octets[outer + 6]).isEqualTo((byte) IpProtocol.IPV6);
    assertThat(octets[outer + 7]).isEqualTo((byte) 64);

    octets[outer + 1] = (byte) ((octets[outer + 1] & ~0x30) | arriving << 4);
    Discard discard = Ipv6InIpv6.decapsulate(p, outer + 40);
    if (expected < 0) {
      assertThat(discard).isNotNull();
    } else {
      assertThat(discard).isNull();
      assertThat(octets[p.start() + 1] >> 4 & 3).isEqualTo(expected);
      assertThat(octets[p.start() + 7]).as("hop limit of the inner header").isEqualTo((byte) 64);
    }
  }

  /** The same through IPsec's tunnels, whose integrity the network's mark must not break. */
  @ParameterizedTest
  @CsvSource({"0,0,0", "0,2,0", "0,3,-1", "2,3,3", "2,1,1", "1,3,3", "1,2,1", "3,0,3"})
  void congestionIsToldOnThroughIpsec(int inner, int arriving, int expected) {
    for (TransformProtocol protocol :
        new TransformProtocol[] {TransformProtocol.ESP, TransformProtocol.AH}) {
      var tunnel = association(protocol, Mode.TUNNEL).build();
      var p = packet();
      byte[] octets = p.array();
      octets[p.start()] = 0x6b; // DSCP 46
      octets[p.start() + 1] = (byte) (0x80 | inner << 4 | 0x5);
      assertThat(IpsecRoundTripTest.outbound(tunnel).apply(p)).isNull();
      int outer = p.start();
      assertThat(octets[outer + 1] >> 4 & 3).as("copied").isEqualTo(inner);
      assertThat((octets[outer] & 0xf) << 2 | (octets[outer + 1] & 0xc0) >> 6).isEqualTo(46);
      assertThat(octets[outer + 7]).as("hop limit").isEqualTo((byte) 64);

      octets[outer + 1] = (byte) ((octets[outer + 1] & ~0x30) | arriving << 4);
      octets[outer + 7] = 3;
      Discard discard = IpsecRoundTripTest.inbound(tunnel).apply(p, outer + 40, outer + 6);
      if (expected < 0) {
        assertThat(discard).as("%s", protocol).isNotNull();
      } else {
        assertThat(discard).as("%s", protocol).isNull();
        assertThat(octets[p.start() + 1] >> 4 & 3).as("%s", protocol).isEqualTo(expected);
        assertThat((octets[p.start()] & 0xf) << 2 | (octets[p.start() + 1] & 0xc0) >> 6)
            .isEqualTo(46);
        assertThat(octets[p.start() + 7]).isEqualTo((byte) 64);
      }
    }
  }

  /** RFC 6438 section 3: one label for a flow, others for others. */
  @Test
  void aFlowKeepsItsLabel() {
    var labels = new java.util.TreeSet<Integer>();
    for (int flow = 0; flow < 1000; flow++) {
      int first = 0;
      for (int copy = 0; copy < 2; copy++) {
        var p = packet();
        Place.putInt(p.array(), p.start() + 36, flow);
        assertThat(new Ipv6InIpv6(CARE_OF, AGENT).apply(p)).isNull();
        int label = Place.getInt(p.array(), p.start()) & 0xfffff;
        assertThat(copy == 0 || label == first).isTrue();
        first = label;
      }
      labels.add(first);
    }
    assertThat(labels).hasSizeGreaterThan(990);
  }

  /** An ESP tunnel packet whose text is given from the inner packet's end on. */
  private static PacketBuffer espTunnel(PacketBuffer inner, byte[] behind) {
    byte[] packet = inner.toOctets();
    byte[] octets = new byte[40 + 8 + packet.length + behind.length + 16];
    octets[0] = 0x60;
    octets[6] = IpProtocol.ESP;
    CARE_OF.write(octets, 8);
    AGENT.write(octets, 24);
    Place.putInt(octets, 40, 0x1001);
    Place.putInt(octets, 44, 1);
    System.arraycopy(packet, 0, octets, 48, packet.length);
    System.arraycopy(behind, 0, octets, 48 + packet.length, behind.length);
    var suite =
        EspSuite.of(
            EncryptionAlgorithm.NULL,
            KeyMaterial.EMPTY,
            IntegrityAlgorithm.HMAC_SHA2_256_128,
            INTEGRITY_KEY,
            false);
    suite.seal(octets, 40, packet.length + behind.length, 1);
    var p = new PacketBuffer(2048);
    p.set(octets, 0, octets.length);
    Place.setPayloadLength(p);
    return p;
  }

  private static EspInbound espTunnelEnd() {
    var tunnel = association(TransformProtocol.ESP, Mode.TUNNEL).build();
    return new EspInbound(tunnel, new ReplayWindow(64, false, 0));
  }

  private static byte[] hex(String octets) {
    return HexFormat.of().parseHex(octets.replace(" ", ""));
  }

  @Test
  void paddingForTrafficFlowConfidentialityIsCutOff() {
    var inner = packet();
    byte[] before = inner.toOctets();
    var p = espTunnel(inner, hex("00112233445566778899aabbccddeeff 0102 02 29"));
    assertThat(espTunnelEnd().apply(p, p.start() + 40, p.start() + 6)).isNull();
    assertThat(p.toOctets()).isEqualTo(before);
  }

  /** RFC 4303 section 2.6: of no value, so not an error; 2.4: padding that is not 1, 2, 3 is. */
  @Test
  void dummiesAndWrongPadding() {
    var dummy = espTunnel(packet(), hex("0102 02 3b"));
    assertThat(espTunnelEnd().apply(dummy, dummy.start() + 40, dummy.start() + 6))
        .isEqualTo(Discard.IN_ESP_DUMMY);
    var wrong = espTunnel(packet(), hex("0103 02 29"));
    assertThat(espTunnelEnd().apply(wrong, wrong.start() + 40, wrong.start() + 6))
        .isEqualTo(Discard.IN_STATE_PROTO_ERROR);
    var tooMuch = espTunnel(packet(), hex("0102 ff 29"));
    assertThat(espTunnelEnd().apply(tooMuch, tooMuch.start() + 40, tooMuch.start() + 6))
        .isEqualTo(Discard.IN_STATE_PROTO_ERROR);
    var noTunnel = espTunnel(packet(), hex("0102 02 11"));
    assertThat(espTunnelEnd().apply(noTunnel, noTunnel.start() + 40, noTunnel.start() + 6))
        .isEqualTo(Discard.IN_STATE_MODE_ERROR);
  }

  @Test
  void innerPacketLongerThanItsTunnel() {
    var inner = packet();
    Place.putShort(inner.array(), inner.start() + 4, 1000);
    var p = espTunnel(inner, hex("0102 02 29"));
    assertThat(espTunnelEnd().apply(p, p.start() + 40, p.start() + 6))
        .isEqualTo(Discard.MALFORMED_IPV6);
  }

  /** No number, no packet (RFC 4303 section 3.3.3). */
  @Test
  void nothingIsSentWithoutANumber() {
    for (Mode mode : new Mode[] {Mode.TRANSPORT, Mode.TUNNEL}) {
      var esp = association(TransformProtocol.ESP, mode).build();
      var ah = association(TransformProtocol.AH, mode).build();
      assertThat(new EspOutbound(esp, () -> SequenceSource.EXHAUSTED).apply(packet()))
          .isEqualTo(Discard.OUT_STATE_SEQ_ERROR);
      assertThat(new AhOutbound(ah, () -> SequenceSource.EXHAUSTED).apply(packet()))
          .isEqualTo(Discard.OUT_STATE_SEQ_ERROR);
    }
  }

  @Test
  void whatIsTooLongIsNotSent() {
    var buffer = new PacketBuffer(1 << 17);
    byte[] octets = new byte[0xffff];
    byte[] head = packet().toOctets();
    System.arraycopy(head, 0, octets, 0, head.length);
    buffer.set(octets, 0, octets.length);
    var esp = association(TransformProtocol.ESP, Mode.TUNNEL).build();
    assertThat(new EspOutbound(esp, () -> 1).apply(buffer)).isEqualTo(Discard.OUT_TOO_BIG);
    var ah = association(TransformProtocol.AH, Mode.TUNNEL).build();
    assertThat(new AhOutbound(ah, () -> 1).apply(buffer)).isEqualTo(Discard.OUT_TOO_BIG);
    var plain = new Ipv6InIpv6(CARE_OF, AGENT);
    buffer.append(10);
    assertThat(plain.apply(buffer)).isEqualTo(Discard.OUT_TOO_BIG);
  }

  /** Whatever stands in the octets: a discard or a packet, and never an exception. */
  @Test
  void noOctetsThrow() {
    var random = new Random(20261123);
    var associations = IpsecRoundTripTest.associations();
    var outbound = new ArrayList<OutboundTransform>();
    var inbound = new ArrayList<InboundTransform>();
    for (SecurityAssociation association : associations) {
      outbound.add(IpsecRoundTripTest.outbound(association));
      inbound.add(IpsecRoundTripTest.inbound(association));
    }
    outbound.add(new HomeAddressInsertion(CARE_OF));
    outbound.add(new RoutingHeaderInsertion(CARE_OF));
    outbound.add(new Ipv6InIpv6(CARE_OF, AGENT));
    int[] types = {0, 17, 41, 43, 44, 50, 51, 59, 60, 135};
    var p = new PacketBuffer(2048);
    int discarded = 0;
    for (int round = 0; round < 200_000; round++) {
      byte[] octets = packet(HBH, OPT, RT, OPT).toOctets();
      if (random.nextBoolean()) {
        octets = packet(types[random.nextInt(4)] == 0 ? HBH : OPT).toOctets();
      }
      for (int change = random.nextInt(6); change >= 0; change--) {
        int at = random.nextInt(Math.min(octets.length, 80));
        octets[at] =
            random.nextBoolean()
                ? (byte) types[random.nextInt(types.length)]
                : (byte) random.nextInt(256);
      }
      int length = random.nextInt(5) == 0 ? 40 + random.nextInt(octets.length - 39) : octets.length;
      p.clear();
      p.set(octets, 0, length);
      Discard discard;
      if (random.nextBoolean()) {
        discard = outbound.get(random.nextInt(outbound.size())).apply(p);
        if (discard == null && random.nextBoolean()) {
          discard = outbound.get(random.nextInt(outbound.size())).apply(p);
        }
      } else {
        int header = p.start() + Math.min(40 + 8 * random.nextInt(4), length);
        discard = inbound.get(random.nextInt(inbound.size())).apply(p, header, p.start() + 6);
        assertThat(discard).as("forged").isNotNull();
      }
      discarded += discard == null ? 0 : 1;
    }
    assertThat(discarded).isGreaterThan(100_000);
  }
}
