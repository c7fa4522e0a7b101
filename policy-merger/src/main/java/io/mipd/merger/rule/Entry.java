package io.mipd.merger.rule;

import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import org.jspecify.annotations.Nullable;

/**
 * An outcome, and whether a policy of the result stands for it.
 *
 * @param needed some flow would fare otherwise without that policy
 * @param witness such a flow; where it is not needed, any flow that comes as far, null if none does
 * @param cover one before it that is for all its flows, so that none comes as far; null if none is
 *     known
 * @param priority of its policy, 0 where it has none
 */
record Entry(
    Place place,
    Outcome outcome,
    boolean needed,
    @Nullable Flow witness,
    @Nullable Place cover,
    int priority) {

  /** One that nothing is known about yet. */
  static Entry of(Place place, Outcome outcome) {
    return new Entry(place, outcome, false, null, null, 0);
  }

  Entry judged(boolean nowNeeded, @Nullable Flow newWitness) {
    return new Entry(place, outcome, nowNeeded, newWitness, null, priority);
  }

  Entry covered(@Nullable Place newCover) {
    return new Entry(place, outcome, false, null, newCover, priority);
  }

  Entry withPriority(int newPriority) {
    return new Entry(place, outcome, needed, witness, cover, newPriority);
  }

  Policy policy(Direction direction) {
    return new Policy(outcome.selector(), direction, priority, outcome.action(), outcome.bundle());
  }

  MergedPolicy merged(Direction direction) {
    return new MergedPolicy(policy(direction), outcome.trace());
  }
}
