package io.mipd.mobility.mn;

import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Peers with which route optimization has failed, and when it may be tried again: "future Binding
 * Updates SHOULD NOT be sent to this destination", but "such Binding Update List entries SHOULD be
 * removed after a period of time" (RFC 6275 sections 11.7.3 and 11.3.5). Remembers so many, the
 * latest.
 */
final class FailedPeers {
  /** After the first failure; twice as long after each that follows. */
  static final Duration SHORTEST = Duration.ofMinutes(1);

  /** At the most; and at once for those who do not know the Mobility Header. */
  static final Duration LONGEST = Duration.ofHours(1);

  private final int limit;
  private final Map<Ipv6Address, Failure> failures = new LinkedHashMap<>();

  private record Failure(Duration backOff, Instant notBefore) {}

  FailedPeers(int limit) {
    this.limit = limit;
  }

  boolean mayTry(Instant now, Ipv6Address peer) {
    Failure failure = failures.get(peer);
    return failure == null || !now.isBefore(failure.notBefore());
  }

  /** How long it may not be tried; empty if it may. */
  Optional<Duration> wait(Instant now, Ipv6Address peer) {
    return Optional.ofNullable(failures.get(peer))
        .map(failure -> Duration.between(now, failure.notBefore()))
        .filter(left -> !left.isNegative() && !left.isZero());
  }

  /** Returns for how long it is not tried again. */
  Duration failed(Instant now, Ipv6Address peer) {
    Failure before = failures.get(peer);
    Duration wait = before == null ? SHORTEST : before.backOff().multipliedBy(2);
    return remember(now, peer, wait.compareTo(LONGEST) < 0 ? wait : LONGEST);
  }

  /** The peer does not know what we ask for. Returns for how long it is not tried again. */
  Duration unsupported(Instant now, Ipv6Address peer) {
    return remember(now, peer, LONGEST);
  }

  void forgive(Ipv6Address peer) {
    failures.remove(peer);
  }

  private Duration remember(Instant now, Ipv6Address peer, Duration wait) {
    failures.remove(peer);
    failures.put(peer, new Failure(wait, now.plus(wait)));
    if (failures.size() > limit) {
      Iterator<Ipv6Address> oldest = failures.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
    return wait;
  }
}
