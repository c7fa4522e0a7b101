package io.mipd.mobility.planner;

import static io.mipd.merger.source.MobilityPolicy.Kind.OPTIMIZED;
import static io.mipd.merger.source.MobilityPolicy.Kind.SIGNALLING;
import static io.mipd.merger.source.MobilityPolicy.Kind.SIGNALLING_OF_STRANGERS;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.packet.Icmpv6Message;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What route optimization wants of policies (RFC 6275 sections 9.3 and 11.3). Templates are in the
 * order of Linux: index 0 innermost.
 *
 * <p>Mobility Header messages know nothing of routes (section 6.1): a Binding Update bears the Home
 * Address option, a Binding Acknowledgement the routing header, and all others neither; of a home
 * address that is away they take the tunnel.
 *
 * <p>Key exchange takes no route either: where each end asks for ESP of all else, a kernel that
 * does not see the ports behind a Home Address option or routing header (Linux before 6.7) would
 * refuse it, and nothing could ever be negotiated or renewed.
 *
 * <p>Inbound every header is optional: while bindings come and go, packets come by both ways. What
 * is left is checked where it matters: a Home Address option is believed only with its binding, a
 * routing header only with our home address.
 */
public final class RoutePolicies {
  /** Types 132 to 137: what is before 133 is no message between two hosts. */
  private static final ImmutableList<PortMatch> NEIGHBOR_DISCOVERY =
      ImmutableList.of(new PortMatch(132, 0xfffc), new PortMatch(136, 0xfffe));

  private static final String MESSAGES = "messages with correspondents (RFC 6275 section 5.2)";

  private RoutePolicies() {}

