package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;

/** What is to become of a region, before it has a priority. */
record Outcome(
    Selector selector,
    Policy.Action action,
    Bundle bundle,
    ImmutableList<MergedPolicy.Step> trace) {

  static Outcome block(Selector selector, ImmutableList<MergedPolicy.Step> trace) {
    return new Outcome(selector, Policy.Action.BLOCK, Bundle.EMPTY, trace);
  }

  static Outcome allow(Selector selector, Bundle bundle, ImmutableList<MergedPolicy.Step> trace) {
    return new Outcome(selector, Policy.Action.ALLOW, bundle, trace);
  }

  /** Whether both do the same to a packet. */
  boolean doesAs(Outcome other) {
    return action == other.action && bundle.equals(other.bundle);
  }

  Outcome because(String rule, String words) {
    return new Outcome(selector, action, bundle, and(trace, rule, words));
  }

  static ImmutableList<MergedPolicy.Step> and(
      ImmutableList<MergedPolicy.Step> trace, String rule, String words) {
    return ImmutableList.<MergedPolicy.Step>builder()
        .addAll(trace)
        .add(new MergedPolicy.Step(rule, words))
        .build();
  }
}
