package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import io.mipd.host.CoreDriver;
import io.mipd.host.InstalledPolicies;
import io.mipd.host.PolicyInputs;
import io.mipd.host.RoutesInUse;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.MacAddress;
import io.mipd.xfrm.netlink.Neighbour;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Between a core and the world: what happens becomes the core's events, its actions are performed
 * in their order. One thread.
 */
final class NodeShell implements World.Upward, EventLoop.Work, CoreDriver.Hands {
  private static final Logger log = LoggerFactory.getLogger(NodeShell.class);

  private static final Duration RETRY_INTERVAL = Duration.ofSeconds(1);

  /** After a failure to merge what others have changed. */
  private static final Duration OTHERS_INTERVAL = Duration.ofSeconds(10);

  /**
   * A core and what is to be known of it.
   *
   * @param tunnels request ids of the tunnels of each home address
   * @param user the user's own policies
   * @param report what it knows, for the status
   * @param roles its parts
   */
  record Core(
      MobilityNode node,
      ImmutableMap<Ipv6Address, ImmutableList<ReqId>> tunnels,
      ImmutableList<Policy> user,
      Report report,
      Roles roles) {}

  /** What a node knows, by name. */
  interface Report {
    /**
     * @param limit bindings of a kind that are told at most
     */
    Map<String, Object> of(Instant now, int limit);
  }

  /**
   * The cores of the roles that the node has.
   *
   * @param mobiles by home address, in their order
   */
  record Roles(
      ImmutableMap<Ipv6Address, MobileNode> mobiles,
      Optional<HomeAgent> agent,
      Optional<CorrespondentNode> correspondent) {

    /** That of the first home address, which is on the same links as the others. */
    Optional<MobileNode> mobile() {
      return mobiles.values().stream().findFirst();
    }
  }

  private final Core core;
  private final EventLoop loop;
  private final BindingStore bindings;
  private final Rtnetlink netlink;
  private final SecureRandom random = new SecureRandom();
  private final LinkCleaner cleaner;
  private final Optional<HomeAgentChoice> choice;
  private final Chronicle chronicle;
  private final MessageCounts counts;
  private final Optional<MessageChronicle> messages;
  private final Optional<KeyExchange> keys;
  private Optional<Instant> retryAt = Optional.empty();
  private @Nullable Parts parts;
  private @Nullable String failure;
  private boolean othersChanged;

  /** Another home agent is tried next, whichever home addresses fail yet. */
  private boolean givenUp;

  private Instant othersAt = Instant.MIN;

  /** What exists as soon as the world does. */
  private record Parts(
      World world,
      InstalledPolicies policies,
      CoreDriver driver,
      Dad dad,
      RouterSolicitor solicitor,
      ImmutableMap<Ipv6Address, HomePlace> places,
      Optional<Interception> interception,
      Optional<CareOfAddresses> careOf,
      Optional<PeerRoutes> peers) {}

  /**
   * @param choice among home agents that are found; empty where one is configured
   * @param chronicle is told what happens
   * @param messages likewise, of each message; empty if nobody can watch
   * @param keys where they are negotiated
   */
  NodeShell(
      Core core,
      EventLoop loop,
      BindingStore bindings,
      Rtnetlink netlink,
      Optional<HomeAgentChoice> choice,
      Chronicle chronicle,
      MessageCounts counts,
      Optional<MessageChronicle> messages,
      Optional<KeyExchange> keys) {
    this.chronicle = chronicle;
    this.counts = counts;
    this.messages = messages;
    this.keys = keys;
    this.choice = choice;
    this.core = core;
    this.loop = loop;
    this.bindings = bindings;
    this.netlink = netlink;
    cleaner = new LinkCleaner(netlink);
  }

  /** Begins: the world is there, the core learns of it. */
  void begin(
      World world,
      ImmutableMap<Ipv6Address, HomePlace> places,
      Optional<HomeProxies> proxies,
      Optional<CareOfAddresses> careOf,
      Optional<PeerRoutes> peers)
      throws IOException {
    var policies = new InstalledPolicies(world.backend(), core.user());
    policies.tellFindings(this::found);
    if (world.askOnDemand(policies)) {
      policies.mayWait();
    }
    parts =
        new Parts(
            world,
            policies,
            new CoreDriver(
                core.node(), core.tunnels(), policies, new RoutesInUse(world::routePackets), this),
            new Dad(
                world.network().icmp(),
                this::sendIcmpv6,
                random,
                (address, unique) -> deliver(new NodeEvent.DadFinished(address, unique))),
            new RouterSolicitor(world, this::sendIcmpv6),
            places,
            proxies.map(it -> new Interception(it, world.network()::link)),
            careOf,
            peers);
    keys.ifPresent(one -> one.begin(world.backend(), this::sendKept));
    othersChanged = true;
    followOthers(loop.now());
    deliver(new NodeEvent.Started());
    world.begin();
    if (!parts().policies().isBehind()) {
      world.dropLeftovers();
    }
  }

