package io.mipd.mobility;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.Side.MobilityMessageOnTheWire;
import io.mipd.mobility.binding.CorrespondentBinding;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A mobile node, its home agent, a correspondent, a clock that moves when told to, and queues of
 * messages between them. Whatever is on its way waits until the test delivers, drops, doubles or
 * reorders it.
 */
final class Exchange {
  static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  static final Ipv6Prefix HOME_PREFIX = Ipv6Prefix.parse("2001:db8:1::/64");
  static final Ipv6Address CORRESPONDENT = Ipv6Address.parse("2001:db8:c::c");
  static final CareOfAddress COA_A = new CareOfAddress(Ipv6Address.parse("2001:db8:a::100"));
  static final CareOfAddress COA_B = new CareOfAddress(Ipv6Address.parse("2001:db8:b::100"));
  static final HomeAddress OTHER_HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::200"));
  static final LinkLayerAddress AGENT_MAC = new LinkLayerAddress(Octets.parse("020000000001"));
  static final LinkLayerAddress NODE_MAC = new LinkLayerAddress(Octets.parse("020000000100"));
  static final Duration LIFETIME = Duration.ofMinutes(7);
  static final int AGENT_INTERFACE = 7;
  static final int ETH0 = 2;
  static final int ETH1 = 3;

  static final TunnelProtection ESP = protection(1);
  static final TunnelProtection OTHER_ESP = protection(11);
  static final TunnelProtection SIGNALLING_ONLY =
      new TunnelProtection(
          Optional.of(new ReqId(1)), Optional.empty(), Optional.empty(), Optional.empty());

  /** With negotiated keys. */
  static TunnelProtection negotiated(boolean keyManagement) {
    return new TunnelProtection(
        ESP.signalling(),
        ESP.prefixDiscovery(),
        ESP.returnRoutability(),
        ESP.payload(),
        keyManagement);
  }

  private static TunnelProtection protection(int first) {
    return new TunnelProtection(
        Optional.of(new ReqId(first)),
        Optional.empty(),
        Optional.of(new ReqId(first + 1)),
        Optional.of(new ReqId(first + 2)));
  }

  /** A link that a mobile node may be on, its router, and the address that we form there. */
  record Link(
      Ipv6Prefix prefix, Ipv6Address router, Ipv6Address address, LinkLayerAddress routerMac) {
    static final Link HOME_LINK =
        link("2001:db8:1::/64", "fe80::1", "2001:db8:1::beef", "020000000001");
    static final Link A = link("2001:db8:a::/64", "fe80::a", "2001:db8:a::100", "02000000000a");
    static final Link B = link("2001:db8:b::/64", "fe80::b", "2001:db8:b::100", "02000000000b");

    private static Link link(String prefix, String router, String address, String mac) {
      return new Link(
          Ipv6Prefix.parse(prefix),
          Ipv6Address.parse(router),
          Ipv6Address.parse(address),
          new LinkLayerAddress(Octets.parse(mac)));
    }

    boolean isHome() {
      return prefix.equals(HOME_PREFIX);
    }
  }

  private final TunnelProtection protection;
  private final TunnelProtection agents;
  private final Optional<RouteOptimizationSettings> routeOptimization;
  final Side agent;
  final Side mobile;

  /** Whoever is neither of these two: it has all other addresses. */
  final Side peer;

  private final Map<Integer, Link> attached = new LinkedHashMap<>();
  private final Map<Integer, List<Ipv6Address>> addresses = new LinkedHashMap<>();
  final Deque<MobilityMessageOnTheWire> toAgent = new ArrayDeque<>();
  final Deque<MobilityMessageOnTheWire> toPeer = new ArrayDeque<>();

  /** From both others, in the order in which they sent. */
  final Deque<MobilityMessageOnTheWire> toMobile = new ArrayDeque<>();

  private final Map<Instant, HomeAddress> detections = new LinkedHashMap<>();
  private Optional<Instant> ownDetection = Optional.empty();
  private boolean homeAddressTaken;
  Instant now = Instant.EPOCH;

  /** That routers announce for their prefixes. */
  Duration validLifetime = Duration.ofDays(1);

  @SuppressWarnings("NullAway.Init") // newAgent
  private HomeAgent agentCore;

  /** Looks at what the mobile node does, after each event. */
  Consumer<ImmutableList<NodeAction>> watcher = actions -> {};

