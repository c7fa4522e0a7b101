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
    SIGNALLING_OVERRIDDEN(true),
    /** Signalling that a user's policy "for any" would protect is exempt, and has nothing else. */
    PROTECTION_LOST(true),
    /** A user's block takes flows that mobility would carry. It wins. */
    MOBILITY_BLOCKED(false),
    /** A user's policy blocks the packets that carry the mobile traffic. */
    OUTER_FLOW_BLOCKED(true),
    /**
     * A policy that is not composed is for packets that carry the mobile traffic, and is not
     * applied to them.
     */
    OUTER_FLOW_PASSES(true),
    /**
     * A user's policy is for the addresses that packets without a tunnel bear on the link: those of
     * an optimized route go by the home agent, those for the home agent itself are dropped.
     */
    ROUTE_REFUSED(false),
    /** Mobility blocks flows that a user's policy would protect, as long as there is no binding. */
    USER_POLICY_SHADOWED(false),
    /**
     * A user's policy for what arrives names ports, which the backend does not see in what comes by
     * an optimized route: it does not hold there.
     */
    PORTS_UNSEEN(true),
    /** No flow reaches a user's policy: those before it take them all. */
    UNREACHABLE(true),
    /** A user's policy sends packets of a home address on a foreign link without a tunnel. */
    HOME_ADDRESS_OUTSIDE(true),
    /**
     * A user's tunnel is optional, and its flows without it are not what mobility was asked about.
     */
    TUNNEL_SKIPPED(true),
    /** A user's template finds an association that is for mobility's, or the other way round. */
    REQID_SHARED(true),
    /** The bundle is longer than the backend can apply; the flow is blocked. */
    TOO_MANY_TEMPLATES(true),
    /** The backend cannot apply these templates in this order; the flow is blocked. */
    NOT_EXPRESSIBLE(true),
    /** Policies send each other's result through each other; the flow is blocked. */
    LOOP(true),
    /** A tunnel without end points: what leaves it, and so its way, cannot be told. */
    UNKNOWN_END_POINTS(false);

    private final boolean needsAttention;

    Kind(boolean needsAttention) {
      this.needsAttention = needsAttention;
    }

    /** Whether something may not work, or not be protected, as the user expects. */
    public boolean needsAttention() {
      return needsAttention;
    }
  }

  /** What it says, whatever flow meets it: by this it is known again. */
  String sentence() {
    return kind + ": " + words;
  }

  @Override
  public String toString() {
    return sentence() + " (for instance " + witness + ")";
  }
}
