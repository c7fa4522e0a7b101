package io.mipd.merger.rule;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import java.util.Optional;

/**
 * The result of a merge.
 *
 * @param all by precedence within each direction; priorities are distinct
 */
public record Merged(ImmutableList<MergedPolicy> all, ImmutableList<Finding> findings) {

  public ImmutableList<Policy> policies() {
    return all.stream().map(MergedPolicy::policy).collect(toImmutableList());
  }

  /** The policy that decides about a flow; empty if none does. */
  public Optional<MergedPolicy> decides(Direction direction, Flow flow) {
    return all.stream()
        .filter(one -> one.policy().direction() == direction)
        .filter(one -> one.policy().selector().matches(flow))
        .findFirst();
  }
}
