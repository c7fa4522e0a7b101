/** A host's own addresses: stateless autoconfiguration (RFC 4862), optimistic (RFC 4429). */
@NullMarked
package io.mipd.mobility.autoconf;

import org.jspecify.annotations.NullMarked;
