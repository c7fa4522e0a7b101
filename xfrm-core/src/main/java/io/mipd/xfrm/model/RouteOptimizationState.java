package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * Where a home address is now, for the flows between two stable addresses: the kernel's state with
 * protocol {@code hao} or {@code route2} and mode {@code ro}.
 *
 * @param id with {@link TransformProtocol#HAO} its source is the home address, with {@link
 *     TransformProtocol#ROUTE2} its destination is
 * @param careOf takes the home address's place in the IPv6 header
 */
public record RouteOptimizationState(Id id, Ipv6Address careOf) {

  /** One state exists for a pair of stable addresses and a protocol. */
  public record Id(TransformProtocol protocol, Ipv6Address source, Ipv6Address destination) {
    public Id {
      checkArgument(protocol.isRouteOptimization(), "not hao or route2: %s", protocol);
    }

    @Override
    public String toString() {
      return "src " + source + " dst " + destination + " proto " + protocol.kernelName();
    }
  }

  public static RouteOptimizationState homeAddressOption(
      Ipv6Address homeAddress, Ipv6Address peer, Ipv6Address careOf) {
    return new RouteOptimizationState(new Id(TransformProtocol.HAO, homeAddress, peer), careOf);
  }

  public static RouteOptimizationState routingHeader(
      Ipv6Address peer, Ipv6Address homeAddress, Ipv6Address careOf) {
    return new RouteOptimizationState(new Id(TransformProtocol.ROUTE2, peer, homeAddress), careOf);
  }

  @Override
  public String toString() {
    return id + " mode ro coa " + careOf;
  }
}
