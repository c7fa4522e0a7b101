package io.mipd.mobility.planner;

import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import java.util.Optional;

/**
 * What a home agent wants for a home address, worked out when it is asked for. The home address is
 * the source or the destination of every flow that it is about, but for exemptions, which only a
 * user's policies give something to do.
 *
 * @param careOf of its binding; empty if there is none
 */
public record HomeAgentWish(
    HomeAddress home, HomePolicies policies, Optional<CareOfAddress> careOf) {
  public WishOwner owner() {
    return WishOwner.of(home);
  }

  /** The policies and states themselves. */
  public MobilityWish wish() {
    return careOf.map(policies::homeAgentBound).orElseGet(policies::homeAgentUnbound);
  }

  @Override
  public String toString() {
    return home + careOf.map(it -> " at " + it).orElse(" unbound");
  }
}
