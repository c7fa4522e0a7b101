package io.mipd.xfrm.engine;

import static com.google.common.base.Preconditions.checkNotNull;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * How policies use prefixes as one of their ends, a word for each prefix. While one policy uses it,
 * as with most, the word says all; otherwise it tells where the {@link PrefixUse} is.
 *
 * <pre>
 *   priority of the policy|number of the length at its other end
 *   place of the use      |-1
 * </pre>
 */
final class PrefixUses {
  private static final int SEVERAL = -1;

  /** Of what has not been looked at: whatever may be there. */
  static final long ANY = word(0, SEVERAL);

  /** By no policy. */
  static final long NONE = word(0, -2);

  private static final PrefixUse[] ONLY_ANY = {PrefixUse.ANYTHING};

  private @Nullable PrefixUse[] several = ONLY_ANY;

  /** How many of {@code several} have been taken. */
  private int places = ONLY_ANY.length;

  private final Deque<Integer> freePlaces = new ArrayDeque<>();

  private static long word(int high, int low) {
    return (long) high << 32 | (low & 0xffff_ffffL);
  }

  /** By one policy. */
  static long single(int number, int priority) {
    return word(priority, number);
  }

  private static boolean isSeveral(long use) {
    return (int) use == SEVERAL;
  }

  private static int high(long use) {
    return (int) (use >>> 32);
  }

  private PrefixUse at(int place) {
    return checkNotNull(several[place]);
  }

  /** A bit for the number of each length at the other end, modulo 64. */
  long others(long use) {
    return isSeveral(use) ? at(high(use)).others() : 1L << use;
  }

  /** No policy with a prefix of that length at the other end is more urgent; it must be there. */
  int mostUrgentWith(long use, int number) {
    return isSeveral(use) ? at(high(use)).mostUrgentWith(number) : high(use);
  }

  /** The use of the prefix with one policy more. */
  long with(long use, int number, int priority) {
    long more = isSeveral(use) ? use : word(placeFor((int) use, high(use)), SEVERAL);
    at(high(more)).add(number, priority);
    return more;
  }

  /** The use of the prefix without a policy that must be there. */
  long without(long use, int number, int priority) {
    if (!isSeveral(use)) {
      return NONE;
    }
    PrefixUse left = at(high(use));
    left.remove(number, priority);
    if (!left.isSingle()) {
      return use;
    }
    several[high(use)] = null;
    freePlaces.push(high(use));
    int only = Long.numberOfTrailingZeros(left.others());
    return single(only, left.mostUrgentWith(only));
  }

  /** The use of the prefix when a policy that must be there has another priority. */
  long changed(long use, int number, int oldPriority, int priority) {
    if (!isSeveral(use)) {
      return single(number, priority);
    }
    at(high(use)).change(number, oldPriority, priority);
    return use;
  }

  private int placeFor(int number, int priority) {
    Integer free = freePlaces.poll();
    int place = free == null ? places++ : free;
    if (place == several.length) {
      several = Arrays.copyOf(several, 2 * place);
    }
    var use = new PrefixUse();
    use.add(number, priority);
    several[place] = use;
    return place;
  }
}
