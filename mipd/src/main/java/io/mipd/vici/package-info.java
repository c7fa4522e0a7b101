/**
 * The Versatile IKE Control Interface of strongSwan's daemon charon (README.md of its plugin vici):
 * packets and messages as values and as octets, and a client for the Unix domain socket. Knows
 * nothing of what is asked.
 */
@NullMarked
package io.mipd.vici;

import org.jspecify.annotations.NullMarked;
