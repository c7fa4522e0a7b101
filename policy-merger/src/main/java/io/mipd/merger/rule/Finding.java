package io.mipd.merger.rule;

import io.mipd.xfrm.model.Flow;

/**
 * Something that the user should know about how the policies go together.
 *
 * @param words for people
 * @param witness a flow that meets it
 */
public record Finding(Kind kind, String words, Flow witness) {

  /** What was found. */
  public enum Kind {
    /** A user's policy acts on the node's own signalling. It wins; registration may fail. */
    SIGNALLING_OVERRIDDEN,
    /** A user's policy blocks the packets that carry the mobile traffic. */
    OUTER_FLOW_BLOCKED,
    /** The bundle is longer than the backend can apply; the flow is blocked. */
    TOO_MANY_TEMPLATES,
    /** Policies send each other's result through each other; the flow is blocked. */
    LOOP,
    /** A tunnel without end points: what leaves it, and so its way, cannot be told. */
    UNKNOWN_END_POINTS
  }

  @Override
  public String toString() {
    return kind + ": " + words + " (for instance " + witness + ")";
  }
}
