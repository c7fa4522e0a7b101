package io.mipd.mobility.mn;

import static com.google.common.base.Preconditions.checkArgument;
import static io.mipd.mobility.NodeAction.Refusal.UNEXPECTED;
import static io.mipd.mobility.NodeAction.Refusal.UNPROTECTED;
import static io.mipd.mobility.NodeAction.Refusal.WRONG_ADDRESS;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Place;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.binding.Backoff;
import io.mipd.mobility.binding.OutstandingUpdate;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborSolicitation;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * The mobile node of RFC 6275 section 11: where it is, and its registration with its home agent.
 *
 * <p>After a movement the tunnel uses the new care-of address as soon as the Binding Update is on
 * its way: what follows it on the same path finds the binding made. If the update is not answered
 * in time and the old care-of address still works, the tunnel goes back to it until the new one is
 * acknowledged.
 */
public final class MobileNode implements MobilityNode {
  /** Updates of which an acknowledgement is still taken; older ones have been superseded. */
  private static final int MAX_OUTSTANDING = 8;

  /** Then the home agent is taken as gone, where another may be tried. */
  private static final int MAX_UNANSWERED = 4;

  /** How long the end of a registration waits for correspondents to forget their bindings first. */
  private static final Duration FAREWELL = Duration.ofSeconds(5);

  private MobileNodeSettings settings;
  private final HomeAddress home;
  private final HomePolicies policies;
  private final Optional<RouteOptimizer> optimizer;
  private final PrefixDiscovery prefixes;
  private final Optional<GroupListener> groups;
  private final Map<Integer, Uplink> uplinks = new LinkedHashMap<>();
  private final Map<Integer, String> names = new LinkedHashMap<>();

  private Attachment attachment = new Attachment.Nowhere();
  private NodeEvent.AttachmentChosen chosen = NodeEvent.AttachmentChosen.FREE;
  private SequenceNumber sequence;

  /** The home agent may have a binding of ours, from now or from before a restart. */
  private boolean bindingMayExist;

  private Optional<Acknowledged> acknowledged = Optional.empty();

  /** K of what was acknowledged last: the home agent's key management moves with us. */
  private boolean keyManagement;

  private Optional<Pending> pending = Optional.empty();

  /** The mobile node's end of the tunnel, whether acknowledged or not. */
  private Optional<CareOfAddress> tunnelEnd = Optional.empty();

  /** On the home link with the tunnel still there: it takes what arrives. */
  private boolean returning;

  /** Nothing but the same has been asked of the home agent since what it has acknowledged. */
  private boolean settled;

  /** An update that may not be sent before this time. */
  private Optional<Instant> deferredUntil = Optional.empty();

  /** Updates since the home agent has said something. */
  private int unanswered;

  private final MessageRates.Limit rate;

  /** The operator has ended the registration, and none is wanted. */
  private boolean dismissed;

  /** When the home agent is told of it at the latest; correspondents are told first. */
  private Optional<Instant> farewellUntil = Optional.empty();

  /** On the home link, looking for the home agent's link-layer address. */
  private Optional<Search> search = Optional.empty();

  /** On the home link, making sure that nobody else has the home address. */
  private boolean detecting;

  /** On the home link somebody answers for the home address, who need not be our home agent. */
  private boolean contested;

  /** Somebody on the home link has the home address (RFC 6275 section 11.7.1). */
  private boolean duplicate;

  /** Its prefix is not valid, or not yet, and nothing of the home address is in use. */
  private boolean retired;

  /** The home agent has said that its prefix is over, and correspondents and it are told so. */
  private boolean withdrawing;

  /** The last that was said of it: the home address may be taken for new communication. */
  private boolean preferred = true;

  private boolean isHome;
  private int announcements;
  private Optional<Instant> announceAt = Optional.empty();

  /**
   * @param left solicitations that may still be sent
   */
  private record Search(int left, Instant next) {}

  /** The binding that the home agent has. */
  private record Acknowledged(CareOfAddress careOf, Instant refreshAt, Instant expiry) {}

  /**
   * Updates that wait for an answer, the newest last.
   *
   * @param timeout what the next wait is twice of (RFC 6275 section 11.8)
   */
  private record Pending(
      ImmutableList<OutstandingUpdate> outstanding, Duration timeout, Instant retransmitAt) {
    OutstandingUpdate newest() {
      return outstanding.get(outstanding.size() - 1);
    }

    Pending withRetransmission(Instant at) {
      return new Pending(outstanding, timeout, at);
    }
  }

  /**
   * @param bindingMayExist whether an earlier life of this node registered and did not de-register
   * @param lastSequence the last sequence number that it used
   * @param random of cryptographic quality
   */
  public MobileNode(
      MobileNodeSettings settings,
      boolean bindingMayExist,
      SequenceNumber lastSequence,
      RandomGenerator random) {
    this(settings, bindingMayExist, lastSequence, new MessageRates(), random);
  }

  /**
   * For one of several home addresses.
   *
   * @param rates which all of them share
   */
  public MobileNode(
      MobileNodeSettings settings,
      boolean bindingMayExist,
      SequenceNumber lastSequence,
      MessageRates rates,
      RandomGenerator random) {
    this.settings = settings;
    rate = rates.limit(MobilityMessage.BINDING_UPDATE, settings.homeAgent());
    this.bindingMayExist = bindingMayExist;
    retired = settings.advertisedOnly() && !bindingMayExist;
    sequence = lastSequence;
    home = settings.homeAddress();
    policies = settings.policies();
    prefixes = new PrefixDiscovery(settings, bindingMayExist, random);
    groups =
        settings.groupsByTunnel() ? Optional.of(new GroupListener(home, random)) : Optional.empty();
    optimizer =
        settings
            .routeOptimization()
            .map(
                it ->
                    new RouteOptimizer(
                        home, settings.homeAgent(), it, this::isOurs, rates, random));
  }

  /** The address that it registers. */
  public HomeAddress homeAddress() {
    return home;
  }

  /** The care-of address that the home agent has acknowledged. */
  public Optional<CareOfAddress> registeredCareOf() {
    return acknowledged.map(Acknowledged::careOf);
  }

  /** What it asks its home agent for. */
  public Duration lifetime() {
    return settings.lifetime();
  }

  /** When the registration ends if it is not renewed. */
  public Optional<Instant> registeredUntil() {
    return acknowledged.map(Acknowledged::expiry);
  }

