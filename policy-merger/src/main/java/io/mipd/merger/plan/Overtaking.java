package io.mipd.merger.plan;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Policy;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * Policies that come before another one for a while, though they do so neither before nor after: it
 * has gone behind them, or is deleted, when their own turn has not come yet. Flows of both would
 * have their bundle, which may lack a layer that old and new demand.
 *
 * <pre>
 *   before           between                    after
 *   1  H > P  [E,T]  2  H > any  [T]  decides   3  H > P    [E',T']
 *   2  H > any  [T]  3  H > P    [E',T']        4  H > any  [T']
 * </pre>
 */
final class Overtaking {
  private final ImmutableMap<Policy.Id, Policy> after;
  private final ImmutableSet<Policy> stepping;

  /**
   * @param after what is wanted of those that change and of others
   * @param stepping those of {@code after} that go back before their turn
   */
  Overtaking(ImmutableMap<Policy.Id, Policy> after, ImmutableSet<Policy> stepping) {
    this.after = after;
    this.stepping = stepping;
  }

  /**
   * Those that would come before another one for a while.
   *
   * @param changing as they are installed; each changes or goes
   */
  ImmutableSet<Policy> among(ImmutableList<Policy> changing) {
    var overtaking = ImmutableSet.<Policy>builder();
    // Those that go behind the priority that is looked at, or away.
    var retreating = new TreatedPolicies();
    var byTarget = new PriorityQueue<Policy>(Comparator.comparingLong(this::target));
    for (Policy policy :
        ImmutableList.sortedCopyOf(Comparator.comparingInt(Policy::priority), changing)) {
      while (!byTarget.isEmpty() && target(byTarget.element()) < policy.priority()) {
        retreating.remove(byTarget.remove());
      }
      if (retreating.anyConflicts(policy, other -> isOvertaken(other, policy))) {
        overtaking.add(policy);
      }
      if (target(policy) > policy.priority()) {
        retreating.add(policy);
        byTarget.add(policy);
      }
    }
    return overtaking.build();
  }

  /** Its priority at the end; behind all if it goes. */
  private long target(Policy policy) {
    Policy wanted = after.get(policy.id());
    return wanted == null ? Long.MAX_VALUE : wanted.priority();
  }

  /** Whether one is there while another one that has been before it has gone behind it already. */
  private boolean isOvertaken(Policy other, Policy policy) {
    return other.priority() < policy.priority()
        && (target(policy) > target(other)
            || !after.containsKey(policy.id())
            || stepping.contains(after.get(other.id())));
  }
}
