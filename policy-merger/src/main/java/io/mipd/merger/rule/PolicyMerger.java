package io.mipd.merger.rule;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import java.util.EnumMap;
import java.util.Map;

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
    Map<Direction, MobilityPolicy> payload = new EnumMap<>(Direction.class);
    for (MobilityPolicy policy : mobility) {
      if (policy.kind().isPayload()) {
        payload.putIfAbsent(policy.direction(), policy);
      } else {
        checkArgument(
            policy.kind() == MobilityPolicy.Kind.EXEMPT || !payload.containsKey(policy.direction()),
            "signalling after payload: %s",
            policy);
      }
    }
    var merge = new StandingMerge<Integer>(limits);
    merge.users(user, ImmutableList.of());
    for (int i = 0; i < mobility.size(); i++) {
      merge.want(i, ImmutableList.of(mobility.get(i)));
    }
    return numbered(merge.merged());
  }

  private static Merged numbered(Merged merged) {
    var all = ImmutableList.<MergedPolicy>builder();
    int priority = FIRST_PRIORITY;
    for (MergedPolicy one : merged.all()) {
      Policy policy = one.policy();
      all.add(
          new MergedPolicy(
              new Policy(
                  policy.selector(),
                  policy.direction(),
                  priority++,
                  policy.action(),
                  policy.bundle()),
              one.trace()));
    }
    return new Merged(all.build(), merged.findings());
  }
}