  /**
   * Whether key management moves along with us, by the home agent's last word: K (RFC 6275 section
   * 6.1.8). Without it the associations are to be negotiated anew wherever we come to.
   */
  public boolean keyManagementMoves() {
    return keyManagement;
  }

  /** Whether the operator has ended the registration, so that none is made away from home. */
  public boolean isDismissed() {
    return dismissed;
  }

  /**
   * The care-of address at which the tunnel to the home agent ends, acknowledged or not; empty
   * without a tunnel.
   */
  public Optional<CareOfAddress> tunnelEnd() {
    return tunnelEnd;
  }

  /**
   * Whether a message to the node is for this home address of it: those that come to a care-of
   * address are for the one whose peer they are from.
   */
  public boolean isConcerned(MobilityMessage message, Arrival arrival) {
    if (arrival.destination().equals(home.value())) {
      return true;
    } else if (message instanceof MobilityMessage.BindingError error
        && !error.homeAddress().isUnspecified()) {
      return error.homeAddress().equals(home.value());
    }
    return optimizer.filter(it -> it.isExpectingAtCareOf(message, arrival.source())).isPresent();
  }

  /** Whether prefix discovery is for this home address of the node. */
  public boolean isConcerned(NodeEvent.PrefixDiscoveryArrived discovery) {
    return discovery.arrival().destination().equals(home.value());
  }

  /** Whether a Mobile Prefix Advertisement is what it has asked for, and will be believed. */
  public boolean expects(NodeEvent.PrefixDiscoveryArrived discovery) {
    return prefixes.expects(discovery);
  }

  /** Whether what it believes of prefixes has come by an association with the home agent. */
  public boolean protectsPrefixDiscovery() {
    return settings.protection().prefixDiscovery().isPresent();
  }

  /** Whether the home address may be used at all, as far as its prefix is told. */
  public boolean isValid(Instant now) {
    return prefixes.isValid(now);
  }

  /** Whether it may be taken for new communication. */
  public boolean isPreferred(Instant now) {
    return prefixes.isPreferred(now);
  }

  /** The correspondents in the Binding Update List. */
  public ImmutableList<RouteStatus> routes(Instant now) {
    return optimizer.map(it -> it.routes(now)).orElse(ImmutableList.of());
  }

  /**
   * Goes by these from now on; what has been registered stays as it is until it is renewed. To be
   * followed by an event.
   *
   * @param interfaces the same as before, with their preferences
   * @param routeOptimization present if it was
   */
  public void adopt(
      Duration lifetime,
      ImmutableMap<String, Integer> interfaces,
      Optional<RouteOptimizationSettings> routeOptimization) {
    checkArgument(
        interfaces.keySet().equals(settings.interfaces().keySet()),
        "other interfaces: %s",
        interfaces);
    checkArgument(
        routeOptimization.isPresent() == optimizer.isPresent(),
        "route optimization cannot be switched");
    settings = settings.with(lifetime, interfaces, routeOptimization);
    names.forEach(
        (index, name) -> {
          Uplink uplink = uplinks.get(index);
          Integer preference = interfaces.get(name);
          if (uplink != null && preference != null) {
            uplink.setPreference(preference);
          }
        });
    optimizer.ifPresent(it -> it.adopt(routeOptimization.orElseThrow()));
  }

  /** Why packets to a peer take the way that they take. */
  public RouteVerdict why(Instant now, Ipv6Address peer) {
    return optimizer
        .map(it -> it.why(now, peer))
        .orElseGet(() -> RouteVerdict.of(RouteVerdict.Reason.SWITCHED_OFF));
  }

  /** The routers that are heard, by interface. */
  public ImmutableList<RouterStatus> routers(Instant now) {
    return uplinks.values().stream()
        .flatMap(uplink -> uplink.routers(now, settings.homePrefix()).stream())
        .collect(ImmutableList.toImmutableList());
  }

  /** Whether the home address is in use on the home link. */
  public boolean isAtHome() {
    return isHome;
  }

  @Override
  public List<NodeAction> handle(Instant now, NodeEvent event) {
    List<NodeAction> actions = new ArrayList<>();
    boolean comesBack = false;
    if (event instanceof NodeEvent.Started) {
      actions.add(want(policies.mobileNodeUnregistered()));
      actions.add(new NodeAction.PlaceHomeAddress(home, Place.NOWHERE, 0));
    } else if (event instanceof NodeEvent.LinkChanged change) {
      linkChanged(change, actions);
    } else if (event instanceof NodeEvent.AddressChanged change) {
      addressChanged(change, actions);
    } else if (event instanceof NodeEvent.Icmpv6Arrived arrived) {
      icmpv6(now, arrived, actions);
    } else if (event instanceof NodeEvent.MobilityMessageArrived arrived) {
      arrived(now, arrived.message(), arrived.arrival(), actions);
    } else if (event instanceof NodeEvent.PrefixDiscoveryArrived arrived) {
      prefixes.arrived(now, arrived, attachment instanceof Attachment.Away, actions);
    } else if (event instanceof NodeEvent.HomePrefixesTold news) {
      prefixes.toldAnother(now, news.advertisement(), news.isProtected(), actions);
    } else if (event instanceof NodeEvent.ListenerMessageArrived arrived) {
      askedForGroups(now, arrived);
    } else if (event instanceof NodeEvent.GroupsJoined joined) {
      groups.ifPresent(it -> it.joined(now, joined.groups(), actions));
    } else if (event instanceof NodeEvent.DadFinished finished) {
      dadFinished(now, finished, actions);
    } else if (event instanceof NodeEvent.TunnelledPayload payload) {
      optimizer.ifPresent(it -> it.tunnelled(now, payload, actions));
    } else if (event instanceof NodeEvent.AttachmentChosen choice) {
      chosen = choice;
      comesBack = dismissed;
      dismissed = false;
      farewellUntil = Optional.empty();
    } else if (event instanceof NodeEvent.BindingDismissed gone
        && gone.homeAddress().equals(home)) {
      dismissed = true;
      takeLeave(now);
    } else if (event instanceof NodeEvent.RoutesUsed used) {
      optimizer.ifPresent(it -> it.used(now, used));
    } else if (event instanceof NodeEvent.PacketFailed failed) {
      optimizer.ifPresent(it -> it.packetFailed(now, failed.packet(), actions));
    } else if (event instanceof NodeEvent.ShutdownRequested) {
      // The binding stays until it expires: the node may be back in a moment.
      return actions;
    }
    for (Uplink uplink : uplinks.values()) {
      actions.addAll(uplink.deadlines(now));
    }
    Attachment before = attachment;
    attach(now, actions);
    if (comesBack && attachment.equals(before)) {
      comeBack(now, actions);
    }
    deadlines(now, actions);
    prefixes.deadlines(now, knownBy(), actions);
    sayWhetherPreferred(now, actions);
    optimizer.ifPresent(it -> it.follow(now, standing(now), actions));
    sayFarewell(now, actions);
    groups.ifPresent(it -> followGroups(now, it, actions));
    return attachment.equals(before) ? actions : testsFirst(actions);
  }

