package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.Mark;

/**
 * How a policy of ours bears the mark of its selector beside the bit by which it is known as ours.
 * That bit, the highest, and the one below it are set on no packet. A user's mark with a full mask,
 * as iproute2 makes them, has the highest bit in its mask, too, so ours is asked for without the
 * one below: else both would be the same policy to the kernel. And since other masks of a user's
 * may have the highest bit as well, ours with a mark of its own is known by its index, too.
 */
final class PolicyMark {
  /** The kernel counts from 0 on; it will not come as far. */
  static final int FIRST_INDEX = 0x4000_0000;

  private static final int FULL = -1;

  private PolicyMark() {}

  /** Whether a policy of ours can select by this mark and still be told from a user's. */
  static boolean canBear(Mark mark, Mark ours) {
    int reserved = reserved(ours);
    return (mark.value() & reserved) == 0
        && (mark.mask() == FULL
            || ((mark.mask() & ours.mask()) == 0 && mark.mask() != (FULL & ~reserved)));
  }

  /** The bits that are set on no packet. */
  static int reserved(Mark ours) {
    return ours.mask() | spare(ours);
  }

  /** As the kernel is to have it. */
  static Mark of(Mark mark, Mark ours) {
    return mark.mask() == FULL ? new Mark(mark.value(), FULL & ~spare(ours)) : mark.and(ours);
  }

  /**
   * @param index the kernel's number for the policy
   */
  static boolean isOurs(Mark inKernel, int index, Mark ours) {
    return inKernel.equals(ours)
        || (index >= FIRST_INDEX && inKernel.includes(ours) && inKernel.mask() != FULL);
  }

  /** What the selector asks for; the inverse of {@link #of}. */
  static Mark selector(Mark inKernel, Mark ours) {
    if (!inKernel.includes(ours) || inKernel.mask() == FULL) {
      return inKernel;
    }
    return inKernel.mask() == (FULL & ~spare(ours))
        ? new Mark(inKernel.value(), FULL)
        : inKernel.without(ours);
  }

  private static int spare(Mark ours) {
    return Integer.highestOneBit(ours.mask()) >>> 1;
  }
}
