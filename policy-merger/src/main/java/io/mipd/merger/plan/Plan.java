package io.mipd.merger.plan;

import static com.google.common.collect.ImmutableMap.toImmutableMap;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.model.Policy;

/**
 * The steps from the policies that are installed to those that are wanted.
 *
 * <p>At no step does a flow pass in clear that is protected before and after. First, what passes in
 * clear now and is to change or to go is blocked in place; then the wanted policies are put by
 * precedence, each when all that come before it are there; last, what is not wanted goes. Between
 * two steps a flow is therefore decided by a policy of the old set, or by its own of the new, or it
 * is blocked.
 */
public record Plan(ImmutableList<Step> steps) {

  /**
   * @param undo leaves things as they were before {@code command}
   */
  public record Step(XfrmCommand command, XfrmCommand undo) {}

  /**
   * @param installed with distinct identities
   * @param wanted by precedence, with distinct identities
   */
  public static Plan between(ImmutableList<Policy> installed, ImmutableList<Policy> wanted) {
    ImmutableMap<Policy.Id, Policy> before =
        installed.stream().collect(toImmutableMap(Policy::id, policy -> policy));
    ImmutableMap<Policy.Id, Policy> after =
        wanted.stream().collect(toImmutableMap(Policy::id, policy -> policy));
    var steps = ImmutableList.<Step>builder();
    for (Policy policy : installed) {
      if (isInClear(policy) && !policy.equals(after.get(policy.id()))) {
        steps.add(
            new Step(
                new XfrmCommand.UpdatePolicy(
                    Policy.block(policy.selector(), policy.direction(), policy.priority())),
                new XfrmCommand.UpdatePolicy(policy)));
      }
    }
    // Those that only step back to make room do so from the last on, so that they never pass each
    // other.
    ImmutableMap<Policy.Id, Policy> stepped = stepBack(before, wanted, steps);
    for (Policy policy : wanted) {
      if (stepped.containsKey(policy.id())) {
        continue;
      }
      Policy old = before.get(policy.id());
      if (old == null) {
        steps.add(
            new Step(new XfrmCommand.AddPolicy(policy), new XfrmCommand.DeletePolicy(policy.id())));
      } else if (!old.equals(policy)) {
        steps.add(
            new Step(
                new XfrmCommand.UpdatePolicy(policy), new XfrmCommand.UpdatePolicy(blocked(old))));
      }
    }
    for (Policy policy : installed) {
      if (!after.containsKey(policy.id())) {
        steps.add(
            new Step(
                new XfrmCommand.DeletePolicy(policy.id()),
                new XfrmCommand.AddPolicy(blocked(policy))));
      }
    }
    return new Plan(steps.build());
  }

  private static ImmutableMap<Policy.Id, Policy> stepBack(
      ImmutableMap<Policy.Id, Policy> before,
      ImmutableList<Policy> wanted,
      ImmutableList.Builder<Step> steps) {
    var stepped = ImmutableMap.<Policy.Id, Policy>builder();
    for (Policy policy : wanted.reverse()) {
      Policy old = before.get(policy.id());
      if (old != null
          && old.priority() < policy.priority()
          && old.action() == policy.action()
          && old.bundle().equals(policy.bundle())
          && !isInClear(old)) {
        steps.add(
            new Step(new XfrmCommand.UpdatePolicy(policy), new XfrmCommand.UpdatePolicy(old)));
        stepped.put(policy.id(), policy);
      }
    }
    return stepped.buildOrThrow();
  }

  /** What the first steps have made of a policy by the time that a later step is undone. */
  private static Policy blocked(Policy policy) {
    return isInClear(policy)
        ? Policy.block(policy.selector(), policy.direction(), policy.priority())
        : policy;
  }

  private static boolean isInClear(Policy policy) {
    return policy.action() == Policy.Action.ALLOW && policy.bundle().isEmpty();
  }
}
