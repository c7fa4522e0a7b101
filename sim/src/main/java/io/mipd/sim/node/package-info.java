/** Nodes of the simulator: hosts and routers with IPv6 and Neighbor Discovery. */
@NullMarked
package io.mipd.sim.node;

import org.jspecify.annotations.NullMarked;
