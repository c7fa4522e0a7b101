/** Mobility Header messages and options: values and codecs (RFC 6275 section 6). */
@NullMarked
package io.mipd.mobility.wire;

import org.jspecify.annotations.NullMarked;
