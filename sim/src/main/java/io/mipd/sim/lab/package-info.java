/**
 * The lab: network namespaces, real daemons, traffic and captures, and what is measured from them.
 */
@NullMarked
package io.mipd.sim.lab;

import org.jspecify.annotations.NullMarked;
