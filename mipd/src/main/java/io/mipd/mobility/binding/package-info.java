/** Binding cache, binding update list, sequence numbers, lifetimes. */
@NullMarked
package io.mipd.mobility.binding;

import org.jspecify.annotations.NullMarked;
