package io.mipd.merger.rule;

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

  /** Of mobility's, who wants it. */
  long owner() {
    return middle;
  }

  @Override
  public int compareTo(Rank other) {
    int order = Integer.compare(group, other.group);
    order = order != 0 ? order : Long.compare(middle, other.middle);
    return order != 0 ? order : Integer.compare(last, other.last);
  }
}
