/** Links of layer 2 in virtual time, interfaces that are attached to them, and captures. */
@NullMarked
package io.mipd.sim.link;

import org.jspecify.annotations.NullMarked;
