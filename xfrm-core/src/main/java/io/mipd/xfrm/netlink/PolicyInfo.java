package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.Direction;
import java.util.Optional;

/**
 * The kernel's {@code struct xfrm_userpolicy_info}: a policy without what attributes say of it.
 *
 * @param index the kernel's number for it, of which the low three bits are the direction; 0 lets
 *     the kernel choose
 * @param direction {@code XFRM_POLICY_*}; 3 to 5 are policies of sockets
 * @param action 0 allow, 1 block
 * @param flags 1 localok, 2 icmp
 * @param share {@code XFRM_SHARE_*}
 */
public record PolicyInfo(
    KernelSelector selector,
    LifetimeLimits limits,
    LifetimeUse use,
    int priority,
    int index,
    int direction,
    int action,
    int flags,
    int share) {
  static final int ALLOW = 0;
  static final int BLOCK = 1;

  PolicyInfo withPriority(int newPriority) {
    return new PolicyInfo(
        selector, limits, use, newPriority, index, direction, action, flags, share);
  }

  PolicyInfo withAction(int newAction) {
    return new PolicyInfo(
        selector, limits, use, priority, index, direction, newAction, flags, share);
  }

  PolicyInfo withIndex(int newIndex) {
    return new PolicyInfo(
        selector, limits, use, priority, newIndex, direction, action, flags, share);
  }

  /** Empty for a socket's policy. */
  public Optional<Direction> directionOfHost() {
    return Direction.ofNumber(direction);
  }
}
