package io.mipd.mobility.binding;

import io.mipd.mobility.NodeEvent;
import java.time.Duration;
import java.time.Instant;

/**
 * Whether a binding is in use: payload goes or comes by it. The world counts packets and does not
 * tell mobility's own from payload, so what it tells soon after a message says nothing.
 */
public final class RouteUse {
  /** The world's news is that old at the most, and a message takes its time. */
  private static final Duration BLUR = NodeEvent.USE_INTERVAL.multipliedBy(2);

  private Instant lastMessage;
  private Instant last;

  /**
   * @param now it is in use when it begins, or else nobody would want it
   */
  public RouteUse(Instant now) {
    lastMessage = now;
    last = now;
  }

  /** A message of mobility's goes or comes by the same way. */
  public void message(Instant now) {
    lastMessage = now;
  }

  /** The world has counted packets. */
  public void counted(Instant now) {
    if (now.isAfter(lastMessage.plus(BLUR))) {
      last = now;
    }
  }

  /** Something else shows that it is in use, or wanted. */
  public void shown(Instant now) {
    last = now;
  }

  /** When it was in use last, as far as is known. */
  public Instant last() {
    return last;
  }

  /**
   * Whether it has been in use since then. What has not lasted long enough for it to be told counts
   * as used.
   */
  public boolean isSince(Instant now, Instant since) {
    return last.isAfter(since) || !now.isAfter(since.plus(BLUR.multipliedBy(2)));
  }
}
