/** The correspondent node of RFC 6275 section 9. */
@NullMarked
package io.mipd.mobility.cn;

import org.jspecify.annotations.NullMarked;
