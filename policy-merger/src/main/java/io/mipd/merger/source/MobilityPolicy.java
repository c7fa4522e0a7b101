package io.mipd.merger.source;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.Optional;

/**
 * What Mobile IPv6 wants for a flow. In a list, what comes first takes precedence.
 *
 * @param reason in words, with the RFC section that obliges us; goes into the trace
 * @param onLink the addresses that packets bear as they leave, where these are others than those of
 *     the flow and no tunnel makes them: those of a direct way
 */
public record MobilityPolicy(
    Selector selector,
    Direction direction,
    Kind kind,
    Policy.Action action,
    Bundle bundle,
    String reason,
    Optional<OnLink> onLink) {

  /** Where they send and receive, one of them or both being away. */
  public record OnLink(Ipv6Address source, Ipv6Address destination) {
    @Override
    public String toString() {
      return source + " > " + destination;
    }
  }

  /**
   * One whose packets bear the addresses of their flow, or those of the tunnel that they are in.
   */
  public MobilityPolicy(
      Selector selector,
      Direction direction,
      Kind kind,
      Policy.Action action,
      Bundle bundle,
      String reason) {
    this(selector, direction, kind, action, bundle, reason, Optional.empty());
  }

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