  private Parts parts() {
    if (parts == null) {
      throw new IllegalStateException("not begun");
    }
    return parts;
  }

  /** Why the loop has ended, if not because it was told to. */
  Optional<String> failure() {
    return Optional.ofNullable(failure);
  }

  /** The last event. */
  void shutDown() {
    deliver(new NodeEvent.ShutdownRequested());
    attempt("bindings", bindings::flush);
    parts().driver().resume(loop.now());
    parts().careOf().ifPresent(CareOfAddresses::close);
    parts().world().turn(loop.now());
  }

  @Override
  public void turn(Instant now) {
    if (bindings.isBroken()) {
      broken("bindings are no longer stored");
      return;
    }
    Parts all = parts();
    all.driver().resume(now);
    settle();
    all.dad().turn(now);
    all.solicitor().turn(now);
    all.driver().turn(now);
    all.careOf().ifPresent(careOf -> careOf.turn(now));
    keys.ifPresent(one -> one.turn(now));
    all.world().turn(now);
    followOthers(now);
    retry(now);
  }

  private void followOthers(Instant now) {
    if (!othersChanged || now.isBefore(othersAt)) {
      return;
    }
    World world = parts().world();
    othersChanged = !parts().policies().others(world.others());
    if (othersChanged) {
      othersAt = now.plus(OTHERS_INTERVAL);
      log.error("what others have changed is not merged yet");
    } else {
      world.othersMerged();
      if (!world.others().isEmpty()) {
        log.info("IPsec policies of others: {} merged", world.others().size());
      }
    }
  }

  /** What the backend had no room for, or the kernel refused, is tried again until it has. */
  private void retry(Instant now) {
    InstalledPolicies policies = parts().policies();
    Optional<PeerRoutes> peers = parts().peers().filter(PeerRoutes::isBehind);
    Optional<Interception> interception = parts().interception().filter(Interception::isBehind);
    if (!policies.isBehind() && peers.isEmpty() && interception.isEmpty()) {
      retryAt = Optional.empty();
    } else if (retryAt.isEmpty()) {
      retryAt = Optional.of(now.plus(RETRY_INTERVAL));
    } else if (!now.isBefore(retryAt.get())) {
      retryAt = Optional.of(now.plus(RETRY_INTERVAL));
      if (peers.isPresent() && peers.get().retry()) {
        log.info("routes to peers that were refused before are there");
      }
      if (interception.isPresent() && interception.get().retry()) {
        log.info("home addresses are stood in for as they should be, which was refused before");
      }
      if (policies.isBehind() && policies.retry()) {
        log.info("policies that were refused before are in force");
        attempt("leftovers", () -> parts().world().dropLeftovers());
      }
    }
  }

  @Override
  public Optional<Instant> nextDeadline() {
    Parts all = parts();
    Optional<Instant> least = all.driver().nextDeadline();
    for (Optional<Instant> other :
        List.of(
            all.dad().nextDeadline(),
            all.solicitor().nextDeadline(),
            retryAt,
            keys.flatMap(KeyExchange::nextDeadline),
            all.world().nextDeadline(),
            othersChanged ? Optional.of(othersAt) : Optional.<Instant>empty(),
            all.careOf().flatMap(CareOfAddresses::nextDeadline))) {
      if (least.isEmpty() || (other.isPresent() && other.get().isBefore(least.get()))) {
        least = other;
      }
    }
    return least;
  }

  /** The operator wants something of the core. */
  void operator(NodeEvent event) {
    deliver(event);
  }

  Roles roles() {
    return core.roles();
  }

  /** The home agents that were found, the first in use. */
  ImmutableList<Ipv6Address> foundAgents() {
    return choice.map(HomeAgentChoice::all).orElse(ImmutableList.of());
  }

  /**
   * What the roles know, for people.
   *
   * @param limit bindings of a kind that are told at most
   */
  Map<String, Object> report(int limit) {
    return core.report().of(loop.now(), limit);
  }

  @Override
  public void happens(Instant now, NodeEvent event) {
    counts.happens(event);
    messages.ifPresent(it -> it.happens(now, event));
  }

