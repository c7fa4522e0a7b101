package io.mipd.mobility;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A role of Mobile IPv6 as a state machine: events and a time in, actions out. It opens no socket,
 * reads no clock and starts no timer; the shell performs what it returns, in order. Used by one
 * thread.
 */
public interface MobilityNode {
  /**
   * @param now of the shell's monotonic clock; never before that of an earlier call
   */
  List<NodeAction> handle(Instant now, NodeEvent event);

  /** When {@link NodeEvent.DeadlineReached} is due; empty for never. */
  Optional<Instant> nextDeadline();
}