  /** Looks at what arrives there, before it does. */
  Consumer<MobilityMessageOnTheWire> listener = wire -> {};

  /**
   * @param protection as the mobile node has it
   * @param agents as the home agent has it
   */
  private Exchange(
      TunnelProtection protection,
      TunnelProtection agents,
      SequenceNumber sequence,
      Optional<RouteOptimizationSettings> routeOptimization) {
    this.protection = protection;
    this.agents = agents;
    this.routeOptimization = routeOptimization;
    agent = new Side("home agent", newAgent(ImmutableList.of(), ImmutableMap.of()), AGENT);
    mobile = new Side("mobile node", newMobile(false, sequence), AGENT);
    peer = new Side("correspondent", newPeer(), AGENT);
    startAgent();
    startMobile();
  }

  static Exchange of(TunnelProtection protection) {
    return of(protection, protection);
  }

  /**
   * @param agents as the home agent has it
   */
  static Exchange of(TunnelProtection mobiles, TunnelProtection agents) {
    return new Exchange(mobiles, agents, new SequenceNumber(65533), Optional.empty());
  }

  /** With route optimization. */
  static Exchange of(TunnelProtection protection, RouteOptimizationSettings settings) {
    return new Exchange(protection, protection, new SequenceNumber(65533), Optional.of(settings));
  }

  /** With ESP for signalling and payload. */
  static Exchange inEsp() {
    return of(ESP);
  }

  private MobilityNode newAgent(
      ImmutableList<HomeBinding> restored, ImmutableMap<HomeAddress, SequenceNumber> ended) {
    agentCore =
        new HomeAgent(
            now,
            new HomeAgentSettings(
                "eth1",
                AGENT,
                HOME_PREFIX,
                LIFETIME,
                Optional.empty(),
                ImmutableMap.of(HOME, agents, OTHER_HOME, OTHER_ESP)),
            restored,
            ended,
            HomeLinkState.NOTHING,
            new Random(1));
    return new Node(Optional.empty(), Optional.of(agentCore), Optional.empty());
  }

  private MobileNode newMobile(boolean bindingMayExist, SequenceNumber sequence) {
    return new MobileNode(
        new MobileNodeSettings(
            HOME,
            HOME_PREFIX,
            AGENT,
            LIFETIME,
            ImmutableMap.of("eth0", 10, "eth1", 20),
            protection,
            routeOptimization,
            /* corresponds= */ false),
        bindingMayExist,
        sequence,
        new Random(2));
  }

  private CorrespondentNode newPeer() {
    return new CorrespondentNode(CorrespondentSettings.DEFAULT, new Random(3));
  }

  private void startAgent() {
    toAgent(new NodeEvent.Started());
    toAgent(new NodeEvent.LinkChanged(AGENT_INTERFACE, "eth1", true, Optional.of(AGENT_MAC)));
  }

  private void startMobile() {
    toMobile(new NodeEvent.Started());
    for (int index : List.of(ETH0, ETH1)) {
      boolean up = attached.containsKey(index);
      toMobile(new NodeEvent.LinkChanged(index, "eth" + (index - ETH0), up, Optional.of(NODE_MAC)));
      for (Ipv6Address address : addresses.getOrDefault(index, List.of())) {
        toMobile(new NodeEvent.AddressChanged(index, address, 64, AddressState.USABLE));
      }
      if (up) {
        advertise(index);
      }
    }
  }

  HomeAgent homeAgent() {
    return agentCore;
  }

  MobileNode mobileNode() {
    return (MobileNode) mobile.node();
  }

  CorrespondentNode correspondent() {
    return (CorrespondentNode) peer.node();
  }

  /** Where the correspondent sends what it has for the mobile node; empty for the home address. */
  Optional<CareOfAddress> correspondentSendsTo(Ipv6Address local) {
    return correspondent().bindings().stream()
        .filter(it -> it.local().equals(local))
        .map(CorrespondentBinding::careOf)
        .findFirst();
  }

  Optional<CareOfAddress> boundTo() {
    return homeAgent().bindings().stream()
        .filter(it -> it.homeAddress().equals(HOME))
        .map(HomeBinding::careOf)
        .findFirst();
  }

  // What happens.

