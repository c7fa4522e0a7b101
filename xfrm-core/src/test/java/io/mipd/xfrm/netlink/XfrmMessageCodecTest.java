package io.mipd.xfrm.netlink;

import static com.google.common.base.Preconditions.checkState;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableListMultimap;
import com.google.common.primitives.ImmutableIntArray;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * The golden octets are in {@code xfrm-linux-6.1.176.txt}: what iproute2 6.1.0 sent to Linux
 * 6.1.176 and what that said, each under its command.
 */
class XfrmMessageCodecTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address NEW_CARE_OF = Ipv6Address.parse("2001:db8:b::10");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::2");
  private static final Mark OURS = new Mark(0, 0x8000_0000);
  private static final KeyMaterial KEY16 = KeyMaterial.parseHex("00112233445566778899aabbccddeeff");
  private static final KeyMaterial KEY20 =
      KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213");
  private static final KeyMaterial KEY32 =
      KeyMaterial.parseHex("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

  private static final ImmutableListMultimap<String, ByteBuf> GOLDEN = golden();

  private static ImmutableListMultimap<String, ByteBuf> golden() {
    var golden = ImmutableListMultimap.<String, ByteBuf>builder();
    try (var in = XfrmMessageCodecTest.class.getResourceAsStream("xfrm-linux-6.1.176.txt")) {
      checkState(in != null, "no golden octets");
      String command = "";
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("## ")) {
          command = line.substring(3);
        } else if (!line.startsWith("#")) {
          golden.put(command, Unpooled.wrappedBuffer(HexFormat.of().parseHex(line)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return golden.build();
  }

  /** What was sent and told under the one command that begins so. */
  private static List<ByteBuf> under(String command) {
    var commands = GOLDEN.keySet().stream().filter(one -> one.startsWith(command)).toList();
    assertThat(commands).as(command).hasSize(1);
    return GOLDEN.get(commands.get(0)).stream().map(ByteBuf::duplicate).toList();
  }

  private static XfrmMessage decode(ByteBuf datagram) throws MalformedPacketException {
    var message = NetlinkMessage.read(datagram.duplicate()).orElseThrow();
    return XfrmMessageCodec.decode(message).orElseThrow();
  }

  private static <T extends XfrmMessage> T decode(ByteBuf datagram, Class<T> kind)
      throws MalformedPacketException {
    XfrmMessage message = decode(datagram);
    assertThat(message).isInstanceOf(kind);
    return kind.cast(message);
  }

  /** What follows the netlink header. */
  private static String payload(ByteBuf datagram) {
    return ByteBufUtil.hexDump(datagram).substring(2 * NetlinkMessage.HEADER);
  }

  private static String encoded(XfrmMessage message) {
    var out = Unpooled.buffer();
    XfrmMessageCodec.encode(message, out);
    return ByteBufUtil.hexDump(out);
  }

  private static String encoded(int type, KernelPolicy policy) {
    return encoded(new XfrmMessage.PolicyMessage(type, policy.info(), policy.attributes()));
  }

  private static String encoded(int type, KernelAssociation association) {
    return encoded(
        new XfrmMessage.AssociationMessage(type, association.info(), association.attributes()));
  }

  private static KernelPolicy policy(ByteBuf datagram) throws MalformedPacketException {
    var message = decode(datagram, XfrmMessage.PolicyMessage.class);
    return new KernelPolicy(message.info(), message.attributes());
  }

  private static KernelAssociation association(ByteBuf datagram) throws MalformedPacketException {
    var message = decode(datagram, XfrmMessage.AssociationMessage.class);
    return new KernelAssociation(message.info(), message.attributes());
  }

  private static final Policy MERGED =
      Policy.allow(
          Selector.between(HOME, PEER),
          Direction.IN,
          10,
          Bundle.of(
              Template.tunnel(TransformProtocol.ESP, HOME, PEER, new ReqId(1)),
              new Template(
                  TransformProtocol.ESP,
                  Mode.TUNNEL,
                  CARE_OF,
                  AGENT,
                  new ReqId(2),
                  new Spi(0x2001),
                  true)));

  @Test
  void aPolicyIsWrittenAsIpWritesIt() throws MalformedPacketException {
    var golden =
        under(
            "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir in priority 10 mark 0 mask"
                + " 0x80000000");

    assertThat(encoded(XfrmMessage.NEWPOLICY, KernelPolicy.of(MERGED, OURS)))
        .isEqualTo(payload(golden.get(0)));
    assertThat(policy(golden.get(0)).policy(OURS)).hasValue(MERGED);
  }

  /** The kernel adds an index, the time, and the type. */
  @Test
  void aPolicyIsReadAsTheKernelTellsIt() throws MalformedPacketException {
    var told =
        policy(
            under(
                    "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir in priority 10"
                        + " mark 0 mask 0x80000000")
                .get(1));

    assertThat(told.policy(OURS)).hasValue(MERGED);
    assertThat(told.info().index()).isEqualTo(8);
    assertThat(told.info().use().addTime()).isEqualTo(0x6b06_0acaL);
    assertThat(told.isMain()).isTrue();
    assertThat(told.mark()).isEqualTo(OURS);
  }

  @Test
  void everyPartOfAPolicyIsRead() throws MalformedPacketException {
    var golden =
        under(
            "ip xfrm policy add src 2001:db8:1::10/64 dst ::/0 proto 135 type 5 dir in ptype sub index 4096");
    var told = policy(golden.get(0));

    assertThat(told.isMain()).isFalse();
    assertThat(told.info().index()).isEqualTo(4096);
    assertThat(told.info().flags()).isEqualTo(2);
    assertThat(told.info().limits()).isEqualTo(new LifetimeLimits(100, 200, -1, -1, 5, 0, 0, 9));
    var block = told.policy().orElseThrow();
    assertThat(block.action()).isEqualTo(Policy.Action.BLOCK);
    assertThat(block.priority()).isEqualTo(7);
    assertThat(block.selector().protocol()).isEqualTo(IpProtocol.MOBILITY);
    assertThat(block.selector().sourcePort()).isEqualTo(PortMatch.exactly(5));
    assertThat(block.selector().source().toString()).isEqualTo("2001:db8:1::/64");
    assertThat(block.selector().interfaceId()).isEqualTo(0x2a);
  }

  @Test
  void whatTheModelCannotSayIsKept() throws MalformedPacketException {
    var ipv4 = policy(under("ip xfrm policy add src 192.0.2.1/32").get(1));
    var bound =
        policy(under("ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:c::2 dev d0").get(1));

    assertThat(ipv4.policy()).isEmpty();
    assertThat(ipv4.info().selector().destinationPort()).isEqualTo(443);
    assertThat(bound.policy()).isEmpty();
    assertThat(bound.info().selector().interfaceIndex()).isEqualTo(4);
    assertThat(bound.attributes().templates().get(0).family()).isEqualTo(KernelSelector.AF_INET);
  }

  @Test
  void aPolicyIsNamedByItsSelectorAndToldWhole() throws MalformedPacketException {
    var byIndex = under("ip xfrm policy delete dir in ptype sub index 4096 if_id 0x2a");
    assertThat(decode(byIndex.get(0), XfrmMessage.PolicyNamed.class).name())
        .isEqualTo(
            new PolicyName(
                decode(byIndex.get(0), XfrmMessage.PolicyNamed.class).name().selector(), 4096, 0));
    var told = decode(byIndex.get(1), XfrmMessage.PolicyNamed.class);
    assertThat(told.attributes().find(XfrmAttribute.Policy.class).orElseThrow().info().priority())
        .isEqualTo(7);

    // iproute2 leaves a mark of value 0 out, so its request has no mark; ours has.
    var named = KernelPolicy.named(XfrmMessage.DELPOLICY, MERGED.id(), OURS);
    assertThat(encoded(named))
        .isEqualTo(
            payload(
                    under(
                            "ip xfrm policy delete src 2001:db8:1::10 dst 2001:db8:c::2 dir in"
                                + " mark 0")
                        .get(0))
                + "0c001500"
                + "00000000"
                + "00000080");
  }

  private static SecurityAssociation tunnel() {
    return SecurityAssociation.builder(
            new AssociationId(PEER, TransformProtocol.ESP, new Spi(0x1001)), HOME, Mode.TUNNEL)
        .reqId(new ReqId(1))
        .encryption(EncryptionAlgorithm.AES_CBC, KEY16)
        .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, KEY32)
        .replayWindow(32)
        .selector(Selector.between(HOME, PEER))
        .build();
  }

  @Test
  void anAssociationIsWrittenAsIpWritesIt() throws MalformedPacketException {
    var golden =
        under(
            "ip xfrm state add src 2001:db8:1::10 dst 2001:db8:c::2 proto esp spi 0x1001 reqid 1 mode tunnel enc");

    var ours = KernelAssociation.of(tunnel(), Mark.ANY, SequencePosition.START, 0);
    assertThat(encoded(XfrmMessage.NEWSA, ours)).isEqualTo(payload(golden.get(0)));
    assertThat(association(golden.get(0)).association(Mark.ANY)).hasValue(tunnel());
    assertThat(association(golden.get(1)).association(Mark.ANY)).hasValue(tunnel());
    assertThat(ours.toString()).doesNotContain("aabbccdd");
    assertThat(association(golden.get(1)).toString()).doesNotContain("aabbccdd");
  }

  @Test
  void everyPartOfAnAssociationIsRead() throws MalformedPacketException {
    var told =
        association(
            under("ip xfrm state add src 2001:db8:c::2 dst 2001:db8:1::10 proto esp spi 0x1002")
                .get(1));

    assertThat(told.association(Mark.ANY))
        .hasValue(
            SecurityAssociation.builder(
                    new AssociationId(HOME, TransformProtocol.ESP, new Spi(0x1002)),
                    PEER,
                    Mode.TRANSPORT)
                .reqId(new ReqId(1))
                .encryption(EncryptionAlgorithm.AES_GCM_16, KEY20)
                .extendedSequenceNumbers(true)
                .replayWindow(128)
                .selector(
                    new Selector(
                        Selector.ANY.source(),
                        Selector.ANY.destination(),
                        0,
                        PortMatch.ANY,
                        PortMatch.ANY,
                        new Mark(0x10, 0xf0),
                        7))
                .lifetime(
                    new AssociationLifetime(
                        AssociationLifetime.UNLIMITED,
                        AssociationLifetime.UNLIMITED,
                        10,
                        20,
                        Duration.ZERO,
                        Duration.ofHours(1)))
                .build());
    assertThat(told.position()).isEqualTo(new SequencePosition(0x2_0000_0009L, 0x1_0000_0005L));
    assertThat(told.attributes().number(XfrmAttribute.SET_MARK)).hasValue(5);
    assertThat(told.attributes().number(XfrmAttribute.SET_MARK_MASK)).hasValue(0xff);
    assertThat(told.attributes().number(XfrmAttribute.SA_EXTRA_FLAGS)).hasValue(1);
  }

  @Test
  void whatOnlyTheKernelKnowsIsReadToo() throws MalformedPacketException {
    var encapsulated =
        association(
            under("ip xfrm state add src 2001:db8:c::2 dst 2001:db8:1::1 proto esp spi 0x1003")
                .get(1));
    assertThat(encapsulated.attributes().find(XfrmAttribute.Encapsulation.class))
        .hasValue(new XfrmAttribute.Encapsulation(2, 4500, 4501, Ipv6Address.UNSPECIFIED));
    assertThat(encapsulated.association(Mark.ANY)).isEmpty();

    var offloaded =
        association(
            under("ip xfrm state add src 2001:db8:1::10 dst 2001:db8:c::2 proto esp spi 0x1005")
                .get(0));
    assertThat(offloaded.attributes().find(XfrmAttribute.Offload.class))
        .hasValue(new XfrmAttribute.Offload(4, 0));

    var ah =
        association(
            under("ip xfrm state add src 2001:db8:1::10 dst 2001:db8:c::2 proto ah").get(1));
    assertThat(ah.position()).isEqualTo(new SequencePosition(70_000, 3));
    assertThat(ah.info().flags()).isEqualTo(0x41);
    assertThat(ah.association(Mark.ANY).orElseThrow().replayWindow()).isEqualTo(16);

    var compression =
        association(
            under("ip xfrm state add src 2001:db8:1::10 dst 2001:db8:c::2 proto comp").get(1));
    assertThat(compression.attributes().algorithm(XfrmAttribute.ALG_COMP).orElseThrow().name())
        .isEqualTo("deflate");
    assertThat(compression.id()).isEmpty();
  }

  @Test
  void routeOptimizationStatesAreWrittenAsIpWritesThem() throws MalformedPacketException {
    var first = RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF);
    var moved = RouteOptimizationState.homeAddressOption(HOME, PEER, AGENT);
    var added = under("ip xfrm state add src 2001:db8:1::10 dst 2001:db8:c::2 proto hao");
    var updated = under("ip xfrm state update src 2001:db8:1::10 dst 2001:db8:c::2 proto hao");

    assertThat(encoded(XfrmMessage.NEWSA, KernelAssociation.of(first, Mark.ANY)))
        .isEqualTo(withoutSelector(payload(added.get(0))));
    assertThat(encoded(XfrmMessage.UPDSA, KernelAssociation.of(moved, Mark.ANY)))
        .isEqualTo(withoutSelector(payload(updated.get(0))));
    assertThat(association(added.get(1)).routeOptimization()).hasValue(first);
    assertThat(association(updated.get(1)).routeOptimization()).hasValue(moved);
    assertThat(encoded(KernelAssociation.named(XfrmMessage.DELSA, first.id(), Mark.ANY)))
        .isEqualTo(
            payload(
                under("ip xfrm state delete src 2001:db8:1::10 dst 2001:db8:c::2 proto hao")
                    .get(0)));
    assertThat(encoded(KernelAssociation.named(XfrmMessage.DELSA, tunnel().id(), Mark.ANY)))
        .isEqualTo(
            payload(
                    under(
                            "ip xfrm state delete src 2001:db8:1::10 dst 2001:db8:c::2 proto esp"
                                + " spi 0x1001")
                        .get(0))
                .substring(0, 2 * AssociationNameCodec.LENGTH));
  }

  /** {@code ip} was told a selector; ours is for all flows, and has a family only. */
  private static String withoutSelector(String state) {
    return "00".repeat(40) + "0a00" + "00".repeat(14) + state.substring(2 * 56);
  }

  @Test
  void wildcardsAreReadAndWritten() throws MalformedPacketException {
    var told =
        association(under("ip xfrm state add src :: dst :: proto hao mode ro coa ::").get(1));
    var written = KernelAssociation.wildcard(TransformProtocol.HAO, Mark.ANY);

    assertThat(told.isWildcard()).isTrue();
    assertThat(told.routeOptimization()).isEmpty();
    assertThat(told.routeOptimizationId())
        .hasValue(KernelAssociation.wildcardId(TransformProtocol.HAO));
    assertThat(written.info().selector()).isEqualTo(told.info().selector());
    assertThat(written.info().flags()).isEqualTo(told.info().flags());
    assertThat(written.attributes().address(XfrmAttribute.COADDR))
        .isEqualTo(told.attributes().address(XfrmAttribute.COADDR));
  }

  @Test
  void listsAreAskedForWithFilters() throws MalformedPacketException {
    var filters =
        XfrmAttributes.of(
            new XfrmAttribute.Protocol(IpProtocol.DESTINATION_OPTIONS),
            new XfrmAttribute.AddressFilter(HOME, PEER, KernelSelector.AF_INET6, 128, 64));
    var golden =
        under("ip xfrm state list src 2001:db8:1::10 dst 2001:db8:c::2/64 proto hao").get(0);

    assertThat(encoded(new XfrmMessage.ListAssociations(filters))).isEqualTo(payload(golden));
    assertThat(decode(golden)).isEqualTo(new XfrmMessage.ListAssociations(filters));
  }

  @Test
  void anSpiIsAllocated() throws MalformedPacketException {
    var golden = under("ip xfrm state allocspi");
    var request = decode(golden.get(0), XfrmMessage.AllocateSpi.class);

    assertThat(request.lowest()).isEqualTo(new Spi(0x300));
    assertThat(request.highest()).isEqualTo(new Spi(0x3ff));
    assertThat(association(golden.get(1)).id())
        .hasValue(new AssociationId(PEER, TransformProtocol.ESP, new Spi(0x3f8)));
  }

  @Test
  void anAcquireNamesFlowPolicyAndTemplates() throws MalformedPacketException {
    var acquire = decode(under("ACQUIRE udp").get(0), XfrmMessage.Acquire.class);

    assertThat(acquire.source()).isEqualTo(HOME);
    assertThat(acquire.destination()).isEqualTo(PEER);
    assertThat(acquire.protocol()).isEqualTo(IpProtocol.ESP);
    assertThat(acquire.selector().sourcePort()).isEqualTo(4000);
    assertThat(acquire.selector().destinationPort()).isEqualTo(7777);
    var policy =
        new KernelPolicy(acquire.policy(), acquire.attributes()).policy(OURS).orElseThrow();
    assertThat(policy.bundle())
        .isEqualTo(
            Bundle.of(
                Template.transport(TransformProtocol.ESP, new ReqId(9)),
                Template.tunnel(TransformProtocol.ESP, CARE_OF, AGENT, new ReqId(2))));
    assertThat(policy.selector().mark()).isEqualTo(Mark.ANY);
  }

  @Test
  void expiryIsSoftThenHard() throws MalformedPacketException {
    var soft = decode(under("3rd packet").get(0), XfrmMessage.Expire.class);
    var hard = decode(under("5th packet").get(0), XfrmMessage.Expire.class);
    assertThat(soft.hard()).isFalse();
    assertThat(soft.info().use().packets()).isEqualTo(2);
    assertThat(hard.hard()).isTrue();
    assertThat(hard.info().use().packets()).isEqualTo(4);

    var policies = under("POLEXPIRE");
    assertThat(decode(policies.get(0), XfrmMessage.PolicyExpire.class).hard()).isFalse();
    assertThat(decode(policies.get(1), XfrmMessage.PolicyExpire.class).hard()).isTrue();
  }

  @Test
  void asyncEventsCarrySequenceNumbers() throws MalformedPacketException {
    var told = decode(under("1st and 2nd packet").get(0), XfrmMessage.AsyncEvent.class);
    assertThat(told.flags()).isEqualTo(XfrmMessage.AsyncEvent.CR);
    assertThat(told.attributes().position()).hasValue(new SequencePosition(2, 0));

    var answer = decode(under("GETAE by hand").get(1), XfrmMessage.AsyncEvent.class);
    assertThat(answer.attributes().number(XfrmAttribute.REPLAY_THRESH)).hasValue(2);
    assertThat(answer.attributes().number(XfrmAttribute.ETIMER_THRESH)).hasValue(10);

    var set = under("NEWAE by hand");
    assertThat(
            encoded(
                new XfrmMessage.AsyncEvent(
                    XfrmMessage.NEWAE,
                    new AssociationName(
                        AGENT, new Spi(0x2001), KernelSelector.AF_INET6, IpProtocol.ESP),
                    NEW_CARE_OF,
                    0,
                    new ReqId(2),
                    XfrmAttributes.of(
                        new XfrmAttribute.Replay(100, 0, 0),
                        new XfrmAttribute.NumberValue(XfrmAttribute.REPLAY_THRESH, 8)))))
        .isEqualTo(payload(set.get(0)));
    assertThat(decode(set.get(1), XfrmMessage.AsyncEvent.class).flags())
        .isEqualTo(XfrmMessage.AsyncEvent.CU);
  }

  /** In the request all entries stand in one attribute, in the notice each in its own. */
  @Test
  void migratesSeveralTunnels() throws MalformedPacketException {
    var golden = under("MIGRATE by hand");
    var request = decode(golden.get(0), XfrmMessage.Migrate.class);
    var told = decode(golden.get(1), XfrmMessage.Migrate.class);

    assertThat(request.attributes().migrations())
        .containsExactly(
            new XfrmAttribute.Migration(
                AGENT, CARE_OF, AGENT, NEW_CARE_OF, IpProtocol.ESP, 1, new ReqId(2), 10, 10),
            new XfrmAttribute.Migration(
                CARE_OF, AGENT, NEW_CARE_OF, AGENT, IpProtocol.ESP, 1, new ReqId(3), 10, 10));
    assertThat(told.attributes().migrations()).isEqualTo(request.attributes().migrations());
    assertThat(told.policy()).isEqualTo(request.policy());
    assertThat(told.attributes().find(XfrmAttribute.KeyManagerAddress.class))
        .hasValue(new XfrmAttribute.KeyManagerAddress(NEW_CARE_OF, AGENT, 10));
  }

  @Test
  void aReportNamesTheCareOfAddress() throws MalformedPacketException {
    var report = decode(under("UDP 2001:db8:d::2.4000").get(0), XfrmMessage.Report.class);

    assertThat(report.protocol()).isEqualTo(IpProtocol.DESTINATION_OPTIONS);
    assertThat(report.selector().source()).isEqualTo(Ipv6Address.parse("2001:db8:d::2"));
    assertThat(report.selector().protocol()).isEqualTo(IpProtocol.UDP);
    assertThat(report.attributes().address(XfrmAttribute.COADDR))
        .hasValue(Ipv6Address.parse("2001:db8:d::3"));
  }

  @Test
  void thePolicyDatabaseTellsItsSizes() throws MalformedPacketException {
    var info = decode(under("ip xfrm policy count").get(1), XfrmMessage.PolicyDatabaseInfo.class);
    assertThat(info.counts()).hasValue(new XfrmMessage.PolicyCounts(0, 0, 0, 0, 0, 0));
    assertThat(info.hash()).hasValue(new XfrmMessage.HashSize(7, 0x10_0000));
    assertThat(info.ipv4()).hasValue(new XfrmMessage.HashThreshold(32, 32));
    assertThat(info.ipv6()).hasValue(new XfrmMessage.HashThreshold(128, 128));
    assertThat(
            decode(
                    under("ip xfrm policy set hthresh6").get(0),
                    XfrmMessage.PolicyDatabaseInfo.class)
                .ipv6())
        .hasValue(new XfrmMessage.HashThreshold(128, 64));
  }

  /** No capture of this one: as {@code linux/xfrm.h} has it. */
  @Test
  void aMappingIsReadAsTheHeaderFileHasIt() throws MalformedPacketException {
    var mapping =
        new XfrmMessage.Mapping(
            new AssociationName(HOME, new Spi(0x3001), 10, IpProtocol.ESP),
            new ReqId(3),
            PEER,
            AGENT,
            4500,
            4600);
    String octets =
        "20010db8000100000000000000000010 00003001 0a00 32 00 03000000"
            + "20010db8000c00000000000000000002 20010db8000100000000000000000001 1194 11f8";
    assertThat(encoded(mapping)).isEqualTo(octets.replace(" ", ""));
    assertThat(again(mapping)).isEqualTo(mapping);
  }

  private static XfrmMessage again(XfrmMessage message) throws MalformedPacketException {
    var out = Unpooled.buffer();
    int start = NetlinkMessage.begin(out, message.type(), 0, 1);
    XfrmMessageCodec.encode(message, out);
    NetlinkMessage.end(out, start);
    return decode(out);
  }

  @Test
  void unknownAttributesAreKeptAndDoNotPrint() throws MalformedPacketException {
    var told = policy(under("ip xfrm policy add src 192.0.2.1/32").get(1));
    var label = new XfrmAttribute.Unknown(XfrmAttribute.SEC_CTX, new byte[] {9, 8, 7, 6, 5});
    var attributes =
        new XfrmAttributes(
            ImmutableList.<XfrmAttribute>builder()
                .addAll(told.attributes().list())
                .add(label)
                .build());
    var message = new XfrmMessage.PolicyMessage(XfrmMessage.NEWPOLICY, told.info(), attributes);

    assertThat(again(message)).isEqualTo(message);
    assertThat(label).hasToString("attribute 8 of 5 octets");
  }

  /** Numbers of the larger window and of 64 bits. */
  @Test
  void anAssociationGoesOnWhereItWas() throws MalformedPacketException {
    var position = new SequencePosition(0x1_0000_0007L, 9);
    var extended = tunnel().toBuilder().replayWindow(128).extendedSequenceNumbers(true).build();
    var state = KernelAssociation.of(extended, OURS, position, 1000);
    assertThat(state.attributes().find(XfrmAttribute.ExtendedReplay.class))
        .hasValue(
            new XfrmAttribute.ExtendedReplay(
                0x1_0000_0007L, 9, 128, ImmutableIntArray.of(-1, -1, -1, -1)));
    assertThat(state.attributes().number(XfrmAttribute.REPLAY_THRESH)).hasValue(1000);
    assertThat(state.position()).isEqualTo(position);
    var message =
        new XfrmMessage.AssociationMessage(XfrmMessage.NEWSA, state.info(), state.attributes());
    assertThat(again(message)).isEqualTo(message);
    assertThat(state.association(OURS)).hasValue(extended);

    assertThatThrownBy(() -> KernelAssociation.of(tunnel(), OURS, position, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** The kernel counts modulo such a window; its own of 32 packets at most goes by shifting. */
  @Test
  void aWindowInAnAttributeIsAPowerOfTwo() {
    for (int window : new int[] {33, 100, 127}) {
      var wanted = tunnel().toBuilder().replayWindow(window).build();
      var kept = KernelAssociation.of(wanted, OURS, SequencePosition.START, 0).association(OURS);
      int next = window == 33 ? 64 : 128;
      assertThat(kept).hasValue(wanted.toBuilder().replayWindow(next).build());
      assertThat(kept).hasValue(KernelAssociation.asKept(wanted));
    }
    for (int window : new int[] {0, 1, 20, 32, 64, SecurityAssociation.MAX_REPLAY_WINDOW}) {
      var wanted = tunnel().toBuilder().replayWindow(window).build();
      assertThat(KernelAssociation.asKept(wanted)).isEqualTo(wanted);
    }
    var extended = tunnel().toBuilder().replayWindow(20).extendedSequenceNumbers(true).build();
    assertThat(KernelAssociation.asKept(extended).replayWindow()).isEqualTo(32);
    assertThat(KernelAssociation.asKept(tunnel().toBuilder().replayWindow(4095).build()))
        .isEqualTo(
            tunnel().toBuilder().replayWindow(SecurityAssociation.MAX_REPLAY_WINDOW).build());
  }

  /** An optional option or header of what arrives: only so the wildcard state satisfies it. */
  @Test
  void anOptionalInboundOptionHasNoAddresses() {
    var optional = Template.homeAddressOption(HOME, AGENT).asOptional();
    var in = Policy.allow(Selector.between(HOME, AGENT), Direction.IN, 1, Bundle.of(optional));
    var required =
        Policy.allow(
            Selector.between(HOME, AGENT),
            Direction.IN,
            1,
            Bundle.of(Template.homeAddressOption(HOME, AGENT)));
    var out = Policy.allow(Selector.between(HOME, AGENT), Direction.OUT, 1, Bundle.of(optional));

    assertThat(KernelPolicy.of(in, OURS).policy(OURS))
        .hasValue(
            Policy.allow(
                in.selector(),
                Direction.IN,
                1,
                Bundle.of(
                    optional.withAddresses(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED))))
        .hasValue(KernelPolicy.asInstalled(in));
    assertThat(KernelPolicy.of(required, OURS).policy(OURS)).hasValue(required);
    assertThat(KernelPolicy.of(out, OURS).policy(OURS)).hasValue(out);
  }

  /** iproute2 leaves the bitmap out and says that it has four words, which the kernel takes. */
  private static final String BITMAP_LEFT_OUT = "1c001700" + "04000000";

  private static final String BITMAP_OF_ZEROS = "2c001700" + "04000000";

  /** Of what was captured nothing is lost, however little of it is understood. */
  @Test
  void everythingCapturedIsWrittenAgainAsItWas() throws MalformedPacketException {
    int messages = 0;
    for (ByteBuf datagram : GOLDEN.values()) {
      var in = datagram.duplicate();
      for (Optional<NetlinkMessage> next = NetlinkMessage.read(in);
          next.isPresent();
          next = NetlinkMessage.read(in)) {
        var message = XfrmMessageCodec.decode(next.get());
        if (message.isPresent()) {
          messages++;
          String payload = ByteBufUtil.hexDump(next.get().payload());
          String padded = payload + "0".repeat(-payload.length() & 7);
          if (payload.contains(BITMAP_LEFT_OUT)) {
            int end = padded.indexOf(BITMAP_LEFT_OUT) + 2 * 0x1c;
            padded =
                padded.substring(0, end).replace(BITMAP_LEFT_OUT, BITMAP_OF_ZEROS)
                    + "0".repeat(2 * 16)
                    + padded.substring(end);
          }
          assertThat(encoded(message.get())).as("%s", message.get()).isEqualTo(padded);
        }
      }
    }
    assertThat(messages).isGreaterThan(100);
  }

  @Test
  void theKernelsExplanationIsRead() throws MalformedPacketException {
    var refused =
        NetlinkMessage.read(
                under(
                        "ip xfrm state add src 2001:db8:1::10 dst 2001:db8:c::2 proto esp spi 0x1001 mode tunnel enc 'cbc(nosuch)'")
                    .get(1))
            .orElseThrow();

    assertThat(refused.answer().text()).isEqualTo("Requested CRYPT algorithm not found");
  }

  /** Cut in a fixed part or in an attribute it is refused; between attributes it is shorter. */
  @Test
  void refusesEveryTruncation() throws MalformedPacketException {
    for (ByteBuf datagram : GOLDEN.values()) {
      for (int length = 1; length < datagram.readableBytes(); length++) {
        var part = datagram.slice(0, length);
        if (length < NetlinkMessage.HEADER || part.getIntLE(0) > length) {
          assertThatThrownBy(() -> NetlinkMessage.read(part))
              .isInstanceOf(MalformedPacketException.class);
        }
      }
      int whole = NetlinkMessage.read(datagram.duplicate()).orElseThrow().payload().readableBytes();
      List<Integer> taken = new ArrayList<>();
      for (int length = 0; length < whole; length++) {
        var part = datagram.copy(0, NetlinkMessage.HEADER + length);
        part.setIntLE(0, NetlinkMessage.HEADER + length);
        try {
          if (XfrmMessageCodec.decode(NetlinkMessage.read(part).orElseThrow()).isPresent()) {
            taken.add(length);
          }
        } catch (MalformedPacketException e) {
          // As it should be.
        }
      }
      // At an attribute's end, or in the padding behind it.
      assertThat(taken.size()).as(ByteBufUtil.hexDump(datagram)).isLessThan(70);
    }
  }

  @Test
  void randomOctetsAreReadOrRefused() {
    var random = new SplittableRandom(20_261_124L);
    int refused = 0;
    for (int round = 0; round < 200_000; round++) {
      var octets = new byte[random.nextInt(500)];
      random.nextBytes(octets);
      var out = Unpooled.buffer();
      int start = NetlinkMessage.begin(out, 0x10 + random.nextInt(0x18), random.nextInt(4) << 8, 1);
      out.writeBytes(octets);
      NetlinkMessage.end(out, start);
      refused += touch(out) ? 0 : 1;
    }
    assertThat(refused).isBetween(1, 200_000);
  }

  @Test
  void survivesAMillionMutations() {
    ImmutableList<ByteBuf> goldens = GOLDEN.values().asList();
    long seed = 20_261_125L;
    var random = new SplittableRandom(seed);
    int refused = 0;
    for (int i = 0; i < 1_000_000; i++) {
      ByteBuf octets = goldens.get(i % goldens.size()).copy();
      for (int k = random.nextInt(4); k >= 0; k--) {
        // Where lengths and types are, more often than elsewhere.
        int at = random.nextInt(octets.readableBytes());
        octets.setByte(random.nextBoolean() ? at : at & ~3, random.nextInt());
      }
      refused += touch(octets) ? 0 : 1;
    }
    assertThat(refused).as("seed %s", seed).isBetween(10_000, 999_000);
  }

  /** Reads it, and asks for all that the model says of it; false if it was refused. */
  private static boolean touch(ByteBuf octets) {
    try {
      var message = NetlinkMessage.read(octets);
      if (message.isEmpty()) {
        return true;
      }
      var decoded = XfrmMessageCodec.decode(message.get());
      if (decoded.isPresent()
          && decoded.get() instanceof XfrmMessage.AssociationMessage association) {
        var state = new KernelAssociation(association.info(), association.attributes());
        state.association(OURS);
        state.routeOptimization();
        state.position();
      } else if (decoded.isPresent() && decoded.get() instanceof XfrmMessage.PolicyMessage told) {
        new KernelPolicy(told.info(), told.attributes()).policy(OURS);
      }
      return true;
    } catch (MalformedPacketException e) {
      return false;
    }
  }
}
