package io.mipd.movein;

/**
 * A word of the old daemon's configuration.
 *
 * @param text without the quotes of a {@link Kind#STRING}
 */
record Token(Kind kind, String text, Place place) {
  enum Kind {
    /** A name, a number or an address. */
    WORD,
    STRING,
    /** One of <code>{ } ( ) ; , /</code>. */
    MARK
  }

  boolean is(String mark) {
    return kind == Kind.MARK && text.equals(mark);
  }
}
