package io.mipd.merger.rule;

import io.mipd.merger.plan.Plan;
import io.mipd.xfrm.model.Direction;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The policies that a change has not touched, by their priorities. Who asks from the last priority
 * to the first makes it look once at each that was touched, however many there are.
 */
final class Untouched implements Plan.Staying {
  /**
   * @param next of the first one from {@code first} on; greater than any if there is none
   */
  private record Gap(int first, long next) {
    /** Behind all that there are. */
    static final Gap LAST = new Gap(Integer.MAX_VALUE, Integer.MAX_VALUE + 1L);

    boolean covers(int priority) {
      return first <= priority && priority <= next;
    }
  }

  private final Map<DirectionMerge, DirectionMerge.Done> done;
  private final Map<Direction, Gap> known = new EnumMap<>(Direction.class);

  Untouched(Map<DirectionMerge, DirectionMerge.Done> done) {
    this.done = done;
  }

  @Override
  public boolean isBetween(Direction direction, int first, int last) {
    Gap gap = known.getOrDefault(direction, Gap.LAST);
    if (!gap.covers(first)) {
      gap = new Gap(first, next(direction, first, first < gap.first() ? gap : Gap.LAST));
      known.put(direction, gap);
    }
    return gap.next() <= last;
  }

  /**
   * @param behind what is known of those behind
   */
  private long next(Direction direction, int first, Gap behind) {
    for (Map.Entry<DirectionMerge, DirectionMerge.Done> one : done.entrySet()) {
      if (one.getKey().direction() == direction) {
        OptionalInt found = one.getKey().nextUntouched(one.getValue(), first, behind.first() - 1);
        return found.isPresent() ? found.getAsInt() : behind.next();
      }
    }
    return behind.next();
  }
}
