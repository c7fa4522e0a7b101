package io.mipd.xfrm.pfkey;

import static com.google.common.base.Preconditions.checkState;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The golden octets are in {@code pfkey-linux-6.1.176.txt}, which says where they come from. */
class PfKeyCodecTest {
  private static final Ipv6Address HERE = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address THERE = Ipv6Address.parse("2001:db8:2::20");
  private static final Ipv6Address ELSEWHERE = Ipv6Address.parse("2001:db8:a::10");
  private static final KeyMaterial KEY16 = KeyMaterial.parseHex("00112233445566778899aabbccddeeff");
  private static final KeyMaterial KEY20 =
      KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213");

  /** {@code SADB_AALG_SHA1HMAC}. */
  private static final int SHA1 = 3;

  /** {@code SADB_X_EALG_AESCBC}. */
  private static final int AES_CBC = 12;

  private static final Selector FLOW = Selector.between(HERE, THERE);

  private static final ImmutableMap<String, String> GOLDEN = golden();

  private static ImmutableMap<String, String> golden() {
    var golden = ImmutableMap.<String, String>builder();
    try (var in = PfKeyCodecTest.class.getResourceAsStream("pfkey-linux-6.1.176.txt")) {
      checkState(in != null, "no golden octets");
      String heading = "";
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("## ")) {
          heading = line.substring(3);
        } else if (!line.startsWith("#")) {
          golden.put(heading, line);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return golden.buildOrThrow();
  }

  /** The octets whose heading begins so. */
  private static String golden(String heading) {
    return GOLDEN.entrySet().stream()
        .filter(it -> it.getKey().startsWith(heading))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElseThrow(() -> new AssertionError("nothing recorded: " + heading));
  }

  private static ByteBuf octets(String hexadecimal) {
    return Unpooled.wrappedBuffer(HexFormat.of().parseHex(hexadecimal));
  }

  private static PfKeyMessage decoded(String heading) throws MalformedPacketException {
    return PfKeyCodec.decode(octets(golden(heading)));
  }

  private static String encoded(PfKeyMessage message) {
    var out = Unpooled.buffer();
    PfKeyCodec.encode(message, out);
    return ByteBufUtil.hexDump(out);
  }

  /** As the recording's requests were numbered. */
  private static String sent(PfKeyMessage message) {
    return encoded(message.numbered(7, 42));
  }

  @Test
  void readsThePoliciesThatIpHasPut() throws Exception {
    assertThat(PfKeyPolicy.of(decoded("SADB_X_SPDDUMP, after ip xfrm policy add src 2001:db8:1::")))
        .contains(
            Policy.allow(
                Selector.between(Ipv6Prefix.host(HERE), Ipv6Prefix.parse("2001:db8:2::/64"))
                    .withProtocol(IpProtocol.UDP)
                    .withPorts(PortMatch.exactly(4000), PortMatch.exactly(500)),
                Direction.OUT,
                1000,
                Bundle.of(Template.tunnel(TransformProtocol.ESP, HERE, THERE, new ReqId(7)))));
    assertThat(PfKeyPolicy.of(decoded("SADB_X_SPDDUMP, after ip xfrm policy add src 2001:db8:2::")))
        .contains(
            Policy.allow(
                Selector.between(Ipv6Prefix.parse("2001:db8:2::/64"), Ipv6Prefix.host(HERE))
                    .withType(IpProtocol.MOBILITY, 5),
                Direction.IN,
                1001,
                Bundle.of(Template.transport(TransformProtocol.AH, new ReqId(8)).asOptional())));
    assertThat(PfKeyPolicy.of(decoded("SADB_X_SPDDUMP, after ip xfrm policy add src ::/0")))
        .contains(Policy.block(Selector.ANY, Direction.FWD, 1002));
  }

  @Test
  void readsAnAssociationThatIpHasPut() throws Exception {
    assertThat(
            PfKeyAssociation.of(
                decoded(
                    "SADB_DUMP, after ip xfrm state add src 2001:db8:1::10 dst 2001:db8:2::20 proto"
                        + " esp")))
        .contains(
            SecurityAssociation.builder(
                    new AssociationId(THERE, TransformProtocol.ESP, Spi.ofAssociation(0x1001)),
                    HERE,
                    Mode.TUNNEL)
                .reqId(new ReqId(7))
                .encryption(EncryptionAlgorithm.AES_CBC, KEY16)
                .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20)
                .replayWindow(32)
                .lifetime(
                    new AssociationLifetime(
                        1_000_000,
                        1_000_000,
                        AssociationLifetime.UNLIMITED,
                        AssociationLifetime.UNLIMITED,
                        Duration.ofSeconds(100),
                        Duration.ofSeconds(200)))
                .build());
  }