  /**
   * A Care-of Test Init goes by itself, without the policies that come with a movement, and is not
   * to wait until they are merged. Where policies are the first, nothing is to come before them.
   */
  private static List<NodeAction> testsFirst(List<NodeAction> actions) {
    int policies = 0;
    while (policies < actions.size() && !isForPolicies(actions.get(policies))) {
      policies++;
    }
    if (policies == 0) {
      return actions;
    }
    List<NodeAction> rest = actions.subList(policies, actions.size());
    return Stream.of(
            actions.subList(0, policies).stream(),
            rest.stream().filter(MobileNode::isCareOfTest),
            rest.stream().filter(it -> !isCareOfTest(it)))
        .flatMap(some -> some)
        .toList();
  }

  private static boolean isForPolicies(NodeAction action) {
    return action instanceof NodeAction.WantMobility
        || action instanceof NodeAction.WantRoute
        || action instanceof NodeAction.MoveTunnel;
  }

  private void askedForGroups(Instant now, NodeEvent.ListenerMessageArrived arrived) {
    if (arrived.arrival().destination().equals(home.value())
        && isReachedByTunnel()
        && arrived.message() instanceof Icmpv6Message.ListenerQuery query) {
      groups.ifPresent(it -> it.asked(now, query));
    }
  }

  private void followGroups(Instant now, GroupListener it, List<NodeAction> actions) {
    if (isReachedByTunnel()) {
      it.deadlines(now, actions);
    } else {
      it.unbound();
    }
  }

  private boolean isReachedByTunnel() {
    return !isHome && acknowledged.isPresent() && tunnelEnd.isPresent();
  }

  private static boolean isCareOfTest(NodeAction action) {
    return action instanceof NodeAction.SendMessage send
        && send.message() instanceof MobilityMessage.CareOfTestInit;
  }

  private void sayWhetherPreferred(Instant now, List<NodeAction> actions) {
    if (preferred != prefixes.isPreferred(now)) {
      preferred = !preferred;
      actions.add(new NodeAction.PreferHomeAddress(home, preferred));
    }
  }

  /** The care-of address by which the home agent reaches us now. */
  private Optional<CareOfAddress> knownBy() {
    return attachment instanceof Attachment.Away
        ? registeredCareOf().filter(it -> tunnelEnd.equals(Optional.of(it)))
        : Optional.empty();
  }

  private Standing standing(Instant now) {
    if (isHome) {
      return new Standing.Home();
    }
    if (!(attachment instanceof Attachment.Away away)) {
      return new Standing.Nowhere();
    }
    Optional<CareOfAddress> here = Optional.of(away.careOf());
    return new Standing.Away(
        away.careOf(),
        tunnelEnd.isPresent() && !returning,
        settled
                && !isLeaving()
                && prefixes.isValid(now)
                && registeredCareOf().equals(here)
                && tunnelEnd.equals(here)
            ? acknowledged.map(it -> bindableUntil(now, it))
            : Optional.empty());
  }

  /** No binding shall outlast the home registration, nor the addresses that it joins (11.7.2). */
  private Instant bindableUntil(Instant now, Acknowledged it) {
    return Stream.of(Optional.of(it.expiry()), prefixes.validUntil(now), validUntil(it.careOf()))
        .flatMap(Optional::stream)
        .min(Instant::compareTo)
        .orElseThrow();
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return Stream.of(
            uplinks.values().stream().flatMap(uplink -> uplink.nextDeadline().stream()),
            pending.map(Pending::retransmitAt).stream(),
            renewal().stream(),
            acknowledged.map(Acknowledged::expiry).stream(),
            deferredUntil.stream(),
            search.map(Search::next).stream(),
            announceAt.stream(),
            farewellUntil.stream(),
            prefixes.nextDeadline(knownBy().isPresent()).stream(),
            groups.flatMap(GroupListener::nextDeadline).stream(),
            optimizer.flatMap(RouteOptimizer::nextDeadline).stream())
        .flatMap(instants -> instants)
        .min(Instant::compareTo);
  }

  /** When the binding is to be renewed; not while an update is on its way anyway. */
  private Optional<Instant> renewal() {
    return pending.isPresent()
            || deferredUntil.isPresent()
            || isLeaving()
            || !(attachment instanceof Attachment.Away)
        ? Optional.empty()
        : acknowledged.map(Acknowledged::refreshAt);
  }

  private void deadlines(Instant now, List<NodeAction> actions) {
    if (acknowledged.isPresent()
        && (isDue(now, acknowledged.map(Acknowledged::expiry)) || prefixes.runsOut(now))) {
      actions.add(new NodeAction.Tell("the binding has expired without being renewed"));
      acknowledged = Optional.empty();
      bindingMayExist = false;
      if (!isHome) {
        leaveTunnel(actions);
      }
      if (isLeaving() && !(attachment instanceof Attachment.Home)) {
        // What the home agent was to be told has become true by itself.
        pending = Optional.empty();
        deferredUntil = Optional.empty();
      } else if (attachment instanceof Attachment.Away && pending.isEmpty()) {
        sendUpdate(now, firstTimeout(), actions);
      }
    }
    if (isDue(now, search.map(Search::next))) {
      searchAgain(now, actions);
    }
    if (isDue(now, deferredUntil)) {
      deferredUntil = Optional.empty();
      sendUpdate(now, firstTimeout(), actions);
    } else if (isDue(now, renewal())) {
      sendUpdate(now, firstTimeout(), actions);
    } else if (pending.isPresent() && isDue(now, pending.map(Pending::retransmitAt))) {
      retransmit(now, actions);
    }
    if (isDue(now, announceAt)) {
      announce(now, actions);
    }
  }

  private static boolean isDue(Instant now, Optional<Instant> when) {
    return when.isPresent() && !now.isBefore(when.get());
  }

