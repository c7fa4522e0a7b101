package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import java.util.List;
import java.util.Optional;

/**
 * The user's bundle first, then mobility's for the flow that leaves it: {@code merged(flow) =
 * user(flow) ++ mobility(flow that leaves user(flow))}. So a tunnel of the user's between home
 * address and peer is nested in the one between care-of address and home agent, and never the other
 * way round, which would put the home address on a foreign link.
 */
final class Composition {
  static final String NAME = "composition";

  private final Inputs inputs;
  private final OuterFlow outerFlow;
  private final List<Finding> findings;

  Composition(Inputs inputs, OuterFlow outerFlow, List<Finding> findings) {
    this.inputs = inputs;
    this.outerFlow = outerFlow;
    this.findings = findings;
  }

  /** What becomes of those flows of a user's policy that lie in {@code region}, by precedence. */
  ImmutableList<Outcome> of(Policy user, Selector region) {
    ImmutableList<MergedPolicy.Step> trace =
        ImmutableList.of(new MergedPolicy.Step(NAME, "the user's " + user));
    if (user.action() == Policy.Action.BLOCK) {
      return ImmutableList.of(Outcome.block(region, trace));
    }
    var outcomes = ImmutableList.<Outcome>builder();
    Optional<Template> tunnel = outermostTunnel(user.bundle());
    if (tunnel.isPresent()) {
      return ImmutableList.of(throughTunnel(user, tunnel.get(), region, trace));
    }
    for (MobilityPolicy mobility : inputs.mobility()) {
      Optional<Selector> part = leaving(user.bundle(), region, mobility.selector());
      part.ifPresent(selector -> outcomes.add(around(selector, user.bundle(), mobility, trace)));
    }
    outcomes.add(Outcome.allow(region, user.bundle(), trace));
    return outcomes.build();
  }

  /** A mobility policy where the user has none. */
  Outcome of(MobilityPolicy mobility, Selector region) {
    return around(region, Bundle.EMPTY, mobility, ImmutableList.of());
  }

  /** The part of {@code region} whose flows, once they have left the bundle, are mobility's. */
  private static Optional<Selector> leaving(Bundle bundle, Selector region, Selector mobility) {
    if (bundle.isEmpty()) {
      return Region.common(region, mobility);
    }
    // Transport mode: the addresses stay, the protocol is the outermost header's and the ports are
    // hidden behind it.
    Flow sample = bundle.outermost(Region.witness(region));
    boolean selects =
        (mobility.protocol() == IpProtocol.ANY || mobility.protocol() == sample.protocol())
            && mobility.sourcePort().isAny()
            && mobility.destinationPort().isAny();
    return selects ? Region.withAddressesOf(region, mobility) : Optional.empty();
  }

  /** A tunnel makes one flow of all its flows, so one question answers for the whole region. */
  private Outcome throughTunnel(
      Policy user, Template tunnel, Selector region, ImmutableList<MergedPolicy.Step> trace) {
    Flow leaving = user.bundle().outermost(Region.witness(region));
    if (tunnel.source().isUnspecified() || tunnel.destination().isUnspecified()) {
      // Inbound the kernel takes "any" for an end point. Those mobility policies are asked that
      // could see such a flow, the first of them answers.
      findings.add(
          new Finding(
              Finding.Kind.UNKNOWN_END_POINTS,
              "the tunnel of "
                  + user
                  + " names no end points, so mobility's policy for it is"
                  + " chosen by the end point that it names",
              Region.witness(region)));
      Selector possible = possible(tunnel, region).withProtocol(leaving.protocol());
      for (MobilityPolicy mobility : inputs.mobility()) {
        if (mobility.kind() == MobilityPolicy.Kind.PAYLOAD
            && Region.common(possible, mobility.selector()).isPresent()) {
          return around(region, user.bundle(), mobility, trace);
        }
      }
      return Outcome.allow(region, user.bundle(), trace);
    }
    return inputs
        .mobilityFor(leaving)
        .map(mobility -> around(region, user.bundle(), mobility, trace))
        .orElseGet(
            () ->
                Outcome.allow(region, user.bundle(), trace)
                    .because(NAME, "mobility has no part in " + leaving));
  }

  private static Selector possible(Template tunnel, Selector region) {
    return new Selector(
        tunnel.source().isUnspecified() ? Ipv6Prefix.ANY : Ipv6Prefix.host(tunnel.source()),
        tunnel.destination().isUnspecified()
            ? Ipv6Prefix.ANY
            : Ipv6Prefix.host(tunnel.destination()),
        IpProtocol.ANY,
        PortMatch.ANY,
        PortMatch.ANY,
        region.mark(),
        region.interfaceId());
  }

  private Outcome around(
      Selector selector,
      Bundle inner,
      MobilityPolicy mobility,
      ImmutableList<MergedPolicy.Step> trace) {
    ImmutableList<MergedPolicy.Step> longer = Outcome.and(trace, NAME, mobility.reason());
    if (mobility.action() == Policy.Action.BLOCK) {
      return Outcome.block(selector, longer);
    }
    return outerFlow.apply(
        Outcome.allow(selector, inner.followedBy(mobility.bundle()), longer), mobility.bundle());
  }

  private static Optional<Template> outermostTunnel(Bundle bundle) {
    return bundle.templates().reverse().stream().filter(Template::isTunnel).findFirst();
  }
}
