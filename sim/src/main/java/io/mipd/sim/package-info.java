/** The deterministic simulator and the lab: experiments on the daemon's own code. */
@NullMarked
package io.mipd.sim;

import org.jspecify.annotations.NullMarked;
