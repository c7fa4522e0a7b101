/** One scenario many times: over values and seeds, on all cores, and on other machines. */
@NullMarked
package io.mipd.sim.sweep;

import org.jspecify.annotations.NullMarked;
