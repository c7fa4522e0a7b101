package io.mipd.merger.plan;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;

/** What becomes of a policy's flows. */
record Treatment(Direction direction, Policy.Action action, Bundle bundle) {
  static Treatment of(Policy policy) {
    return new Treatment(policy.direction(), policy.action(), policy.bundle());
  }

  /** Whether some flow is of both, and not treated alike. */
  static boolean conflicts(Policy one, Policy other) {
    return one.direction() == other.direction() && !of(one).equals(of(other));
  }
}
