/**
 * Mobility's policies and the user's, merged, and what becomes of packets by them: on our engine
 * and on Linux, side by side.
 */
@NullMarked
package io.mipd.proof;

import org.jspecify.annotations.NullMarked;
