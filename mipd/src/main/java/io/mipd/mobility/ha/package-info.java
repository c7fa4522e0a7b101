/** The home agent (RFC 6275 section 10). */
@NullMarked
package io.mipd.mobility.ha;

import org.jspecify.annotations.NullMarked;
