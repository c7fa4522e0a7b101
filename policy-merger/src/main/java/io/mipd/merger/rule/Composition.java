package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import java.util.Optional;

/**
 * The user's bundle first, then mobility's for the flow that leaves it: {@code merged(flow) =
 * user(flow) ++ mobility(flow that leaves user(flow))}. So a tunnel of the user's between home
 * address and peer is nested in the one between care-of address and home agent, and never the other
 * way round, which would put the home address on a foreign link.
 */
final class Composition {
  static final String NAME = "composition";

  private final OuterFlow outerFlow;

  Composition(Inputs inputs) {
    outerFlow = new OuterFlow(inputs);
  }

  /**
   * The flows that leave a user's policy, as mobility is asked about them: a tunnel makes one of
   * all its flows. In transport mode the addresses stay, the protocol is the outermost header's and
   * the ports are hidden behind it.
   */
  static Selector leaving(Policy user) {
    if (user.bundle().isEmpty()) {
      return user.selector();
    }
    Flow sample = user.bundle().outermost(Region.witness(user.selector()));
    return outermostTunnel(user.bundle()).isPresent()
        ? Region.made(sample, user.selector())
        : user.selector().withPorts(PortMatch.ANY, PortMatch.ANY).withProtocol(sample.protocol());
  }

  /** What becomes of a user's flows in which mobility has no part. */
  Outcome of(Policy user) {
    Outcome inner = inner(user);
    return user.action() == Policy.Action.BLOCK ? inner.blocked() : inner;
  }

  /**
   * What becomes of those flows of a user's policy that are mobility's, too, once they have left
   * the user's bundle; nothing if there are none.
   */
  ImmutableList<Outcome> of(Policy user, MobilityPolicy mobility) {
    Selector leaving = leaving(user);
    if (user.action() == Policy.Action.BLOCK || !leaving.meets(mobility.selector())) {
      return ImmutableList.of();
    }
    Outcome inner = inner(user);
    if (user.bundle().isEmpty()) {
      return Region.common(leaving, mobility.selector())
          .map(part -> around(inner.on(part), tunnels(user), mobility))
          .orElse(ImmutableList.of());
    }
    if (!mobility.selector().sourcePort().isAny()
        || !mobility.selector().destinationPort().isAny()) {
      return ImmutableList.of();
    }
    Optional<Template> tunnel = outermostTunnel(user.bundle());
    if (tunnel.isEmpty()) {
      return Region.withAddressesOf(user.selector(), mobility.selector())
          .map(part -> around(inner.on(part), tunnels(user), mobility))
          .orElse(ImmutableList.of());
    }
    Outcome marked = inner.marked(mobility.selector().mark());
    if (!tunnel.get().source().isUnspecified() && !tunnel.get().destination().isUnspecified()) {
      return around(marked, tunnels(user), mobility);
    }
    // Inbound the kernel takes "any" for an end point. The first of mobility's that could see such
    // a flow answers.
    return mobility.kind().isPayload()
        ? around(
            marked.finding(
                Finding.Kind.UNKNOWN_END_POINTS,
                "the tunnel of "
                    + user
                    + " names no end points, so mobility's policy for it is"
                    + " chosen by the end point that it names"),
            tunnels(user),
            mobility)
        : ImmutableList.of();
  }

  /** A mobility policy where the user has none. */
  ImmutableList<Outcome> of(MobilityPolicy mobility, Selector region) {
    return around(Outcome.allow(region, Bundle.EMPTY), ImmutableSet.of(), mobility);
  }

  private static Outcome inner(Policy user) {
    return Outcome.allow(user.selector(), user.bundle()).because(NAME, "the user's ", user);
  }

  private static ImmutableSet<Policy> tunnels(Policy user) {
    return outermostTunnel(user.bundle()).isPresent() ? ImmutableSet.of(user) : ImmutableSet.of();
  }

  /**
   * What mobility does to what is to be inside.
   *
   * @param applied the user's policy that made it, if it is a tunnel
   */
  ImmutableList<Outcome> around(
      Outcome inner, ImmutableSet<Policy> applied, MobilityPolicy mobility) {
    return outerFlow.around(inner, applied, mobility);
  }

  static Optional<Template> outermostTunnel(Bundle bundle) {
    return bundle.templates().reverse().stream().filter(Template::isTunnel).findFirst();
  }
}
