package io.mipd.merger.rule;

import java.util.Comparator;

/**
 * How one of the inputs stands to the others of its kind: less comes first.
 *
 * @param group what comes before all else of its kind, such as signalling
 * @param middle a user's priority, or in which order the owners came
 * @param last the position among those that are equal so far
 */
record Rank(int group, long middle, int last) implements Comparable<Rank> {
  /** Behind every other. */
  static final Rank LAST = new Rank(Integer.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE);

  private static final Comparator<Rank> ORDER =
      Comparator.comparingInt(Rank::group)
          .thenComparingLong(Rank::middle)
          .thenComparingInt(Rank::last);

  @Override
  public int compareTo(Rank other) {
    return ORDER.compare(this, other);
  }
}
