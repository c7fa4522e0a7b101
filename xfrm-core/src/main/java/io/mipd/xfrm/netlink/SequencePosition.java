package io.mipd.xfrm.netlink;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * Where the sequence numbers of an association stand.
 *
 * @param outbound the last that was sent; 0 for none
 * @param inbound the highest that was taken, with all before it as good as taken; 0 for none
 */
public record SequencePosition(long outbound, long inbound) {
  public static final SequencePosition START = new SequencePosition(0, 0);

  public SequencePosition {
    checkArgument(outbound >= 0 && inbound >= 0, "negative: %s, %s", outbound, inbound);
  }
}
