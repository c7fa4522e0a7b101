package io.mipd.merger.explain;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.plan.Plan;
import io.mipd.merger.rule.Finding;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.model.Policy;

/** A difference for people. */
public final class DifferenceText {
  private DifferenceText() {}

  public static String of(Difference difference) {
    if (difference.isNothing()) {
      return "nothing would change\n";
    }
    var text = new StringBuilder();
    policies(text, "added", "+ ", difference.added());
    policies(text, "removed", "- ", difference.removed());
    changes(text, "changed", difference.changed());
    changes(text, "moved in the order only", difference.reordered());
    if (!difference.plan().steps().isEmpty()) {
      text.append("steps, in this order:\n");
      int number = 1;
      for (Plan.Step step : difference.plan().steps()) {
        text.append("  ").append(number++).append(". ").append(words(step)).append('\n');
      }
    }
    findings(text, "findings that appear", "+ ", difference.appeared());
    findings(text, "findings that disappear", "- ", difference.disappeared());
    return text.toString();
  }

  private static void policies(
      StringBuilder text, String title, String sign, ImmutableList<Policy> policies) {
    if (!policies.isEmpty()) {
      text.append(title).append(":\n");
      policies.forEach(one -> text.append("  ").append(sign).append(one).append('\n'));
    }
  }

  private static void changes(
      StringBuilder text, String title, ImmutableList<Difference.Change> changes) {
    if (!changes.isEmpty()) {
      text.append(title).append(":\n");
      for (Difference.Change change : changes) {
        text.append("  - ").append(change.before()).append('\n');
        text.append("  + ").append(change.after()).append('\n');
      }
    }
  }

  private static void findings(
      StringBuilder text, String title, String sign, ImmutableList<Finding> findings) {
    if (!findings.isEmpty()) {
      text.append(title).append(":\n");
      findings.forEach(one -> text.append("  ").append(sign).append(one).append('\n'));
    }
  }

  /** As {@code ip xfrm policy} would be told. */
  static String words(Plan.Step step) {
    XfrmCommand command = step.command();
    if (command instanceof XfrmCommand.AddPolicy add) {
      return "add " + add.policy();
    }
    if (command instanceof XfrmCommand.UpdatePolicy update) {
      return "update " + update.policy();
    }
    return command instanceof XfrmCommand.DeletePolicy delete
        ? "delete " + delete.id()
        : command.toString();
  }
}
