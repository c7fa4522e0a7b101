package io.mipd.host;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.WishOwner;
import io.mipd.xfrm.model.RouteOptimizationState;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** By which states packets go or come, looked at from time to time as long as there are routes. */
public final class RoutesInUse {
  private final Supplier<ImmutableMap<RouteOptimizationState.Id, Long>> packets;
  private final Set<WishOwner> routes = new LinkedHashSet<>();
  private ImmutableMap<RouteOptimizationState.Id, Long> before = ImmutableMap.of();
  private Optional<Instant> lookAt = Optional.empty();

  /**
   * @param packets how many each state has been used for so far
   */
  public RoutesInUse(Supplier<ImmutableMap<RouteOptimizationState.Id, Long>> packets) {
    this.packets = packets;
  }

  /** A route is there, or no more. */
  void follow(Instant now, WishOwner owner, boolean there) {
    if (owner.peer().filter(peer -> !peer.isUnspecified()).isEmpty()) {
      return;
    }
    if (there) {
      routes.add(owner);
    } else {
      routes.remove(owner);
    }
    if (routes.isEmpty()) {
      lookAt = Optional.empty();
      before = ImmutableMap.of();
    } else if (lookAt.isEmpty()) {
      lookAt = Optional.of(now.plus(NodeEvent.USE_INTERVAL));
    }
  }

  /** The states that have been used since the last look; empty if it is not time to look. */
  ImmutableSet<RouteOptimizationState.Id> turn(Instant now) {
    if (lookAt.filter(it -> !now.isBefore(it)).isEmpty()) {
      return ImmutableSet.of();
    }
    lookAt = Optional.of(now.plus(NodeEvent.USE_INTERVAL));
    ImmutableMap<RouteOptimizationState.Id, Long> counted = packets.get();
    // A state that the kernel has been given anew counts from the beginning.
    ImmutableSet<RouteOptimizationState.Id> used =
        counted.entrySet().stream()
            .filter(it -> it.getValue() > 0 && !it.getValue().equals(before.get(it.getKey())))
            .map(it -> it.getKey())
            .collect(ImmutableSet.toImmutableSet());
    before = counted;
    return used;
  }

  Optional<Instant> nextDeadline() {
    return lookAt;
  }
}
