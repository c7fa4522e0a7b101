package io.mipd.xfrm.netlink;

/**
 * The kernel's {@code struct xfrm_lifetime_cur}: what went through, and when, in seconds of the
 * wall clock since 1970.
 *
 * @param useTime of the first use; 0 for never
 */
public record LifetimeUse(long bytes, long packets, long addTime, long useTime) {
  public static final LifetimeUse NONE = new LifetimeUse(0, 0, 0, 0);
}
