package io.mipd.merger.rule;

import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import java.util.Optional;

/** The algebra of selectors: two of them meet in a selector, or not at all. */
final class Region {
  private Region() {}

  /** The flows that both select. */
  static Optional<Selector> common(Selector one, Selector other) {
    if (!one.meets(other)) {
      return Optional.empty();
    }
    return Optional.of(
        new Selector(
            longer(one.source(), other.source()),
            longer(one.destination(), other.destination()),
            one.protocol() == IpProtocol.ANY ? other.protocol() : one.protocol(),
            both(one.sourcePort(), other.sourcePort()),
            both(one.destinationPort(), other.destinationPort()),
            new Mark(
                one.mark().value() | other.mark().value(), one.mark().mask() | other.mark().mask()),
            one.interfaceId()));
  }

  /**
   * The flows of {@code one} between the addresses, and with the mark, that {@code other} selects.
   */
  static Optional<Selector> withAddressesOf(Selector one, Selector other) {
    return common(one, other.withPorts(PortMatch.ANY, PortMatch.ANY).withProtocol(IpProtocol.ANY));
  }

  /** Whether each flow of {@code inner} is one of {@code outer}. */
  static boolean contains(Selector outer, Selector inner) {
    return outer.source().contains(inner.source())
        && outer.destination().contains(inner.destination())
        && (outer.protocol() == IpProtocol.ANY || outer.protocol() == inner.protocol())
        && outer.sourcePort().contains(inner.sourcePort())
        && outer.destinationPort().contains(inner.destinationPort())
        && (outer.mark().mask() & ~inner.mark().mask()) == 0
        && (inner.mark().value() & outer.mark().mask()) == outer.mark().value()
        && outer.interfaceId() == inner.interfaceId();
  }

  /**
   * Of what is made of flows that bear the selector's mark, as {@code sample} shows it for one: its
   * ports are hidden, and an end point that is not known may be any.
   */
  static Selector made(Flow sample, Selector of) {
    return new Selector(
        hostOrAny(sample.source()),
        hostOrAny(sample.destination()),
        sample.protocol(),
        PortMatch.ANY,
        PortMatch.ANY,
        of.mark(),
        of.interfaceId());
  }

  private static Ipv6Prefix hostOrAny(Ipv6Address endPoint) {
    return endPoint.isUnspecified() ? Ipv6Prefix.ANY : Ipv6Prefix.host(endPoint);
  }

  /** One flow of the region. */
  static Flow witness(Selector selector) {
    boolean typed =
        IpProtocol.hasPorts(selector.protocol())
            || selector.protocol() == IpProtocol.MOBILITY
            || selector.protocol() == IpProtocol.ICMPV6;
    return new Flow(
        selector.source().address(),
        selector.destination().address(),
        selector.protocol() == IpProtocol.ANY ? IpProtocol.NO_NEXT_HEADER : selector.protocol(),
        typed ? selector.sourcePort().value() : Flow.NO_PORT,
        typed ? selector.destinationPort().value() : Flow.NO_PORT,
        selector.mark().value(),
        selector.interfaceId());
  }

  /** Another one, from the other end of its addresses. */
  static Flow lastWitness(Selector selector) {
    Flow first = witness(selector);
    return new Flow(
        selector.source().lastAddress(),
        selector.destination().lastAddress(),
        first.protocol(),
        first.sourcePort(),
        first.destinationPort(),
        first.mark(),
        first.interfaceId());
  }

  private static Ipv6Prefix longer(Ipv6Prefix one, Ipv6Prefix other) {
    return one.length() >= other.length() ? one : other;
  }

  private static PortMatch both(PortMatch one, PortMatch other) {
    return new PortMatch(one.value() | other.value(), one.mask() | other.mask());
  }
}
