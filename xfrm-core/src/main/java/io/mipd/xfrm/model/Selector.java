package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * The flows that a policy or an association is for.
 *
 * @param protocol the upper-layer protocol; {@link IpProtocol#ANY} for every one
 * @param sourcePort for Mobility Header and ICMPv6: the type
 * @param destinationPort for ICMPv6: the code
 * @param interfaceId the xfrm interface id ({@code if_id}); 0 matches only flows without one
 */
public record Selector(
    Ipv6Prefix source,
    Ipv6Prefix destination,
    int protocol,
    PortMatch sourcePort,
    PortMatch destinationPort,
    Mark mark,
    int interfaceId) {

  public static final Selector ANY = between(Ipv6Prefix.ANY, Ipv6Prefix.ANY);

  public Selector {
    checkArgument(protocol >= 0 && protocol <= 255, "not a protocol: %s", protocol);
    checkArgument(
        protocol != IpProtocol.ANY || (sourcePort.isAny() && destinationPort.isAny()),
        "a selector with ports must name their protocol");
  }

  public static Selector between(Ipv6Prefix source, Ipv6Prefix destination) {
    return new Selector(
        source, destination, IpProtocol.ANY, PortMatch.ANY, PortMatch.ANY, Mark.ANY, 0);
  }

  public static Selector between(Ipv6Address source, Ipv6Address destination) {
    return between(Ipv6Prefix.host(source), Ipv6Prefix.host(destination));
  }

  /** The same protocol, ports, mark and interface between others. */
  public Selector withAddresses(Ipv6Prefix newSource, Ipv6Prefix newDestination) {
    return new Selector(
        newSource, newDestination, protocol, sourcePort, destinationPort, mark, interfaceId);
  }

  public Selector withProtocol(int newProtocol) {
    return new Selector(
        source, destination, newProtocol, sourcePort, destinationPort, mark, interfaceId);
  }

  public Selector withPorts(PortMatch newSourcePort, PortMatch newDestinationPort) {
    return new Selector(
        source, destination, protocol, newSourcePort, newDestinationPort, mark, interfaceId);
  }

  public Selector withMark(Mark newMark) {
    return new Selector(
        source, destination, protocol, sourcePort, destinationPort, newMark, interfaceId);
  }

  /** The given protocol with one message type: Mobility Header or ICMPv6. */
  public Selector withType(int newProtocol, int type) {
    return withProtocol(newProtocol).withPorts(PortMatch.exactly(type), PortMatch.ANY);
  }

  /** The selector of the flows in the other direction. */
  public Selector reversed() {
    boolean ports = IpProtocol.hasPorts(protocol);
    return new Selector(
        destination,
        source,
        protocol,
        ports ? destinationPort : sourcePort,
        ports ? sourcePort : destinationPort,
        mark,
        interfaceId);
  }

  public boolean matches(Flow flow) {
    return (protocol == IpProtocol.ANY || protocol == flow.protocol())
        && source.contains(flow.source())
        && destination.contains(flow.destination())
        && sourcePort.matches(flow.sourcePort())
        && destinationPort.matches(flow.destinationPort())
        && mark.matches(flow.mark())
        && interfaceId == flow.interfaceId();
  }

  /** Whether there is a flow that this one and another select. */
  public boolean meets(Selector other) {
    return source.overlaps(other.source)
        && destination.overlaps(other.destination)
        && (protocol == other.protocol
            || protocol == IpProtocol.ANY
            || other.protocol == IpProtocol.ANY)
        && sourcePort.overlaps(other.sourcePort)
        && destinationPort.overlaps(other.destinationPort)
        && mark.overlaps(other.mark)
        && interfaceId == other.interfaceId;
  }

  /**
   * Mixes all bits: where only ports differ a record's own would add them up, and 100,000 selectors
   * would have 4,000 hashes between them.
   */
  @Override
  public int hashCode() {
    long ports = (long) sourcePort.value() << 16 | destinationPort.value();
    long masks = (long) sourcePort.mask() << 16 | destinationPort.mask();
    long mixed =
        mix((long) source.hashCode() << 32 | Integer.toUnsignedLong(destination.hashCode()));
    mixed = mix(mixed ^ (masks << 32 | ports));
    mixed = mix(mixed ^ ((long) mark.value() << 32 | Integer.toUnsignedLong(mark.mask())));
    mixed = mix(mixed ^ ((long) protocol << 32 | Integer.toUnsignedLong(interfaceId)));
    return (int) (mixed >>> 32);
  }

  private static long mix(long word) {
    long product = word * 0x9e37_79b9_7f4a_7c15L;
    return product ^ product >>> 32;
  }

  /** Whether this selector names a Mobility Header or ICMPv6 type, rather than any. */
  public boolean namesType() {
    return (protocol == IpProtocol.MOBILITY || protocol == IpProtocol.ICMPV6)
        && !sourcePort.isAny();
  }

  @Override
  public String toString() {
    var text = new StringBuilder("src ").append(source).append(" dst ").append(destination);
    if (protocol != IpProtocol.ANY) {
      text.append(" proto ").append(IpProtocol.nameOf(protocol));
    }
    boolean ports = IpProtocol.hasPorts(protocol);
    if (!sourcePort.isAny()) {
      text.append(ports ? " sport " : " type ").append(sourcePort);
    }
    if (!destinationPort.isAny()) {
      text.append(ports ? " dport " : " code ").append(destinationPort);
    }
    if (!mark.isAny()) {
      text.append(" mark ").append(mark);
    }
    if (interfaceId != 0) {
      text.append(" if_id ").append(interfaceId);
    }
    return text.toString();
  }
}