  private void linkChanged(NodeEvent.LinkChanged change, List<NodeAction> actions) {
    Integer preference = settings.interfaces().get(change.name());
    if (preference == null) {
      return;
    }
    names.put(change.interfaceIndex(), change.name());
    Uplink uplink =
        uplinks.computeIfAbsent(change.interfaceIndex(), index -> new Uplink(index, preference));
    if (uplink.setUp(change.up(), change.address())) {
      actions.add(new NodeAction.SolicitRouters(uplink.index()));
    }
  }

  private void addressChanged(NodeEvent.AddressChanged change, List<NodeAction> actions) {
    Uplink uplink = uplinks.get(change.interfaceIndex());
    if (uplink == null) {
      return;
    }
    if (uplink.setAddress(change.address(), change.prefixLength(), change.state())) {
      actions.add(new NodeAction.Tell(change.address() + " is somebody else's on this link"));
    }
  }

  private void icmpv6(Instant now, NodeEvent.Icmpv6Arrived arrived, List<NodeAction> actions) {
    Uplink uplink = uplinks.get(arrived.interfaceIndex());
    if (uplink == null || !uplink.isUp() || arrived.hopLimit() != 255) {
      return;
    }
    if (arrived.message() instanceof RouterAdvertisement advertisement) {
      if (arrived.source().isLinkLocal()) {
        actions.addAll(uplink.heard(now, arrived.source(), advertisement));
        if (isHomeLink(uplink)) {
          prefixes.heard(now, advertisement, actions);
        }
      }
    } else if (arrived.message() instanceof NeighborAdvertisement advertisement) {
      foundAgent(now, uplink, advertisement, actions);
    } else if (arrived.message() instanceof NeighborSolicitation solicitation) {
      defend(uplink, arrived, solicitation, actions);
    }
  }

  /**
   * While we are coming home the kernel does not have the address on the link, but the home agent
   * may have to find us to acknowledge (RFC 6275 section 11.5.5).
   */
  private void defend(
      Uplink uplink,
      NodeEvent.Icmpv6Arrived arrived,
      NeighborSolicitation solicitation,
      List<NodeAction> actions) {
    boolean comingHome =
        !isHome
            && pending.isPresent()
            && attachment instanceof Attachment.Home at
            && at.interfaceIndex() == uplink.index();
    if (!comingHome
        || !solicitation.target().equals(home.value())
        || arrived.source().isUnspecified()
        || uplink.linkLayerAddress().isEmpty()) {
      return;
    }
    actions.add(
        new NodeAction.SendIcmpv6(
            uplink.index(),
            home.value(),
            arrived.source(),
            advertisement(home.value(), true, uplink.linkLayerAddress().get())));
  }

  private static NeighborAdvertisement advertisement(
      Ipv6Address target, boolean solicited, LinkLayerAddress address) {
    return new NeighborAdvertisement(
        false,
        solicited,
        true,
        target,
        ImmutableList.of(new NdOption.TargetLinkLayerAddress(address)));
  }

  /** Finds out where we are, and acts if that has changed (RFC 6275 section 11.5). */
  private void attach(Instant now, List<NodeAction> actions) {
    if (!prefixes.mayBeRegistered()) {
      withdraw(now, actions);
      return;
    }
    retired = false;
    if (withdrawing) {
      withdrawing = false;
      farewellUntil = Optional.empty();
      comeBack(now, actions);
    }
    Attachment next = whereWeAre();
    if (next instanceof Attachment.Home && !prefixes.isValid(now)) {
      next = new Attachment.Nowhere();
    }
    if (next.equals(attachment)) {
      return;
    }
    Attachment before = attachment;
    attachment = next;
    deferredUntil = Optional.empty();
    search = Optional.empty();
    detecting = false;
    contested = false;
    if (next instanceof Attachment.Nowhere) {
      nowhere(before, actions);
    } else if (next instanceof Attachment.Home at) {
      comeHome(now, at, actions);
    } else if (next instanceof Attachment.Away away) {
      goAway(now, away, actions);
    }
  }

  /** What the operator has chosen, as long as it can be had; else what is best. */
  private Attachment whereWeAre() {
    for (Uplink uplink : uplinks.values()) {
      if (chosen.careOf().filter(it -> mayBind(uplink, it)).isPresent()) {
        return new Attachment.Away(uplink.index(), chosen.careOf().get());
      } else if (chosen.interfaceIndex().equals(OptionalInt.of(uplink.index()))) {
        Optional<Attachment> there =
            isHomeLink(uplink)
                ? Optional.of(new Attachment.Home(uplink.index()))
                : candidate(uplink).map(Candidate::away);
        if (there.isPresent()) {
          return there.get();
        }
      }
    }
    return best();
  }

  /** All our home addresses are of one link, whichever of their prefixes is announced yet. */
  private boolean isHomeLink(Uplink uplink) {
    return uplink.announces(settings.homePrefix())
        || settings.siblings().stream().anyMatch(uplink::announcesPrefixOf);
  }

  private boolean mayBind(Uplink uplink, CareOfAddress careOf) {
    return uplink.mayUse(careOf.value())
        && !settings.isHomeAddress(careOf.value())
        && !settings.homePrefix().contains(careOf.value());
  }

  /** Whether an address could carry the binding now: the operator may choose it. */
  public boolean mayBind(CareOfAddress careOf) {
    return uplinks.values().stream().anyMatch(uplink -> mayBind(uplink, careOf));
  }

  /** Whether the home link, or a care-of address, is on that interface now. */
  public boolean mayAttach(int interfaceIndex) {
    return Optional.ofNullable(uplinks.get(interfaceIndex))
        .filter(uplink -> isHomeLink(uplink) || candidate(uplink).isPresent())
        .isPresent();
  }

  /**
   * The home link before all others; then an address that is not deprecated (RFC 6275 section
   * 11.5.3), by preference, and among equals where we are already.
   */
  private Attachment best() {
    for (Uplink uplink : uplinks.values()) {
      if (isHomeLink(uplink)) {
        return new Attachment.Home(uplink.index());
      }
    }
    return uplinks.values().stream()
        .flatMap(uplink -> candidate(uplink).stream())
        .sorted(
            Comparator.<Candidate, Boolean>comparing(Candidate::deprecated)
                .thenComparing(Candidate::preference, Comparator.reverseOrder())
                .thenComparing(it -> !it.away().equals(attachment)))
        .map(Candidate::away)
        .findFirst()
        .map(Attachment.class::cast)
        .orElseGet(Attachment.Nowhere::new);
  }