  @Override
  public void carriedOut(Instant now, NodeAction action) {
    chronicle.carriedOut(now, action);
    counts.carriedOut(action);
    if (action instanceof NodeAction.MoveTunnel move) {
      keys.ifPresent(one -> one.moved(now, move));
    }
  }

  @Override
  public ImmutableList<ReqId> moving(NodeAction.MoveTunnel move, ImmutableList<ReqId> tunnels) {
    return keys.map(one -> one.moving(move, tunnels)).orElse(tunnels);
  }

  /** What had no association at first. */
  private void sendKept(NodeAction.SendMessage send) {
    attempt(send, () -> send(send));
  }

  private void send(NodeAction.SendMessage send) throws IOException {
    parts().world().send(send.message(), send.source(), send.destination(), send.careOf());
    log.atLevel(CoreDriver.loudness(send.message()))
        .log(
            "sent {} from {} to {}{}",
            send.message(),
            send.source(),
            send.destination(),
            send.careOf().map(one -> " by care-of address " + one).orElse(""));
    counts.sent(send);
    messages.ifPresent(it -> it.sent(loop.now(), send));
  }

  @Override
  public void handled(Instant now, NodeEvent event) {
    chronicle.handled(now, event);
    counts.handled(event);
  }

  private void deliver(NodeEvent event) {
    parts().driver().handle(loop.now(), event);
  }

  @Override
  public void perform(NodeAction action) throws IOException {
    Parts all = parts();
    if (action instanceof NodeAction.SendMessage send) {
      Optional<NodeAction.SendMessage> admitted =
          keys.isEmpty() ? Optional.of(send) : keys.get().admit(loop.now(), send);
      if (admitted.isEmpty()) {
        log.info("kept until its association is negotiated: {}", send.message());
        return;
      }
      send(admitted.get());
    } else if (action instanceof NodeAction.SendIcmpv6 send) {
      attempt(
          action,
          () ->
              sendIcmpv6(send.interfaceIndex(), send.source(), send.destination(), send.message()));
    } else if (action instanceof NodeAction.SendDiscovery send) {
      attempt(action, () -> send(send));
    } else if (action instanceof NodeAction.SendListenerMessage send) {
      all.world().groups().ifPresent(it -> it.send(send));
    } else if (action instanceof NodeAction.Subscribe subscribe) {
      all.world().groups().ifPresent(it -> it.subscribe(subscribe));
    } else if (action instanceof NodeAction.JoinAnycast join) {
      attempt(
          action,
          () -> all.world().network().icmp().joinAnycast(join.interfaceIndex(), join.address()));
    } else if (action instanceof NodeAction.StartDad start) {
      all.dad().start(loop.now(), start.interfaceIndex(), start.address());
    } else if (action instanceof NodeAction.Proxy proxy) {
      proxy(List.of(proxy));
    } else if (action instanceof NodeAction.InterceptPeer intercept) {
      if (all.peers().isPresent()) {
        all.peers().get().put(intercept.local(), intercept.peer(), intercept.on());
      }
    } else if (action instanceof NodeAction.SolicitRouters solicit) {
      all.solicitor().start(loop.now(), solicit.interfaceIndex());
    } else if (action instanceof NodeAction.ForgetLink forget) {
      all.careOf().ifPresent(one -> one.forget(loop.now(), forget.interfaceIndex(), forget.keep()));
      attempt(action, () -> cleaner.forget(forget.interfaceIndex(), forget.keep()));
    } else if (action instanceof NodeAction.PlaceHomeAddress place) {
      HomePlace home = all.places().get(place.address().value());
      if (home != null) {
        home.put(place.place(), all.world().network().link(place.interfaceIndex()));
      }
      if (all.world().groups().isPresent()) {
        attempt(action, () -> all.world().groups().get().place(place));
      }
    } else if (action instanceof NodeAction.PreferHomeAddress prefer) {
      HomePlace home = all.places().get(prefer.address().value());
      if (home != null) {
        attempt(action, () -> home.prefer(prefer.preferred()));
        attempt(action, () -> all.world().preferHome(prefer.address().value(), prefer.preferred()));
      }
    } else if (action instanceof NodeAction.KnowNeighbor know) {
      attempt(action, () -> netlink.replaceNeighbour(neighbour(know)));
      attempt(action, () -> all.world().homeLinkIs(know.interfaceIndex()));
    } else if (action instanceof NodeAction.RetakeAddress retake) {
      attempt(action, () -> cleaner.retake(retake.interfaceIndex(), retake.address()));
    } else if (action instanceof NodeAction.Tell tell) {
      log.info("{}", tell.words());
    } else if (action instanceof NodeAction.RememberHomeLink remember) {
      Duration ahead = Duration.between(loop.now(), Instant.now());
      attempt(action, () -> bindings.put(remember.state().later(ahead)));
    } else if (action instanceof NodeAction.HomeAgentsFound found) {
      if (choice.isPresent()) {
        log.info("home agents found: {}", found.addresses());
        choice.get().found(found.addresses());
        loop.pause();
      }
    } else if (action instanceof NodeAction.HomeAgentFails) {
      if (choice.isPresent() && !givenUp) {
        givenUp = true;
        log.warn("home agent {} will not do, the next one is tried", choice.get().current());
        choice.get().fails();
        loop.pause();
      }
    }
  }

