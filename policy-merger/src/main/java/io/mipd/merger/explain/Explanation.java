package io.mipd.merger.explain;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.MergedPolicy;
import java.util.Optional;

/**
 * How a packet fares, and why.
 *
 * @param policy that decides; empty if none does
 * @param wire from the outside in; empty if the packet does not pass
 * @param size empty if it is not known, or the packet does not pass
 * @param findings that concern packets of this policy
 * @param notes what is not known or remarkable, in words
 */
public record Explanation(
    Packet packet,
    Optional<MergedPolicy> policy,
    Verdict verdict,
    ImmutableList<WireHeader> wire,
    Optional<Size> size,
    ImmutableList<Finding> findings,
    ImmutableList<String> notes) {

  /** What becomes of the packet. */
  public enum Verdict {
    /** It bears the headers of its bundle. */
    TRANSFORMED("transformed"),
    /** A policy lets it pass as it is. */
    CLEAR("as it is"),
    /** No policy is about it. */
    NO_POLICY("as it is: no policy of the user's or of mobility's is about it"),
    /** A policy drops it. */
    BLOCKED("dropped"),
    /** What a template of its bundle needs is not there. */
    HELD("held until what a template needs is there; then as follows");

    private final String words;

    Verdict(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }

  /**
   * In octets.
   *
   * @param pathMtu what the path carries
   * @param mtu the largest packet that fits into it when all is added
   * @param inner the packet that is described
   * @param outer the same on the wire
   * @param leastOverhead of a packet whose padding comes out well
   * @param mostOverhead of one whose padding does not
   */
  public record Size(
      int pathMtu, int mtu, int inner, int outer, int leastOverhead, int mostOverhead) {}
}
