/** From bindings to the mobility policies they want. */
@NullMarked
package io.mipd.mobility.planner;

import org.jspecify.annotations.NullMarked;
