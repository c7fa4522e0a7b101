package io.mipd.merger.explain;

import static io.mipd.xfrm.model.TransformProtocol.AH;
import static io.mipd.xfrm.model.TransformProtocol.ESP;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.explain.Explanation.Verdict;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.PolicyMerger;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** H home address, C care-of address, A home agent, P peer, as in the merger's own tests. */
class ExplainerTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Flow TO_PEER = Flow.withPorts(H, P, IpProtocol.TCP, 1234, 443);
  private static final Selector FROM_HOME = Selector.between(Ipv6Prefix.host(H), Ipv6Prefix.ANY);
  private static final Template USER_TUNNEL = Template.tunnel(ESP, H, P, new ReqId(1));
  private static final Template USER_TRANSPORT = Template.transport(ESP, new ReqId(1));
  private static final Template REVERSE_TUNNEL = Template.tunnel(ESP, C, A, new ReqId(2));

  /** AES-CBC with HMAC-SHA-256-128. */
  private static final KnownAssociation.Lengths AES_CBC = new KnownAssociation.Lengths(16, 16, 16);

  private static final RouteOptimizationState HAO =
      RouteOptimizationState.homeAddressOption(H, P, C);

  private static KnownAssociation association(
      TransformProtocol protocol,
      Mode mode,
      int spi,
      Ipv6Address source,
      Ipv6Address destination,
      int reqId,
      KnownAssociation.Lengths lengths) {
    return new KnownAssociation(
        new AssociationId(destination, protocol, new Spi(spi)),
        source,
        mode,
        new ReqId(reqId),
        "algorithms",
        Optional.of(lengths));
  }

  private static final Knowledge TUNNELS =
      new Knowledge(
          ImmutableList.of(
              association(ESP, Mode.TUNNEL, 0x1001, H, P, 1, AES_CBC),
              association(ESP, Mode.TUNNEL, 0x2001, C, A, 2, AES_CBC)),
          ImmutableList.of());

  private static MobilityPolicy payload(Selector selector, Template... templates) {
    return new MobilityPolicy(
        selector,
        Direction.OUT,
        MobilityPolicy.Kind.PAYLOAD,
        Policy.Action.ALLOW,
        Bundle.of(templates),
        "mobility");
  }

  private static Merged merge(MobilityPolicy mobility, Policy... user) {
    return PolicyMerger.merge(
        ImmutableList.copyOf(user), ImmutableList.of(mobility), new XfrmBackend.Limits(5));
  }

  private static Policy user(Template... templates) {
    return Policy.allow(Selector.between(H, P), Direction.OUT, 10, Bundle.of(templates));
  }

  private static Packet packet(int length) {
    return new Packet(Direction.OUT, TO_PEER, OptionalInt.of(length));
  }

  private static ImmutableList<String> wire(Explanation explanation) {
    return explanation.wire().stream()
        .map(
            one ->
                one.kind()
                    + one.between().map(it -> " " + it).orElse("")
                    + one.spi().map(it -> " " + it).orElse("")
                    + (one.octets().isPresent() ? " " + one.octets().getAsInt() : " ?"))
        .collect(ImmutableList.toImmutableList());
  }

  /** The nesting that Linux does not find by itself. */
  @Test
  void theUsersTunnelIsInsideTheReverseTunnel() {
    var explanation =
        Explainer.explain(
            packet(104),
            merge(payload(FROM_HOME, REVERSE_TUNNEL), user(USER_TUNNEL)),
            TUNNELS,
            1500);

    assertThat(explanation.verdict()).isEqualTo(Verdict.TRANSFORMED);
    // 104 + 2 are padded to 112; 40 + 24 + 112 + 16 = 192 once, and with 194 padded to 208, 288.
    assertThat(wire(explanation))
        .containsExactly(
            "IPV6 " + C + " > " + A + " 40",
            "ESP 0x00002001 24",
            "IPV6 " + H + " > " + P + " 40",
            "ESP 0x00001001 24",
            "IPV6 " + H + " > " + P + " 40",
            "PAYLOAD 64",
            "ESP_TRAILER 24",
            "ESP_TRAILER 32");
    assertThat(explanation.wire().stream().mapToInt(one -> one.octets().getAsInt()).sum())
        .isEqualTo(explanation.size().orElseThrow().outer())
        .isEqualTo(288);
    assertThat(explanation.wire())
        .extracting(one -> one.nextHeader().orElse(-1))
        .containsExactly(50, 41, 50, 41, 6, -1, -1, -1);
    assertThat(explanation.wire())
        .extracting(WireHeader::depth)
        .containsExactly(0, 0, 1, 1, 2, 2, 1, 0);
  }

  @Test
  void theMtuIsTheLargestThatFits() {
    var merged = merge(payload(FROM_HOME, REVERSE_TUNNEL), user(USER_TUNNEL));
    var explanation =
        Explainer.explain(
            new Packet(Direction.OUT, TO_PEER, OptionalInt.empty()), merged, TUNNELS, 1500);
    var size = explanation.size().orElseThrow();

    assertThat(size.inner()).isEqualTo(size.mtu());
    assertThat(size.outer()).isLessThanOrEqualTo(1500);
    assertThat(
            Explainer.explain(packet(size.mtu() + 1), merged, TUNNELS, 1500)
                .size()
                .orElseThrow()
                .outer())
        .isGreaterThan(1500);
    assertThat(size.leastOverhead()).isLessThan(size.mostOverhead());
    assertThat(Explainer.explain(packet(size.mtu() + 1), merged, TUNNELS, 1500).notes())
        .singleElement()
        .asString()
        .contains("too big", size.mtu() + " octets fit");
  }

  @Test
  void whereNoAssociationIsKnownNoFigureIsGiven() {
    var explanation =
        Explainer.explain(
            packet(104),
            merge(payload(FROM_HOME, REVERSE_TUNNEL), user(USER_TUNNEL)),
            Knowledge.NOTHING,
            1500);

    assertThat(explanation.verdict()).isEqualTo(Verdict.HELD);
    assertThat(explanation.size()).isEmpty();
    assertThat(explanation.notes())
        .hasSize(2)
        .allMatch(it -> it.contains("no association is known"));
    assertThat(wire(explanation))
        .containsExactly(
            "IPV6 " + C + " > " + A + " 40",
            "ESP ?",
            "IPV6 " + H + " > " + P + " 40",
            "ESP ?",
            "IPV6 " + H + " > " + P + " 40",
            "PAYLOAD 64",
            "ESP_TRAILER ?",
            "ESP_TRAILER ?");
  }

  @Test
  void whatIsOptionalAndHasNoAssociationIsLeftOut() {
    var explanation =
        Explainer.explain(
            packet(104),
            merge(payload(FROM_HOME, Template.ipv6InIpv6(C, A)), user(USER_TUNNEL.asOptional())),
            Knowledge.NOTHING,
            1500);

    assertThat(wire(explanation))
        .containsExactly(
            "IPV6 " + C + " > " + A + " 40", "IPV6 " + H + " > " + P + " 40", "PAYLOAD 64");
    assertThat(explanation.size().orElseThrow().mtu()).isEqualTo(1460);
    assertThat(explanation.notes()).singleElement().asString().contains("is left out");
  }

  @Test
  void theHomeAddressOptionPutsTheCareOfAddressIntoTheHeader() {
    var knowledge =
        new Knowledge(
            ImmutableList.of(association(ESP, Mode.TRANSPORT, 0x1001, H, P, 1, AES_CBC)),
            ImmutableList.of(HAO));
    var merged =
        merge(
            payload(Selector.between(H, P), Template.homeAddressOption(H, P)),
            user(USER_TRANSPORT));
    var explanation = Explainer.explain(packet(104), merged, knowledge, 1500);

    // Padding of the transport mode's content, 64 octets, is to 80; the option comes in front.
    assertThat(wire(explanation))
        .containsExactly(
            "IPV6 " + C + " > " + P + " 40",
            "DESTINATION_OPTIONS 24",
            "ESP 0x00001001 24",
            "PAYLOAD 64",
            "ESP_TRAILER 32");
    assertThat(explanation.wire())
        .extracting(one -> one.nextHeader().orElse(-1))
        .containsExactly(60, 50, 6, -1, -1);
  }

  @Test
  void withoutAStateNeitherHeaderNorFiguresAreMadeUp() {
    var merged = merge(payload(Selector.between(H, P), Template.homeAddressOption(H, P)));
    var explanation = Explainer.explain(packet(104), merged, Knowledge.NOTHING, 1500);

    assertThat(explanation.verdict()).isEqualTo(Verdict.HELD);
    assertThat(explanation.size()).isEmpty();
    assertThat(explanation.notes())
        .singleElement()
        .asString()
        .contains("no care-of address of " + H);
  }

  @Test
  void bothMobilePeersHaveTheirHeaderAndAhStandsBehindThem() {
    Ipv6Address peersCareOf = Ipv6Address.parse("2001:db8:b::2");
    var knowledge =
        new Knowledge(
            ImmutableList.of(
                association(
                    AH, Mode.TRANSPORT, 0x3001, H, P, 1, new KnownAssociation.Lengths(0, 1, 12))),
            ImmutableList.of(HAO, RouteOptimizationState.routingHeader(H, P, peersCareOf)));
    var merged =
        merge(
            payload(
                Selector.between(H, P),
                Template.routingHeader(H, P),
                Template.homeAddressOption(H, P)),
            user(Template.transport(AH, new ReqId(1))));

    assertThat(wire(Explainer.explain(packet(104), merged, knowledge, 1500)))
        .containsExactly(
            "IPV6 " + C + " > " + peersCareOf + " 40",
            "ROUTING 24",
            "DESTINATION_OPTIONS 24",
            "AH 0x00003001 24",
            "PAYLOAD 64");
  }

  @Test
  void aBlockIsDroppedAndNoPolicyIsSaid() {
    var blocked =
        merge(payload(FROM_HOME, REVERSE_TUNNEL), Policy.block(FROM_HOME, Direction.OUT, 1));
    assertThat(Explainer.explain(packet(104), blocked, TUNNELS, 1500).verdict())
        .isEqualTo(Verdict.BLOCKED);
    var arrived = new Packet(Direction.IN, TO_PEER, OptionalInt.empty());
    var explanation = Explainer.explain(arrived, blocked, TUNNELS, 1500);
    assertThat(explanation.verdict()).isEqualTo(Verdict.NO_POLICY);
    assertThat(explanation.policy()).isEmpty();
  }

  @Test
  void findingsThatMeetTheSamePolicyAreTold() {
    var six = user(USER_TRANSPORT, USER_TRANSPORT, USER_TRANSPORT, USER_TRANSPORT, USER_TRANSPORT);
    var merged = merge(payload(FROM_HOME, REVERSE_TUNNEL), six);
    assertThat(Explainer.explain(packet(104), merged, TUNNELS, 1500).findings()).hasSize(1);
    var elsewhere =
        new Packet(Direction.OUT, Flow.of(H, A, IpProtocol.NO_NEXT_HEADER), OptionalInt.empty());
    assertThat(Explainer.explain(elsewhere, merged, TUNNELS, 1500).findings()).isEmpty();
  }

  @Test
  void theTextNamesEveryHeaderOnce() {
    String text =
        ExplanationText.of(
            Explainer.explain(
                packet(104),
                merge(payload(FROM_HOME, REVERSE_TUNNEL), user(USER_TUNNEL)),
                TUNNELS,
                1500));
    assertThat(text)
        .contains(
            "packet    out 2001:db8:1::10 > 2001:db8:c::2 tcp 1234 > 443, 104 octets\n",
            "      40  IPv6    2001:db8:a::10 > 2001:db8:1::1, next 50 esp\n",
            "      24  |  ESP     spi 0x00001001, reqid 1, algorithms, next 41 ipv6\n",
            "      64  |  |  payload tcp 1234 > 443\n",
            "size      104 octets, 288 on the wire\n");
  }
}
