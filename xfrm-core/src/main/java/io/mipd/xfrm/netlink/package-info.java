/** Netlink message codecs: octets to values and back, no socket. */
@NullMarked
package io.mipd.xfrm.netlink;

import org.jspecify.annotations.NullMarked;
