/** The boundary between those who want policies and associations and the world that holds them. */
@NullMarked
package io.mipd.xfrm.backend;

import org.jspecify.annotations.NullMarked;