  /** A link that would do, and the address there. */
  private record Candidate(Attachment.Away away, boolean deprecated, int preference) {}

  /** What an uplink has to offer: the address that is in use, while there is none better. */
  private Optional<Candidate> candidate(Uplink uplink) {
    Optional<CareOfAddress> current =
        attachment instanceof Attachment.Away away
                && away.interfaceIndex() == uplink.index()
                && uplink.mayUse(away.careOf().value())
            ? Optional.of(away.careOf())
            : Optional.empty();
    return uplink
        .careOf(it -> settings.homePrefix().contains(it) || settings.isHomeAddress(it))
        .map(
            best ->
                current
                    .filter(
                        it -> !uplink.isDeprecated(it.value()) || uplink.isDeprecated(best.value()))
                    .orElse(best))
        .map(
            careOf ->
                new Candidate(
                    new Attachment.Away(uplink.index(), careOf),
                    uplink.isDeprecated(careOf.value()),
                    uplink.preference()));
  }

  private void nowhere(Attachment before, List<NodeAction> actions) {
    // Updates would have no way out. The binding stays as it is: the link may come back.
    pending = Optional.empty();
    boolean collision =
        before instanceof Attachment.Away away
            && Optional.ofNullable(uplinks.get(away.interfaceIndex()))
                .filter(uplink -> uplink.isDuplicate(away.careOf().value()))
                .isPresent();
    if (isHome || collision) {
      // At home the cable is out; or the care-of address is another's, and so is the tunnel's end.
      acknowledged = Optional.empty();
      leaveTunnel(actions);
    }
  }

  /**
   * The home address is valid no more, by the home agent's word. Correspondents learn of it first
   * (RFC 6275 section 11.4.2), then the home agent, as far as there is a way.
   */
  private void withdraw(Instant now, List<NodeAction> actions) {
    boolean reachable =
        bindingMayExist
            && acknowledged.isPresent()
            && tunnelEnd.isPresent()
            && attachment instanceof Attachment.Away
            && whereWeAre().equals(attachment);
    if (!reachable) {
      withdrawing = false;
      retire(actions);
    } else if (!withdrawing) {
      withdrawing = true;
      takeLeave(now);
    }
  }

  /** The home address is used no more (RFC 4862 section 5.5.4). */
  private void retire(List<NodeAction> actions) {
    if (retired) {
      return;
    }
    retired = true;
    attachment = new Attachment.Nowhere();
    deferredUntil = Optional.empty();
    search = Optional.empty();
    detecting = false;
    contested = false;
    pending = Optional.empty();
    acknowledged = Optional.empty();
    farewellUntil = Optional.empty();
    if (bindingMayExist) {
      bindingMayExist = false;
      actions.add(new NodeAction.ForgetBinding(home, sequence));
    }
    leaveTunnel(actions);
  }

  /**
   * RFC 6275 section 11.5.5: as long as the home agent may answer for the home address, it is told
   * first, and found without asking in the home address's name.
   */
  private void comeHome(Instant now, Attachment.Home at, List<NodeAction> actions) {
    pending = Optional.empty();
    if (!bindingMayExist) {
      // No home agent defends it, so it is for us to make sure that it is still unique.
      detect(at, actions);
      return;
    }
    if (tunnelEnd.isPresent()) {
      // The update goes without a Home Address option, so no state must add one.
      returning = true;
      actions.add(want(policies.mobileNodeReturning(tunnelEnd.get())));
    }
    Optional<LinkLayerAddress> agent = uplink(at).linkLayerAddressOf(settings.homeAgent());
    if (agent.isPresent()) {
      tellAgent(now, at, agent.get(), actions);
    } else {
      search = Optional.of(new Search(ProtocolConstants.MAX_MULTICAST_SOLICIT, now));
      searchAgain(now, actions);
    }
  }

  private void detect(Attachment.Home at, List<NodeAction> actions) {
    detecting = true;
    actions.add(new NodeAction.StartDad(at.interfaceIndex(), home));
  }

  private void tellAgent(
      Instant now, Attachment.Home at, LinkLayerAddress agent, List<NodeAction> actions) {
    search = Optional.empty();
    actions.add(new NodeAction.KnowNeighbor(at.interfaceIndex(), settings.homeAgent(), agent));
    sendUpdate(now, ProtocolConstants.INITIAL_BINDACK_TIMEOUT, actions);
  }

  /** From the unspecified address, for our own: whoever answers for it is the home agent. */
  private void searchAgain(Instant now, List<NodeAction> actions) {
    Search current = search.orElseThrow();
    if (!(attachment instanceof Attachment.Home at)) {
      search = Optional.empty();
      return;
    }
    if (current.left() == 0) {
      // Nobody answers for it. The kernel may ask for the home agent in its own name.
      search = Optional.empty();
      sendUpdate(now, ProtocolConstants.INITIAL_BINDACK_TIMEOUT, actions);
      return;
    }
    search = Optional.of(new Search(current.left() - 1, now.plus(ProtocolConstants.RETRANS_TIMER)));
    actions.add(
        new NodeAction.SendIcmpv6(
            at.interfaceIndex(),
            Ipv6Address.UNSPECIFIED,
            home.value().solicitedNodeMulticast(),
            new NeighborSolicitation(home.value(), ImmutableList.of())));
  }

  private void foundAgent(
      Instant now, Uplink uplink, NeighborAdvertisement advertisement, List<NodeAction> actions) {
    Optional<NdOption.TargetLinkLayerAddress> address =
        advertisement.option(NdOption.TargetLinkLayerAddress.class);
    if (search.isPresent()
        && attachment instanceof Attachment.Home at
        && at.interfaceIndex() == uplink.index()
        && advertisement.target().equals(home.value())
        && !advertisement.solicited()
        && address.isPresent()) {
      tellAgent(now, at, address.get().address(), actions);
    }
  }

  /** The home address on the home link, after no home agent had to be asked to leave it. */
  private void dadFinished(Instant now, NodeEvent.DadFinished finished, List<NodeAction> actions) {
    if (!detecting
        || !finished.address().equals(home)
        || !(attachment instanceof Attachment.Home at)) {
      return;
    }
    detecting = false;
    if (finished.unique()) {
      placeAtHome(now, at, actions);
      return;
    }
    actions.add(new NodeAction.Tell("somebody on the home link answers for " + home));
    if (contested) {
      // The home agent has said that it is not him: the address is not to be used.
      return;
    }
    // Perhaps it is our home agent, with a binding that we do not know of.
    contested = true;
    bindingMayExist = true;
    comeHome(now, at, actions);
  }

