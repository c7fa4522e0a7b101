package io.mipd.sim.mobile;

import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A core whose machine needs time: what happens to it is dealt with so much later, in its order.
 * Packets of others do not wait for it.
 */
final class DelayedCore implements MobilityNode {
  private final MobilityNode core;
  private final Duration delay;
  private final Deque<Waiting> waiting = new ArrayDeque<>();

  private record Waiting(Instant due, NodeEvent event) {}

  /**
   * @param delay above zero
   */
  DelayedCore(MobilityNode core, Duration delay) {
    this.core = core;
    this.delay = delay;
  }

  @Override
  public List<NodeAction> handle(Instant now, NodeEvent event) {
    if (event instanceof NodeEvent.Started) {
      return core.handle(now, event);
    } else if (!(event instanceof NodeEvent.DeadlineReached)) {
      waiting.add(new Waiting(now.plus(delay), event));
      return List.of();
    }
    List<NodeAction> actions = new ArrayList<>();
    for (Waiting next = waiting.peek();
        next != null && !next.due().isAfter(now);
        next = waiting.peek()) {
      waiting.remove();
      actions.addAll(core.handle(now, next.event()));
    }
    if (core.nextDeadline().filter(due -> !due.isAfter(now)).isPresent()) {
      actions.addAll(core.handle(now, event));
    }
    return actions;
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return Stream.of(core.nextDeadline(), Optional.ofNullable(waiting.peek()).map(Waiting::due))
        .flatMap(Optional::stream)
        .min(Instant::compareTo);
  }
}
