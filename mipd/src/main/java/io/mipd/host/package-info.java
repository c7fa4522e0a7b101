/**
 * A host in memory: a core of mobility with the merger and the packet engine, without an operating
 * system. Opens no socket, reads no clock, starts no thread; time, randomness and packets come in
 * by its methods. What it shares with the daemon is here, too.
 */
@NullMarked
package io.mipd.host;

import org.jspecify.annotations.NullMarked;
