package io.mipd.merger.plan;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Lists;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import java.util.List;

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

  /** Stage by stage, each stage's steps together. */
  public static Result apply(Plan plan, XfrmBackend backend) {
    ImmutableList<ImmutableList<Plan.Step>> stages = plan.stages();
    for (int i = 0; i < stages.size(); i++) {
      ImmutableList<Plan.Step> stage = stages.get(i);
      ImmutableList<XfrmReply> replies =
          backend.applyAll(Lists.transform(stage, Plan.Step::command));
      for (int k = 0; k < replies.size(); k++) {
        if (replies.get(k) instanceof XfrmReply.Failed failure
            && !isMoot(stage.get(k).command(), failure)) {
          return new Result.RolledBack(
              stage.get(k).command(), failure, undo(stages.subList(0, i + 1), backend));
        }
      }
    }
    return new Result.Done();
  }

  /**
   * What failed is undone with the rest of its stage: it may have been done all the same, if only
   * the answer was lost.
   */
  private static ImmutableList<XfrmCommand> undo(
      ImmutableList<ImmutableList<Plan.Step>> done, XfrmBackend backend) {
    var unrepaired = ImmutableList.<XfrmCommand>builder();
    for (ImmutableList<Plan.Step> stage : done.reverse()) {
      List<XfrmCommand> commands = Lists.transform(stage.reverse(), Plan.Step::undo);
      ImmutableList<XfrmReply> replies = backend.applyAll(commands);
      for (int k = 0; k < replies.size(); k++) {
        if (replies.get(k) instanceof XfrmReply.Failed failure
            && !isMoot(commands.get(k), failure)) {
          unrepaired.add(commands.get(k));
        }
      }
    }
    return unrepaired.build();
  }

  /** What was to go and is not there is as it should be. */
  private static boolean isMoot(XfrmCommand command, XfrmReply.Failed failure) {
    return command instanceof XfrmCommand.DeletePolicy && failure.error() == XfrmError.NOT_FOUND;
  }
}
