/** What a run of the lab or of the simulator has shown: measured from captures and flows. */
@NullMarked
package io.mipd.sim.report;

import org.jspecify.annotations.NullMarked;
