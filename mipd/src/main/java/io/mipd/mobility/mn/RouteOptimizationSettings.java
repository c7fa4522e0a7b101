package io.mipd.mobility.mn;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Duration;

/**
 * With whom a mobile node talks directly (RFC 6275 section 11.7.2).
 *
 * @param rules the first that holds a peer decides; who is in none is used
 * @param maxPeers in the Binding Update List; the least recently useful one makes room
 * @param lifetime of bindings to ask for: 4 s to MAX_RR_BINDING_LIFETIME
 */
public record RouteOptimizationSettings(
    ImmutableList<Rule> rules, int maxPeers, Duration lifetime) {
  public static final int DEFAULT_MAX_PEERS = 256;

  /** Whether a direct route is sought. */
  public enum Choice {
    USE,
    /** "keep its topological location private from certain correspondent nodes" (11.7.2). */
    AVOID
  }

  /** What is done with the peers of a prefix. */
  public record Rule(Ipv6Prefix peers, Choice choice) {}

  public RouteOptimizationSettings {
    checkArgument(maxPeers > 0, "no peer at all: %s", maxPeers);
    checkArgument(
        lifetime.compareTo(ProtocolConstants.MAX_RR_BINDING_LIFETIME) <= 0
            && !BindingLifetime.atMost(lifetime).isZero(),
        "not a lifetime that return routability is good for: %s",
        lifetime);
  }

  /** Whether a direct route to a peer is sought. */
  public boolean allows(Ipv6Address peer) {
    return rules.stream()
        .filter(rule -> rule.peers().contains(peer))
        .findFirst()
        .map(rule -> rule.choice() == Choice.USE)
        .orElse(true);
  }
}
