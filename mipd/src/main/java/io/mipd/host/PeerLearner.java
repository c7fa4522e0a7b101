package io.mipd.host;

import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who talks to a home address: asked for each packet, so that it costs next to nothing and never
 * grows. Peers that share a place are told more often than need be.
 */
public final class PeerLearner {
  /** A peer is news again after this long. */
  public static final Duration INTERVAL = Duration.ofSeconds(1);

  private static final int PLACES = 1024;

  private final Supplier<Instant> clock;

  /** Made when it is first asked: a node without route optimization never does. */
  private @Nullable Told @Nullable [] places;

  private record Told(Ipv6Address peer, Ipv6Address home, Instant until) {}

  public PeerLearner(Supplier<Instant> clock) {
    this.clock = clock;
  }

  /** Whether it has not been for a while that this peer was told of. */
  public boolean isNews(Ipv6Address peer, Ipv6Address home) {
    if (places == null) {
      places = new @Nullable Told[PLACES];
    }
    int hash = peer.hashCode() * 31 + home.hashCode();
    int place = (hash ^ (hash >>> 16)) & (PLACES - 1);
    Instant now = clock.get();
    Told told = places[place];
    if (told != null
        && told.peer.equals(peer)
        && told.home.equals(home)
        && now.isBefore(told.until)) {
      return false;
    }
    places[place] = new Told(peer, home, now.plus(INTERVAL));
    return true;
  }
}
