package io.mipd.mobility.mn;

import io.mipd.mobility.binding.RateLimit;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How often Mobility Header messages of each type may go to each node, whichever home address they
 * are about: MAX_UPDATE_RATE times within a second (RFC 6275 section 11.8). All home addresses of a
 * mobile node share one.
 */
public final class MessageRates {
  /** The least recently used first; those of which nothing went within a second are forgotten. */
  private final Map<Kind, Turns> turns = new LinkedHashMap<>(16, 0.75f, /* accessOrder= */ true);

  private record Kind(int type, Ipv6Address destination) {}

  private static final class Turns {
    final RateLimit limit = new RateLimit();
    Instant last = Instant.MIN;
  }

  /** The limit of the messages of one type to one node. */
  final class Limit {
    private final Kind kind;

    private Limit(Kind kind) {
      this.kind = kind;
    }

    /** Takes one turn if there is one. */
    boolean tryAcquire(Instant now) {
      Turns mine = turns.computeIfAbsent(kind, it -> new Turns());
      boolean may = mine.limit.tryAcquire(now);
      if (may) {
        mine.last = now;
      }
      forgetBefore(now.minus(RateLimit.WINDOW));
      return may;
    }

    /** The earliest moment from {@code now} on at which there is one. */
    Instant earliest(Instant now) {
      Turns mine = turns.get(kind);
      return mine == null ? now : mine.limit.earliest(now);
    }
  }

  /**
   * @param type of the Mobility Header
   */
  Limit limit(int type, Ipv6Address destination) {
    return new Limit(new Kind(type, destination));
  }

  private void forgetBefore(Instant time) {
    for (Iterator<Turns> eldest = turns.values().iterator(); eldest.hasNext(); ) {
      if (eldest.next().last.isAfter(time)) {
        return;
      }
      eldest.remove();
    }
  }
}
