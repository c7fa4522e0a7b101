package io.mipd.merger.plan;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.xfrm.model.Policy;
import java.util.concurrent.atomic.AtomicBoolean;

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

  /** What goes back or away. */
  private final SelectorIndex<Policy> retreating = new SelectorIndex<>();

  /**
   * @param changing as they are installed; each changes or goes
   * @param after what is wanted of these and of others
   * @param stepping those of {@code after} that go back before their turn
   */
  Overtaking(
      ImmutableList<Policy> changing,
      ImmutableMap<Policy.Id, Policy> after,
      ImmutableSet<Policy> stepping) {
    this.after = after;
    this.stepping = stepping;
    if (changing.stream().map(Treatment::of).distinct().limit(2).count() > 1) {
      changing.stream()
          .filter(policy -> target(policy) > policy.priority())
          .forEach(policy -> retreating.add(policy.selector(), policy));
    }
  }

  /** Its priority at the end; behind all if it goes. */
  private long target(Policy policy) {
    Policy wanted = after.get(policy.id());
    return wanted == null ? Long.MAX_VALUE : wanted.priority();
  }

  /** Whether this one, which is to change or to go, would come before another one for a while. */
  boolean isBy(Policy policy) {
    var found = new AtomicBoolean();
    retreating.forEachMeeting(
        policy.selector(),
        other -> {
          if (!found.get() && isOvertaken(other, policy)) {
            found.set(true);
          }
        });
    return found.get();
  }

  private boolean isOvertaken(Policy other, Policy policy) {
    long behind = target(other);
    boolean isThereMeanwhile =
        target(policy) > behind
            || !after.containsKey(policy.id())
            || stepping.contains(after.get(other.id()));
    return other.priority() < policy.priority()
        && policy.priority() <= behind
        && isThereMeanwhile
        && Treatment.conflicts(other, policy);
  }
}
