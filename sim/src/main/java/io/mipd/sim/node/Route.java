package io.mipd.sim.node;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Optional;

/**
 * Where packets go.
 *
 * @param interfaceIndex by which they leave
 * @param nextHop a neighbour there; empty if the destination is one
 */
public record Route(Ipv6Prefix prefix, int interfaceIndex, Optional<Ipv6Address> nextHop) {}
