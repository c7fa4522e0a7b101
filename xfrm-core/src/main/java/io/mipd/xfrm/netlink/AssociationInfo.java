package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;

/**
 * The kernel's {@code struct xfrm_usersa_info}: a state without what attributes say of it.
 *
 * @param windowExceeded packets left of the replay window
 * @param replayed packets that had come before
 * @param integrityFailed packets whose integrity check failed
 * @param sequence of the acquire that it answers
 * @param mode {@code XFRM_MODE_*}
 * @param replayWindow packets, at most 32; 0 if an attribute has a larger one
 * @param flags {@code XFRM_STATE_*}
 */
public record AssociationInfo(
    KernelSelector selector,
    Ipv6Address destination,
    Spi spi,
    int protocol,
    Ipv6Address source,
    LifetimeLimits limits,
    LifetimeUse use,
    int windowExceeded,
    int replayed,
    int integrityFailed,
    int sequence,
    ReqId reqId,
    int family,
    int mode,
    int replayWindow,
    int flags) {
  /** Stands for every state of its protocol and accepts a header for which there is none. */
  public static final int WILDRECV = 8;

  /** Extended sequence numbers. */
  public static final int ESN = 128;
}
