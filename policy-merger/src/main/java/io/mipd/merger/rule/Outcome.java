package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;

/**
 * What is to become of a region, before it has a priority.
 *
 * @param findings what the rules had to say of it
 * @param asked the outer flows for which a user's policy was looked for: one that comes or goes
 *     makes it another
 */
record Outcome(
    Selector selector,
    Policy.Action action,
    Bundle bundle,
    ImmutableList<MergedPolicy.Step> trace,
    ImmutableList<Finding> findings,
    ImmutableList<Selector> asked) {

  static Outcome allow(Selector selector, Bundle bundle) {
    return new Outcome(
        selector,
        Policy.Action.ALLOW,
        bundle,
        ImmutableList.of(),
        ImmutableList.of(),
        ImmutableList.of());
  }

  /** Whether both do the same to a packet. */
  boolean doesAs(Outcome other) {
    return action == other.action && bundle.equals(other.bundle);
  }

  /** The same for a part of its flows. */
  Outcome on(Selector part) {
    return new Outcome(part, action, bundle, trace, findings, asked);
  }

  /** Those of its flows that bear the mark, too. */
  Outcome marked(Mark mark) {
    var both =
        new Mark(selector.mark().value() | mark.value(), selector.mark().mask() | mark.mask());
    return on(selector.withMark(both));
  }

  Outcome blocked() {
    return new Outcome(selector, Policy.Action.BLOCK, Bundle.EMPTY, trace, findings, asked);
  }

  Outcome followedBy(Bundle outer) {
    return new Outcome(selector, action, bundle.followedBy(outer), trace, findings, asked);
  }

  Outcome because(String rule, Object... says) {
    return new Outcome(
        selector, action, bundle, and(trace, MergedPolicy.Step.of(rule, says)), findings, asked);
  }

  Outcome finding(Finding.Kind kind, String words) {
    var finding = new Finding(kind, words, Region.witness(selector));
    return new Outcome(selector, action, bundle, trace, and(findings, finding), asked);
  }

  Outcome asking(Selector flows) {
    return new Outcome(selector, action, bundle, trace, findings, and(asked, flows));
  }

  private static <T> ImmutableList<T> and(ImmutableList<T> list, T one) {
    return ImmutableList.<T>builderWithExpectedSize(list.size() + 1).addAll(list).add(one).build();
  }
}
