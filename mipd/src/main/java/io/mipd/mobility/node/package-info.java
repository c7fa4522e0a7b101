/** One node of several roles. */
@NullMarked
package io.mipd.mobility.node;

import org.jspecify.annotations.NullMarked;
