/**
 * PF_KEYv2 (RFC 2367) with KAME's policy extensions as Linux speaks them: octets to values and
 * back, and between these and the model's.
 */
@NullMarked
package io.mipd.xfrm.pfkey;

import org.jspecify.annotations.NullMarked;
