/**
 * Hosts for tests: the same host on our engine and on a kernel, and packets taken apart by an
 * independent reader.
 */
@NullMarked
package io.mipd.xfrm.host;

import org.jspecify.annotations.NullMarked;
