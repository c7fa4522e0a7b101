/** The report: one page of HTML with drawings, which needs nothing else to be read. */
@NullMarked
package io.mipd.sim.page;

import org.jspecify.annotations.NullMarked;
