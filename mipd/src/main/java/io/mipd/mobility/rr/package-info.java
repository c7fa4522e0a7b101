/**
 * Return routability (RFC 6275 section 5.2): nonces and keygen tokens of the correspondent node,
 * the binding management key and the authenticator of both ends. The only core that has keys.
 */
@NullMarked
package io.mipd.mobility.rr;

import org.jspecify.annotations.NullMarked;
