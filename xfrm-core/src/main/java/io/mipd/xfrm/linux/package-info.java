/**
 * Linux: system calls, netlink sockets, TUN, packet and raw sockets. The only room that knows
 * jnr-ffi.
 */
@NullMarked
package io.mipd.xfrm.linux;

import org.jspecify.annotations.NullMarked;
