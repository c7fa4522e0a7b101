package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.plan.Plan;
import io.mipd.xfrm.model.Policy;

/** What a change of the inputs has made of the result: those policies that are not as they were. */
public final class Change {
  private final ImmutableList<Policy> before;
  private final ImmutableList<Policy> after;
  private final ImmutableList<Finding> appeared;
  private final Plan.Staying staying;
  private final Runnable undo;

  Change(
      ImmutableList<Policy> before,
      ImmutableList<Policy> after,
      ImmutableList<Finding> appeared,
      Plan.Staying staying,
      Runnable undo) {
    this.before = before;
    this.after = after;
    this.appeared = appeared;
    this.staying = staying;
    this.undo = undo;
  }

  /** Of the result before, by precedence: those that have changed or are no longer there. */
  public ImmutableList<Policy> before() {
    return before;
  }

  /** Of the result now, by precedence: those that have changed or are new. */
  public ImmutableList<Policy> after() {
    return after;
  }

  /** The steps from the one to the other. */
  public Plan plan() {
    return Plan.between(before, after, staying);
  }

  /**
   * What there is to tell the user that there was not before. What is to be said of the inputs as a
   * whole is told once, until the user's policies are others.
   */
  public ImmutableList<Finding> appeared() {
    return appeared;
  }

  /** Makes inputs and result what they were, priorities included. To be the last change. */
  public void undo() {
    undo.run();
  }
}
