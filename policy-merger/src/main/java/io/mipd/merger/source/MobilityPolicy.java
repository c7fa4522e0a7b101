package io.mipd.merger.source;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;

/**
 * What Mobile IPv6 wants for a flow. In a list, what comes first takes precedence.
 *
 * @param reason in words, with the RFC section that obliges us; goes into the trace
 */
public record MobilityPolicy(
    Selector selector,
    Direction direction,
    Kind kind,
    Policy.Action action,
    Bundle bundle,
    String reason) {

  /** Flows that a user's policy "for any" is not for. */
  public static MobilityPolicy exempt(Selector selector, Direction direction, String reason) {
    return new MobilityPolicy(
        selector, direction, Kind.EXEMPT, Policy.Action.ALLOW, Bundle.EMPTY, reason);
  }

  /** How it stands to the user's policies. */
  public enum Kind {
    /** The node's own signalling: not subject to a user's policy "for any". */
    SIGNALLING(0),
    /** Likewise, with hosts that it does not know by name: yields to that with all others. */
    SIGNALLING_OF_STRANGERS(1),
    /** Payload that need not take the tunnel: before all that does. */
    OPTIMIZED(2),
    /** Asked after the user's bundle, about the flow that leaves it. */
    PAYLOAD(3),
    /**
     * Not subject to a user's policy "for any" either, and no policy by itself: its flows are
     * treated as if the user had none, but that they may arrive as he wants them. Action and bundle
     * mean nothing.
     */
    EXEMPT(4);

    private final int precedence;

    Kind(int precedence) {
      this.precedence = precedence;
    }

    /** A kind of less comes before one of more, whoever wants it. */
    public int precedence() {
      return precedence;
    }

    public boolean isSignalling() {
      return this == SIGNALLING || this == SIGNALLING_OF_STRANGERS;
    }

    /** Asked after the user's bundle, about the flow that leaves it. */
    public boolean isPayload() {
      return this == OPTIMIZED || this == PAYLOAD;
    }
  }
}
