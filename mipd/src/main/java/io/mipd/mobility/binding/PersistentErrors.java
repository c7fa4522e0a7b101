package io.mipd.mobility.binding;

import io.mipd.xfrm.engine.FailedPacket;
import java.time.Duration;
import java.time.Instant;

/**
 * ICMPv6 errors about packets that go directly. Nothing protects them and one alone says little:
 * only persistent ones have a binding given up (RFC 6275 section 9.3.4). The section speaks of
 * Destination Unreachable; a Parameter Problem counts likewise, for a host that has lost Mobile
 * IPv6 refuses our headers by it, for ever. Section 11.3.5 would have that discarded where it is
 * about a Home Address option, and the packets go on being lost.
 */
public final class PersistentErrors {
  /**
   * They are persistent when the third has come and the first is three seconds old, the time that
   * neighbor unreachability detection takes (RFC 4861 section 10: three solicitations,
   * RETRANS_TIMER apart), so that a router's last word on a neighbor that has just gone is not
   * enough.
   */
  private static final int ENOUGH = 3;

  private static final Duration LONG_ENOUGH = Duration.ofSeconds(3);

  /** Errors that are farther apart tell nothing together. */
  private static final Duration BELONG_TOGETHER = Duration.ofSeconds(10);

  private int errors;
  private Instant first = Instant.EPOCH;
  private Instant last = Instant.EPOCH;

  /** Takes one that is about the present binding; returns whether they are persistent. */
  public boolean count(Instant now, FailedPacket packet) {
    if (!packet.isUnreachable() && !packet.isParameterProblem()) {
      return false;
    }
    if (errors == 0 || now.isAfter(last.plus(BELONG_TOGETHER))) {
      errors = 0;
      first = now;
    }
    last = now;
    // Further ones add nothing.
    errors = Math.min(errors + 1, ENOUGH);
    return errors == ENOUGH && !now.isBefore(first.plus(LONG_ENOUGH));
  }

  /** There is another binding, or a confirmed one: what was said does not count against it. */
  public void forget() {
    errors = 0;
  }
}