  void toAgent(NodeEvent event) {
    for (NodeAction action : agent.handle(now, event)) {
      if (action instanceof NodeAction.StartDad dad) {
        detections.put(now.plusSeconds(1).plusNanos(detections.size()), dad.address());
      }
    }
    agent.sent.forEach(toMobile::addLast);
    agent.sent.clear();
  }

  void toMobile(NodeEvent event) {
    ImmutableList<NodeAction> actions = mobile.handle(now, event);
    for (MobilityMessageOnTheWire wire : mobile.sent) {
      (wire.arrival().destination().equals(AGENT) ? toAgent : toPeer).addLast(wire);
    }
    mobile.sent.clear();
    watcher.accept(actions);
    for (NodeAction action : actions) {
      if (action instanceof NodeAction.ForgetLink forget) {
        forget(forget);
      } else if (action instanceof NodeAction.StartDad) {
        ownDetection = Optional.of(now.plusSeconds(1));
      }
    }
  }

  void toPeer(NodeEvent event) {
    peer.handle(now, event);
    peer.sent.forEach(toMobile::addLast);
    peer.sent.clear();
  }

  /** As the shell does it: what the new link's router did not announce goes. */
  private void forget(NodeAction.ForgetLink forget) {
    Link link = link(forget.interfaceIndex());
    List<Ipv6Address> have = addresses.getOrDefault(forget.interfaceIndex(), new ArrayList<>());
    for (Ipv6Address address : List.copyOf(have)) {
      if (!link.prefix().contains(address)) {
        have.remove(address);
        toMobile(
            new NodeEvent.AddressChanged(forget.interfaceIndex(), address, 64, AddressState.GONE));
      }
    }
  }

  /** Out with the cable. */
  void unplug(int index) {
    attached.remove(index);
    toMobile(
        new NodeEvent.LinkChanged(index, "eth" + (index - ETH0), false, Optional.of(NODE_MAC)));
  }

  /** The cable is on a link; nothing has been heard there yet. */
  void plug(int index, Link link) {
    if (attached.containsKey(index)) {
      unplug(index);
    }
    attached.put(index, link);
    toMobile(new NodeEvent.LinkChanged(index, "eth" + (index - ETH0), true, Optional.of(NODE_MAC)));
  }

  /** The cable is on another link, and the interface has not noticed. */
  void replacesSilently(int index, Link link) {
    attached.put(index, link);
  }

  private Link link(int index) {
    Link link = attached.get(index);
    if (link == null) {
      throw new AssertionError("no cable in " + index);
    }
    return link;
  }

  void advertise(int index) {
    Link link = link(index);
    var options =
        ImmutableList.<NdOption>of(
            new NdOption.SourceLinkLayerAddress(link.routerMac()),
            new NdOption.PrefixInformation(
                64,
                link.isHome() ? AGENT : link.prefix().address(),
                true,
                true,
                link.isHome(),
                validLifetime.toSeconds(),
                Math.min(14_400, validLifetime.toSeconds())));
    toMobile(
        new NodeEvent.Icmpv6Arrived(
            index,
            link.router(),
            Ipv6Address.ALL_NODES,
            255,
            new Icmpv6Message.RouterAdvertisement(
                64, false, false, link.isHome(), 0, 1800, 0, 0, options)));
  }

  void address(int index, AddressState state) {
    Ipv6Address address = link(index).address;
    List<Ipv6Address> have = addresses.computeIfAbsent(index, it -> new ArrayList<>());
    have.remove(address);
    if (state != AddressState.GONE) {
      have.add(address);
    }
    toMobile(new NodeEvent.AddressChanged(index, address, 64, state));
  }

  /** Link, router and address, one after the other. */
  Exchange movesTo(int index, Link link) {
    plug(index, link);
    advertise(index);
    address(index, AddressState.TENTATIVE);
    address(index, AddressState.OPTIMISTIC);
    return this;
  }

  Exchange movesTo(Link link) {
    return movesTo(ETH0, link);
  }

  Exchange registeredAt(Link link) {
    movesTo(link);
    settle();
    assertThat(boundTo()).hasValue(new CareOfAddress(link.address()));
    assertThat(mobileNode().registeredCareOf()).hasValue(new CareOfAddress(link.address()));
    // On its first link a node takes away whatever it finds there.
    mobile.forgotten.clear();
    return this;
  }

  void somebodyHasTheHomeAddress() {
    homeAddressTaken = true;
  }

  // Messages.

