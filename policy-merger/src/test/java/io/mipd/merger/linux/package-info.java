/** What Linux does with two inputs by itself: a model, and the kernel that it is a model of. */
@NullMarked
package io.mipd.merger.linux;

import org.jspecify.annotations.NullMarked;
