/**
 * Moving in from the Mobile IPv6 daemon for Linux written in C: reads its configuration ({@code
 * mip6d.conf(5)}) and scripts of {@code ip xfrm state}, and writes ours.
 */
@NullMarked
package io.mipd.movein;

import org.jspecify.annotations.NullMarked;
