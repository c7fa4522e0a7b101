package io.mipd.xfrm.engine;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Lets {@code burst} pass at once and {@code perSecond} in the long run (RFC 4443 2.4 (f)). */
final class TokenBucket {
  private final long nanosPerToken;
  private final long fullNanos;
  private long savedNanos;
  private @Nullable Instant last;

  TokenBucket(int perSecond, int burst) {
    nanosPerToken = Duration.ofSeconds(1).toNanos() / perSecond;
    fullNanos = nanosPerToken * burst;
    savedNanos = fullNanos;
  }

  void advance(Instant now) {
    Instant before = last;
    if (before != null && now.isAfter(before)) {
      Duration passed = Duration.between(before, now);
      savedNanos =
          passed.compareTo(Duration.ofNanos(fullNanos)) >= 0
              ? fullNanos
              : Math.min(fullNanos, savedNanos + passed.toNanos());
    }
    if (before == null || now.isAfter(before)) {
      last = now;
    }
  }

  boolean take() {
    if (savedNanos < nanosPerToken) {
      return false;
    }
    savedNanos -= nanosPerToken;
    return true;
  }
}
