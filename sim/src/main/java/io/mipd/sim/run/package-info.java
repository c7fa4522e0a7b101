/** A scenario at work: it is built, runs in virtual time, is measured and watched. */
@NullMarked
package io.mipd.sim.run;

import org.jspecify.annotations.NullMarked;
