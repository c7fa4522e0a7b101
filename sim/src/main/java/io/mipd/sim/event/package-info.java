/** Virtual time: what happens when, in which order, and what chance decides. */
@NullMarked
package io.mipd.sim.event;

import org.jspecify.annotations.NullMarked;
