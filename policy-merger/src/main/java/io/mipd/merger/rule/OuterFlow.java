package io.mipd.merger.rule;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What mobility's tunnel makes is a flow between care-of address and home agent, and the user may
 * have a policy for that too (an access network's VPN, say). It is asked, a bounded number of times
 * and never skipped.
 */
final class OuterFlow {
  static final String NAME = "outer flow";

  /** Tunnels of the user's around mobility's; more than any backend can apply. */
  private static final int MAX_DEPTH = 8;

  private final Inputs inputs;
  private final List<Finding> findings;

  OuterFlow(Inputs inputs, List<Finding> findings) {
    this.inputs = inputs;
    this.findings = findings;
  }

  /**
   * @param mobility the part of the bundle that mobility added
   */
  Outcome apply(Outcome inner, Bundle mobility) {
    if (mobility.templates().stream().noneMatch(Template::isTunnel)) {
      // The addresses that policies see are still those of the flow, which the user has been asked.
      return inner;
    }
    Outcome outcome = inner;
    Flow witness = Region.witness(inner.selector());
    Set<Policy> applied = new HashSet<>();
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
      Flow outer = outcome.bundle().outermost(witness);
      Optional<Policy> policy = inputs.userFor(outer);
      if (policy.isEmpty() || (policy.get().bundle().isEmpty() && !blocks(policy.get()))) {
        return outcome;
      }
      if (blocks(policy.get())) {
        String words = "the user's " + policy.get() + " blocks the outer packets " + outer;
        findings.add(new Finding(Finding.Kind.OUTER_FLOW_BLOCKED, words, witness));
        return Outcome.block(inner.selector(), outcome.because(NAME, words).trace());
      }
      if (!applied.add(policy.get())) {
        // Its own result is a flow of its own again, as with a tunnel "for any". That is how such
        // a policy is meant: once around everything.
        return outcome;
      }
      outcome =
          Outcome.allow(
              inner.selector(),
              outcome.bundle().followedBy(policy.get().bundle()),
              outcome.because(NAME, "the user's " + policy.get() + " for " + outer).trace());
      if (policy.get().bundle().templates().stream().noneMatch(Template::isTunnel)) {
        return outcome;
      }
    }
    String words = "more than " + MAX_DEPTH + " policies act on each other's outer packets";
    findings.add(new Finding(Finding.Kind.LOOP, words, witness));
    return Outcome.block(inner.selector(), outcome.because(NAME, words).trace());
  }

  private static boolean blocks(Policy policy) {
    return policy.action() == Policy.Action.BLOCK;
  }
}
