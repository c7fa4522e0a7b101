package io.mipd.xfrm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SelectorTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final int ECHO_REQUEST = 128;
  private static final int PACKET_TOO_BIG = 2;

  @ParameterizedTest
  @CsvSource({
    "::/0, ffff::, true",
    "2001:db8:1::/64, 2001:db8:1::ffff:1, true",
    "2001:db8:1::/64, 2001:db8:1:1::1, false",
    "2001:db8:1::/65, 2001:db8:1::7fff:0:0:1, true",
    "2001:db8:1::/65, 2001:db8:1:0:8000::1, false",
    "2001:db8:1::100, 2001:db8:1::100, true",
    "2001:db8:1::100, 2001:db8:1::101, false"
  })
  void prefixesContainWhatSharesTheirBits(String prefix, String address, boolean contains) {
    assertThat(Ipv6Prefix.parse(prefix).contains(Ipv6Address.parse(address))).isEqualTo(contains);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2001:db8::1/64", "::/129", "::/-1", "::/", "::/x", "10.0.0.0/8"})
  void refusesWhatIsNoPrefix(String text) {
    assertThatThrownBy(() -> Ipv6Prefix.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void iproute2sErrorMaskMatchesIcmpv6ErrorsOnly() {
    // iproute2 prints this selector as "type 0" and leaves its mask out.
    var errors =
        Selector.ANY
            .withProtocol(IpProtocol.ICMPV6)
            .withPorts(new PortMatch(0, 0x80), PortMatch.ANY);

    assertThat(errors.matches(Flow.icmpv6(HOME, PEER, PACKET_TOO_BIG, 0))).isTrue();
    assertThat(errors.matches(Flow.icmpv6(HOME, PEER, ECHO_REQUEST, 0))).isFalse();
  }

  @Test
  void aPortThatCannotBeSeenMatchesOnlyAny() {
    var fragment = Flow.of(HOME, PEER, IpProtocol.UDP);
    var udp = Selector.between(HOME, PEER).withProtocol(IpProtocol.UDP);

    assertThat(udp.matches(fragment)).isTrue();
    assertThat(udp.withPorts(PortMatch.ANY, PortMatch.exactly(53)).matches(fragment)).isFalse();
  }

  @Test
  void reversalExchangesPortsButLeavesTypesInPlace() {
    var dns =
        Selector.between(HOME, PEER)
            .withProtocol(IpProtocol.UDP)
            .withPorts(PortMatch.ANY, PortMatch.exactly(53));
    assertThat(dns.reversed().matches(Flow.withPorts(PEER, HOME, IpProtocol.UDP, 53, 4000)))
        .isTrue();

    var bindingUpdates = Selector.between(HOME, PEER).withType(IpProtocol.MOBILITY, 5);
    assertThat(bindingUpdates.reversed().matches(Flow.mobility(PEER, HOME, 5))).isTrue();
  }

  @Test
  void aMarkMatchesUnderItsMask() {
    var unmarked = Selector.between(HOME, PEER).withMark(new Mark(0, 0xff));
    var marked = new Flow(HOME, PEER, IpProtocol.UDP, 1, 2, 0x101, 0);

    assertThat(unmarked.matches(Flow.of(HOME, PEER, IpProtocol.UDP))).isTrue();
    assertThat(unmarked.matches(marked)).isFalse();
  }

  @Test
  void bundlesShowTheFlowThatLeavesThem() {
    var careOf = Ipv6Address.parse("2001:db8:a::ff:fe00:aa");
    var agent = Ipv6Address.parse("2001:db8:1::1");
    var flow = Flow.withPorts(HOME, PEER, IpProtocol.TCP, 1000, 80);

    var transport = Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(1)));
    assertThat(transport.outermost(flow)).isEqualTo(Flow.of(HOME, PEER, IpProtocol.ESP));

    var tunnelled = transport.followedBy(Bundle.of(Template.ipv6InIpv6(careOf, agent)));
    assertThat(tunnelled.outermost(flow)).isEqualTo(Flow.of(careOf, agent, IpProtocol.IPV6));

    var optimized = transport.followedBy(Bundle.of(Template.homeAddressOption(HOME, PEER)));
    assertThat(optimized.outermost(flow)).isEqualTo(Flow.of(HOME, PEER, IpProtocol.ESP));
  }

  /** Of 100,000 random hashes of 32 bits one pair is equal on average. */
  @ParameterizedTest
  @EnumSource(Difference.class)
  void theHashTellsApartWhatDiffersInLittle(Difference difference) {
    var hashes = new HashSet<Integer>();
    for (int i = 0; i < 100_000; i++) {
      hashes.add(difference.selector(i).hashCode());
    }
    assertThat(hashes).hasSizeGreaterThan(99_980);
  }

  private enum Difference {
    PORTS,
    PORTS_OF_EACH_END,
    ADDRESSES,
    MARKS,
    INTERFACES;

    Selector selector(int number) {
      Selector all = Selector.between(HOME, PEER).withProtocol(IpProtocol.UDP);
      return switch (this) {
        case PORTS ->
            all.withPorts(PortMatch.exactly(number / 1000), PortMatch.exactly(number % 1000));
        case PORTS_OF_EACH_END ->
            number < 50_000
                ? all.withPorts(PortMatch.exactly(number), PortMatch.ANY)
                : all.withPorts(PortMatch.ANY, PortMatch.exactly(number - 50_000));
        case ADDRESSES ->
            Selector.between(
                new Ipv6Address(HOME.high(), number / 1000),
                new Ipv6Address(PEER.high(), number % 1000));
        case MARKS -> all.withMark(new Mark(number, -1));
        case INTERFACES ->
            new Selector(
                all.source(),
                all.destination(),
                all.protocol(),
                all.sourcePort(),
                all.destinationPort(),
                all.mark(),
                number);
      };
    }
  }
}
