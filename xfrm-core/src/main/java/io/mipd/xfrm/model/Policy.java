package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * What is to be done with the packets of a selector, in one direction.
 *
 * @param priority lower is looked up first; among equals the order is not defined, so never rely on
 *     it
 */
public record Policy(
    Selector selector, Direction direction, int priority, Action action, Bundle bundle) {

  /** Let it pass, through the bundle; or drop it. */
  public enum Action {
    ALLOW,
    BLOCK
  }

  public Policy {
    checkArgument(action == Action.ALLOW || bundle.isEmpty(), "a block has no templates");
  }

  public static Policy allow(Selector selector, Direction direction, int priority, Bundle bundle) {
    return new Policy(selector, direction, priority, Action.ALLOW, bundle);
  }

  public static Policy block(Selector selector, Direction direction, int priority) {
    return new Policy(selector, direction, priority, Action.BLOCK, Bundle.EMPTY);
  }

  /** Whether it does anything to packets: drops them, or puts them through templates. */
  public boolean acts() {
    return action == Action.BLOCK || !bundle.isEmpty();
  }

  /** What makes a policy one and the same to the kernel: priority is not part of it. */
  public Id id() {
    return new Id(selector, direction);
  }

  /** The identity of a policy; its selector includes mark and {@code if_id}. */
  public record Id(Selector selector, Direction direction) {
    @Override
    public String toString() {
      return selector + " dir " + direction.kernelName();
    }
  }

  @Override
  public String toString() {
    return id()
        + " priority "
        + priority
        + (action == Action.BLOCK ? " action block" : bundle.isEmpty() ? "" : " tmpl " + bundle);
  }
}
