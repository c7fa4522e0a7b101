package io.mipd.mobility.autoconf;

import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;

/**
 * When an address becomes deprecated and when invalid (RFC 4862 section 5.5.4).
 *
 * @param preferred {@link #NEVER} if never
 * @param valid likewise
 */
public record Lifetimes(Instant preferred, Instant valid) {
  static final Instant NEVER = Instant.MAX;

  /** Against advertisements that would end all addresses at once (RFC 4862 section 5.5.3 e). */
  private static final Duration TWO_HOURS = Duration.ofHours(2);

  /** What is left of both, in whole seconds, {@link PrefixInformation#INFINITE} for ever. */
  public record Left(long preferredSeconds, long validSeconds) {}

  /** Of an address that has just been formed (RFC 4862 section 5.5.3 d). */
  static Lifetimes of(Instant now, PrefixInformation prefix) {
    return new Lifetimes(
        after(now, prefix.preferredLifetime()), after(now, prefix.validLifetime()));
  }

  private static Instant after(Instant now, long seconds) {
    return seconds == PrefixInformation.INFINITE ? NEVER : now.plusSeconds(seconds);
  }

  /** What an advertisement makes of them (RFC 4862 section 5.5.3 e; it is not authenticated). */
  Lifetimes advertised(Instant now, PrefixInformation prefix) {
    Lifetimes received = of(now, prefix);
    Instant twoHours = now.plus(TWO_HOURS);
    Instant newValid;
    if (received.valid().isAfter(twoHours) || received.valid().isAfter(valid)) {
      newValid = received.valid();
    } else if (!valid.isAfter(twoHours)) {
      newValid = valid;
    } else {
      newValid = twoHours;
    }
    return new Lifetimes(received.preferred(), newValid);
  }

  boolean isOver(Instant now) {
    return !valid.isAfter(now);
  }

  Left left(Instant now) {
    return new Left(seconds(now, preferred), seconds(now, valid));
  }

  /** Rounded up: the kernel would take an address of no seconds for an error. */
  private static long seconds(Instant now, Instant end) {
    if (end.equals(NEVER)) {
      return PrefixInformation.INFINITE;
    }
    if (!end.isAfter(now)) {
      return 0;
    }
    return Math.min(
        Duration.between(now, end).plusNanos(999_999_999).toSeconds(),
        PrefixInformation.INFINITE - 1);
  }

  /** Whether somebody who counts by the second had better be told. */
  boolean differsFrom(Lifetimes told) {
    return differs(preferred, told.preferred) || differs(valid, told.valid);
  }

  private static boolean differs(Instant one, Instant other) {
    if (one.equals(NEVER) || other.equals(NEVER)) {
      return !one.equals(other);
    }
    return Duration.between(one, other).abs().compareTo(Duration.ofSeconds(1)) >= 0;
  }
}
