package io.mipd.merger.rule;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import java.util.ArrayList;
import java.util.List;

/**
 * Composes the user's IPsec policies and Mobile IPv6's into one policy for each region of the
 * selector space. A function of its inputs: the same inputs give the same result, priorities
 * included.
 */
public final class PolicyMerger {
  /** Priority of the first policy; each has its own, for the kernel does not order equal ones. */
  public static final int FIRST_PRIORITY = 1000;

  private PolicyMerger() {}

  /**
   * @param user by priority; the order of equal priorities is that of the list
   * @param mobility by precedence; within a direction all signalling comes before payload
   * @throws IllegalArgumentException if payload comes before signalling
   */
  public static Merged merge(
      ImmutableList<Policy> user,
      ImmutableList<MobilityPolicy> mobility,
      XfrmBackend.Limits limits) {
    var all = ImmutableList.<MergedPolicy>builder();
    List<Finding> findings = new ArrayList<>();
    int priority = FIRST_PRIORITY;
    for (Direction direction : Direction.values()) {
      Inputs inputs = Inputs.of(user, mobility, limits, direction);
      for (Outcome outcome : merge(inputs, findings)) {
        var policy =
            new Policy(
                outcome.selector(), direction, priority++, outcome.action(), outcome.bundle());
        all.add(new MergedPolicy(policy, outcome.trace()));
      }
    }
    return new Merged(all.build(), ImmutableList.copyOf(findings));
  }

  private static ImmutableList<Outcome> merge(Inputs inputs, List<Finding> findings) {
    var composition = new Composition(inputs, new OuterFlow(inputs, findings), findings);
    var exemption = new SignallingExemption(inputs, composition, findings);
    List<Outcome> byPrecedence = new ArrayList<>();
    boolean payload = false;
    for (MobilityPolicy policy : inputs.mobility()) {
      if (policy.kind() == MobilityPolicy.Kind.PAYLOAD) {
        payload = true;
        continue;
      }
      checkArgument(!payload, "signalling after payload: %s", policy);
      byPrecedence.addAll(exemption.of(policy));
    }
    for (Policy policy : inputs.user()) {
      byPrecedence.addAll(composition.of(policy, policy.selector()));
    }
    for (MobilityPolicy policy : inputs.mobility()) {
      byPrecedence.add(composition.of(policy, policy.selector()));
    }
    byPrecedence.replaceAll(outcome -> TemplateLimit.apply(outcome, inputs.limits(), findings));
    return Redundancy.without(byPrecedence);
  }
}
