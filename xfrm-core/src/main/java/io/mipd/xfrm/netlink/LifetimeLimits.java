package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.AssociationLifetime;
import java.time.Duration;

/**
 * The kernel's {@code struct xfrm_lifetime_cfg}: unsigned; {@link #INFINITE} octets or packets, or
 * 0 seconds, for no limit.
 */
public record LifetimeLimits(
    long softBytes,
    long hardBytes,
    long softPackets,
    long hardPackets,
    long softAddSeconds,
    long hardAddSeconds,
    long softUseSeconds,
    long hardUseSeconds) {
  /** {@code XFRM_INF}. */
  public static final long INFINITE = -1;

  public static final LifetimeLimits NONE =
      new LifetimeLimits(INFINITE, INFINITE, INFINITE, INFINITE, 0, 0, 0, 0);

  /** All of zero, where the limits are not read. */
  static final LifetimeLimits ZERO = new LifetimeLimits(0, 0, 0, 0, 0, 0, 0, 0);

  public static LifetimeLimits of(AssociationLifetime lifetime) {
    return new LifetimeLimits(
        amount(lifetime.softBytes()),
        amount(lifetime.hardBytes()),
        amount(lifetime.softPackets()),
        amount(lifetime.hardPackets()),
        seconds(lifetime.softTime()),
        seconds(lifetime.hardTime()),
        0,
        0);
  }

  private static long amount(long limit) {
    return limit == AssociationLifetime.UNLIMITED ? INFINITE : limit;
  }

  /** Rounded up: a limit below a second is not none. */
  private static long seconds(Duration time) {
    return time.plusNanos(999_999_999).toSeconds();
  }

  /** The limits in the model's terms, which have none since the first use. */
  public AssociationLifetime lifetime() {
    long hardByteLimit = limit(hardBytes);
    long hardPacketLimit = limit(hardPackets);
    Duration hard = time(hardAddSeconds);
    Duration soft = time(softAddSeconds);
    return new AssociationLifetime(
        Math.min(limit(softBytes), hardByteLimit),
        hardByteLimit,
        Math.min(limit(softPackets), hardPacketLimit),
        hardPacketLimit,
        hard.isZero() || soft.compareTo(hard) <= 0 ? soft : hard,
        hard);
  }

  private static long limit(long amount) {
    return amount < 0 ? AssociationLifetime.UNLIMITED : Math.max(amount, 1);
  }

  private static Duration time(long seconds) {
    return Duration.ofSeconds(Math.max(seconds, 0));
  }
}
