package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;

/**
 * When an association is to be replaced (soft) and when it dies (hard), RFC 4301 section 4.4.2.1.
 *
 * @param softBytes octets; {@link #UNLIMITED} for no limit, here and below
 * @param softTime since the association was added; zero for no limit
 */
public record AssociationLifetime(
    long softBytes,
    long hardBytes,
    long softPackets,
    long hardPackets,
    Duration softTime,
    Duration hardTime) {
  public static final long UNLIMITED = Long.MAX_VALUE;
  public static final AssociationLifetime FOREVER =
      new AssociationLifetime(
          UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, Duration.ZERO, Duration.ZERO);

  public AssociationLifetime {
    checkArgument(softBytes > 0 && hardBytes >= softBytes, "hard byte limit below the soft one");
    checkArgument(
        softPackets > 0 && hardPackets >= softPackets, "hard packet limit below the soft one");
    checkArgument(!softTime.isNegative() && !hardTime.isNegative(), "negative time limit");
    checkArgument(
        hardTime.isZero() || softTime.compareTo(hardTime) <= 0,
        "hard time limit below the soft one");
  }
}
