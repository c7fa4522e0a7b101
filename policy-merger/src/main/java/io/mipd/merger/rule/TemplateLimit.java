package io.mipd.merger.rule;

import io.mipd.xfrm.backend.XfrmBackend;
import java.util.List;

/**
 * A backend applies only so many templates to one packet (Linux: 5, the sixth gives ENOBUFS). A
 * bundle that is longer cannot be shortened without losing what somebody asked for, so its flows
 * are blocked, and the user is told before the backend would.
 */
final class TemplateLimit {
  static final String NAME = "template limit";

  private TemplateLimit() {}

  static Outcome apply(Outcome outcome, XfrmBackend.Limits limits, List<Finding> findings) {
    int templates = outcome.bundle().templates().size();
    if (templates <= limits.maxTemplates()) {
      return outcome;
    }
    String words =
        "needs " + templates + " templates, the backend applies " + limits.maxTemplates();
    findings.add(
        new Finding(
            Finding.Kind.TOO_MANY_TEMPLATES,
            outcome.selector() + " " + words,
            Region.witness(outcome.selector())));
    return Outcome.block(outcome.selector(), outcome.because(NAME, words).trace());
  }
}
