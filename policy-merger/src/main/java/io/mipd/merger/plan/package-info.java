/** From what is installed to what is wanted, without a moment in clear; whole or not at all. */
@NullMarked
package io.mipd.merger.plan;

import org.jspecify.annotations.NullMarked;
