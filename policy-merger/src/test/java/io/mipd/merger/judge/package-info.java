/**
 * The judge of the merger: what mobility and the user want, and the rule read plainly. It knows
 * {@code io.mipd.xfrm.model} and nothing of what it judges; what it makes up becomes the merger's
 * input where that is called.
 */
@NullMarked
package io.mipd.merger.judge;

import org.jspecify.annotations.NullMarked;
