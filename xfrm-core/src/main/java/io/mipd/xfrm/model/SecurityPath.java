package io.mipd.xfrm.model;

import com.google.common.collect.ImmutableList;

/**
 * The states that an arrived packet came through, innermost first, so that it compares index by
 * index with the templates of an inbound policy.
 */
public record SecurityPath(ImmutableList<Step> steps) {
  public static final SecurityPath EMPTY = new SecurityPath(ImmutableList.of());

  /**
   * One transform that was undone.
   *
   * @param source outer source for tunnels; for hao and route2 the source of the flow
   * @param spi {@link Spi#ANY} where the transform has none
   */
  public record Step(
      TransformProtocol protocol,
      Mode mode,
      Ipv6Address source,
      Ipv6Address destination,
      ReqId reqId,
      Spi spi) {}

  /** Whether some association of this reqid protected the packet. */
  public boolean passedThrough(ReqId reqId) {
    return steps.stream().anyMatch(step -> step.protocol().isIpsec() && step.reqId().equals(reqId));
  }

  public boolean isProtected() {
    return steps.stream().anyMatch(step -> step.protocol().isIpsec());
  }
}
