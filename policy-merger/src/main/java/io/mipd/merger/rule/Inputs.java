package io.mipd.merger.rule;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import java.util.Comparator;
import java.util.Optional;

/** Both inputs for one direction, by precedence. */
record Inputs(
    ImmutableList<Policy> user, ImmutableList<MobilityPolicy> mobility, XfrmBackend.Limits limits) {

  static Inputs of(
      ImmutableList<Policy> user,
      ImmutableList<MobilityPolicy> mobility,
      XfrmBackend.Limits limits,
      Direction direction) {
    return new Inputs(
        user.stream()
            .filter(one -> one.direction() == direction)
            .sorted(Comparator.comparingInt(Policy::priority))
            .collect(toImmutableList()),
        mobility.stream().filter(one -> one.direction() == direction).collect(toImmutableList()),
        limits);
  }

  Optional<Policy> userFor(Flow flow) {
    return user.stream().filter(one -> one.selector().matches(flow)).findFirst();
  }

  Optional<MobilityPolicy> mobilityFor(Flow flow) {
    return mobility.stream().filter(one -> one.selector().matches(flow)).findFirst();
  }
}
