package io.mipd.merger.plan;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;

/** Carries out a plan whole, or leaves things as they were. */
public final class Transaction {
  private Transaction() {}

  /** What became of a plan. */
  public sealed interface Result {
    record Done() implements Result {}

    /**
     * One step failed and those before it were undone.
     *
     * @param unrepaired undoing steps that failed too; empty if all is as it was
     */
    record RolledBack(
        XfrmCommand command, XfrmReply.Failed failure, ImmutableList<XfrmCommand> unrepaired)
        implements Result {}
  }

  public static Result apply(Plan plan, XfrmBackend backend) {
    ImmutableList<Plan.Step> steps = plan.steps();
    for (int i = 0; i < steps.size(); i++) {
      XfrmReply reply = backend.apply(steps.get(i).command());
      if (reply instanceof XfrmReply.Failed failure) {
        return new Result.RolledBack(
            steps.get(i).command(), failure, undo(steps.subList(0, i), backend));
      }
    }
    return new Result.Done();
  }

  private static ImmutableList<XfrmCommand> undo(
      ImmutableList<Plan.Step> done, XfrmBackend backend) {
    var unrepaired = ImmutableList.<XfrmCommand>builder();
    for (Plan.Step step : done.reverse()) {
      if (backend.apply(step.undo()) instanceof XfrmReply.Failed) {
        unrepaired.add(step.undo());
      }
    }
    return unrepaired.build();
  }
}
