package io.mipd.merger.rule;

import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Selector;
import java.util.Optional;

/**
 * A backend applies only so many templates to one packet (Linux: 5, the sixth gives ENOBUFS), and
 * not in every combination. A bundle that is beyond cannot be changed without losing what somebody
 * asked for, so its flows are blocked, and the user is told before the backend would. Some bits of
 * a packet's mark may be the backend's own: a mark that is composed of several, or was made for
 * others, may ask for them as well.
 */
final class BackendLimits {
  static final String NAME = "backend limits";

  private BackendLimits() {}

  /**
   * The flows of a selector that there are, for no packet has the backend's own bits in its mark:
   * with a mark that the backend's policies can bear. Empty if there are none.
   */
  static Optional<Selector> seen(Selector selector, XfrmBackend.Limits limits) {
    Mark mark = selector.mark();
    if (limits.isImpossible(mark)) {
      return Optional.empty();
    }
    Mark bearable = limits.bearable(mark);
    return Optional.of(bearable.equals(mark) ? selector : selector.withMark(bearable));
  }

  /** What the backend can do of it; nothing where no packet has the mark. */
  static Optional<Outcome> apply(Outcome outcome, Direction direction, XfrmBackend.Limits limits) {
    Selector selector = outcome.selector();
    return seen(selector, limits)
        .map(
            seen ->
                seen.equals(selector)
                    ? outcome
                    : outcome
                        .on(seen)
                        .because(NAME, "no packet has the backend's own bits in its mark"))
        .map(it -> within(it, direction, limits));
  }

  private static Outcome within(Outcome outcome, Direction direction, XfrmBackend.Limits limits) {
    int templates = outcome.bundle().templates().size();
    if (templates > limits.maxTemplates()) {
      return blocked(
          outcome,
          Finding.Kind.TOO_MANY_TEMPLATES,
          "needs " + templates + " templates, the backend applies " + limits.maxTemplates());
    }
    if (direction == Direction.OUT
        && !limits.ahTunnelsUnderOptions()
        && outcome.bundle().hasAhTunnelUnderOption()) {
      return blocked(
          outcome,
          Finding.Kind.NOT_EXPRESSIBLE,
          "has an AH tunnel whose outer header is to bear a Home Address option or type 2 routing"
              + " header, which the backend does not cover by AH (RFC 6275 section 9.3.1)");
    }
    return outcome;
  }

  private static Outcome blocked(Outcome outcome, Finding.Kind kind, String words) {
    return outcome.blocked().because(NAME, words).finding(kind, outcome.selector() + " " + words);
  }
}
