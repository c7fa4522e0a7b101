/** The inputs of the merger: the user's IPsec policies, the mobility policies. */
@NullMarked
package io.mipd.merger.source;

import org.jspecify.annotations.NullMarked;
