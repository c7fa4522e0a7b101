/** The simulator's commands. */
@NullMarked
package io.mipd.sim.command;

import org.jspecify.annotations.NullMarked;
