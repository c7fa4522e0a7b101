package io.mipd.mobility.mn;

import io.mipd.mobility.wire.CareOfAddress;
import java.time.Instant;
import java.util.Optional;

/**
 * How a mobile node stands with its home agent; all that route optimization needs to know of it.
 */
sealed interface Standing {
  /** On no link, or on the home link and not yet at home: nothing is sent to correspondents. */
  record Nowhere() implements Standing {}

  /** The home address is in use on the home link. */
  record Home() implements Standing {}

  /**
   * On a foreign link.
   *
   * @param tunnelled whether what the home address sends finds its way by the home agent
   * @param registeredUntil when the home registration of this very care-of address expires, or
   *     before, when one of the two addresses is no longer valid; empty as long as the home agent
   *     has not acknowledged it
   */
  record Away(CareOfAddress careOf, boolean tunnelled, Optional<Instant> registeredUntil)
      implements Standing {}
}
