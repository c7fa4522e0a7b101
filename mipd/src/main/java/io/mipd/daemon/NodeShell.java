package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.MacAddress;
import io.mipd.xfrm.netlink.Neighbour;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Between a core and the world: what happens becomes the core's events, its actions are performed
 * in their order. One thread.
 */
final class NodeShell implements World.Upward, EventLoop.Work {
  private static final Logger log = LoggerFactory.getLogger(NodeShell.class);

  /** Mobility Header messages that wait for the end of a batch; more than that are dropped. */
  private static final int MAX_PENDING = 1024;

  private static final Duration RETRY_INTERVAL = Duration.ofSeconds(1);

  /**
   * A core and what is to be known of it.
   *
   * @param tunnels request ids of the tunnels of each home address
   * @param report what it knows, for the status
   */
  record Core(
      MobilityNode node,
      ImmutableMap<Ipv6Address, ImmutableList<ReqId>> tunnels,
      Function<Instant, Map<String, Object>> report) {}

  private final Core core;
  private final EventLoop loop;
  private final BindingStore bindings;
  private final Rtnetlink netlink;
  private final Deque<NodeEvent> pending = new ArrayDeque<>();
  private final Map<NodeAction.Refusal, Long> refusals = new EnumMap<>(NodeAction.Refusal.class);
  private final SecureRandom random = new SecureRandom();
  private final LinkCleaner cleaner;
  private Optional<Instant> retryAt = Optional.empty();
  private @Nullable Parts parts;
  private @Nullable String failure;
  private long malformed;
  private long overflow;

  /** What exists as soon as the world does. */
  private record Parts(
      World world,
      InstalledPolicies policies,
      Dad dad,
      RouterSolicitor solicitor,
      Optional<HomePlace> place,
      Optional<HomeProxies> proxies,
      Optional<CareOfAddresses> careOf) {}

  NodeShell(Core core, EventLoop loop, BindingStore bindings, Rtnetlink netlink) {
    this.core = core;
    this.loop = loop;
    this.bindings = bindings;
    this.netlink = netlink;
    cleaner = new LinkCleaner(netlink);
  }

  /** Begins: the world is there, the core learns of it. */
  void begin(
      World world,
      Optional<HomePlace> place,
      Optional<HomeProxies> proxies,
      Optional<CareOfAddresses> careOf)
      throws IOException {
    parts =
        new Parts(
            world,
            new InstalledPolicies(world.backend()),
            new Dad(
                world.network().icmp(),
                this::sendIcmpv6,
                random,
                (address, unique) -> deliver(new NodeEvent.DadFinished(address, unique))),
            new RouterSolicitor(world, this::sendIcmpv6),
            place,
            proxies,
            careOf);
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
    parts().careOf().ifPresent(CareOfAddresses::close);
    parts().world().turn(loop.now());
  }

  @Override
  public void turn(Instant now) {
    Parts all = parts();
    settle();
    all.dad().turn(now);
    all.solicitor().turn(now);
    Optional<Instant> due = core.node().nextDeadline();
    if (due.isPresent() && !due.get().isAfter(now)) {
      deliver(new NodeEvent.DeadlineReached());
    }
    all.careOf().ifPresent(careOf -> careOf.turn(now));
    all.world().turn(now);
    retry(now);
  }

  /** What the backend had no room for is tried again until it has. */
  private void retry(Instant now) {
    InstalledPolicies policies = parts().policies();
    if (!policies.isBehind()) {
      retryAt = Optional.empty();
    } else if (retryAt.isEmpty()) {
      retryAt = Optional.of(now.plus(RETRY_INTERVAL));
    } else if (!now.isBefore(retryAt.get())) {
      retryAt = Optional.of(now.plus(RETRY_INTERVAL));
      if (policies.retry()) {
        retryAt = Optional.empty();
        log.info("policies that were refused before are in force");
        attempt("leftovers", () -> parts().world().dropLeftovers());
      }
    }
  }

  @Override
  public Optional<Instant> nextDeadline() {
    Parts all = parts();
    Optional<Instant> least = core.node().nextDeadline();
    for (Optional<Instant> other :
        List.of(
            all.dad().nextDeadline(),
            all.solicitor().nextDeadline(),
            retryAt,
            all.world().nextDeadline(),
            all.careOf().flatMap(CareOfAddresses::nextDeadline),
            pending.isEmpty() ? Optional.<Instant>empty() : Optional.of(Instant.MIN))) {
      if (least.isEmpty() || (other.isPresent() && other.get().isBefore(least.get()))) {
        least = other;
      }
    }
    return least;
  }

