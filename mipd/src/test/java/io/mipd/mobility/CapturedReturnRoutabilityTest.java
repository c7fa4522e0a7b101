package io.mipd.mobility;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.rr.BindingManagementKey;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.Captures;
import io.mipd.mobility.wire.Captures.Captured;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.mobility.wire.MobilityOption.BindingAuthorizationData;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/**
 * The captured return routability procedure with our mobile node in the place of the captured one
 * (the captures' README says which that is): with its cookies and its sequence number, and with the
 * captured answers of its correspondent, ours says the same, octet for octet. What our
 * correspondent says to the captured mobile node is in {@link CorrespondentRegistrationTest}; the
 * captured correspondent's node key and nonces are in no capture, so that its tokens cannot be made
 * again, and are taken as they were sent.
 */
class CapturedReturnRoutabilityTest {
  private static final String CAPTURE = "rr-and-route-optimization-cn";
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse("2001:db8:c::c");
  private static final CareOfAddress CARE_OF =
      new CareOfAddress(Ipv6Address.parse("2001:db8:a::ff:fe00:aa"));
  private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::a");
  private static final int ETH0 = 2;
  private static final Duration LIFETIME = Duration.ofMinutes(7);

  private final Instant now = Instant.EPOCH.plusSeconds(1000);
  private final Captured homeTestInit = captured(HomeTestInit.class);
  private final Captured careOfTestInit = captured(CareOfTestInit.class);
  private final Captured homeTest = captured(HomeTest.class);
  private final Captured careOfTest = captured(CareOfTest.class);
  private final Captured update = captured(BindingUpdate.class);

  CapturedReturnRoutabilityTest() throws IOException, MalformedPacketException {}

  private static Captured captured(Class<? extends MobilityMessage> kind)
      throws IOException, MalformedPacketException {
    return Captures.first(CAPTURE, kind);
  }

  private static String octets(Captured captured) {
    return captured.packet().payload().toString();
  }

  /**
   * Draws what the captured mobile node has drawn: its cookies, and the number before its first.
   */
  private RandomGenerator capturedDraws() {
    Deque<Long> cookies =
        new ArrayDeque<>(
            List.of(
                ((HomeTestInit) homeTestInit.message()).cookie(),
                ((CareOfTestInit) careOfTestInit.message()).cookie()));
    int before = ((BindingUpdate) update.message()).sequence().value() - 1;
    return new RandomGenerator() {
      @Override
      public long nextLong() {
        return cookies.removeFirst();
      }

      @Override
      public int nextInt(int bound) {
        return before;
      }
    };
  }

  private List<NodeAction.SendMessage> handle(MobileNode node, NodeEvent event) {
    return node.handle(now, event).stream()
        .filter(NodeAction.SendMessage.class::isInstance)
        .map(NodeAction.SendMessage.class::cast)
        .toList();
  }

  private static NodeEvent arrives(
      MobilityMessage message, Ipv6Address source, Ipv6Address destination) {
    return new NodeEvent.MobilityMessageArrived(
        message, new Arrival(source, destination, Optional.empty(), false, SecurityPath.EMPTY, 0));
  }

  private NodeEvent arrives(Captured captured) {
    return arrives(captured.message(), captured.packet().source(), captured.packet().destination());
  }

  private MobileNode registered() {
    var node =
        new MobileNode(
            new MobileNodeSettings(
                HOME,
                Ipv6Prefix.parse("2001:db8:1::/64"),
                AGENT,
                LIFETIME,
                ImmutableMap.of("eth0", 10),
                TunnelProtection.NONE,
                Optional.of(
                    new RouteOptimizationSettings(
                        ImmutableList.of(), RouteOptimizationSettings.DEFAULT_MAX_PEERS, LIFETIME)),
                /* corresponds= */ false),
            /* bindingMayExist= */ false,
            new SequenceNumber(0),
            capturedDraws());
    handle(node, new NodeEvent.Started());
    handle(
        node,
        new NodeEvent.LinkChanged(
            ETH0, "eth0", true, Optional.of(new LinkLayerAddress(Octets.parse("0200000000aa")))));
    handle(
        node,
        new NodeEvent.Icmpv6Arrived(
            ETH0,
            ROUTER,
            Ipv6Address.ALL_NODES,
            255,
            new RouterAdvertisement(
                64,
                false,
                false,
                false,
                0,
                1800,
                0,
                0,
                ImmutableList.of(
                    new NdOption.PrefixInformation(
                        64, Ipv6Address.parse("2001:db8:a::"), true, true, false, 86400, 14400)))));
    List<NodeAction.SendMessage> sent =
        handle(node, new NodeEvent.AddressChanged(ETH0, CARE_OF.value(), 64, AddressState.USABLE));
    assertThat(sent).hasSize(1);
    BindingUpdate registration = (BindingUpdate) sent.get(0).message();
    handle(
        node,
        arrives(
            new BindingAcknowledgement(
                BindingStatus.ACCEPTED,
                false,
                registration.sequence(),
                registration.lifetime(),
                ImmutableList.of()),
            AGENT,
            HOME.value()));
    assertThat(node.registeredCareOf()).hasValue(CARE_OF);
    return node;
  }

