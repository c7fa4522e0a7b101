/** The packet engine: policy database, association database, destination stack, security path. */
@NullMarked
package io.mipd.xfrm.engine;

import org.jspecify.annotations.NullMarked;