  private Uplink uplink(Attachment.Home at) {
    Uplink uplink = uplinks.get(at.interfaceIndex());
    if (uplink == null) {
      throw new IllegalStateException("attached to an interface that is not known: " + at);
    }
    return uplink;
  }

  /**
   * The kernel checks our link-local address as soon as the link is up. Where it has the home
   * address's interface identifier the home agent has defended it until now (L flag), so that it
   * seemed to be another's; it is ours, without another check (RFC 6275 section 11.5.5).
   */
  private void retakeLinkLocal(Attachment.Home at, List<NodeAction> actions) {
    for (Ipv6Address address : uplink(at).linkLocals()) {
      boolean failed = uplink(at).stateOf(address).equals(Optional.of(AddressState.DUPLICATE));
      if (failed && address.low() == home.value().low()) {
        actions.add(new NodeAction.RetakeAddress(at.interfaceIndex(), address));
      }
    }
  }

  private void placeAtHome(Instant now, Attachment.Home at, List<NodeAction> actions) {
    isHome = true;
    returning = false;
    duplicate = false;
    deferredUntil = Optional.empty();
    pending = Optional.empty();
    acknowledged = Optional.empty();
    tunnelEnd.ifPresent(end -> actions.add(move(end.value(), home.value())));
    tunnelEnd = Optional.empty();
    actions.add(want(policies.mobileNodeAtHome()));
    actions.add(new NodeAction.PlaceHomeAddress(home, Place.HOME, at.interfaceIndex()));
    announcements = ProtocolConstants.MAX_NEIGHBOR_ADVERTISEMENT;
    announce(now, actions);
  }

  /**
   * Tells the home link that the home address is ours again, and our link-local address likewise
   * (RFC 6275 section 11.5.5).
   */
  private void announce(Instant now, List<NodeAction> actions) {
    announceAt = Optional.empty();
    if (!(attachment instanceof Attachment.Home at) || !isHome) {
      return;
    }
    announcements--;
    if (announcements > 0) {
      announceAt = Optional.of(now.plus(ProtocolConstants.RETRANS_TIMER));
    }
    uplink(at)
        .linkLayerAddress()
        .ifPresent(
            address ->
                Stream.concat(Stream.of(home.value()), uplink(at).linkLocals().stream())
                    .forEach(
                        target ->
                            actions.add(
                                new NodeAction.SendIcmpv6(
                                    at.interfaceIndex(),
                                    home.value(),
                                    Ipv6Address.ALL_NODES,
                                    advertisement(target, false, address)))));
  }

  private void goAway(Instant now, Attachment.Away away, List<NodeAction> actions) {
    if (isHome) {
      isHome = false;
      announceAt = Optional.empty();
      actions.add(want(policies.mobileNodeUnregistered()));
      actions.add(new NodeAction.PlaceHomeAddress(home, Place.NOWHERE, 0));
    }
    pending = pending.filter(it -> isForAddressAway(it.newest()));
    if (dismissed) {
      takeLeave(now);
      return;
    }
    if (acknowledged.isPresent()
        && acknowledged.get().careOf().equals(away.careOf())
        && settled
        && pending.isEmpty()) {
      // Back where the home agent still knows us: the link had only been away for a while.
      useTunnel(away.careOf(), actions);
      return;
    }
    sendUpdate(now, firstTimeout(), actions);
    if (acknowledged.isPresent()) {
      useTunnel(away.careOf(), actions);
    }
  }

  /**
   * The registration is to end, wherever we are (RFC 6275 section 10.3.2). At home that happens
   * anyhow. Correspondents are told first: what they need for it comes by the home agent.
   */
  private void takeLeave(Instant now) {
    settled = false;
    deferredUntil = Optional.empty();
    if (attachment instanceof Attachment.Away && bindingMayExist) {
      optimizer.ifPresent(RouteOptimizer::endAll);
      farewellUntil = Optional.of(now.plus(FAREWELL));
    }
  }

  /** Tells the home agent, when no correspondent has a binding left, or time is over. */
  private void sayFarewell(Instant now, List<NodeAction> actions) {
    if (farewellUntil.isEmpty()) {
      return;
    }
    boolean told = optimizer.map(it -> it.routes(now).isEmpty()).orElse(true);
    if (!bindingMayExist || !(attachment instanceof Attachment.Away)) {
      farewellUntil = Optional.empty();
    } else if (told || isDue(now, farewellUntil)) {
      farewellUntil = Optional.empty();
      sendUpdate(now, ProtocolConstants.INITIAL_BINDACK_TIMEOUT, actions);
    }
  }

  /** A registration is wanted again where we are; the home agent may have ended the one before. */
  private void comeBack(Instant now, List<NodeAction> actions) {
    if (attachment instanceof Attachment.Away) {
      // What answers the end of the one before says nothing of this one.
      pending = Optional.empty();
      sendUpdate(now, ProtocolConstants.INITIAL_BINDACK_TIMEOUT_FIRST_REG, actions);
    }
  }

  /** No binding is wanted: so the operator says, or the home agent, whose prefix is over. */
  private boolean isLeaving() {
    return dismissed || withdrawing;
  }

  private boolean isForAddressAway(OutstandingUpdate update) {
    return !update.lifetime().isZero();
  }

  /** The long wait leaves the home agent time for its Duplicate Address Detection. */
  private Duration firstTimeout() {
    return acknowledged.isPresent()
        ? ProtocolConstants.INITIAL_BINDACK_TIMEOUT
        : ProtocolConstants.INITIAL_BINDACK_TIMEOUT_FIRST_REG;
  }

