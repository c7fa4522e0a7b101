package io.mipd.host;

import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;

/**
 * Who talks to a home address: asked for each packet, so that it costs next to nothing and never
 * grows. Peers that share a place are told more often than need be.
 */
public final class PeerLearner {
  /** A peer is news again after this long. */
  public static final Duration INTERVAL = Duration.ofSeconds(1);

  private static final int PLACES = 1024;

  private final Supplier<Instant> clock;
  private final Ipv6Address[] peers = new Ipv6Address[PLACES];
  private final Ipv6Address[] homes = new Ipv6Address[PLACES];
  private final Instant[] until = new Instant[PLACES];

  public PeerLearner(Supplier<Instant> clock) {
    this.clock = clock;
    for (int i = 0; i < PLACES; i++) {
      peers[i] = Ipv6Address.UNSPECIFIED;
      homes[i] = Ipv6Address.UNSPECIFIED;
      until[i] = Instant.MIN;
    }
  }

  /** Whether it has not been for a while that this peer was told of. */
  public boolean isNews(Ipv6Address peer, Ipv6Address home) {
    int hash = peer.hashCode() * 31 + home.hashCode();
    int place = (hash ^ (hash >>> 16)) & (PLACES - 1);
    Instant now = clock.get();
    if (peers[place].equals(peer) && homes[place].equals(home) && now.isBefore(until[place])) {
      return false;
    }
    peers[place] = peer;
    homes[place] = home;
    until[place] = now.plus(INTERVAL);
    return true;
  }
}
