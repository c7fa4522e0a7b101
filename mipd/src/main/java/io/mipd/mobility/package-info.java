/** The protocol core's boundary: events in, actions out. */
@NullMarked
package io.mipd.mobility;

import org.jspecify.annotations.NullMarked;
