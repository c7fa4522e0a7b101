/** A model of TCP: a sender that controls congestion, a receiver, and what they say. No I/O. */
@NullMarked
package io.mipd.sim.tcp;

import org.jspecify.annotations.NullMarked;
