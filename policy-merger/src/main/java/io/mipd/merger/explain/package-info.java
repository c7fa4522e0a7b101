/**
 * Why a packet fares as it does: the rules and templates that touch it, its headers on the wire,
 * and what a change would change. Values, and their text.
 */
@NullMarked
package io.mipd.merger.explain;

import org.jspecify.annotations.NullMarked;
