package io.mipd.merger.rule;

import java.util.Comparator;

/**
 * From which inputs an outcome is made; and so where it stands in the order of precedence. All that
 * is a user's policy's comes before what the next one has: first what is exempt from it, then what
 * mobility adds to it, last itself. What no user's policy is for comes behind them all.
 *
 * @param user {@link Rank#LAST} where there is none
 * @param exempt the signalling that the user's policy is not for, else {@link Rank#LAST}
 * @param mobility what is composed with it, else {@link Rank#LAST}
 * @param piece of the outcomes that these inputs make together, which
 */
record Place(Rank user, Part part, Rank exempt, Rank mobility, int piece)
    implements Comparable<Place> {

  /** What of a user's policy. */
  enum Part {
    EXEMPTION,
    COMPOSITION
  }

  private static final Comparator<Place> ORDER =
      Comparator.comparing(Place::user)
          .thenComparing(Place::part)
          .thenComparing(Place::exempt)
          .thenComparing(Place::mobility)
          .thenComparingInt(Place::piece);

  static Place ofExemption(Rank user, Rank exempt, Rank mobility) {
    return new Place(user, Part.EXEMPTION, exempt, mobility, 0);
  }

  static Place ofComposition(Rank user, Rank mobility) {
    return new Place(user, Part.COMPOSITION, Rank.LAST, mobility, 0);
  }

  Place piece(int newPiece) {
    return new Place(user, part, exempt, mobility, newPiece);
  }

  @Override
  public int compareTo(Place other) {
    return ORDER.compare(this, other);
  }
}