  /**
   * Sends a Binding Update for where we are, with a new sequence number. Where the operator has
   * ended the registration it ends the binding, by the care-of address that we have.
   */
  private void sendUpdate(Instant now, Duration timeout, List<NodeAction> actions) {
    boolean away = attachment instanceof Attachment.Away;
    boolean binds = away && !isLeaving();
    if (away && duplicate) {
      // RFC 6275 section 11.7.1: the home address must not be used again.
      return;
    }
    if (!rate.tryAcquire(now)) {
      deferredUntil = Optional.of(rate.earliest(now));
      pending = pending.map(it -> it.withRetransmission(deferredUntil.orElseThrow()));
      return;
    }
    deferredUntil = Optional.empty();
    CareOfAddress careOf =
        attachment instanceof Attachment.Away at ? at.careOf() : new CareOfAddress(home.value());
    BindingLifetime lifetime = binds ? lifetime(now, careOf) : BindingLifetime.DEREGISTER;
    sequence = sequence.next();
    settled = settled && !isLeaving() && registeredCareOf().equals(Optional.of(careOf));
    var update =
        new BindingUpdate(
            sequence,
            flags(),
            lifetime,
            ImmutableList.of(new MobilityOption.AlternateCareOfAddress(careOf)));
    if (binds && !bindingMayExist) {
      bindingMayExist = true;
      actions.add(
          new NodeAction.RememberBinding(
              home, careOf, sequence, BindingFlag.bitsOf(update.flags()), lifetime.asDuration()));
    } else {
      actions.add(new NodeAction.RememberSequence(home, sequence));
    }
    actions.add(
        new NodeAction.SendMessage(
            update,
            home.value(),
            settings.homeAgent(),
            away ? Optional.of(careOf) : Optional.empty()));
    var outstanding =
        Stream.concat(
                pending.stream().flatMap(it -> it.outstanding().stream()),
                Stream.of(new OutstandingUpdate(sequence, careOf, lifetime, now)))
            .collect(ImmutableList.toImmutableList());
    int surplus = Math.max(0, outstanding.size() - MAX_OUTSTANDING);
    pending =
        Optional.of(
            new Pending(
                outstanding.subList(surplus, outstanding.size()), timeout, now.plus(timeout)));
  }

  /**
   * No longer than home and care-of address are valid, as far as that is known (RFC 6275 section
   * 11.7.1); never none at all, which would end the binding.
   */
  private BindingLifetime lifetime(Instant now, CareOfAddress careOf) {
    Duration valid =
        Stream.concat(prefixes.validUntil(now).stream(), validUntil(careOf).stream())
            .map(end -> Duration.between(now, end))
            .reduce(settings.lifetime(), (a, b) -> a.compareTo(b) < 0 ? a : b);
    BindingLifetime lifetime = BindingLifetime.atMost(valid);
    return lifetime.isZero() ? new BindingLifetime(1) : lifetime;
  }

  private Optional<Instant> validUntil(CareOfAddress careOf) {
    return uplinks.values().stream()
        .filter(uplink -> uplink.mayUse(careOf.value()))
        .flatMap(uplink -> uplink.validUntil(careOf.value()).stream())
        .findFirst();
  }

  /**
   * K is for key management that moves along. L is for a home address with the interface identifier
   * of our link-local address (RFC 6275 section 11.7.1).
   */
  private ImmutableSet<BindingFlag> flags() {
    var flags = ImmutableSet.<BindingFlag>builder();
    flags.add(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION);
    if (uplinks.values().stream().anyMatch(uplink -> uplink.hasLinkLocalOf(home.value()))) {
      flags.add(BindingFlag.LINK_LOCAL_ADDRESS_COMPATIBILITY);
    }
    if (settings.protection().keyManagement()) {
      flags.add(BindingFlag.KEY_MANAGEMENT_MOBILITY);
    }
    return flags.build();
  }

  /** RFC 6275 section 11.8: a new sequence number, and twice the wait up to its ceiling. */
  private void retransmit(Instant now, List<NodeAction> actions) {
    unanswered++;
    if (unanswered >= MAX_UNANSWERED && attachment instanceof Attachment.Away && !isLeaving()) {
      unanswered = 0;
      actions.add(new NodeAction.HomeAgentFails());
    }
    Duration timeout = pending.map(Pending::timeout).orElse(firstTimeout());
    sendUpdate(now, Backoff.doubled(timeout), actions);
    if (attachment instanceof Attachment.Away) {
      acknowledged
          .map(Acknowledged::careOf)
          .filter(this::mayUse)
          .ifPresent(old -> useTunnel(old, actions));
    }
  }

  /** Whether it is an address of ours that works as far as we know. */
  private boolean mayUse(CareOfAddress careOf) {
    return uplinks.values().stream().anyMatch(uplink -> uplink.mayUse(careOf.value()));
  }

  /** Whether packets to it reach us, so that it is nobody to be optimized with. */
  private boolean isOurs(CareOfAddress address) {
    return mayUse(address) || settings.siblings().contains(address.value());
  }

  private void useTunnel(CareOfAddress end, List<NodeAction> actions) {
    if (tunnelEnd.equals(Optional.of(end)) && !returning) {
      return;
    }
    Ipv6Address from = tunnelEnd.map(CareOfAddress::value).orElse(home.value());
    if (!from.equals(end.value())) {
      actions.add(move(from, end.value()));
    }
    returning = false;
    actions.add(want(policies.mobileNodeAway(end)));
    if (tunnelEnd.isEmpty()) {
      actions.add(new NodeAction.PlaceHomeAddress(home, Place.AWAY, 0));
    }
    tunnelEnd = Optional.of(end);
  }

  private void leaveTunnel(List<NodeAction> actions) {
    isHome = false;
    returning = false;
    announceAt = Optional.empty();
    actions.add(want(policies.mobileNodeUnregistered()));
    actions.add(new NodeAction.PlaceHomeAddress(home, Place.NOWHERE, 0));
    tunnelEnd.ifPresent(end -> actions.add(move(end.value(), home.value())));
    tunnelEnd = Optional.empty();
  }

  private NodeAction move(Ipv6Address from, Ipv6Address to) {
    return new NodeAction.MoveTunnel(home, settings.homeAgent(), from, to);
  }

  private NodeAction want(MobilityWish wish) {
    return new NodeAction.WantMobility(home, wish);
  }