  private void deliver(NodeEvent event) {
    log.debug("event {}", event);
    boolean failed = false;
    for (NodeAction action : core.node().handle(loop.now(), event)) {
      log.debug("action {}", action);
      if (failed && !isForPolicies(action)) {
        log.warn("left out: {}", action);
        continue;
      }
      try {
        perform(action);
      } catch (IOException | ActionFailedException e) {
        // What follows in the list may rest on this one: an acknowledgement on what it
        // acknowledges. The peer asks again. Policies wait their turn to be tried again.
        log.error("{}: {}", action, e.getMessage());
        failed = true;
      }
    }
  }

  private static boolean isForPolicies(NodeAction action) {
    return action instanceof NodeAction.WantMobility || action instanceof NodeAction.MoveTunnel;
  }

  /** An action was not performed, and the reason is logged. */
  private static final class ActionFailedException extends Exception {
    private static final long serialVersionUID = 1L;

    ActionFailedException(String message) {
      super(message);
    }
  }

  private void perform(NodeAction action) throws IOException, ActionFailedException {
    Parts all = parts();
    if (action instanceof NodeAction.SendMessage send) {
      send(send);
    } else if (action instanceof NodeAction.SendIcmpv6 send) {
      attempt(
          action,
          () ->
              sendIcmpv6(send.interfaceIndex(), send.source(), send.destination(), send.message()));
    } else if (action instanceof NodeAction.WantMobility want) {
      require(all.policies().want(want.owner(), want.wish()), "the policies were not installed");
    } else if (action instanceof NodeAction.MoveTunnel move) {
      ImmutableList<ReqId> tunnels =
          core.tunnels().getOrDefault(move.owner().value(), ImmutableList.of());
      require(all.policies().move(move, tunnels), "the tunnel was not moved");
    } else if (action instanceof NodeAction.StartDad start) {
      all.dad().start(loop.now(), start.interfaceIndex(), start.address());
    } else if (action instanceof NodeAction.Proxy proxy) {
      proxy(proxy);
    } else if (action instanceof NodeAction.SolicitRouters solicit) {
      all.solicitor().start(loop.now(), solicit.interfaceIndex());
    } else if (action instanceof NodeAction.ForgetLink forget) {
      all.careOf().ifPresent(one -> one.forget(loop.now(), forget.interfaceIndex(), forget.keep()));
      attempt(action, () -> cleaner.forget(forget.interfaceIndex(), forget.keep()));
    } else if (action instanceof NodeAction.PlaceHomeAddress place) {
      if (all.place().isPresent()) {
        all.place().get().put(place.place(), all.world().network().link(place.interfaceIndex()));
      }
    } else if (action instanceof NodeAction.KnowNeighbor know) {
      attempt(action, () -> netlink.replaceNeighbour(neighbour(know)));
      attempt(action, () -> all.world().homeLinkIs(know.interfaceIndex()));
    } else if (action instanceof NodeAction.RetakeAddress retake) {
      attempt(action, () -> cleaner.retake(retake.interfaceIndex(), retake.address()));
    } else if (action instanceof NodeAction.Tell tell) {
      log.info("{}", tell.words());
    } else if (action instanceof NodeAction.Refuse refuse) {
      refusals.merge(refuse.reason(), 1L, Long::sum);
      log.debug("refused: {} from {}", refuse.reason(), refuse.source());
    } else {
      remember(action);
    }
  }

  private void remember(NodeAction action) throws IOException {
    if (action instanceof NodeAction.RememberBinding binding) {
      bindings.put(
          new BindingStore.Entry(
              binding.homeAddress(),
              binding.sequence(),
              Optional.of(
                  new BindingStore.StoredBinding(
                      binding.careOf(), binding.flags(), Instant.now().plus(binding.lifetime())))));
    } else if (action instanceof NodeAction.ForgetBinding forget) {
      bindings.put(
          new BindingStore.Entry(forget.homeAddress(), forget.sequence(), Optional.empty()));
    } else if (action instanceof NodeAction.RememberSequence remember) {
      bindings.put(
          new BindingStore.Entry(
              remember.homeAddress(),
              remember.sequence(),
              bindings.entry(remember.homeAddress()).flatMap(BindingStore.Entry::binding)));
    }
  }

