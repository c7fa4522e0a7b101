package io.mipd.proof;

import static com.google.common.base.Preconditions.checkNotNull;
import static io.mipd.proof.Place.A;
import static io.mipd.proof.Place.ANY_AGENT;
import static io.mipd.proof.Place.B;
import static io.mipd.proof.Place.C;
import static io.mipd.proof.Place.H;
import static io.mipd.proof.Place.HOME_AGENT;
import static io.mipd.proof.Place.M;
import static io.mipd.proof.Place.MOBILE_NODE;
import static io.mipd.proof.Place.MOBILE_PEER;
import static io.mipd.proof.Place.Q;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.LinkedListMultimap;
import com.google.common.collect.ListMultimap;
import io.mipd.merger.explain.Knowledge;
import io.mipd.merger.explain.KnownAssociation;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.PolicyMerger;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.Route;
import io.mipd.mobility.planner.RoutePolicies;
import io.mipd.mobility.planner.RouteRoles;
import io.mipd.mobility.planner.Tunnel;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.engine.EngineSettings;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One row of the table: what the user demands, how mobility stands, and what packets look like on
 * their way. Reads as a sentence.
 */
final class Case {
  /** Payload between care-of address and home agent; ESP of the daemon's. */
  static final Pair PAYLOAD_TUNNEL = Pair.tunnel(TransformProtocol.ESP, C, A, 0x2001);

  /** Binding Updates and Acknowledgements. */
  static final Pair SIGNALLING = Pair.transport(TransformProtocol.ESP, H, A, 0x3001);

  /** Mobile Prefix Solicitations and Advertisements. */
  static final Pair PREFIX_DISCOVERY = Pair.transport(TransformProtocol.ESP, H, A, 0x6001);

  /** Home Test Init and Home Test. */
  static final Pair HOME_TEST = Pair.tunnel(TransformProtocol.ESP, C, A, 0x5001);

  /** Payload between the mobile peer's care-of address and its home agent. */
  private static final Pair PEERS_TUNNEL = Pair.tunnel(TransformProtocol.ESP, Q, B, 0xc001);

  static final XfrmBackend.Limits LINUX = new XfrmBackend.Limits(5, false);
  private static final XfrmBackend.Limits ENGINE =
      new XfrmBackend.Limits(EngineSettings.MAX_TEMPLATES);

  private static final RouteRoles BOTH_ROLES =
      new RouteRoles(/* optimizes= */ true, /* corresponds= */ true);

  /**
   * A packet's way.
   *
   * @param legs what leaves each host on the way, the sender's first; none for one that comes from
   *     the wire as it is
   * @param end where it ends; null if nobody looks
   * @param refused nobody gets it there, although it arrives; else an application does
   */
  record Journey(
      Datagram datagram, ImmutableList<Leg> legs, @Nullable Place end, boolean refused) {}

  /**
   * @param chain as {@link io.mipd.xfrm.host.Dissection#chain}; empty for nothing
   */
  record Leg(Place from, String chain) {}

  private final String name;
  private final ListMultimap<Place, Policy> user = LinkedListMultimap.create();
  private final ListMultimap<Place, MobilityPolicy> mobility = LinkedListMultimap.create();
  private final ListMultimap<Place, RouteOptimizationState> states = LinkedListMultimap.create();
  private final Map<Place, Tunnel> tunnels = new EnumMap<>(Place.class);
  private final List<Pair> pairs = new ArrayList<>();
  private final List<Journey> journeys = new ArrayList<>();
  private final Set<Finding.Kind> findings = EnumSet.noneOf(Finding.Kind.class);
  private RouteRoles roles = RouteRoles.NONE;
  private XfrmBackend.Limits limits = LINUX;
  private boolean plainTunnel;
  private int nextPriority = 10;

  private Case(String name) {
    this.name = name;
  }

  static Case of(String name) {
    return new Case(name);
  }

  /** With policies that Linux cannot have. */
  Case onTheEngineAlone() {
    limits = ENGINE;
    return this;
  }

  // How mobility stands.

  /** The mobile node optimizes routes, with mobile peers too. Before it is said to be away. */
  Case optimizes() {
    roles = BOTH_ROLES;
    return this;
  }

  /** The mobile node asks the home link who its home agent is. */
  Case seeksItsAgent() {
    wish(MOBILE_NODE, HomePolicies.agentSought(ANY_AGENT));
    wish(HOME_AGENT, HomePolicies.homeAgentForAnybody(A));
    return this;
  }

  /** Registered at C; payload in ESP. */
  Case away() {
    return awayAt(C);
  }

  Case awayAt(Ipv6Address careOf) {
    return registered(
        careOf,
        new TunnelProtection(
            Optional.of(reqId(SIGNALLING)),
            Optional.of(reqId(PREFIX_DISCOVERY)),
            Optional.of(reqId(HOME_TEST)),
            Optional.of(reqId(PAYLOAD_TUNNEL))));
  }

