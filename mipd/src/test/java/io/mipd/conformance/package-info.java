/**
 * The conformance suite of RFC 6275: one line for a case, run against cores with the engine, octets
 * in and octets out. Packets are made and read by code of its own, from the RFCs alone.
 */
@NullMarked
package io.mipd.conformance;

import org.jspecify.annotations.NullMarked;