  private static void require(boolean done, String otherwise) throws ActionFailedException {
    if (!done) {
      throw new ActionFailedException(otherwise);
    }
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

  private void send(NodeAction.SendMessage send) throws IOException {
    if (send.message() instanceof MobilityMessage.BindingAcknowledgement acknowledgement
        && acknowledgement.status().isAccepted()
        && parts().policies().isBehind(send.destination())) {
      // It would vouch for policies that are not in force; the mobile node asks again.
      log.warn("held back, for its policies are not in force yet: {}", send.message());
      return;
    }
    log.info(
        "sent {} from {} to {}{}",
        send.message(),
        send.source(),
        send.destination(),
        send.careOf().map(one -> " by care-of address " + one).orElse(""));
    parts().world().send(send.message(), send.source(), send.destination(), send.careOf());
  }

  private void sendIcmpv6(
      int interfaceIndex, Ipv6Address source, Ipv6Address destination, Icmpv6Message message)
      throws IOException {
    ByteBuf out = Unpooled.buffer(128);
    Icmpv6Codec.encode(message, source, destination, out);
    parts().world().network().icmp().send(interfaceIndex, source, destination, out);
  }

  private void proxy(NodeAction.Proxy proxy) throws IOException {
    Parts all = parts();
    if (all.proxies().isEmpty()) {
      return;
    }
    if (!proxy.on()) {
      all.proxies().get().remove(proxy.address());
      return;
    }
    Optional<Link> link = all.world().network().link(proxy.interfaceIndex());
    if (link.isEmpty()) {
      throw new IOException("there is no interface " + proxy.interfaceIndex());
    }
    all.proxies().get().put(link.get(), proxy.address());
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
    } else if (notice instanceof RtnetlinkNotice.RouteNotice change
        && parts().place().isPresent()) {
      try {
        parts().place().get().routeChanged(change.route(), change.gone());
      } catch (IOException e) {
        log.warn("the home link's router: {}", e.getMessage());
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
    Icmpv6Message message;
    try {
      message = Icmpv6Codec.decode(octets, source, destination);
    } catch (MalformedPacketException e) {
      malformed++;
      log.debug("ICMPv6 from {}: {}", source, e.toString());
      return;
    }
    // RFC 4861 sections 6.1 and 7.1: what a router has passed on is not neighbour discovery.
    if (hopLimit != 255) {
      malformed++;
      return;
    }
    parts().dad().received(interfaceIndex, source, message);
    parts()
        .careOf()
        .ifPresent(one -> one.heard(loop.now(), interfaceIndex, source, destination, message));
    if (message instanceof Icmpv6Message.RouterAdvertisement advertisement) {
      parts().solicitor().heard(interfaceIndex);
      cleaner.heard(interfaceIndex, source, advertisement);
    }
    deliver(new NodeEvent.Icmpv6Arrived(interfaceIndex, source, destination, hopLimit, message));
  }

  @Override
  public void mobility(ByteBuf octets, Arrival arrival) {
    MobilityMessage message;
    try {
      message = MobilityCodec.decode(octets, arrival.source(), arrival.destination());
    } catch (MalformedPacketException e) {
      malformed++;
      log.debug("Mobility Header from {}: {}", arrival.source(), e.toString());
      return;
    }
    if (pending.size() >= MAX_PENDING) {
      overflow++;
      return;
    }
    log.info("received {} from {}", message, arrival.source());
    pending.add(new NodeEvent.MobilityMessageArrived(message, arrival));
  }

  @Override
  public void notice(XfrmNotice notice) {
    log.debug("notice {}", notice);
    if (notice instanceof XfrmNotice.Report report
        && report.protocol() == TransformProtocol.HAO
        && pending.isEmpty()) {
      pending.add(
          new NodeEvent.HomeAddressOptionRefused(
              report.flow().source(), report.careOf(), report.flow().destination()));
    }
  }

  @Override
  public void settle() {
    for (NodeEvent event = pending.poll(); event != null; event = pending.poll()) {
      deliver(event);
    }
  }

  @Override
  public void broken(String why) {
    log.error("{}", why);
    failure = why;
    loop.stop();
  }

  /** For the status. */
  StatusReport.Facts facts() {
    return new StatusReport.Facts(
        core.report().apply(loop.now()),
        parts().place().map(HomePlace::place),
        ImmutableMap.copyOf(refusals),
        malformed,
        overflow,
        parts().policies());
  }
}
