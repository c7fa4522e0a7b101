package io.mipd.merger.rule;

/**
 * From which inputs an outcome is made; and so where it stands in the order of precedence. All that
 * is a user's policy's comes before what the next one has: first what is exempt from it, then what
 * mobility adds to it, last itself. What no user's policy is for comes behind them all. Which of
 * mobility's policies a flow meets that is exempt does not depend on what exempts it: they come
 * before those.
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
    // By hand: a merge of many policies does hardly anything else.
    int order = user.compareTo(other.user);
    order = order != 0 ? order : part.compareTo(other.part);
    order = order != 0 ? order : Integer.compare(exempt.group(), other.exempt.group());
    order = order != 0 ? order : mobility.compareTo(other.mobility);
    order = order != 0 ? order : exempt.compareTo(other.exempt);
    return order != 0 ? order : Integer.compare(piece, other.piece);
  }
}
