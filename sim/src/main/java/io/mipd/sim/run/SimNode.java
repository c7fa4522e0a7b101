package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import io.mipd.sim.link.Interface;
import io.mipd.sim.mobile.MobileHost;
import io.mipd.sim.node.Stack;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.Optional;

/**
 * A node of a simulation.
 *
 * @param address that its applications use: a mobile node's home address
 * @param mobility its mipd; empty for a node without Mobile IPv6
 */
record SimNode(
    String name,
    Stack stack,
    ImmutableList<Interface> interfaces,
    Ipv6Address address,
    Optional<MobileHost> mobility) {

  /** The first interface: a host's only one. */
  Interface device() {
    return interfaces.get(0);
  }
}
