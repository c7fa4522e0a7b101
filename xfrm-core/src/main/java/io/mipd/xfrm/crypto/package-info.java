/** Algorithms, keys and anti-replay: the only room that knows JCA and Bouncy Castle. */
@NullMarked
package io.mipd.xfrm.crypto;

import org.jspecify.annotations.NullMarked;
