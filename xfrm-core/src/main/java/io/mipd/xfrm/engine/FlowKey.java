package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Selector;

/** A {@link Flow} in words, reused from packet to packet, so that reading one allocates nothing. */
final class FlowKey {
  long sourceHigh;
  long sourceLow;
  long destinationHigh;
  long destinationLow;
  int protocol;
  int sourcePort = Flow.NO_PORT;
  int destinationPort = Flow.NO_PORT;
  int mark;
  int interfaceId;

  FlowKey set(Flow flow) {
    sourceHigh = flow.source().high();
    sourceLow = flow.source().low();
    destinationHigh = flow.destination().high();
    destinationLow = flow.destination().low();
    protocol = flow.protocol();
    sourcePort = flow.sourcePort();
    destinationPort = flow.destinationPort();
    mark = flow.mark();
    interfaceId = flow.interfaceId();
    return this;
  }

  /** Whether a selector admits this flow; its addresses are given as objects again. */
  boolean isIn(Selector selector, Ipv6Address source, Ipv6Address destination) {
    return (selector.protocol() == IpProtocol.ANY || selector.protocol() == protocol)
        && selector.source().contains(source)
        && selector.destination().contains(destination)
        && selector.sourcePort().matches(sourcePort)
        && selector.destinationPort().matches(destinationPort)
        && selector.mark().matches(mark)
        && selector.interfaceId() == interfaceId;
  }

  Flow toFlow() {
    return new Flow(
        source(), destination(), protocol, sourcePort, destinationPort, mark, interfaceId);
  }

  Ipv6Address source() {
    return new Ipv6Address(sourceHigh, sourceLow);
  }

  Ipv6Address destination() {
    return new Ipv6Address(destinationHigh, destinationLow);
  }

  /** Protocol and ports in one word; a port that cannot be seen differs from every port. */
  long upperLayer() {
    return (long) protocol << 40
        | (long) (sourcePort & 0xf_ffff) << 20
        | (destinationPort & 0xf_ffff);
  }

  long markAndInterface() {
    return (long) mark << 32 | (interfaceId & 0xffff_ffffL);
  }
}
