package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * One step of a bundle: which transform, and where it finds its association.
 *
 * @param source for tunnels the outer source, for {@link Mode#ROUTE_OPTIMIZATION} the source of the
 *     flow (home address or peer), else unspecified for any
 * @param destination likewise
 * @param optional {@code level use}: outbound it is left out when it has no association, inbound a
 *     packet may come without it
 */
public record Template(
    TransformProtocol protocol,
    Mode mode,
    Ipv6Address source,
    Ipv6Address destination,
    ReqId reqId,
    Spi spi,
    boolean optional) {

  public Template {
    checkArgument(
        protocol.isRouteOptimization()
            == (mode == Mode.ROUTE_OPTIMIZATION || mode == Mode.IN_TRIGGER),
        "%s does not go with mode %s",
        protocol,
        mode);
    checkArgument(
        protocol != TransformProtocol.IPV6 || mode == Mode.TUNNEL, "ipv6 is a tunnel: %s", mode);
  }

  /** ESP or AH around the payload; the association is found by addresses of the flow and reqid. */
  public static Template transport(TransformProtocol protocol, ReqId reqId) {
    return new Template(
        protocol,
        Mode.TRANSPORT,
        Ipv6Address.UNSPECIFIED,
        Ipv6Address.UNSPECIFIED,
        reqId,
        Spi.ANY,
        false);
  }

  /** ESP or AH around the whole packet, between two tunnel end points. */
  public static Template tunnel(
      TransformProtocol protocol, Ipv6Address source, Ipv6Address destination, ReqId reqId) {
    return new Template(protocol, Mode.TUNNEL, source, destination, reqId, Spi.ANY, false);
  }

  /** Plain IPv6-in-IPv6 (RFC 2473). */
  public static Template ipv6InIpv6(Ipv6Address source, Ipv6Address destination) {
    return tunnel(TransformProtocol.IPV6, source, destination, ReqId.ANY);
  }

  /** Home Address option on what goes from {@code homeAddress} to {@code peer}. */
  public static Template homeAddressOption(Ipv6Address homeAddress, Ipv6Address peer) {
    return new Template(
        TransformProtocol.HAO,
        Mode.ROUTE_OPTIMIZATION,
        homeAddress,
        peer,
        ReqId.ANY,
        Spi.ANY,
        false);
  }

  /** Type 2 routing header on what goes from {@code peer} to {@code homeAddress}. */
  public static Template routingHeader(Ipv6Address peer, Ipv6Address homeAddress) {
    return new Template(
        TransformProtocol.ROUTE2,
        Mode.ROUTE_OPTIMIZATION,
        peer,
        homeAddress,
        ReqId.ANY,
        Spi.ANY,
        false);
  }

  /** The same template with {@code level use}. */
  public Template asOptional() {
    return new Template(protocol, mode, source, destination, reqId, spi, true);
  }

  public Template withAddresses(Ipv6Address newSource, Ipv6Address newDestination) {
    return new Template(protocol, mode, newSource, newDestination, reqId, spi, optional);
  }

  public boolean isTunnel() {
    return mode == Mode.TUNNEL || mode == Mode.BEET;
  }

  /**
   * The flow as the next layer sees it: a tunnel replaces the addresses; ESP, AH and tunnels
   * replace protocol and ports; Mobile IPv6's options change neither, for policies are written in
   * home addresses.
   */
  public Flow seenFromOutside(Flow flow) {
    if (protocol.isRouteOptimization()) {
      return flow;
    }
    return isTunnel()
        ? flow.wrapped(source, destination, protocol.number())
        : flow.wrapped(flow.source(), flow.destination(), protocol.number());
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    if (!source.isUnspecified() || !destination.isUnspecified()) {
      text.append("src ").append(source).append(" dst ").append(destination).append(' ');
    }
    text.append("proto ").append(protocol.kernelName());
    if (!spi.isAny()) {
      text.append(" spi ").append(spi);
    }
    if (!reqId.isAny()) {
      text.append(" reqid ").append(reqId);
    }
    text.append(" mode ").append(mode.kernelName());
    return optional ? text.append(" level use").toString() : text.toString();
  }
}