  /** Registered at C; payload in plain IPv6-in-IPv6. */
  Case awayWithAPlainTunnel() {
    plainTunnel = true;
    return registered(
        C,
        new TunnelProtection(
            Optional.of(reqId(SIGNALLING)),
            Optional.of(reqId(PREFIX_DISCOVERY)),
            Optional.empty(),
            Optional.empty()));
  }

  /** Registered at C; nothing of mobility's in IPsec. */
  Case awayWithoutProtection() {
    plainTunnel = true;
    return registered(C, TunnelProtection.NONE);
  }

  private static ReqId reqId(Pair pair) {
    return new ReqId(pair.reqId());
  }

  private Case registered(Ipv6Address careOf, TunnelProtection protection) {
    var policies = new HomePolicies(new HomeAddress(H), A, protection, roles);
    away(MOBILE_NODE, policies, careOf);
    wish(HOME_AGENT, HomePolicies.links());
    wish(HOME_AGENT, policies.homeAgentBound(new CareOfAddress(careOf)));
    pairs.add(PAYLOAD_TUNNEL);
    pairs.add(SIGNALLING);
    pairs.add(PREFIX_DISCOVERY);
    pairs.add(HOME_TEST);
    return this;
  }

  private void away(Place place, HomePolicies policies, Ipv6Address careOf) {
    var there = new CareOfAddress(careOf);
    wish(place, HomePolicies.links());
    wish(place, policies.mobileNodeAway(there));
    tunnels.put(place, policies.tunnel(there));
  }

  private void wish(Place place, MobilityWish wish) {
    mobility.putAll(place, wish.policies());
    states.putAll(place, wish.states());
  }

  /** H, at C, is bound at a correspondent. Said when it is away. */
  Case optimizedWith(Place place, Ipv6Address peer) {
    wish(MOBILE_NODE, RoutePolicies.route(H, peer, by(C), Route.NONE, tunnel(MOBILE_NODE)));
    wish(place, RoutePolicies.correspondent(Ipv6Prefix.host(peer)));
    wish(place, RoutePolicies.route(peer, H, Route.NONE, by(C), Optional.empty()));
    return this;
  }

  /** H, at C, and M, at Q, are bound at each other. */
  Case optimizedWithAMobilePeer() {
    return withAMobilePeer(by(C));
  }

  /** M, at Q, is bound at H, which is bound nowhere but at its home agent. */
  Case takesTheRouteOfAMobilePeer() {
    return withAMobilePeer(Route.NONE);
  }

  /** The peer has a home agent of its own. */
  private Case withAMobilePeer(Route ours) {
    var protection =
        new TunnelProtection(
            Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(reqId(PEERS_TUNNEL)));
    away(MOBILE_PEER, new HomePolicies(new HomeAddress(M), B, protection, BOTH_ROLES), Q);
    pairs.add(PEERS_TUNNEL);
    wish(MOBILE_NODE, RoutePolicies.route(H, M, ours, by(Q), tunnel(MOBILE_NODE)));
    wish(MOBILE_PEER, RoutePolicies.route(M, H, by(Q), ours, tunnel(MOBILE_PEER)));
    return this;
  }

  private Optional<Tunnel> tunnel(Place place) {
    return Optional.of(checkNotNull(tunnels.get(place), "%s is not away", place));
  }

  private static Route by(Ipv6Address careOf) {
    var one = Optional.of(new CareOfAddress(careOf));
    return new Route(one, one);
  }

  // What the user demands, each time with less precedence than before.

  /** These flows of the mobile node's by these pairs, the first innermost; undone at a place. */
  Case user(Selector flows, Place undoneAt, Pair... by) {
    return user(MOBILE_NODE, flows, undoneAt, by);
  }

  /** Likewise of a user's at a place. */
  Case user(Place at, Selector flows, Place undoneAt, Pair... by) {
    var there = new Bundle(Stream.of(by).map(Pair::there).collect(ImmutableList.toImmutableList()));
    var back = new Bundle(Stream.of(by).map(Pair::back).collect(ImmutableList.toImmutableList()));
    int priority = nextPriority++;
    Direction arriving =
        undoneAt.forwards() && undoneAt != HOME_AGENT ? Direction.FWD : Direction.IN;
    user.put(at, Policy.allow(flows, Direction.OUT, priority, there));
    user.put(at, Policy.allow(flows.reversed(), Direction.IN, priority, back));
    user.put(undoneAt, Policy.allow(flows, arriving, priority, there));
    user.put(undoneAt, Policy.allow(flows.reversed(), Direction.OUT, priority, back));
    pairs.addAll(ImmutableList.copyOf(by));
    return this;
  }

  /** One end only: these flows as they leave it by a transport of that pair, and back. */
  Case userAt(Place at, Selector flows, Pair by) {
    int priority = nextPriority++;
    user.put(at, Policy.allow(flows, Direction.OUT, priority, Bundle.of(by.there())));
    user.put(at, Policy.allow(flows.reversed(), Direction.IN, priority, Bundle.of(by.back())));
    pairs.add(by);
    return this;
  }

