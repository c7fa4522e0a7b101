package io.mipd.merger.judge;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.Optional;

/**
 * What mobility wants of a flow. In a list, what comes first takes precedence.
 *
 * @param link the addresses on the link of what goes without a tunnel, where these are others than
 *     the flow's
 */
public record Wanted(
    Selector selector,
    Direction direction,
    Standing standing,
    Policy.Action action,
    Bundle bundle,
    String name,
    Optional<Link> link) {

  /** Where a packet comes from and goes to on the link. */
  public record Link(Ipv6Address source, Ipv6Address destination) {}

  /** How it stands to the user's policies, by precedence. */
  public enum Standing {
    /** The node's own messages: a policy "for any" does not mean them. */
    SIGNALLING,
    /** Likewise, with those whom it does not know by name. */
    SIGNALLING_OF_STRANGERS,
    /** Payload that goes directly. */
    OPTIMIZED,
    /** All other payload. */
    PAYLOAD,
    /** A policy "for any" does not mean these flows; nothing is wanted of them. */
    EXEMPT;

    boolean isSignalling() {
      return this == SIGNALLING || this == SIGNALLING_OF_STRANGERS;
    }
  }

  Wanted blocked() {
    return new Wanted(selector, direction, standing, Policy.Action.BLOCK, Bundle.EMPTY, name, link);
  }
}
