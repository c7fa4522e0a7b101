package io.mipd.xfrm.netlink;

/**
 * The kernel's {@code struct xfrm_userpolicy_id}: names a policy by its selector, or if that is
 * empty by its index.
 */
public record PolicyName(KernelSelector selector, int index, int direction) {}
