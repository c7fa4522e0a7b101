package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.RouteOptimizationState;

/** A route optimization state with what it has been used for, as the kernel counts for its own. */
final class LiveRoute {
  private final RouteOptimizationState state;
  private long packets;

  LiveRoute(RouteOptimizationState state, long packets) {
    this.state = state;
    this.packets = packets;
  }

  RouteOptimizationState state() {
    return state;
  }

  /** Packets that had the header of this state, sent or arrived; no messages of mobility's. */
  long packets() {
    return packets;
  }

  void count() {
    packets++;
  }
}
