/** Algorithms and keys: the only room that knows JCA. */
@NullMarked
package io.mipd.xfrm.crypto;

import org.jspecify.annotations.NullMarked;
