package io.mipd.xfrm.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The golden octets are what iproute2 6.1.0 sent to and received from Linux 6.18.44, seen by {@code
 * strace -e write=all -e read=all}; the command stands at each.
 */
class NetlinkCodecTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");

  /** ip -6 addr add 2001:db8:1::100/64 dev v0 nodad home. */
  private static final String ADD_ADDRESS =
      "40000000 1400 0506 3a71046b 00000000"
          + "0a401200 03000000"
          + "14000200 20010db8000100000000000000000100"
          + "14000100 20010db8000100000000000000000100";

  /** The answer to the same command when the address is there. */
  private static final String ADDRESS_EXISTS =
      "78000000 0200 0002 3a71046b df510000"
          + "efffffff 40000000 1400 0506 3a71046b 00000000"
          + "0a401200 03000000"
          + "14000200 20010db8000100000000000000000100"
          + "14000100 20010db8000100000000000000000100"
          + "23000100 697076363a206164647265737320616c72656164792061737369676e65640000";

  /** ip -6 route replace default via fe80::1 dev v0 table 1000 metric 5 proto 200. */
  private static final String REPLACE_ROUTE =
      "5c000000 1800 0505 3a71046b 00000000"
          + "0a00000000c8000100000000"
          + "14000100 00000000000000000000000000000000"
          + "14000500 fe800000000000000000000000000001"
          + "08000f00 e8030000 08000600 05000000 08000400 03000000";

  /** ip -6 rule add from 2001:db8:1::100 blackhole priority 1003. */
  private static final String ADD_RULE =
      "38000000 2000 0506 3a71046b 00000000"
          + "0a0080000000000600000000"
          + "14000200 20010db8000100000000000000000100"
          + "08000600 eb030000";

  /** ip -6 neigh add proxy 2001:db8:1::100 dev v0. */
  private static final String ADD_PROXY =
      "30000000 1c00 0506 3b71046b 00000000"
          + "0a000000030000008000 0800"
          + "14000100 20010db8000100000000000000000100";

  /**
   * ip link add mipd1 type ip6tnl mode ip6ip6 local 2001:db8:1::1 remote 2001:db8:a::10 encaplimit
   * none hoplimit 64 tclass inherit, on Linux 6.1.176 (User-Mode Linux, seen by an nlmon device).
   */
  private static final String ADD_TUNNEL =
      "c0000000100005065913066b0000000000000000000000000000000000000000"
          + "0a0003006d69706431000000940012000a000100697036746e6c000084000200"
          + "05000900290000001400020020010db800010000000000000000000114000300"
          + "20010db8000a0000000000000000001005000400400000000500060004000000"
          + "0800070000000000080008000300000008000100000000000800140000000000"
          + "06000f0000000000060010000200000006001100000000000600120000000000";

  /** The same as ip link set, with remote 2001:db8:b::10; likewise. */
  private static final String CHANGE_TUNNEL =
      "b4000000100005005a13066b0000000000000000040000000000000000000000"
          + "940012000a000100697036746e6c000084000200050009002900000014000200"
          + "20010db80001000000000000000000011400030020010db8000b000000000000"
          + "0000001005000400400000000500060004000000080007000000000008000800"
          + "030003000800010000000000080014000000000006000f000000000006001000"
          + "0200000006001100000000000600120000000000";

  /** ip link add mipd2 type dummy; likewise. */
  private static final String ADD_DUMMY =
      "3c000000100005065c13066b0000000000000000000000000000000000000000"
          + "0a0003006d69706432000000100012000900010064756d6d79000000";

  /** ip -6 rule add iif mipd1 lookup 1000 priority 1005; likewise. */
  private static final String ADD_RULE_BY_INPUT =
      "38000000200005065c13066b000000000a00000000000001000000000a000300"
          + "6d6970643100000008000f00e803000008000600ed030000";

  private static ByteBuf octets(String hex) {
    return Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex.replace(" ", "")));
  }

  private static NetlinkMessage message(String hex) throws MalformedPacketException {
    return NetlinkMessage.read(octets(hex)).orElseThrow();
  }

  private static String encoded(Consumer<ByteBuf> body) {
    var out = Unpooled.buffer();
    body.accept(out);
    return ByteBufUtil.hexDump(out);
  }

  private static ByteBuf again(Consumer<ByteBuf> body) {
    var out = Unpooled.buffer();
    body.accept(out);
    return out;
  }

  @Test
  void readsTheAddressThatIpAdds() throws MalformedPacketException {
    var request = message(ADD_ADDRESS);

    assertThat(request.type()).isEqualTo(InterfaceAddressCodec.RTM_NEWADDR);
    assertThat(request.has(NetlinkMessage.NLM_F_EXCL)).isTrue();
    assertThat(InterfaceAddressCodec.decode(request.payload()))
        .hasValue(
            InterfaceAddress.permanent(3, HOME, 64, AddressFlag.NODAD, AddressFlag.HOMEADDRESS));
  }

  @Test
  void writesTheAddressAsIpDoesWithTheWholeFlagsBehindIt() {
    var address =
        InterfaceAddress.permanent(3, HOME, 64, AddressFlag.NODAD, AddressFlag.HOMEADDRESS);

    assertThat(encoded(out -> InterfaceAddressCodec.encode(address, out)))
        .isEqualTo(ADD_ADDRESS.replace(" ", "").substring(32) + "0800080012000000");
  }

  @Test
  void readsTheKernelsExplanation() throws MalformedPacketException {
    var answer = message(ADDRESS_EXISTS).answer();

    assertThat(answer).isEqualTo(new NetlinkMessage.Answer(17, "ipv6: address already assigned"));
  }

  @Test
  void readsTheRouteThatIpReplaces() throws MalformedPacketException {
    var request = message(REPLACE_ROUTE);

    assertThat(request.has(NetlinkMessage.NLM_F_REPLACE)).isTrue();
    assertThat(RouteCodec.decode(request.payload()))
        .containsExactly(
            Route.via(3, Ipv6Prefix.ANY)
                .withGateway(Ipv6Address.parse("fe80::1"))
                .withTable(1000)
                .withMetric(5)
                .withProtocol(200));
  }

  @Test
  void readsTheRuleThatIpAdds() throws MalformedPacketException {
    assertThat(RoutingRuleCodec.decode(message(ADD_RULE).payload()))
        .hasValue(RoutingRule.blackhole(1003, Ipv6Prefix.host(HOME)).withProtocol(0));
  }

  @Test
  void readsTheProxyThatIpAdds() throws MalformedPacketException {
    var proxy = new Neighbour(3, HOME, Optional.empty(), Neighbour.NUD_PERMANENT, true, false);

    assertThat(NeighbourCodec.decode(message(ADD_PROXY).payload())).hasValue(proxy);
    assertThat(encoded(out -> NeighbourCodec.encode(proxy, out)))
        .isEqualTo(ADD_PROXY.replace(" ", "").substring(32));
  }

  @Test
  void readsAndWritesTunnels() throws MalformedPacketException {
    var tunnel =
        Ipv6Tunnel.between(
            "mipd1", Ipv6Address.parse("2001:db8:1::1"), Ipv6Address.parse("2001:db8:a::10"));
    var changed = tunnel.at(4).withEnds(tunnel.local(), Ipv6Address.parse("2001:db8:b::10"));

    assertThat(LinkCodec.decodeTunnel(message(ADD_TUNNEL).payload())).hasValue(tunnel);
    assertThat(LinkCodec.decodeTunnel(again(out -> LinkCodec.encodeTunnel(tunnel, out))))
        .hasValue(tunnel);
    // Of a change the name is not said: the index is.
    assertThat(
            message(CHANGE_TUNNEL)
                .payload()
                .getIntLE(message(CHANGE_TUNNEL).payload().readerIndex() + 4))
        .isEqualTo(4);
    assertThat(encoded(out -> LinkCodec.encodeTunnel(changed, out)))
        .startsWith("00000000" + "04000000" + "00000000" + "00000000")
        .contains("20010db8000b00000000000000000010")
        .doesNotContain("6d69706431");
    assertThat(LinkCodec.decodeTunnel(message(ADD_DUMMY).payload())).isEmpty();
  }

  @Test
  void writesADummyAsIpDoes() {
    // iproute2 ends the name of the kind without a zero octet, too.
    assertThat(encoded(out -> LinkCodec.encodeDummy("mipd2", out)))
        .isEqualTo(ADD_DUMMY.substring(32));
  }

  @Test
  void readsAndWritesARuleByInput() throws MalformedPacketException {
    var rule = RoutingRule.lookup(1005, Ipv6Prefix.ANY, 1000).withInput("mipd1").withProtocol(0);

    assertThat(RoutingRuleCodec.decode(message(ADD_RULE_BY_INPUT).payload())).hasValue(rule);
    assertThat(RoutingRuleCodec.decode(again(out -> RoutingRuleCodec.encode(rule, out))))
        .hasValue(rule);
  }

  @Test
  void whatIsWrittenIsReadAgain() throws MalformedPacketException {
    var address =
        new InterfaceAddress(
            7, HOME, 128, ImmutableSet.of(AddressFlag.OPTIMISTIC), 600, 0xffff_fffeL);
    var route =
        Route.via(9, Ipv6Prefix.parse("2001:db8:2::/48"))
            .withTable(70000)
            .withMetric(0xffff_ffff)
            .withPreferredSource(HOME)
            .withMtu(1280);
    var blackhole = Route.blackhole(Ipv6Prefix.parse("2001:db8::/32")).withMetric(1);
    var rule =
        RoutingRule.lookup(0xffff_0000, Ipv6Prefix.host(HOME), 1000)
            .withTo(Ipv6Prefix.parse("2001:db8:c::/64"))
            .withMark(new Mark(0x10, 0xf0));
    var neighbour =
        new Neighbour(
            2,
            HOME,
            Optional.of(MacAddress.parse("02:00:5e:10:00:01")),
            Neighbour.NUD_REACHABLE,
            false,
            true);

    assertThat(InterfaceAddressCodec.decode(again(o -> InterfaceAddressCodec.encode(address, o))))
        .hasValue(address);
    assertThat(RouteCodec.decode(again(out -> RouteCodec.encode(route, out))))
        .containsExactly(route);
    assertThat(RouteCodec.decode(again(out -> RouteCodec.encode(blackhole, out))))
        .containsExactly(blackhole);
    for (RoutingRule one : new RoutingRule[] {rule, rule.findingSource(), RoutingRule.goTo(7, 9)}) {
      assertThat(RoutingRuleCodec.decode(again(out -> RoutingRuleCodec.encode(one, out))))
          .hasValue(one);
    }
    assertThat(NeighbourCodec.decode(again(out -> NeighbourCodec.encode(neighbour, out))))
        .hasValue(neighbour);
  }

  /** One route with two ways is two routes; each way has its own gateway. */
  @Test
  void tellsTheWaysOfARouteApart() throws MalformedPacketException {
    String way1 = "1c000000 04000000 14000500 fe800000000000000000000000000001";
    String way2 = "1c000000 05000000 14000500 fe800000000000000000000000000002";
    var payload =
        octets(
            "0a400000fe04000100000000"
                + "1400010020010db8000200000000000000000000"
                + "3c000900"
                + way1
                + way2);

    var destination = Ipv6Prefix.parse("2001:db8:2::/64");
    assertThat(RouteCodec.decode(payload))
        .isEqualTo(
            ImmutableList.of(
                Route.via(4, destination).withGateway(Ipv6Address.parse("fe80::1")),
                Route.via(5, destination).withGateway(Ipv6Address.parse("fe80::2"))));
  }

  @Test
  void readsAnInterfaceAndLeavesBridgePortsAside() throws MalformedPacketException {
    String attributes =
        "07000300 76304000".replace("4000", "0000")
            + "08000400 dc050000"
            + "0a000100 02005e1000010000"
            + "08000a00 09000000";

    assertThat(LinkCodec.decode(octets("00000100 03000000 43100100 00000000" + attributes)))
        .hasValue(
            new Link(
                3,
                "v0",
                0x11043,
                1500,
                1,
                Optional.of(MacAddress.parse("02:00:5e:10:00:01")),
                OptionalInt.of(9)));
    assertThat(LinkCodec.decode(octets("07000100 03000000 43100100 00000000" + attributes)))
        .isEmpty();
  }

  @Test
  void refusesEveryTruncation() {
    for (String golden :
        ImmutableList.of(ADD_ADDRESS, REPLACE_ROUTE, ADD_RULE, ADD_PROXY, ADD_TUNNEL)) {
      var whole = octets(golden);
      for (int length = 1; length < whole.readableBytes(); length++) {
        var part = whole.slice(0, length);
        assertThatThrownBy(() -> NetlinkMessage.read(part))
            .isInstanceOf(MalformedPacketException.class);
      }
    }
  }

  /** Payloads cut short inside: refused, or read without what is missing; nothing else. */
  @Test
  void randomOctetsAreReadOrRefused() {
    var random = new SplittableRandom(20260101);
    int refused = 0;
    for (int round = 0; round < 20_000; round++) {
      var octets = new byte[random.nextInt(120)];
      random.nextBytes(octets);
      if (octets.length > 0) {
        octets[0] = (byte) (round % 2 == 0 ? 10 : 0);
      }
      // A plausible attribute behind the header, so that the loops are entered.
      if (octets.length > 20) {
        octets[12] = (byte) (4 + random.nextInt(40));
        octets[13] = 0;
      }
      var payload = Unpooled.wrappedBuffer(octets);
      try {
        NetlinkMessage.read(payload.duplicate());
        LinkCodec.decode(payload);
        LinkCodec.decodeTunnel(payload);
        InterfaceAddressCodec.decode(payload);
        RouteCodec.decode(payload);
        RoutingRuleCodec.decode(payload);
        NeighbourCodec.decode(payload);
      } catch (MalformedPacketException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(1, 20_000);
  }

  /** Of what a real kernel has been sent, each length field and each attribute changed in turn. */
  @Test
  void survivesAMillionMutations() {
    ImmutableList<ByteBuf> goldens =
        Stream.of(ADD_ADDRESS, ADDRESS_EXISTS, REPLACE_ROUTE, ADD_RULE, ADD_PROXY, ADD_TUNNEL)
            .map(NetlinkCodecTest::octets)
            .collect(ImmutableList.toImmutableList());
    long seed = 20_261_123L;
    var random = new SplittableRandom(seed);
    int refused = 0;
    for (int i = 0; i < 1_000_000; i++) {
      ByteBuf octets = goldens.get(i % goldens.size()).copy();
      for (int k = random.nextInt(4); k >= 0; k--) {
        octets.setByte(random.nextInt(octets.readableBytes()), random.nextInt());
      }
      try {
        Optional<NetlinkMessage> message = NetlinkMessage.read(octets);
        if (message.isEmpty()) {
          continue;
        }
        ByteBuf payload = message.get().payload();
        LinkCodec.decode(payload.duplicate());
        LinkCodec.decodeTunnel(payload.duplicate());
        InterfaceAddressCodec.decode(payload.duplicate());
        RouteCodec.decode(payload.duplicate());
        RoutingRuleCodec.decode(payload.duplicate());
        NeighbourCodec.decode(payload.duplicate());
      } catch (MalformedPacketException e) {
        refused++;
      }
    }
    assertThat(refused).as("seed %s", seed).isBetween(10_000, 999_000);
  }
}