  private static String octets(NodeAction.SendMessage sent) {
    return octets(sent.message());
  }

  private static String octets(MobilityMessage message) {
    Ipv6Address source = message instanceof CareOfTestInit ? CARE_OF.value() : HOME.value();
    ByteBuf out = Unpooled.buffer();
    MobilityCodec.encode(message, source, CORRESPONDENT, out);
    return ByteBufUtil.hexDump(out);
  }

  @Test
  void ourMobileNodeSaysWhatTheCapturedOneSaid() {
    MobileNode node = registered();

    // MN ── Home Test Init ══▶ HA ──▶ CN, MN ── Care-of Test Init ──▶ CN
    List<NodeAction.SendMessage> asked =
        handle(node, new NodeEvent.TunnelledPayload(HOME, CORRESPONDENT, /* sure= */ true));
    assertThat(asked)
        .extracting(NodeAction.SendMessage::source)
        .containsExactly(homeTestInit.packet().source(), careOfTestInit.packet().source());
    assertThat(asked)
        .extracting(NodeAction.SendMessage::destination)
        .containsOnly(homeTestInit.packet().destination());
    assertThat(octets(asked.get(0))).isEqualTo(octets(homeTestInit));
    assertThat(octets(asked.get(1))).isEqualTo(octets(careOfTestInit));

    // MN ◀── Care-of Test, Home Test ── CN: in the captured order
    assertThat(handle(node, arrives(careOfTest))).isEmpty();
    List<NodeAction.SendMessage> told = handle(node, arrives(homeTest));

    // MN ── Binding Update ──▶ CN
    assertThat(told).hasSize(1);
    BindingUpdate ours = (BindingUpdate) told.get(0).message();
    BindingUpdate theirs = (BindingUpdate) update.message();
    assertThat(told.get(0).source()).isEqualTo(update.packet().stableSource());
    assertThat(told.get(0).careOf())
        .as("in the source, the home address in the option")
        .hasValue(new CareOfAddress(update.packet().source()));
    assertThat(ours.lifetime()).isEqualTo(theirs.lifetime()).isEqualTo(new BindingLifetime(105));
    assertThat(ours.sequence()).isEqualTo(theirs.sequence());

    // Ours asks for an acknowledgement, which the captured one does not. The authenticator covers
    // that bit; all else is the same, and with the same key so is what comes of it.
    assertThat(ours.flags()).containsExactly(BindingFlag.ACKNOWLEDGE);
    assertThat(theirs.flags()).isEmpty();
    var key =
        BindingManagementKey.of(
            ((HomeTest) homeTest.message()).token(), ((CareOfTest) careOfTest.message()).token());
    assertThat(key.vouchesFor(ours, CARE_OF, CORRESPONDENT)).as("same Kbm").isTrue();
    var unacknowledged =
        new BindingUpdate(
            ours.sequence(),
            ImmutableSet.of(),
            ours.lifetime(),
            ours.options().stream()
                .filter(it -> !(it instanceof BindingAuthorizationData))
                .collect(ImmutableList.toImmutableList()));
    assertThat(octets(key.authorize(unacknowledged, CARE_OF, CORRESPONDENT)))
        .isEqualTo(octets(update));
    // Octets 8 and 9 are the flags, 4 and 5 the checksum, the last twelve the authenticator.
    assertThat(octets(ours)).hasSameSizeAs(octets(update));
    assertThat(withoutWhatDepends(octets(ours))).isEqualTo(withoutWhatDepends(octets(update)));
  }

  private static String withoutWhatDepends(String octets) {
    return octets.substring(0, 8)
        + octets.substring(12, 16)
        + octets.substring(20, octets.length() - 24);
  }

  /** What the captured correspondent answered to others is no answer to ours. */
  @Test
  void anotherCookieIsNotAnswered() {
    MobileNode node = registered();
    handle(node, new NodeEvent.TunnelledPayload(HOME, CORRESPONDENT, /* sure= */ true));
    HomeTest test = (HomeTest) homeTest.message();
    assertThat(handle(node, arrives(careOfTest))).isEmpty();
    assertThat(
            handle(
                node,
                arrives(
                    new HomeTest(
                        test.nonceIndex(), test.cookie() ^ 1, test.token(), test.options()),
                    CORRESPONDENT,
                    HOME.value())))
        .isEmpty();
    assertThat(handle(node, arrives(homeTest))).hasSize(1);
  }
}
