package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.netlink.KernelPolicy;
import java.util.Optional;

/**
 * How policies and states of ours are told from others'.
 *
 * @param mark that is asked for by those that bear one
 */
record Ownership(Mark mark, UnmarkedPolicies unmarked, UnmarkedAssociations associations) {
  boolean isOurs(KernelPolicy policy) {
    return policy.isOurs(mark) || isUnmarkedOfOurs(policy);
  }

  boolean isOurs(KernelAssociation state) {
    return state
        .id()
        .map(id -> isOurs(id, state.mark()))
        .orElseGet(() -> state.mark().equals(mark));
  }

  /**
   * @param there its mark
   */
  boolean isOurs(AssociationId id, Mark there) {
    return there.equals(mark) || (there.isAny() && associations.contains(id));
  }

  private boolean isUnmarkedOfOurs(KernelPolicy policy) {
    return isUnmarked(policy) && policy.policy().filter(unmarked::isAsPut).isPresent();
  }

  /** Whether it bears no mark and is not as we have put it, if we have. */
  boolean isUnmarkedOfOthers(KernelPolicy policy) {
    return isUnmarked(policy) && !isUnmarkedOfOurs(policy);
  }

  /**
   * What somebody else has put in the place of one of ours is his from now on.
   *
   * @param there what the kernel has of this identity without a mark
   */
  void cede(Policy.Id id, Optional<KernelPolicy> there) {
    if (there.filter(this::isUnmarkedOfOthers).isPresent()) {
      unmarked.gone(id);
    }
  }

  /**
   * An addition has failed, or has not been answered, which the kernel may do that has carried it
   * out.
   *
   * @param there what the kernel has of this identity without a mark
   */
  void failed(Policy.Id id, Optional<KernelPolicy> there) {
    if (there.filter(this::isUnmarkedOfOurs).isEmpty()) {
      unmarked.gone(id);
    }
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
