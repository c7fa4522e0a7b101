/** The mobile node (RFC 6275 section 11). */
@NullMarked
package io.mipd.mobility.mn;

import org.jspecify.annotations.NullMarked;
