/**
 * The rules of composition: the user's bundle first, mobility's around it. One rule, one file, one
 * reason.
 */
@NullMarked
package io.mipd.merger.rule;

import org.jspecify.annotations.NullMarked;
