/** Nodes of Mobile IPv6 on simulated links: the daemon's own code between a stack and its links. */
@NullMarked
package io.mipd.sim.mobile;

import org.jspecify.annotations.NullMarked;
