/**
 * One packet in, one packet out: ESP, AH, tunnels, Home Address option, type 2 routing header; in
 * place.
 */
@NullMarked
package io.mipd.xfrm.transform;

import org.jspecify.annotations.NullMarked;