  @Override
  public long remember(NodeAction action) throws IOException {
    if (action instanceof NodeAction.RememberBinding binding) {
      return bindings.put(
          new BindingStore.Entry(
              binding.homeAddress(),
              binding.sequence(),
              Optional.of(
                  new BindingStore.StoredBinding(
                      binding.careOf(), binding.flags(), Instant.now().plus(binding.lifetime())))));
    } else if (action instanceof NodeAction.ForgetBinding forget) {
      return bindings.put(
          new BindingStore.Entry(forget.homeAddress(), forget.sequence(), Optional.empty()));
    } else if (action instanceof NodeAction.RememberSequence remember) {
      return bindings.put(
          new BindingStore.Entry(
              remember.homeAddress(),
              remember.sequence(),
              bindings.entry(remember.homeAddress()).flatMap(BindingStore.Entry::binding)));
    }
    throw new IllegalArgumentException("not to be remembered: " + action);
  }

  @Override
  public CoreDriver.Durability durability(long number) {
    return bindings.durability(number);
  }

  /** An action without which the others still make sense. */
  private interface Step {
    void run() throws IOException;
  }

  private static void attempt(NodeAction action, Step step) {
    attempt(action.getClass().getSimpleName(), step);
  }

  private static void attempt(String what, Step step) {
    try {
      step.run();
    } catch (IOException e) {
      log.warn("{}: {}", what, e.getMessage());
    }
  }

  private void send(NodeAction.SendDiscovery send) throws IOException {
    log.info("sent {} from {} to {}", send.message(), send.source(), send.destination());
    parts().world().send(send.message(), send.source(), send.destination(), send.careOf());
  }

  private void sendIcmpv6(
      int interfaceIndex, Ipv6Address source, Ipv6Address destination, Icmpv6Message message)
      throws IOException {
    ByteBuf out = Unpooled.buffer(128);
    Icmpv6Codec.encode(message, source, destination, out);
    parts().world().network().icmp().send(interfaceIndex, source, destination, out);
  }

  @Override
  public void proxy(List<NodeAction.Proxy> proxies) throws IOException {
    if (parts().interception().isPresent()) {
      parts().interception().get().carryOut(proxies);
    }
  }

  @Override
  public boolean isProxyBehind(Ipv6Address homeAddress) {
    return parts()
        .interception()
        .filter(it -> it.isBehind(new HomeAddress(homeAddress)))
        .isPresent();
  }

  private static Neighbour neighbour(NodeAction.KnowNeighbor know) {
    return new Neighbour(
        know.interfaceIndex(),
        know.address(),
        Optional.of(MacAddress.read(know.linkLayerAddress().octets().toArray(), 0)),
        Neighbour.NUD_REACHABLE,
        false,
        false);
  }

  @Override
  public void interfaceChanged(RtnetlinkNotice notice) {
    coreLearns(notice);
    parts().careOf().ifPresent(careOf -> careOf.interfaceChanged(loop.now(), notice));
  }

  private void coreLearns(RtnetlinkNotice notice) {
    if (notice instanceof RtnetlinkNotice.LinkNotice change) {
      Link link = change.link();
      deliver(
          new NodeEvent.LinkChanged(
              link.index(),
              link.name(),
              link.isRunning() && !change.gone(),
              link.address().map(mac -> new LinkLayerAddress(Octets.of(mac.toOctets())))));
    } else if (notice instanceof RtnetlinkNotice.AddressNotice change) {
      InterfaceAddress address = change.address();
      deliver(
          new NodeEvent.AddressChanged(
              address.interfaceIndex(),
              address.address(),
              address.prefixLength(),
              change.gone() ? AddressState.GONE : stateOf(address)));
    } else if (notice instanceof RtnetlinkNotice.RouteNotice change) {
      for (HomePlace place : parts().places().values()) {
        attempt("the home link's router", () -> place.routeChanged(change.route(), change.gone()));
      }
    }
  }