  /** The correspondent of anybody: its messages need no policy of a user's. */
  public static MobilityWish correspondent(Ipv6Prefix local) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    policies.addAll(correspondent(local, ImmutableList.of(), ImmutableList.of()));
    policies.add(
        message(
            SIGNALLING_OF_STRANGERS,
            Selector.between(local, Ipv6Prefix.ANY).withProtocol(IpProtocol.MOBILITY),
            Direction.OUT,
            Bundle.EMPTY));
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  /**
   * @param out what is around a message as it leaves
   * @param in likewise as it comes
   */
  static ImmutableList<MobilityPolicy> correspondent(
      Ipv6Prefix local, ImmutableList<Template> out, ImmutableList<Template> in) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    Selector sent = Selector.between(local, Ipv6Prefix.ANY);
    Ipv6Address any = Ipv6Address.UNSPECIFIED;
    policies.add(
        message(
            SIGNALLING_OF_STRANGERS,
            sent.withType(IpProtocol.MOBILITY, MobilityMessage.BINDING_ACKNOWLEDGEMENT),
            Direction.OUT,
            bundle(Stream.of(Template.routingHeader(any, any).asOptional()), out.stream())));
    policies.add(
        message(
            SIGNALLING_OF_STRANGERS,
            sent.reversed().withProtocol(IpProtocol.MOBILITY),
            Direction.IN,
            bundle(Stream.of(Template.homeAddressOption(any, any).asOptional()), in.stream())));
    return policies.build();
  }

  /**
   * The route between an address of ours and a peer.
   *
   * @param ours by which care-of address of ours; {@link Route#NONE} if {@code local} is no home
   *     address, or not optimized
   * @param peers by which care-of address of the peer
   * @param tunnel that takes what ours does not; empty at home, and where there is no home address
   */
  public static MobilityWish route(
      Ipv6Address local, Ipv6Address peer, Route ours, Route peers, Optional<Tunnel> tunnel) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    var states = ImmutableList.<RouteOptimizationState>builder();
    Selector sent = Selector.between(local, peer);
    Selector received = sent.reversed();
    ours.use().ifPresent(it -> states.add(hao(local, peer, it)));
    ours.accept().ifPresent(it -> states.add(route2(peer, local, it)));
    peers.use().ifPresent(it -> states.add(route2(local, peer, it)));
    peers.accept().ifPresent(it -> states.add(hao(peer, local, it)));
    boolean headerReceived = ours.accept().isPresent();
    boolean optionReceived = peers.accept().isPresent();
    if (headerReceived || optionReceived) {
      policies.add(
          message(
              SIGNALLING,
              received.withProtocol(IpProtocol.MOBILITY),
              Direction.IN,
              arriving(local, peer, true, headerReceived, tunnel.map(Tunnel::testsIn))));
      messages(local, peer, tunnel.map(Tunnel::testsOut), policies);
      policies.add(
          new MobilityPolicy(
              received,
              Direction.IN,
              OPTIMIZED,
              Policy.Action.ALLOW,
              arriving(local, peer, optionReceived, headerReceived, tunnel.map(Tunnel::payloadIn)),
              "what comes directly, or still by the home agent (RFC 6275 section 8.5)"));
    }
    if (ours.use().isPresent() || peers.use().isPresent()) {
      Optional<Template> around = tunnel.map(Tunnel::payloadOut);
      exceptions(local, peer, ours, around, policies);
      policies.add(
          optimized(
              sent,
              bundle(
                  option(local, peer, ours),
                  peers.use().stream().map(it -> Template.routingHeader(local, peer)),
                  around(ours, around)),
              "the direct way (RFC 6275 sections 9.3.2 and 11.3.1)",
              ours.use().isEmpty() && around.isPresent()
                  ? Optional.empty()
                  : Optional.of(onLink(local, peer, ours, peers))));
    }
    return new MobilityWish(policies.build(), states.build());
  }

  /** What leaves, whatever route payload takes. */
  private static void messages(
      Ipv6Address local,
      Ipv6Address peer,
      Optional<Template> tunnel,
      ImmutableList.Builder<MobilityPolicy> policies) {
    Selector sent = Selector.between(local, peer);
    policies.add(
        message(
            SIGNALLING,
            sent.withType(IpProtocol.MOBILITY, MobilityMessage.BINDING_UPDATE),
            Direction.OUT,
            Bundle.of(Template.homeAddressOption(local, peer).asOptional())));
    policies.add(
        message(
            SIGNALLING,
            sent.withType(IpProtocol.MOBILITY, MobilityMessage.BINDING_ACKNOWLEDGEMENT),
            Direction.OUT,
            bundle(Stream.of(Template.routingHeader(local, peer).asOptional()), tunnel.stream())));
    policies.add(
        message(
            SIGNALLING,
            sent.withProtocol(IpProtocol.MOBILITY),
            Direction.OUT,
            bundle(tunnel.stream())));
  }

  /**
   * What leaves without the headers of a route. Neighbor Discovery has neither of them (sections
   * 9.3.2 and 11.3.1). A Parameter Problem about a Mobility Header is sent without regard to the
   * Binding Cache (section 9.2); those about packets with a Home Address option go to the care-of
   * address anyway, and any other goes where its packet came from.
   */
  private static void exceptions(
      Ipv6Address local,
      Ipv6Address peer,
      Route ours,
      Optional<Template> tunnel,
      ImmutableList.Builder<MobilityPolicy> policies) {
    for (int port : IpProtocol.KEY_EXCHANGE_PORTS) {
      policies.add(
          optimized(
              Selector.between(local, peer)
                  .withProtocol(IpProtocol.UDP)
                  .withPorts(PortMatch.exactly(port), PortMatch.exactly(port)),
              bundle(tunnel.stream()),
              "key exchange takes no route: its ports are to be seen where it arrives",
              Optional.empty()));
    }
    Selector sent = Selector.between(local, peer).withProtocol(IpProtocol.ICMPV6);
    for (PortMatch types : NEIGHBOR_DISCOVERY) {
      policies.add(
          optimized(
              sent.withPorts(types, PortMatch.ANY),
              bundle(tunnel.stream()),
              "Neighbor Discovery bears no header of a route (RFC 6275 sections 9.3.2, 11.3.1)",
              Optional.empty()));
    }
    policies.add(
        optimized(
            sent.withPorts(PortMatch.exactly(Icmpv6Message.PARAMETER_PROBLEM), PortMatch.ANY),
            bundle(option(local, peer, ours), around(ours, tunnel)),
            "a Parameter Problem goes to where its packet came from (RFC 6275 section 9.2)",
            ours.use().map(it -> new MobilityPolicy.OnLink(it.value(), peer))));
  }

  private static MobilityPolicy optimized(
      Selector selector, Bundle bundle, String reason, Optional<MobilityPolicy.OnLink> onLink) {
    return new MobilityPolicy(
        selector, Direction.OUT, OPTIMIZED, Policy.Action.ALLOW, bundle, reason, onLink);
  }

  private static MobilityPolicy.OnLink onLink(
      Ipv6Address local, Ipv6Address peer, Route ours, Route peers) {
    return new MobilityPolicy.OnLink(
        ours.use().map(CareOfAddress::value).orElse(local),
        peers.use().map(CareOfAddress::value).orElse(peer));
  }

  private static Stream<Template> option(Ipv6Address local, Ipv6Address peer, Route ours) {
    return ours.use().stream().map(it -> Template.homeAddressOption(local, peer));
  }

  /** A home address may leave a foreign link in its option, or else in the tunnel only. */
  private static Stream<Template> around(Route ours, Optional<Template> tunnel) {
    return ours.use().isPresent() ? Stream.empty() : tunnel.stream();
  }

  private static Bundle arriving(
      Ipv6Address local,
      Ipv6Address peer,
      boolean option,
      boolean routingHeader,
      Optional<Template> tunnel) {
    return bundle(
        option
            ? Stream.of(Template.homeAddressOption(peer, local).asOptional())
            : Stream.<Template>empty(),
        routingHeader
            ? Stream.of(Template.routingHeader(peer, local).asOptional())
            : Stream.<Template>empty(),
        tunnel.map(Template::asOptional).stream());
  }

  @SafeVarargs
  private static Bundle bundle(Stream<Template>... parts) {
    var templates = ImmutableList.<Template>builder();
    for (Stream<Template> part : parts) {
      part.forEach(templates::add);
    }
    return new Bundle(templates.build());
  }

  private static MobilityPolicy message(
      MobilityPolicy.Kind kind, Selector selector, Direction direction, Bundle bundle) {
    return new MobilityPolicy(selector, direction, kind, Policy.Action.ALLOW, bundle, MESSAGES);
  }

  private static RouteOptimizationState hao(
      Ipv6Address home, Ipv6Address peer, CareOfAddress careOf) {
    return RouteOptimizationState.homeAddressOption(home, peer, careOf.value());
  }

  private static RouteOptimizationState route2(
      Ipv6Address peer, Ipv6Address home, CareOfAddress careOf) {
    return RouteOptimizationState.routingHeader(peer, home, careOf.value());
  }
}
