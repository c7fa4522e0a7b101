package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;

/**
 * What mobility's tunnel makes is a flow between care-of address and home agent, and the user may
 * have a policy for that too (an access network's VPN, say). It is asked, a bounded number of times
 * and never skipped; and about what leaves a tunnel of the user's, mobility is asked again.
 */
final class OuterFlow {
  static final String NAME = "outer flow";

  /** Tunnels of the user's around mobility's; more than any backend can apply. */
  private static final int MAX_DEPTH = 8;

  private final Inputs inputs;

  OuterFlow(Inputs inputs) {
    this.inputs = inputs;
  }

  /**
   * What mobility does to what is to be inside, and what the user does to that.
   *
   * @param applied a tunnel of the user's within, which is not to be around it once more: that
   *     would put its own source outside
   * @return by precedence: the user's policies may differ by the mark that a flow bears
   */
  ImmutableList<Outcome> around(
      Outcome inner, ImmutableSet<Policy> applied, MobilityPolicy mobility) {
    var outcomes = ImmutableList.<Outcome>builder();
    around(inner, applied, mobility, outcomes);
    return outcomes.build();
  }

  private void around(
      Outcome inner,
      ImmutableSet<Policy> applied,
      MobilityPolicy mobility,
      ImmutableList.Builder<Outcome> outcomes) {
    Outcome longer = inner.because(Composition.NAME, mobility.reason());
    if (mobility.action() == Policy.Action.BLOCK) {
      outcomes.add(
          inner.bundle().isEmpty()
              ? longer.blocked()
              : longer
                  .blocked()
                  .finding(
                      Finding.Kind.USER_POLICY_SHADOWED,
                      "nothing passes, whatever the user's policy: " + mobility.reason()));
    } else if (isTunnel(mobility.bundle())) {
      askUser(longer.followedBy(mobility.bundle()), applied, Made.BY_MOBILITY, outcomes);
    } else {
      // The addresses that policies see are still those of the flow, which the user has been asked.
      outcomes.add(longer.followedBy(mobility.bundle()));
    }
  }

  /** Whose tunnel is the outermost. */
  private enum Made {
    BY_MOBILITY,
    BY_USER
  }

  private void askUser(
      Outcome inner,
      ImmutableSet<Policy> applied,
      Made made,
      ImmutableList.Builder<Outcome> outcomes) {
    Flow outer = inner.bundle().outermost(Region.witness(inner.selector()));
    Selector flows = Region.made(outer, inner.selector());
    Outcome asking = inner.asking(flows);
    for (Policy policy : inputs.usersMeeting(flows)) {
      Selector selector = policy.selector();
      if (selector.sourcePort().isAny() && selector.destinationPort().isAny()) {
        through(policy, outer, asking.marked(selector.mark()), applied, made, outcomes);
        if (Region.contains(selector, flows)) {
          return;
        }
      }
    }
    leave(asking, applied, made, outcomes);
  }

  /** What the user has no more for; mobility may have, if it is a tunnel of his that it leaves. */
  private void leave(
      Outcome inner,
      ImmutableSet<Policy> applied,
      Made made,
      ImmutableList.Builder<Outcome> outcomes) {
    if (made == Made.BY_MOBILITY) {
      outcomes.add(inner);
      return;
    }
    Selector flows =
        Region.made(inner.bundle().outermost(Region.witness(inner.selector())), inner.selector());
    Outcome asking = inner.asking(flows);
    for (MobilityPolicy mobility : inputs.mobilityMeeting(flows)) {
      Selector selector = mobility.selector();
      if (selector.sourcePort().isAny() && selector.destinationPort().isAny()) {
        around(asking.marked(selector.mark()), applied, mobility, outcomes);
        if (Region.contains(selector, flows)) {
          return;
        }
      }
    }
    outcomes.add(asking);
  }

  private void through(
      Policy policy,
      Flow outer,
      Outcome inner,
      ImmutableSet<Policy> applied,
      Made made,
      ImmutableList.Builder<Outcome> outcomes) {
    if (policy.action() == Policy.Action.BLOCK) {
      String words = "the user's " + policy + " blocks the outer packets " + outer;
      outcomes.add(
          inner.blocked().because(NAME, words).finding(Finding.Kind.OUTER_FLOW_BLOCKED, words));
    } else if (policy.bundle().isEmpty() || isOnceAroundAll(policy, applied)) {
      leave(inner, applied, made, outcomes);
    } else if (applied.contains(policy)) {
      String words = "the user's " + policy + " is for what comes of its own packets, " + outer;
      outcomes.add(inner.blocked().because(NAME, words).finding(Finding.Kind.LOOP, words));
    } else if (applied.size() == MAX_DEPTH) {
      String words = "more than " + MAX_DEPTH + " policies act on each other's outer packets";
      outcomes.add(inner.blocked().because(NAME, words).finding(Finding.Kind.LOOP, words));
    } else {
      Outcome outcome =
          inner.followedBy(policy.bundle()).because(NAME, "the user's ", policy, " for ", outer);
      var further = ImmutableSet.<Policy>builder().addAll(applied).add(policy).build();
      if (isTunnel(policy.bundle())) {
        askUser(outcome, further, Made.BY_USER, outcomes);
      } else {
        leave(outcome, further, made, outcomes);
      }
    }
  }

  /**
   * Whether a policy that has been applied has its own result before it again as it is meant: a
   * tunnel to the very host that it is for, or one "for any", which is once around everything.
   */
  private static boolean isOnceAroundAll(Policy policy, ImmutableSet<Policy> applied) {
    Selector selector = policy.selector();
    return applied.contains(policy)
        && (selector.source().isAny()
            || selector.destination().isAny()
            || policy.equals(Iterables.getLast(applied)));
  }

  private static boolean isTunnel(Bundle bundle) {
    return bundle.templates().stream().anyMatch(Template::isTunnel);
  }
}
