/** Headers and options of IPv6, IPsec and Mobile IPv6: values and codecs. */
@NullMarked
package io.mipd.xfrm.packet;

import org.jspecify.annotations.NullMarked;