  private static AddressState stateOf(InterfaceAddress address) {
    if (address.has(AddressFlag.DADFAILED)) {
      return AddressState.DUPLICATE;
    }
    if (address.has(AddressFlag.OPTIMISTIC)) {
      return AddressState.OPTIMISTIC;
    }
    if (address.has(AddressFlag.TENTATIVE)) {
      return AddressState.TENTATIVE;
    }
    return address.isDeprecated() ? AddressState.DEPRECATED : AddressState.USABLE;
  }

  @Override
  public void icmpv6(
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      int hopLimit,
      ByteBuf octets) {
    Optional<NodeEvent.Icmpv6Arrived> arrived =
        parts().driver().icmpv6(interfaceIndex, source, destination, hopLimit, octets);
    arrived.ifPresent(this::heard);
  }

  private void heard(NodeEvent.Icmpv6Arrived event) {
    int interfaceIndex = event.interfaceIndex();
    Icmpv6Message message = event.message();
    parts().dad().received(interfaceIndex, event.source(), message);
    parts()
        .careOf()
        .ifPresent(
            one ->
                one.heard(
                    loop.now(), interfaceIndex, event.source(), event.destination(), message));
    if (message instanceof Icmpv6Message.RouterAdvertisement advertisement) {
      parts().solicitor().heard(interfaceIndex);
      cleaner.heard(interfaceIndex, event.source(), advertisement);
    }
    deliver(event);
  }

  @Override
  public void prefixDiscovery(ByteBuf octets, Arrival arrival) {
    parts().driver().prefixDiscovery(octets, arrival);
  }

  @Override
  public void listener(ByteBuf octets, Ipv6Address group, Arrival arrival) {
    parts().driver().listener(octets, group, arrival);
  }

  @Override
  public void groupsJoined(ImmutableSet<Ipv6Address> groups) {
    deliver(new NodeEvent.GroupsJoined(groups));
  }

  @Override
  public void mobility(ByteBuf octets, Arrival arrival) {
    parts().driver().mobility(octets, arrival);
  }

  @Override
  public void notice(XfrmNotice notice) {
    if (parts != null) {
      // Of a world that is still being set up there is nothing to tell the core.
      parts.driver().notice(notice);
    }
  }

  @Override
  public void tunnelled(Ipv6Address peer, Ipv6Address homeAddress, boolean sure) {
    parts().driver().tunnelled(peer, homeAddress, sure);
  }

  @Override
  public void failed(FailedPacket packet) {
    parts().driver().failed(packet);
  }

  @Override
  public void found(Finding finding) {
    chronicle.found(loop.now(), finding);
  }

  @Override
  public void othersChanged() {
    othersChanged = true;
  }

  @Override
  public void settle() {
    parts().driver().settle(loop.now());
  }

  @Override
  public void broken(String why) {
    log.error("{}", why);
    failure = why;
    loop.stop();
  }

  /** For {@code mipd policy}. */
  PolicyInputs policyInputs() {
    return parts().policies().inputs();
  }

  /** The policies in force and how each came about, the first so many. */
  ImmutableList<MergedPolicy> merged(int limit) {
    return parts().policies().merged(limit);
  }

  int policyCount() {
    return parts().policies().count();
  }

  /** What decides about a flow of this node's. */
  Optional<MergedPolicy> decides(Direction direction, Flow flow) {
    return parts().policies().decides(direction, flow);
  }

  /**
   * For the status.
   *
   * @param limit bindings of a kind that are told at most
   */
  StatusReport.Facts facts(int limit) {
    return new StatusReport.Facts(report(limit), tallies());
  }

  /** How many bindings there are, of each kind that the node can have. */
  ImmutableMap<String, Object> bindingCounts() {
    var counts = ImmutableMap.<String, Object>builder();
    roles().agent().ifPresent(core -> counts.put("bindings", core.bindingCount()));
    roles()
        .correspondent()
        .ifPresent(core -> counts.put("correspondent-bindings", core.bindingCount()));
    return counts.buildOrThrow();
  }

  /** What is known without asking the core. */
  StatusReport.Tallies tallies() {
    return new StatusReport.Tallies(
        ImmutableMap.copyOf(Maps.transformValues(parts().places(), HomePlace::place)),
        parts().driver().refusals(),
        parts().driver().malformed(),
        parts().driver().overflow(),
        parts().policies(),
        keys.map(KeyExchange::report));
  }

  /** Messages that came and went. */
  MessageCounts counts() {
    return counts;
  }
}