  @Test
  void doesNotTellAnAssociationWithoutItsSelector() throws Exception {
    PfKeyMessage message =
        decoded(
            "SADB_DUMP, after ip xfrm state add src 2001:db8:1::10 dst 2001:db8:2::20 proto ah");
    assertThat(PfKeyAssociation.idOf(message))
        .contains(new AssociationId(THERE, TransformProtocol.AH, Spi.ofAssociation(0x1002)));
    assertThat(PfKeyAssociation.of(message)).isEmpty();
  }

  @Test
  void writesWhatTheKernelHasTaken() {
    var two =
        Policy.allow(
            FLOW,
            Direction.OUT,
            2000,
            Bundle.of(
                Template.transport(TransformProtocol.ESP, new ReqId(7)),
                Template.tunnel(TransformProtocol.ESP, HERE, THERE, new ReqId(9))));
    assertThat(sent(PfKeyPolicy.message(PfKeyMessage.X_SPDUPDATE, two)))
        .isEqualTo(golden("SADB_X_SPDUPDATE of [esp transport reqid 7][esp tunnel reqid 9] >"));
    var type =
        Policy.allow(
            FLOW.withType(IpProtocol.MOBILITY, 5),
            Direction.OUT,
            1000,
            Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(0x3fff))));
    assertThat(sent(PfKeyPolicy.message(PfKeyMessage.X_SPDADD, type)))
        .isEqualTo(golden("SADB_X_SPDADD for Mobility Header type 5 >"));
    assertThat(
            sent(
                PfKeyPolicy.message(
                    PfKeyMessage.X_SPDADD, Policy.block(Selector.ANY, Direction.IN, 5))))
        .isEqualTo(golden("SADB_X_SPDADD of a block >"));
    assertThat(sent(PfKeyPolicy.deletion(two.id()))).isEqualTo(golden("SADB_X_SPDDELETE >"));
  }

  @Test
  void writesMoves() {
    var id = new Policy.Id(FLOW, Direction.OUT);
    assertThat(
            sent(PfKeyPolicy.migration(id, ImmutableList.of(move(new ReqId(9))), Optional.empty())))
        .isEqualTo(golden("SADB_X_MIGRATE of the tunnel reqid 9 >"));
    var manager =
        new PfKeyExtension.KeyManagerAddress(new PfKeyExtension.AddressPair(ELSEWHERE, THERE));
    assertThat(
            sent(
                PfKeyPolicy.migration(
                    id, ImmutableList.of(move(new ReqId(7))), Optional.of(manager))))
        .isEqualTo(
            golden("SADB_X_MIGRATE with SADB_X_EXT_KMADDRESS, of a tunnel that is not there >"));
  }

  private static XfrmCommand.Move move(ReqId reqId) {
    return new XfrmCommand.Move(
        TransformProtocol.ESP, Mode.TUNNEL, reqId, HERE, THERE, ELSEWHERE, THERE);
  }

  @Test
  void readsARefusal() throws Exception {
    PfKeyMessage refusal =
        decoded("SADB_X_MIGRATE with SADB_X_EXT_KMADDRESS, of a tunnel that is not there <");
    assertThat(refusal)
        .isEqualTo(new PfKeyMessage(PfKeyMessage.X_MIGRATE, 0, 61, 7, 42, ImmutableList.of()));
  }

  @Test
  void readsWhatKeyManagersAreTold() throws Exception {
    PfKeyMessage algorithms = decoded("SADB_REGISTER <");
    assertThat(supported(algorithms, PfKeyExtension.SUPPORTED_AUTH))
        .contains(new PfKeyExtension.Algorithm(SHA1, 0, new PfKeyExtension.KeyBits(160, 160)));
    assertThat(supported(algorithms, PfKeyExtension.SUPPORTED_ENCRYPT))
        .contains(new PfKeyExtension.Algorithm(AES_CBC, 8, new PfKeyExtension.KeyBits(128, 256)));
    PfKeyMessage wanted = decoded("SADB_ACQUIRE of");
    var proposal = wanted.first(PfKeyExtension.Proposal.class).orElseThrow();
    assertThat(proposal.replay()).isEqualTo(32);
    assertThat(proposal.combinations())
        .contains(
            new PfKeyExtension.Combination(
                SHA1,
                AES_CBC,
                0,
                new PfKeyExtension.KeyBits(160, 160),
                new PfKeyExtension.KeyBits(128, 256),
                new PfKeyExtension.Limits(0, 0, 20 * 60 * 60, 7 * 60 * 60),
                new PfKeyExtension.Limits(0, 0, 24 * 60 * 60, 8 * 60 * 60)));
  }

  private static ImmutableList<PfKeyExtension.Algorithm> supported(PfKeyMessage message, int type) {
    return message.first(PfKeyExtension.Supported.class, type).orElseThrow().algorithms();
  }

  /** Laid out by hand as RFC 2367 sections 2.3.5, 2.3.6 and 2.3.9 have it: Linux sends none. */
  @Test
  void readsAndWritesIdentityLabelAndRange() throws Exception {
    var identity =
        new PfKeyExtension.Identity(
            PfKeyExtension.IDENTITY_DST,
            PfKeyExtension.Identity.DOMAIN_NAME,
            1000,
            Optional.of("ha.example.org"));
    var unnamed =
        new PfKeyExtension.Identity(PfKeyExtension.IDENTITY_SRC, 0, 1000, Optional.empty());
    var label =
        new PfKeyExtension.Sensitivity(
            5,
            new PfKeyExtension.Label(6, Octets.parse("8000000000000001")),
            new PfKeyExtension.Label(7, Octets.EMPTY));
    var range =
        new PfKeyExtension.SpiRange(Spi.ofAssociation(0x100), Spi.ofAssociation(0xffff_ffffL));
    var message =
        PfKeyMessage.request(
            PfKeyMessage.GETSPI,
            PfKeyMessage.ESP,
            ImmutableList.of(identity, unnamed, label, range));
    String octets =
        "020100030d000000070000002a000000"
            + "04000b0002000000e80300000000000068612e6578616d706c652e6f72670000"
            + "02000a0000000000e803000000000000"
            + "03000c000500000006010700000000008000000000000001"
            + "0200100000010000ffffffff00000000";
    assertThat(sent(message)).isEqualTo(octets);
    assertThat(PfKeyCodec.decode(octets(octets))).isEqualTo(message.numbered(7, 42));
    // A text without its end, a bitmap that is longer than its extension.
    for (String wrong :
        ImmutableList.of(
            octets.replace("72670000", "72672121"), octets.replace("06010700", "06020700"))) {
      assertThatThrownBy(() -> PfKeyCodec.decode(octets(wrong)))
          .isInstanceOf(MalformedPacketException.class);
    }
  }

  @Test
  void whatIsReadIsWrittenAgain() throws Exception {
    for (var recorded : GOLDEN.entrySet()) {
      PfKeyMessage message = PfKeyCodec.decode(octets(recorded.getValue()));
      assertThat(PfKeyCodec.decode(octets(encoded(message)))).isEqualTo(message);
      // There the kernel pads an address with what its memory held.
      if (!recorded.getKey().equals("SADB_X_MIGRATE of the tunnel reqid 9 <")) {
        // Of the header a count of the kernel's is not kept, which RFC 2367 reserves.
        assertThat(encoded(message).substring(16)).isEqualTo(recorded.getValue().substring(16));
      }
    }
  }

  @Test
  void everyTruncationIsRefused() {
    for (String recorded : GOLDEN.values()) {
      for (int length = 0; length < recorded.length() / 2; length++) {
        ByteBuf cut = octets(recorded.substring(0, 2 * length));
        assertThatThrownBy(() -> PfKeyCodec.decode(cut))
            .isInstanceOf(MalformedPacketException.class);
        // With a header that admits it what is behind is looked at, and may be a message.
        if (length >= PfKeyCodec.HEADER && length % 8 == 0) {
          ByteBuf shorter = octets(recorded.substring(0, 2 * length)).copy();
          shorter.setShortLE(4, length / 8);
          neverThrowsAnythingElse(shorter);
        }
      }
    }
  }

  @Test
  void randomChangesNeverThrowAnythingElse() {
    var random = new SplittableRandom(2367);
    ImmutableList<String> recorded = GOLDEN.values().asList();
    for (int i = 0; i < 100_000; i++) {
      ByteBuf octets = octets(recorded.get(random.nextInt(recorded.size())));
      for (int change = 0; change <= random.nextInt(4); change++) {
        octets.setByte(random.nextInt(octets.readableBytes()), random.nextInt(256));
      }
      neverThrowsAnythingElse(octets);
    }
  }

  private static void neverThrowsAnythingElse(ByteBuf octets) {
    try {
      PfKeyMessage message = PfKeyCodec.decode(octets);
      PfKeyPolicy.of(message);
      PfKeyAssociation.of(message);
    } catch (MalformedPacketException e) {
      assertThat(e.offset()).isNotNegative();
    }
  }

  @Test
  void saysWhatItCannotSay() {
    Template option = Template.homeAddressOption(HERE, THERE);
    assertThat(unsaid(FLOW, option)).contains("a template of protocol hao");
    assertThat(unsaid(FLOW, Template.routingHeader(THERE, HERE)))
        .contains("a template of protocol route2");
    assertThat(unsaid(FLOW, Template.ipv6InIpv6(HERE, THERE)))
        .contains("a template of protocol ipv6");
    Template esp = Template.transport(TransformProtocol.ESP, new ReqId(1));
    assertThat(unsaid(FLOW, esp)).isEmpty();
    assertThat(unsaid(FLOW.withMark(new Mark(1, 1)), esp)).contains("a mark");
    assertThat(unsaid(FLOW.withType(IpProtocol.MOBILITY, 0), esp))
        .contains("port or type 0, or one with a mask");
    assertThat(unsaid(FLOW, esp.asOptional())).contains("the request id of an optional template");
    assertThat(unsaid(FLOW, Template.transport(TransformProtocol.ESP, new ReqId(0x4000))))
        .contains("a request id above 16383");
    assertThat(
            unsaid(
                FLOW, Template.tunnel(TransformProtocol.ESP, HERE, THERE, ReqId.ANY).asOptional()))
        .contains("an optional tunnel outbound");
  }

  private static Optional<String> unsaid(Selector selector, Template template) {
    return PfKeyPolicy.inexpressible(Policy.allow(selector, Direction.OUT, 1, Bundle.of(template)));
  }

  @Test
  void saysWhatOfAnAssociationItCannotSay() {
    SecurityAssociation sayable =
        SecurityAssociation.builder(
                new AssociationId(THERE, TransformProtocol.ESP, Spi.ofAssociation(0x1001)),
                HERE,
                Mode.TRANSPORT)
            .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20)
            .replayWindow(32)
            .build();
    assertThat(PfKeyAssociation.inexpressible(sayable)).isEmpty();
    assertThat(PfKeyAssociation.inexpressible(sayable.toBuilder().selector(FLOW).build()))
        .contains("a selector");
    assertThat(PfKeyAssociation.inexpressible(sayable.toBuilder().replayWindow(33).build()))
        .contains("an anti-replay window of more than 32 packets");
    assertThat(
            PfKeyAssociation.inexpressible(
                sayable.toBuilder().extendedSequenceNumbers(true).build()))
        .contains("extended sequence numbers");
    assertThat(
            PfKeyAssociation.inexpressible(
                sayable.toBuilder()
                    .integrity(
                        IntegrityAlgorithm.HMAC_SHA2_256_128, KeyMaterial.copyOf(new byte[32]))
                    .build()))
        .contains("hmac(sha256) with 128 bits of check value");
  }

  @Test
  void keysDoNotPrint() {
    var key = new PfKeyExtension.Key(PfKeyExtension.KEY_AUTH, KEY20);
    assertThat(key.toString()).doesNotContain("0102").contains("160 bits");
  }
}
