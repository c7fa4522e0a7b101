package io.mipd.xfrm.engine;

import java.util.Arrays;

/**
 * How policies use a prefix as one of their ends: of which lengths the prefixes at the other end
 * are, and how urgent the policies with each. So a policy for this prefix and another one can only
 * be there if each names the other's length, and is no more urgent than either says.
 *
 * <p>Lengths are known by their numbers ({@link PrefixSet#numberOf}), and these modulo 64: of more
 * lengths than that, two may pass for one.
 */
final class PrefixUse {
  private static final int[] NO_NUMBERS = {};
  private static final Priorities[] NO_PRIORITIES = {};

  /** Of what has not been looked at: whatever may be there. */
  static final PrefixUse ANYTHING = anything();

  /** A bit for each length at the other end. */
  private long others;

  /** Those of each length, in the order of bits. */
  private Priorities[] priorities = NO_PRIORITIES;

  /** The most urgent of each of {@code priorities}, nearer to a look-up. */
  private int[] mostUrgent = NO_NUMBERS;

  private static PrefixUse anything() {
    var use = new PrefixUse();
    use.others = -1;
    use.mostUrgent = new int[Long.SIZE];
    return use;
  }

  /** Whether one policy uses the prefix. */
  boolean isSingle() {
    return priorities.length == 1 && priorities[0].isSingle();
  }

  /** A bit for the number of each length at the other end. */
  long others() {
    return others;
  }

  /** No policy with a prefix of that length at the other end is more urgent; it must be there. */
  int mostUrgentWith(int number) {
    return mostUrgent[rankOf(number)];
  }

  void add(int number, int priority) {
    int rank = rankOf(number);
    if ((others & bitOf(number)) == 0) {
      priorities = SmallArrays.with(priorities, rank, new Priorities());
      others |= bitOf(number);
    }
    priorities[rank].add(priority);
    noteMostUrgent(rank);
  }

  /** It must be there. */
  void remove(int number, int priority) {
    int rank = rankOf(number);
    priorities[rank].remove(priority);
    if (priorities[rank].isEmpty()) {
      priorities = SmallArrays.without(priorities, rank);
      others &= ~bitOf(number);
    }
    noteMostUrgent(rank);
  }

  /** It must be there. */
  void change(int number, int old, int priority) {
    int rank = rankOf(number);
    priorities[rank].remove(old);
    priorities[rank].add(priority);
    noteMostUrgent(rank);
  }

  /** That of one length has changed, or which lengths there are. */
  private void noteMostUrgent(int changed) {
    if (mostUrgent.length == priorities.length) {
      mostUrgent[changed] = priorities[changed].mostUrgent();
    } else {
      mostUrgent = new int[priorities.length];
      Arrays.setAll(mostUrgent, rank -> priorities[rank].mostUrgent());
    }
  }

  private static long bitOf(int number) {
    return 1L << number;
  }

  private int rankOf(int number) {
    return Long.bitCount(others & (bitOf(number) - 1));
  }
}
