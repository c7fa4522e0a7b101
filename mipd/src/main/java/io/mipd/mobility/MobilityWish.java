package io.mipd.mobility;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.RouteOptimizationState;

/**
 * What one binding wants of the world: the policies, by precedence, and the states that its Home
 * Address options and routing headers use.
 */
public record MobilityWish(
    ImmutableList<MobilityPolicy> policies, ImmutableList<RouteOptimizationState> states) {
  public static final MobilityWish NOTHING =
      new MobilityWish(ImmutableList.of(), ImmutableList.of());
}