  /** The same around what the user does first and both ways alike: compression. */
  Case userInside(Template first, Selector flows, Place undoneAt, Pair by) {
    int priority = nextPriority++;
    Bundle there = Bundle.of(first, by.there());
    Bundle back = Bundle.of(first, by.back());
    user.put(MOBILE_NODE, Policy.allow(flows, Direction.OUT, priority, there));
    user.put(MOBILE_NODE, Policy.allow(flows.reversed(), Direction.IN, priority, back));
    user.put(undoneAt, Policy.allow(flows, Direction.IN, priority, there));
    user.put(undoneAt, Policy.allow(flows.reversed(), Direction.OUT, priority, back));
    pairs.add(by);
    return this;
  }

  Case userAllows(Selector flows) {
    int priority = nextPriority++;
    user.put(MOBILE_NODE, Policy.allow(flows, Direction.OUT, priority, Bundle.EMPTY));
    user.put(MOBILE_NODE, Policy.allow(flows.reversed(), Direction.IN, priority, Bundle.EMPTY));
    return this;
  }

  Case userBlocks(Selector flows) {
    int priority = nextPriority++;
    user.put(MOBILE_NODE, Policy.block(flows, Direction.OUT, priority));
    user.put(MOBILE_NODE, Policy.block(flows.reversed(), Direction.IN, priority));
    return this;
  }

  // What becomes of packets.

  static Leg leaves(Place from, String chain) {
    return new Leg(from, chain);
  }

  /** It goes this way and is delivered at {@code end}. */
  Case packet(Datagram datagram, Place end, Leg... legs) {
    journeys.add(new Journey(datagram, ImmutableList.copyOf(legs), end, false));
    return this;
  }

  /** It goes this way, and is not heard at {@code end}. */
  Case refused(Datagram datagram, Place end, Leg... legs) {
    journeys.add(new Journey(datagram, ImmutableList.copyOf(legs), end, true));
    return this;
  }

  /** It goes this way, and the rest is not looked at. */
  Case packet(Datagram datagram, Leg... legs) {
    journeys.add(new Journey(datagram, ImmutableList.copyOf(legs), null, false));
    return this;
  }

  /** The mobile node's user is told of these, and of nothing else. */
  Case tells(Finding.Kind... kinds) {
    findings.addAll(ImmutableList.copyOf(kinds));
    return this;
  }

  // What there is to know.

  String name() {
    return name;
  }

  ImmutableList<Journey> journeys() {
    return ImmutableList.copyOf(journeys);
  }

  /** What the mobile node's user is told. */
  Set<Finding.Kind> findings() {
    return findings;
  }

  /** What the user demands at a place. */
  ImmutableList<Policy> users(Place place) {
    return ImmutableList.copyOf(user.get(place));
  }

  /** All that packets could be put into. */
  ImmutableList<Template> templates() {
    return pairs.stream()
        .flatMap(pair -> Stream.of(pair.there(), pair.back()))
        .distinct()
        .collect(ImmutableList.toImmutableList());
  }

  boolean hasPlainTunnel() {
    return plainTunnel;
  }

  Merged merged(Place place) {
    return PolicyMerger.merge(users(place), wanted(place), limits);
  }

  /** Without the user's. */
  Merged mobilityAlone(Place place) {
    return PolicyMerger.merge(ImmutableList.of(), wanted(place), limits);
  }

  /** Several wishes: a kind comes before the next, whoever wants it. */
  ImmutableList<MobilityPolicy> wanted(Place place) {
    return mobility.get(place).stream()
        .sorted(Comparator.comparingInt(one -> one.kind().precedence()))
        .collect(ImmutableList.toImmutableList());
  }

  ImmutableList<SecurityAssociation> associations() {
    return pairs.stream()
        .distinct()
        .flatMap(pair -> pair.associations().stream())
        .collect(ImmutableList.toImmutableList());
  }

  /** What templates find at a place. */
  Knowledge knowledge(Place place) {
    return new Knowledge(
        associations().stream()
            .map(
                one ->
                    new KnownAssociation(
                        one.id(), one.source(), one.mode(), one.reqId(), "", Optional.empty()))
            .collect(ImmutableList.toImmutableList()),
        states(place));
  }

  ImmutableList<RouteOptimizationState> states(Place place) {
    return ImmutableList.copyOf(states.get(place));
  }

  /** Of all hosts. */
  ImmutableList<RouteOptimizationState> states() {
    return states.values().stream().distinct().collect(ImmutableList.toImmutableList());
  }

  /** Those that a packet of this case meets. */
  ImmutableList<Place> places() {
    return journeys.stream()
        .flatMap(
            journey ->
                Stream.concat(
                    journey.legs().stream().map(Leg::from), Stream.ofNullable(journey.end())))
        .distinct()
        .collect(ImmutableList.toImmutableList());
  }

  @Override
  public String toString() {
    return name;
  }

  // Flows, briefly.

  static Selector everythingFrom(Ipv6Address one) {
    return Selector.between(Ipv6Prefix.host(one), Ipv6Prefix.ANY);
  }
}
