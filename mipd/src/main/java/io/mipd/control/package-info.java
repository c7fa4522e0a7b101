/**
 * The control protocol (docs/control.md): one line of JSON asks a running daemon, one answers. The
 * socket, its client, and the log of events. Knows nothing of what is asked.
 */
@NullMarked
package io.mipd.control;

import org.jspecify.annotations.NullMarked;