  private Deque<MobilityMessageOnTheWire> towards(Class<? extends MobilityMessage> kind) {
    return kind == MobilityMessage.BindingUpdate.class ? toAgent : toMobile;
  }

  private <T extends MobilityMessage> MobilityMessageOnTheWire take(Class<T> kind) {
    MobilityMessageOnTheWire first = towards(kind).pollFirst();
    assertThat(first).as("a %s on its way", kind.getSimpleName()).isNotNull();
    assertThat(first.message()).isInstanceOf(kind);
    return first;
  }

  /** The next one arrives. */
  <T extends MobilityMessage> T delivers(Class<T> kind) {
    MobilityMessageOnTheWire wire = take(kind);
    arrives(wire, kind == MobilityMessage.BindingUpdate.class);
    return kind.cast(wire.message());
  }

  void arrives(MobilityMessageOnTheWire wire, boolean atAgent) {
    if (atAgent) {
      if (agent.admits(wire)) {
        toAgent(new NodeEvent.MobilityMessageArrived(wire.message(), wire.arrival()));
      }
    } else {
      boolean byAgent =
          !wire.arrival().source().equals(AGENT) && wire.wireDestination().equals(HOME.value());
      MobilityMessageOnTheWire last = byAgent ? agent.forwards(wire) : wire;
      if (isReached(last) && mobile.admits(last)) {
        listener.accept(last);
        toMobile(new NodeEvent.MobilityMessageArrived(last.message(), last.arrival()));
      }
    }
  }

  /** What took the tunnel comes by the home agent, if that knows the care-of address. */
  void arrivesAtPeer(MobilityMessageOnTheWire wire) {
    Arrival arrival = wire.arrival();
    Optional<SecurityPath.Step> tunnel =
        arrival.securityPath().steps().stream()
            .filter(step -> step.mode() == Mode.TUNNEL)
            .findFirst();
    if (tunnel.isPresent()
        && !boundTo().map(CareOfAddress::value).equals(Optional.of(tunnel.get().source()))) {
      return;
    }
    toPeer(
        new NodeEvent.MobilityMessageArrived(
            wire.message(),
            new Arrival(
                arrival.source(),
                arrival.destination(),
                arrival.careOf(),
                false,
                SecurityPath.EMPTY,
                0)));
  }

  /** Whether the mobile node's cable is on the link that this address is of. */
  boolean isAt(CareOfAddress careOf) {
    return attached.values().stream().anyMatch(it -> it.address().equals(careOf.value()));
  }

  /** A care-of address on a link where the node is; or the home address on the home link. */
  private boolean isReached(MobilityMessageOnTheWire wire) {
    Ipv6Address to = wire.wireDestination();
    return attached.values().stream()
        .anyMatch(
            link ->
                link.isHome()
                    ? to.equals(HOME.value()) || to.equals(link.address())
                    : link.prefix().contains(to));
  }

  <T extends MobilityMessage> T drops(Class<T> kind) {
    return kind.cast(take(kind).message());
  }

  /** What is on its way, without touching it. */
  <T extends MobilityMessage> MobilityMessageOnTheWire underway(Class<T> kind) {
    MobilityMessageOnTheWire first = towards(kind).peekFirst();
    assertThat(first).as("a %s on its way", kind.getSimpleName()).isNotNull();
    assertThat(first.message()).isInstanceOf(kind);
    return first;
  }

  /** Nothing is on its way. */
  void isQuiet() {
    assertThat(toAgent).isEmpty();
    assertThat(toPeer).isEmpty();
    assertThat(toMobile).isEmpty();
  }

  /** Delivers all there is, at once and in order, and waits for detections. */
  void settle() {
    for (int i = 0; i < 100; i++) {
      if (!toAgent.isEmpty()) {
        arrives(toAgent.removeFirst(), true);
      } else if (!toPeer.isEmpty()) {
        arrivesAtPeer(toPeer.removeFirst());
      } else if (!toMobile.isEmpty()) {
        arrives(toMobile.removeFirst(), false);
      } else if (!detections.isEmpty()) {
        passes(Duration.between(now, detections.keySet().iterator().next()));
      } else if (ownDetection.isPresent()) {
        passes(Duration.between(now, ownDetection.get()));
      } else {
        return;
      }
    }
    throw new AssertionError("they do not come to an end: " + toAgent + toPeer + toMobile);
  }

