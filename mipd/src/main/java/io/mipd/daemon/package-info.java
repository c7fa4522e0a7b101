/** The shell: configuration, event loop, worlds, control socket. */
@NullMarked
package io.mipd.daemon;

import org.jspecify.annotations.NullMarked;
