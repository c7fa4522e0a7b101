package io.mipd.merger.explain;

import static com.google.common.collect.ImmutableList.toImmutableList;
import static com.google.common.collect.ImmutableMap.toImmutableMap;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.merger.plan.Plan;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.Merged;
import io.mipd.xfrm.model.Policy;

/**
 * What would change from one merge to another.
 *
 * @param reordered whose priority alone changes
 * @param plan in the order in which it would be done
 * @param appeared findings that are new
 * @param disappeared findings that are no more
 */
public record Difference(
    ImmutableList<Policy> added,
    ImmutableList<Policy> removed,
    ImmutableList<Change> changed,
    ImmutableList<Change> reordered,
    Plan plan,
    ImmutableList<Finding> appeared,
    ImmutableList<Finding> disappeared) {

  /** The same selector and direction, before and after. */
  public record Change(Policy before, Policy after) {}

  public static Difference between(Merged before, Merged after) {
    ImmutableMap<Policy.Id, Policy> old = byId(before);
    ImmutableMap<Policy.Id, Policy> now = byId(after);
    var changed = ImmutableList.<Change>builder();
    var reordered = ImmutableList.<Change>builder();
    for (Policy policy : after.policies()) {
      Policy was = old.get(policy.id());
      if (was != null && !was.equals(policy)) {
        boolean same = was.action() == policy.action() && was.bundle().equals(policy.bundle());
        (same ? reordered : changed).add(new Change(was, policy));
      }
    }
    return new Difference(
        after.policies().stream()
            .filter(one -> !old.containsKey(one.id()))
            .collect(toImmutableList()),
        before.policies().stream()
            .filter(one -> !now.containsKey(one.id()))
            .collect(toImmutableList()),
        changed.build(),
        reordered.build(),
        Plan.between(before.policies(), after.policies()),
        without(after.findings(), before.findings()),
        without(before.findings(), after.findings()));
  }

  /** Whether nothing would change. */
  public boolean isNothing() {
    return plan.steps().isEmpty() && appeared.isEmpty() && disappeared.isEmpty();
  }

  private static ImmutableMap<Policy.Id, Policy> byId(Merged merged) {
    return merged.policies().stream().collect(toImmutableMap(Policy::id, policy -> policy));
  }

  private static ImmutableList<Finding> without(
      ImmutableList<Finding> all, ImmutableList<Finding> known) {
    return all.stream().filter(one -> !known.contains(one)).collect(toImmutableList());
  }
}
