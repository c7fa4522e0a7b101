package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;
import static java.util.stream.Collectors.joining;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.host.PolicyInputs;
import io.mipd.merger.explain.Knowledge;
import io.mipd.merger.explain.KnownAssociation;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.Route;
import io.mipd.mobility.planner.RoutePolicies;
import io.mipd.mobility.planner.RouteRoles;
import io.mipd.mobility.planner.Tunnel;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * All that {@code mipd policy} needs to know of a node: what is merged, what templates find, and
 * what its home registrations would wish for elsewhere.
 *
 * @param world as configured, or as it runs
 */
record PolicyState(
    DaemonConfiguration.WorldChoice world,
    PolicyInputs inputs,
    ImmutableList<KnownAssociation> associations,
    ImmutableList<Home> homes) {

  /**
   * A home registration.
   *
   * @param mobileNode whether we are its mobile node, or its home agent
   * @param roles of the mobile node in route optimization
   * @param careOf where it is bound now
   */
  record Home(
      Ipv6Address address,
      Ipv6Address agent,
      boolean mobileNode,
      TunnelProtection protection,
      RouteRoles roles,
      Optional<Ipv6Address> careOf) {

    /**
     * What it wishes for with a care-of address, or at home.
     *
     * @param newCareOf the home address for at home
     */
    MobilityWish at(Optional<Ipv6Address> newCareOf) {
      HomePolicies planner = planner();
      Optional<CareOfAddress> away =
          newCareOf.filter(one -> !one.equals(address)).map(CareOfAddress::new);
      if (mobileNode) {
        return away.map(planner::mobileNodeAway).orElseGet(planner::mobileNodeAtHome);
      }
      return away.map(planner::homeAgentBound).orElseGet(planner::homeAgentUnbound);
    }

    private HomePolicies planner() {
      return new HomePolicies(new HomeAddress(address), agent, protection, roles);
    }

    private Optional<Tunnel> tunnel() {
      return careOf.map(it -> planner().tunnel(new CareOfAddress(it)));
    }

    Home bound(Optional<Ipv6Address> newCareOf) {
      return new Home(
          address,
          agent,
          mobileNode,
          protection,
          roles,
          newCareOf.filter(one -> !one.equals(address)));
    }

    /** Whether an association ends at the mobile node's end of one of the tunnels. */
    private boolean isTunnel(KnownAssociation association) {
      return association.mode() == Mode.TUNNEL
          && (protection.payload().equals(Optional.of(association.reqId()))
              || protection.returnRoutability().equals(Optional.of(association.reqId())));
    }
  }

  /** Where its home addresses are, in words. */
  String where() {
    return homes.stream()
        .map(
            home ->
                home.address()
                    + home.careOf().map(careOf -> " at " + careOf).orElse(" without a binding"))
        .collect(joining(", "));
  }

  /** Which way the packets of a flow go through this node. */
  Direction directionOf(Flow flow) {
    for (Home home : homes) {
      Ipv6Address own = home.mobileNode() ? home.address() : home.agent();
      if (flow.destination().equals(own)) {
        return Direction.IN;
      }
      if (!home.mobileNode() && flow.source().equals(home.address())) {
        return Direction.FWD;
      }
    }
    return Direction.OUT;
  }

  Knowledge knowledge() {
    return new Knowledge(associations, inputs.states());
  }

  /**
   * The same node after a handover: policies and tunnels follow.
   *
   * @param careOf the home address for at home
   */
  PolicyState moved(Ipv6Address home, Ipv6Address careOf) {
    Map<WishOwner, MobilityWish> wishes = new LinkedHashMap<>(inputs.wishes());
    var newHomes = ImmutableList.<Home>builder();
    ImmutableList<KnownAssociation> moved = associations;
    for (Home one : homes) {
      if (!one.address().equals(home)) {
        newHomes.add(one);
        continue;
      }
      wishes.put(WishOwner.of(home), one.at(Optional.of(careOf)));
      Ipv6Address before = one.careOf().orElse(home);
      moved =
          moved.stream()
              .map(it -> one.isTunnel(it) ? moved(it, before, careOf) : it)
              .collect(toImmutableList());
      newHomes.add(one.bound(Optional.of(careOf)));
    }
    PolicyState state =
        new PolicyState(
            world, inputs.withWishes(ImmutableMap.copyOf(wishes)), moved, newHomes.build());
    return state.with(state.inputs.withWishes(state.rerouted(home, careOf)));
  }

  /**
   * What is wished for when the routes of a home address, ours or a peer's, have followed it; at
   * home it has none.
   */
  private ImmutableMap<WishOwner, MobilityWish> rerouted(Ipv6Address home, Ipv6Address careOf) {
    var wishes = ImmutableMap.<WishOwner, MobilityWish>builder();
    inputs
        .wishes()
        .forEach(
            (owner, wish) -> {
              Optional<Ipv6Address> peer = owner.peer();
              boolean ours = owner.address().equals(home);
              if (peer.isEmpty() || !(ours || peer.get().equals(home))) {
                wishes.put(owner, wish);
                return;
              }
              Ipv6Address local = owner.address();
              Route our = ours(wish, local, peer.get());
              Route their = peers(wish, local, peer.get());
              if (ours) {
                our = at(our, home, careOf);
              } else {
                their = at(their, home, careOf);
              }
              if (!(our.equals(Route.NONE) && their.equals(Route.NONE))) {
                wishes.put(
                    owner, RoutePolicies.route(local, peer.get(), our, their, tunnel(local)));
              }
            });
    return wishes.buildOrThrow();
  }

  /**
   * The same node with a route between an address of ours and a peer.
   *
   * @param ours the care-of address by which ours is bound at the peer; empty if it is not
   * @param peers likewise of the peer, bound here
   */
  PolicyState routed(
      Ipv6Address local,
      Ipv6Address peer,
      Optional<Ipv6Address> ours,
      Optional<Ipv6Address> peers) {
    return routed(local, peer, by(ours), by(peers));
  }

  private PolicyState routed(Ipv6Address local, Ipv6Address peer, Route ours, Route peers) {
    Map<WishOwner, MobilityWish> wishes = new LinkedHashMap<>(inputs.wishes());
    wishes.put(
        WishOwner.route(local, peer), RoutePolicies.route(local, peer, ours, peers, tunnel(local)));
    return with(inputs.withWishes(ImmutableMap.copyOf(wishes)));
  }

  private static Route by(Optional<Ipv6Address> careOf) {
    Optional<CareOfAddress> one = careOf.map(CareOfAddress::new);
    return new Route(one, one);
  }

  /**
   * The same node with the routes that another state of it has, as far as it has such routes.
   *
   * @param optimized to which peers it registers its own care-of address
   */
  PolicyState withRoutesOf(PolicyState other, Predicate<Ipv6Address> optimized) {
    PolicyState all = this;
    for (Map.Entry<WishOwner, MobilityWish> entry : other.inputs.wishes().entrySet()) {
      Ipv6Address local = entry.getKey().address();
      Optional<Ipv6Address> peer =
          entry.getKey().peer().filter(it -> !it.equals(Ipv6Address.UNSPECIFIED));
      if (peer.isEmpty()) {
        continue;
      }
      RouteRoles roles = rolesOf(local);
      Route ours =
          roles.optimizes() && optimized.test(peer.get())
              ? ours(entry.getValue(), local, peer.get())
              : Route.NONE;
      Route peers = roles.corresponds() ? peers(entry.getValue(), local, peer.get()) : Route.NONE;
      if (!(ours.equals(Route.NONE) && peers.equals(Route.NONE))) {
        all = all.routed(local, peer.get(), ours, peers);
      }
    }
    return all;
  }

  private RouteRoles rolesOf(Ipv6Address local) {
    return homes.stream()
        .filter(one -> one.mobileNode() && one.address().equals(local))
        .map(Home::roles)
        .findFirst()
        .orElseGet(() -> new RouteRoles(/* optimizes= */ false, isCorrespondent()));
  }

  /** Whether it takes bindings of anybody, other than as a mobile node. */
  private boolean isCorrespondent() {
    return inputs.wishes().keySet().stream()
        .anyMatch(it -> it.peer().equals(Optional.of(Ipv6Address.UNSPECIFIED)));
  }

  /** By which care-of address of ours, as the states of a route's wish say. */
  private static Route ours(MobilityWish wish, Ipv6Address local, Ipv6Address peer) {
    return new Route(
        careOf(wish, TransformProtocol.HAO, local, peer),
        careOf(wish, TransformProtocol.ROUTE2, peer, local));
  }

  /** Likewise of the peer. */
  private static Route peers(MobilityWish wish, Ipv6Address local, Ipv6Address peer) {
    return new Route(
        careOf(wish, TransformProtocol.ROUTE2, local, peer),
        careOf(wish, TransformProtocol.HAO, peer, local));
  }

  private static Optional<CareOfAddress> careOf(
      MobilityWish wish, TransformProtocol protocol, Ipv6Address from, Ipv6Address to) {
    var id = new RouteOptimizationState.Id(protocol, from, to);
    return wish.states().stream()
        .filter(one -> one.id().equals(id))
        .map(one -> new CareOfAddress(one.careOf()))
        .findFirst();
  }

  private static Route at(Route before, Ipv6Address home, Ipv6Address careOf) {
    return careOf.equals(home)
        ? Route.NONE
        : new Route(
            before.use().map(old -> new CareOfAddress(careOf)),
            before.accept().map(old -> new CareOfAddress(careOf)));
  }

  /** Of a home address of ours that is away. */
  private Optional<Tunnel> tunnel(Ipv6Address home) {
    return homes.stream()
        .filter(one -> one.mobileNode() && one.address().equals(home))
        .flatMap(one -> one.tunnel().stream())
        .findFirst();
  }

  private static KnownAssociation moved(
      KnownAssociation association, Ipv6Address from, Ipv6Address to) {
    AssociationId id = association.id();
    return new KnownAssociation(
        id.destination().equals(from) ? new AssociationId(to, id.protocol(), id.spi()) : id,
        association.source().equals(from) ? to : association.source(),
        association.mode(),
        association.reqId(),
        association.algorithms(),
        association.lengths());
  }

  /** What the wishes of a running node say of where its home addresses are. */
  static ImmutableList<Home> bound(ImmutableList<Home> homes, PolicyInputs inputs) {
    return homes.stream()
        .map(
            home -> {
              var id =
                  new RouteOptimizationState.Id(
                      TransformProtocol.HAO, home.address(), home.agent());
              return home.bound(
                  inputs.states().stream()
                      .filter(state -> state.id().equals(id))
                      .map(RouteOptimizationState::careOf)
                      .findFirst());
            })
        .collect(toImmutableList());
  }

  PolicyState with(PolicyInputs newInputs) {
    return new PolicyState(world, newInputs, associations, homes);
  }

  static KnownAssociation known(SecurityAssociation association) {
    return known(
        association.id(),
        association.source(),
        association.mode(),
        association.reqId(),
        association.encryption().kernelName(),
        association.integrity().kernelName());
  }

  static KnownAssociation known(AssociationStatus association) {
    return known(
        association.id(),
        association.source(),
        association.mode(),
        association.reqId(),
        association.encryption(),
        association.integrity());
  }

  /**
   * @param encryption as the kernel names it; what we do not know has no lengths
   */
  static KnownAssociation known(
      AssociationId id,
      Ipv6Address source,
      Mode mode,
      ReqId reqId,
      String encryption,
      String integrity) {
    Optional<EncryptionAlgorithm> cipher =
        Arrays.stream(EncryptionAlgorithm.values())
            .filter(one -> one.kernelName().equals(encryption))
            .findFirst();
    Optional<IntegrityAlgorithm> hmac =
        Arrays.stream(IntegrityAlgorithm.values())
            .filter(one -> one.kernelName().equals(integrity))
            .findFirst();
    return new KnownAssociation(
        id,
        source,
        mode,
        reqId,
        (encryption + " " + integrity).strip(),
        cipher.flatMap(
            one ->
                hmac.map(
                    it ->
                        new KnownAssociation.Lengths(
                            one.ivLength(),
                            one.blockLength(),
                            one.isCombined() ? COMBINED_ICV : it.icvLength()))));
  }

  /** AES-GCM's (RFC 4106 section 6), the only combined algorithm that we have. */
  private static final int COMBINED_ICV = 16;
}
