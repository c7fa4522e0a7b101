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

  /** How it stands to the user's policies. */
  public enum Kind {
    /** The node's own signalling: not subject to a user's policy "for any". */
    SIGNALLING,
    /** Asked after the user's bundle, about the flow that leaves it. */
    PAYLOAD
  }
}
