package io.mipd.mobility.planner;

import io.mipd.mobility.wire.CareOfAddress;
import java.util.Optional;

/**
 * By which care-of address a home address is reached directly.
 *
 * @param use for what we send
 * @param accept for what comes
 */
public record Route(Optional<CareOfAddress> use, Optional<CareOfAddress> accept) {
  public static final Route NONE = new Route(Optional.empty(), Optional.empty());
}
