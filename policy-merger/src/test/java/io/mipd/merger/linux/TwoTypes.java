package io.mipd.merger.linux;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What Linux makes of a flow by itself, without a merger: one policy of each type, found by
 * priority; where both are found, the templates of the sub policy and then of the main one, sorted
 * by class. {@code xfrm_policy_lookup_bytype}, {@code xfrm_tmpl_resolve} and {@code
 * __xfrm6_sort_cmp} of Linux 6.1, in their words.
 *
 * @param main of the main type
 * @param sub of the sub type (CONFIG_XFRM_SUB_POLICY)
 */
record TwoTypes(ImmutableList<Policy> main, ImmutableList<Policy> sub) {

  /** The templates in the order in which the kernel works; empty if it blocks the flow. */
  Optional<Bundle> outbound(Flow flow) {
    Optional<Policy> ofSub = found(sub, flow);
    Optional<Policy> ofMain = found(main, flow);
    if (Stream.of(ofSub, ofMain)
        .anyMatch(one -> one.isPresent() && one.get().action() == Policy.Action.BLOCK)) {
      return Optional.empty();
    }
    var templates = ImmutableList.<Template>builder();
    ofSub.ifPresent(policy -> templates.addAll(policy.bundle().templates()));
    ofMain.ifPresent(policy -> templates.addAll(policy.bundle().templates()));
    // One policy's own templates are never sorted.
    return Optional.of(
        ofSub.isPresent() && ofMain.isPresent()
            ? sorted(templates.build())
            : new Bundle(templates.build()));
  }

  private static Optional<Policy> found(ImmutableList<Policy> policies, Flow flow) {
    return policies.stream()
        .filter(policy -> policy.selector().matches(flow))
        .min(Comparator.comparingInt(Policy::priority));
  }

  /** A stable counting sort of classes. */
  private static Bundle sorted(ImmutableList<Template> templates) {
    return new Bundle(
        ImmutableList.sortedCopyOf(Comparator.comparingInt(TwoTypes::classOf), templates));
  }

  /**
   * {@code __xfrm6_state_sort_cmp}: transport other than AH, then Mobile IPv6's headers, then AH in
   * transport mode, then tunnels.
   */
  private static int classOf(Template template) {
    return switch (template.mode()) {
      case TRANSPORT -> template.protocol() == TransformProtocol.AH ? 3 : 1;
      case ROUTE_OPTIMIZATION, IN_TRIGGER -> 2;
      case TUNNEL, BEET -> 4;
    };
  }
}
