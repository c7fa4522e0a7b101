package io.mipd.merger.explain;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import java.util.OptionalInt;

/**
 * A packet as its two ends see it: before anything is done to it, or after all has been undone.
 *
 * @param length octets from its IPv6 header on; empty for one as large as the path carries
 */
public record Packet(Direction direction, Flow flow, OptionalInt length) {
  /** The IPv6 header (RFC 8200 section 3). */
  public static final int LEAST_LENGTH = 40;

  public static final int MOST_LENGTH = LEAST_LENGTH + 0xffff;

  public Packet {
    int octets = length.orElse(LEAST_LENGTH);
    checkArgument(
        octets >= LEAST_LENGTH && octets <= MOST_LENGTH,
        "a packet has %s to %s octets, not %s",
        LEAST_LENGTH,
        MOST_LENGTH,
        octets);
  }

  @Override
  public String toString() {
    return direction.kernelName()
        + " "
        + flow
        + (length.isPresent() ? ", " + length.getAsInt() + " octets" : "");
  }
}