  private void arrived(
      Instant now, MobilityMessage message, Arrival arrival, List<NodeAction> actions) {
    boolean fromAgent = arrival.source().equals(settings.homeAgent());
    if (!fromAgent && optimizer.isPresent()) {
      optimizer.get().arrived(now, message, arrival, actions);
      return;
    }
    if (message instanceof MobilityMessage.BindingError error) {
      bindingError(now, error, arrival, actions);
      return;
    }
    if (!arrival.destination().equals(home.value())) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrival.source()));
      return;
    }
    boolean isProtected =
        settings
            .protection()
            .signalling()
            .map(reqId -> arrival.securityPath().passedThrough(reqId))
            .orElse(true);
    if (fromAgent && !isProtected) {
      actions.add(new NodeAction.Refuse(UNPROTECTED, arrival.source()));
    } else if (fromAgent && message instanceof BindingAcknowledgement acknowledgement) {
      acknowledged(now, acknowledgement, arrival, actions);
    } else if (fromAgent
        && message instanceof MobilityMessage.BindingRefreshRequest
        && acknowledged.isPresent()
        && pending.isEmpty()
        && !isLeaving()
        && attachment instanceof Attachment.Away) {
      sendUpdate(now, firstTimeout(), actions);
    } else {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
    }
  }

  /**
   * The home agent does not know our binding any more (RFC 6275 section 11.3.6). Nothing protects
   * such a message, so that it makes us ask, and nothing else.
   */
  private void bindingError(
      Instant now, MobilityMessage.BindingError error, Arrival arrival, List<NodeAction> actions) {
    boolean ours =
        arrival.source().equals(settings.homeAgent())
            && acknowledged.isPresent()
            && error.status() == MobilityMessage.BindingError.UNKNOWN_BINDING
            && error.homeAddress().equals(home.value());
    if (!ours) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
    } else if (attachment instanceof Attachment.Away
        && !isLeaving()
        && pending.isEmpty()
        && deferredUntil.isEmpty()) {
      sendUpdate(now, ProtocolConstants.INITIAL_BINDACK_TIMEOUT_FIRST_REG, actions);
    }
  }

  /** RFC 6275 section 11.7.3. */
  private void acknowledged(
      Instant now,
      BindingAcknowledgement acknowledgement,
      Arrival arrival,
      List<NodeAction> actions) {
    if (pending.isEmpty()) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
      return;
    }
    unanswered = 0;
    if (acknowledgement.status().equals(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW)) {
      outOfWindow(now, acknowledgement.sequence(), actions);
      return;
    }
    Optional<OutstandingUpdate> answered =
        pending.get().outstanding().stream()
            .filter(it -> it.sequence().equals(acknowledgement.sequence()))
            .findFirst();
    if (answered.isEmpty()) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
      return;
    }
    if (acknowledgement.status().isAccepted()) {
      keyManagement = settings.protection().keyManagement() && acknowledgement.keyManagement();
    }
    boolean gone =
        acknowledgement.status().equals(BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE);
    if (answered.get().lifetime().isZero() && (acknowledgement.status().isAccepted() || gone)) {
      bindingMayExist = false;
      actions.add(new NodeAction.ForgetBinding(home, sequence));
      if (!(attachment instanceof Attachment.Home at)) {
        pending = Optional.empty();
        acknowledged = Optional.empty();
        leaveTunnel(actions);
      } else if (gone && contested) {
        pending = Optional.empty();
        detect(at, actions);
      } else {
        retakeLinkLocal(at, actions);
        placeAtHome(now, at, actions);
      }
    } else if (acknowledgement.status().isAccepted() && !acknowledgement.lifetime().isZero()) {
      registered(now, acknowledgement, answered.get(), actions);
    } else {
      refused(now, acknowledgement.status(), answered.get(), actions);
    }
  }

  /** The home agent knows a later number, from before a restart of ours: go on from there. */
  private void outOfWindow(Instant now, SequenceNumber last, List<NodeAction> actions) {
    Pending waiting = pending.orElseThrow();
    boolean ours = waiting.outstanding().stream().noneMatch(it -> it.sequence().isAfter(last));
    if (!ours) {
      // An old answer: an update with a later number is already on its way.
      return;
    }
    sequence = last;
    sendUpdate(now, waiting.timeout(), actions);
  }

  private void registered(
      Instant now,
      BindingAcknowledgement acknowledgement,
      OutstandingUpdate update,
      List<NodeAction> actions) {
    boolean newest = update.equals(pending.orElseThrow().newest());
    boolean present =
        attachment instanceof Attachment.Away away && away.careOf().equals(update.careOf());
    Instant expiry = update.expiry(acknowledgement.lifetime());
    Duration whole = Duration.between(update.sentAt(), expiry);
    Instant refreshAt =
        acknowledgement
            .refreshAdvice()
            .map(MobilityOption.BindingRefreshAdvice::asDuration)
            .filter(advice -> !advice.isZero() && advice.compareTo(whole) < 0)
            .map(advice -> update.sentAt().plus(advice))
            .orElse(update.renewal(expiry));
    acknowledged = Optional.of(new Acknowledged(update.careOf(), refreshAt, expiry));
    settled =
        pending.orElseThrow().outstanding().stream()
            .filter(it -> it.sequence().isAfter(update.sequence()))
            .allMatch(it -> !it.lifetime().isZero() && it.careOf().equals(update.careOf()));
    if (newest || (present && settled)) {
      pending = Optional.empty();
    }
    if (present) {
      useTunnel(update.careOf(), actions);
    }
    if (acknowledgement.status().equals(BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY)) {
      prefixes.ask(now);
    } else {
      prefixes.accepted();
    }
  }

  /** Tried again at the slowest rate: what the home agent refuses, it may accept later. */
  private void refused(
      Instant now, BindingStatus status, OutstandingUpdate update, List<NodeAction> actions) {
    actions.add(new NodeAction.Tell("the home agent refuses: " + status));
    if (status.equals(BindingStatus.DUPLICATE_ADDRESS_DETECTION_FAILED)) {
      duplicate = true;
      bindingMayExist = false;
      acknowledged = Optional.empty();
      pending = Optional.empty();
      deferredUntil = Optional.empty();
      actions.add(new NodeAction.ForgetBinding(home, sequence));
      leaveTunnel(actions);
      return;
    }
    if (status.equals(BindingStatus.NOT_HOME_SUBNET)) {
      prefixes.refused();
      if (!prefixes.mayBeRegistered()) {
        acknowledged = Optional.empty();
        return;
      }
    }
    Pending waiting = pending.orElseThrow();
    if (!update.careOf().equals(waiting.newest().careOf())) {
      // Of an earlier place; the answer to the newest is still to come.
      return;
    }
    Duration longest = ProtocolConstants.MAX_BINDACK_TIMEOUT;
    pending = Optional.of(new Pending(waiting.outstanding(), longest, now.plus(longest)));
    // Where the home link is renumbered the same home agent serves another home address.
    boolean renumbered =
        status.equals(BindingStatus.NOT_HOME_SUBNET) && !settings.siblings().isEmpty();
    if (attachment instanceof Attachment.Away && !isLeaving() && !renumbered) {
      actions.add(new NodeAction.HomeAgentFails());
    }
  }
}
