/** What is simulated: topology, nodes, movement, traffic and faults, read from a file. */
@NullMarked
package io.mipd.sim.scenario;

import org.jspecify.annotations.NullMarked;