  BindingStatus acknowledged() {
    return delivers(MobilityMessage.BindingAcknowledgement.class).status();
  }

  /** Whether all that the home agent has sent is status 135. */
  boolean acknowledgedNothingButOutOfWindow() {
    return !toMobile.isEmpty()
        && toMobile.stream()
            .allMatch(
                it ->
                    it.message() instanceof MobilityMessage.BindingAcknowledgement answer
                        && answer.status().equals(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW));
  }

  // Time.

  /** Every deadline on the way is met; what they send waits in the queues. */
  Exchange passes(Duration duration) {
    Instant end = now.plus(duration);
    for (int i = 0; i < 100_000; i++) {
      Optional<Instant> next = nextDeadline();
      if (next.isEmpty() || next.get().isAfter(end)) {
        now = end;
        return this;
      }
      if (next.get().isAfter(now)) {
        now = next.get();
      }
      meetDeadlines();
    }
    throw new AssertionError("a deadline that is always past: " + nextDeadline() + " at " + now);
  }

  private Optional<Instant> nextDeadline() {
    return Stream.of(
            agent.node().nextDeadline(),
            mobile.node().nextDeadline(),
            peer.node().nextDeadline(),
            ownDetection,
            detections.keySet().stream().min(Instant::compareTo))
        .flatMap(Optional::stream)
        .min(Instant::compareTo);
  }

  private void meetDeadlines() {
    for (Instant due : List.copyOf(detections.keySet())) {
      if (!due.isAfter(now)) {
        HomeAddress address = detections.remove(due);
        boolean unique = !(homeAddressTaken && address.equals(HOME));
        toAgent(new NodeEvent.DadFinished(address, unique));
      }
    }
    if (ownDetection.isPresent() && !ownDetection.get().isAfter(now)) {
      ownDetection = Optional.empty();
      // The home agent defends what is bound (RFC 6275 section 10.4.1).
      boolean unique = !homeAddressTaken && !agent.proxied.contains(HOME.value());
      toMobile(new NodeEvent.DadFinished(HOME, unique));
    }
    if (isDue(agent.node())) {
      toAgent(new NodeEvent.DeadlineReached());
    }
    if (isDue(mobile.node())) {
      toMobile(new NodeEvent.DeadlineReached());
    }
    if (isDue(peer.node())) {
      toPeer(new NodeEvent.DeadlineReached());
    }
  }

  private boolean isDue(MobilityNode node) {
    return node.nextDeadline().isPresent() && !node.nextDeadline().get().isAfter(now);
  }

  // Crashes.

  /** kill -9 of the home agent, and its start: what was remembered is there, by the wall clock. */
  void restartAgent(Duration away) {
    Instant died = now;
    detections.clear();
    Instant starts = now.plus(away);
    while (mobile.node().nextDeadline().filter(it -> !it.isAfter(starts)).isPresent()) {
      Instant due = mobile.node().nextDeadline().orElseThrow();
      now = due.isAfter(now) ? due : now;
      toMobile(new NodeEvent.DeadlineReached());
    }
    now = starts;
    ImmutableList.Builder<HomeBinding> restored = ImmutableList.builder();
    for (NodeAction.RememberBinding it : agent.remembered.values()) {
      Instant expiry = died.plus(it.lifetime());
      if (expiry.isAfter(now)) {
        restored.add(
            new HomeBinding(it.homeAddress(), it.careOf(), it.sequence(), it.flags(), expiry));
      }
    }
    var ended = new LinkedHashMap<>(agent.sequences);
    ended.keySet().removeAll(agent.remembered.keySet());
    agent.restartAs(newAgent(restored.build(), ImmutableMap.copyOf(ended)));
    startAgent();
  }

  /** kill -9 of the mobile node, and its start. */
  void restartMobile() {
    restartMobile(
        mobile.remembered.containsKey(HOME),
        mobile.sequences.getOrDefault(HOME, new SequenceNumber(0)));
  }

  /** The correspondent has lost all it knew. */
  void restartPeer() {
    peer.restartAs(new CorrespondentNode(CorrespondentSettings.DEFAULT, new Random(4)));
  }

  void restartMobile(boolean bindingMayExist, SequenceNumber sequence) {
    ownDetection = Optional.empty();
    mobile.restartAs(newMobile(bindingMayExist, sequence));
    startMobile();
  }
}
