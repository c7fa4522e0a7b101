package io.mipd.movein;

import com.google.common.collect.ImmutableList;

/**
 * One statement of the old daemon's configuration: {@code Name arguments;} or {@code Name arguments
 * { statements }}.
 */
record Statement(
    String name, Place place, ImmutableList<Token> arguments, ImmutableList<Statement> block) {

  /** The arguments, to be read one after the other. */
  Arguments read() {
    return new Arguments(this);
  }
}
