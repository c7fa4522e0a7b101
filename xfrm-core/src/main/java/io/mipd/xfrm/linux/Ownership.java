package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.netlink.KernelPolicy;

/**
 * How policies of ours are told from others'.
 *
 * @param mark that is asked for by those that bear one
 */
record Ownership(Mark mark, UnmarkedPolicies unmarked) {
  boolean isOurs(KernelPolicy policy) {
    return policy.isOurs(mark) || isUnmarkedOfOurs(policy);
  }

  private boolean isUnmarkedOfOurs(KernelPolicy policy) {
    return isUnmarked(policy)
        && policy.policy().map(Policy::id).filter(unmarked::contains).isPresent();
  }

  /** Whether it is of the kind that PF_KEY makes. */
  static boolean isUnmarked(KernelPolicy policy) {
    return policy.isMain() && policy.mark().isAny() && policy.attributes().interfaceId() == 0;
  }

  /** What a policy of this identity asks for beside the mark of its selector, if it is ours. */
  Mark markOf(Policy.Id id) {
    return unmarked.contains(id) ? Mark.ANY : mark;
  }
}
