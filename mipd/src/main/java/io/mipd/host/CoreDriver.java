package io.mipd.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Drives a core: what arrives becomes its events, and what it wants is carried out in its order,
 * policies here and all else by {@link Hands}. What comes from within a packet's way is only noted,
 * and acted upon between two packets ({@link #settle}). One thread.
 */
public final class CoreDriver {
  /** Events that wait for the end of a batch; more than that are dropped. */
  private static final int MAX_PENDING = 1024;

  /** Of Neighbor Discovery: what a router has passed on has less. */
  private static final int LINK_HOP_LIMIT = 255;

  private final Logger log;
  private final MobilityNode core;
  private final ImmutableMap<Ipv6Address, ImmutableList<ReqId>> tunnels;
  private final InstalledPolicies policies;
  private final RoutesInUse routes;
  private final Hands hands;
  private final Deque<NodeEvent> pending = new ArrayDeque<>();
  private final Deque<Answer> held = new ArrayDeque<>();
  private final Map<NodeAction.Refusal, Long> refusals = new EnumMap<>(NodeAction.Refusal.class);
  private long malformed;
  private long overflow;

  /** The last number of {@link Hands#remember}. */
  private long remembered;

  /** Whether something will be there after a crash. */
  public enum Durability {
    PENDING,
    DURABLE,
    FAILED
  }

  /** What a core answers to an event. */
  private static final class Answer {
    final NodeEvent event;

    /** What is to be carried out, in order. */
    private final List<NodeAction> actions = new ArrayList<>();

    /** How many of those have been taken. */
    private int taken;

    /** When what is left may be carried out: see {@link Hands#remember}. */
    long number;

    /** Of all that was to be remembered until now, whichever event it came of. */
    long last;

    /** Something was not done that a message may rest on. */
    boolean failed;

    Answer(NodeEvent event) {
      this.event = event;
    }

    void add(NodeAction action) {
      actions.add(action);
    }

    boolean isDone() {
      return taken == actions.size();
    }

    /** Of one that is not done. */
    NodeAction next() {
      return actions.get(taken);
    }

    /** The next one; with it those like it that follow. */
    List<NodeAction> take() {
      int first = taken++;
      while (!isDone() && goTogether(actions.get(first), next())) {
        taken++;
      }
      return actions.subList(first, taken);
    }

    boolean hasPolicies() {
      return actions.subList(taken, actions.size()).stream().anyMatch(CoreDriver::isForPolicies);
    }
  }

  /** Who can do what a core wants. */
  public interface Hands {
    /**
     * Keeps what must survive a crash. What follows in the list waits until it does, and what
     * follows another event behind it; policies alone do not, where they are next.
     *
     * @return a number, greater than the one before, to ask for its {@link #durability} by; 0 if it
     *     is durable already
     * @throws IOException if it cannot be kept
     */
    default long remember(NodeAction action) throws IOException {
      perform(action);
      return 0;
    }

    /** Of what has got this number from {@link #remember}, and all before it. */
    default Durability durability(long number) {
      return Durability.DURABLE;
    }

    /**
     * Carries out anything but {@link NodeAction.WantMobility}, {@link NodeAction.WantAtHomeAgent},
     * {@link NodeAction.MoveTunnel} and {@link NodeAction.Refuse}.
     *
     * @throws IOException if it was not done, and messages that follow in the list may rest on it
     */
    void perform(NodeAction action) throws IOException;

    /**
     * Likewise, of many at once.
     *
     * @throws IOException if some were not done
     */
    default void proxy(List<NodeAction.Proxy> proxies) throws IOException {
      for (NodeAction.Proxy proxy : proxies) {
        perform(proxy);
      }
    }

    /** Whether what was wanted for a home address by {@link #proxy} is not done yet. */
    default boolean isProxyBehind(Ipv6Address homeAddress) {
      return false;
    }

    /** The core is about to be told of an event. */
    default void happens(Instant now, NodeEvent event) {}

    /** Of these associations, those that a move of the tunnel takes along. */
    default ImmutableList<ReqId> moving(NodeAction.MoveTunnel move, ImmutableList<ReqId> tunnels) {
      return tunnels;
    }

    /** Any action is done, these as well. */
    default void carriedOut(Instant now, NodeAction action) {}

    /** An event has been handled, and all that came of it done or given up. */
    default void handled(Instant now, NodeEvent event) {}
  }

  /**
   * @param tunnels request ids of the tunnels of each home address
   */
  public CoreDriver(
      MobilityNode core,
      ImmutableMap<Ipv6Address, ImmutableList<ReqId>> tunnels,
      InstalledPolicies policies,
      RoutesInUse routes,
      Hands hands) {
    this(core, tunnels, policies, routes, hands, LoggerFactory.getLogger(CoreDriver.class));
  }

  /** Likewise, with a log of its own. */
  CoreDriver(
      MobilityNode core,
      ImmutableMap<Ipv6Address, ImmutableList<ReqId>> tunnels,
      InstalledPolicies policies,
      RoutesInUse routes,
      Hands hands,
      Logger log) {
    this.log = log;
    this.core = core;
    this.tunnels = tunnels;
    this.policies = policies;
    this.routes = routes;
    this.hands = hands;
  }

  /** When {@link #turn} is due; at once while something noted can be acted upon. */
  public Optional<Instant> nextDeadline() {
    return pending.isEmpty() || held.size() >= MAX_PENDING
        ? Stream.of(core.nextDeadline(), routes.nextDeadline())
            .flatMap(Optional::stream)
            .min(Instant::compareTo)
        : Optional.of(Instant.MIN);
  }

  /** Tells the core that its deadline has come, if it has, and which routes are in use. */
  public void turn(Instant now) {
    Optional<Instant> due = core.nextDeadline();
    if (due.isPresent() && !due.get().isAfter(now)) {
      handle(now, new NodeEvent.DeadlineReached());
    }
    ImmutableSet<RouteOptimizationState.Id> used = routes.turn(now);
    if (!used.isEmpty()) {
      handle(now, new NodeEvent.RoutesUsed(used));
    }
  }

  /** Something happens to the core. */
  public void handle(Instant now, NodeEvent event) {
    log.debug("event {}", event);
    hands.happens(now, event);
    var answer = new Answer(event);
    for (NodeAction action : core.handle(now, event)) {
      if (isToRemember(action)) {
        remember(now, answer, action);
      } else {
        answer.add(action);
      }
    }
    answer.last = remembered;
    // Policies need not wait for the disk, packets come by the new way already; but not before
    // those of an earlier event.
    if (held.stream().noneMatch(Answer::hasPolicies)) {
      while (!answer.isDone() && isForPolicies(answer.next())) {
        carryOutNext(now, answer);
      }
    }
    held.add(answer);
    resume(now);
  }

  private void remember(Instant now, Answer answer, NodeAction action) {
    log.debug("action {}", action);
    try {
      answer.number = Math.max(answer.number, hands.remember(action));
      remembered = Math.max(remembered, answer.number);
      hands.carriedOut(now, action);
    } catch (IOException e) {
      log.error("{}: {}", action, e.getMessage());
      answer.failed = true;
    }
  }

  /** Carries out what waited to become durable, as far as it has. */
  public void resume(Instant now) {
    for (Answer answer = held.peek(); answer != null; answer = held.peek()) {
      Durability durability =
          answer.number == 0 ? Durability.DURABLE : hands.durability(answer.number);
      if (durability == Durability.PENDING) {
        return;
      }
      held.remove();
      answer.failed |= durability == Durability.FAILED;
      while (!answer.isDone()) {
        carryOutNext(now, answer);
      }
      hands.handled(now, answer.event);
    }
  }

  /** Those that go together are done at once. */
  private void carryOutNext(Instant now, Answer answer) {
    List<NodeAction> alike = answer.take();
    NodeAction next = alike.get(0);
    if (log.isDebugEnabled()) {
      alike.forEach(action -> log.debug("action {}", action));
    }
    if (next instanceof NodeAction.SendMessage send && isHeldBack(answer, send)) {
      return;
    }
    try {
      if (next instanceof NodeAction.WantMobility) {
        want(now, Lists.transform(alike, NodeAction.WantMobility.class::cast));
      } else if (next instanceof NodeAction.WantAtHomeAgent) {
        wantAtHomeAgent(Lists.transform(alike, NodeAction.WantAtHomeAgent.class::cast));
      } else if (next instanceof NodeAction.Proxy) {
        hands.proxy(Lists.transform(alike, NodeAction.Proxy.class::cast));
      } else {
        carryOut(next);
      }
      alike.forEach(action -> hands.carriedOut(now, action));
    } catch (IOException e) {
      // A message that follows may rest on this one: an acknowledgement on what it acknowledges.
      // The peer asks again. All else is wanted all the same, and what is behind is tried again.
      log.error("{}: {}", words(alike), e.getMessage());
      answer.failed = true;
    }
  }

  private static boolean goTogether(NodeAction one, NodeAction other) {
    return one instanceof NodeAction.Proxy proxy
        ? other instanceof NodeAction.Proxy next && next.on() == proxy.on()
        : (one instanceof NodeAction.WantMobility && other instanceof NodeAction.WantMobility)
            || (one instanceof NodeAction.WantAtHomeAgent
                && other instanceof NodeAction.WantAtHomeAgent);
  }

  private static String words(List<NodeAction> alike) {
    return alike.get(0) + (alike.size() > 1 ? " and " + (alike.size() - 1) + " more" : "");
  }

  private void want(Instant now, List<NodeAction.WantMobility> wanted) throws IOException {
    Map<WishOwner, MobilityWish> together = new LinkedHashMap<>();
    boolean done = true;
    for (NodeAction.WantMobility want : wanted) {
      routes.follow(now, want.owner(), !want.wish().equals(MobilityWish.NOTHING));
      if (together.containsKey(want.owner())) {
        done &= policies.want(ImmutableMap.copyOf(together));
        together.clear();
      }
      together.put(want.owner(), want.wish());
    }
    done &= policies.want(ImmutableMap.copyOf(together));
    require(done, "the policies were not installed");
  }

  private void wantAtHomeAgent(List<NodeAction.WantAtHomeAgent> wanted) throws IOException {
    require(
        policies.want(Lists.transform(wanted, NodeAction.WantAtHomeAgent::wish)),
        "the policies were not installed");
  }

  private static boolean isToRemember(NodeAction action) {
    return action instanceof NodeAction.RememberBinding
        || action instanceof NodeAction.ForgetBinding
        || action instanceof NodeAction.RememberSequence;
  }

  private static boolean isForPolicies(NodeAction action) {
    return action instanceof NodeAction.WantMobility
        || action instanceof NodeAction.WantAtHomeAgent
        || action instanceof NodeAction.MoveTunnel;
  }

  private void carryOut(NodeAction action) throws IOException {
    if (action instanceof NodeAction.MoveTunnel move) {
      ImmutableList<ReqId> moved = tunnels.getOrDefault(move.owner().value(), ImmutableList.of());
      require(policies.move(move, hands.moving(move, moved)), "the tunnel was not moved");
    } else if (action instanceof NodeAction.Refuse refuse) {
      refusals.merge(refuse.reason(), 1L, Long::sum);
      log.debug("refused: {} from {}", refuse.reason(), refuse.source());
    } else {
      hands.perform(action);
    }
  }

  private static void require(boolean done, String otherwise) throws IOException {
    if (!done) {
      throw new IOException(otherwise);
    }
  }

  /** Whether a message would say more than is true yet; the peer asks again. */
  private boolean isHeldBack(Answer answer, NodeAction.SendMessage send) {
    Optional<String> reason = Optional.empty();
    if (answer.failed) {
      reason = Optional.of("what it rests on was not done");
    } else if (isTakenForDone(send.message())) {
      if (policies.isBehind(send.source(), send.destination())) {
        reason = Optional.of("its policies are not in force yet");
      } else if (hands.isProxyBehind(send.destination())) {
        reason = Optional.of("its home address is not stood in for, or still is");
      } else if (hands.durability(answer.last) == Durability.FAILED) {
        reason = Optional.of("what came before could not be stored yet");
      }
    }
    reason.ifPresent(it -> log.warn("held back, for {}: {}", it, send.message()));
    return reason.isPresent();
  }

  /**
   * Whoever gets it does not ask again. That there is no binding is told after one has ended: the
   * mobile node takes that for the end which was not acknowledged.
   */
  private static boolean isTakenForDone(MobilityMessage message) {
    return message instanceof MobilityMessage.BindingAcknowledgement acknowledgement
        && (acknowledgement.status().isAccepted()
            || acknowledgement.status().equals(BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE));
  }

  /** How loud to be about a message that comes or goes. */
  public static Level loudness(MobilityMessage message) {
    // Who asks for these may be anybody, as often as he likes.
    return isOfAnybody(message) ? Level.DEBUG : Level.INFO;
  }

  private static boolean isOfAnybody(MobilityMessage message) {
    return switch (message.type()) {
      case MobilityMessage.HOME_TEST_INIT,
          MobilityMessage.CARE_OF_TEST_INIT,
          MobilityMessage.HOME_TEST,
          MobilityMessage.CARE_OF_TEST ->
          true;
      default -> false;
    };
  }

  /**
   * Notes a Mobility Header message.
   *
   * @param octets from the Payload Proto field on; only read during the call
   */
  public void mobility(ByteBuf octets, Arrival arrival) {
    MobilityMessage message;
    try {
      message = MobilityCodec.decode(octets, arrival.source(), arrival.destination());
    } catch (MalformedPacketException e) {
      malformed++;
      log.debug("Mobility Header from {}: {}", arrival.source(), e.toString());
      return;
    }
    log.atLevel(loudness(message)).log("received {} from {}", message, arrival.source());
    note(new NodeEvent.MobilityMessageArrived(message, arrival));
  }

  /**
   * Notes a Mobile Prefix Solicitation or Advertisement.
   *
   * @param octets from the Type field on; only read during the call
   */
  public void prefixDiscovery(ByteBuf octets, Arrival arrival) {
    Icmpv6Message message;
    try {
      message = Icmpv6Codec.decode(octets, arrival.source(), arrival.destination());
    } catch (MalformedPacketException e) {
      malformed++;
      log.debug("prefix discovery from {}: {}", arrival.source(), e.toString());
      return;
    }
    log.info("received {} from {}", message, arrival.source());
    note(new NodeEvent.PrefixDiscoveryArrived(message, arrival));
  }

  /**
   * Notes a message of Multicast Listener Discovery.
   *
   * @param octets from the Type field on; only read during the call
   * @param group its destination
   */
  public void listener(ByteBuf octets, Ipv6Address group, Arrival arrival) {
    Icmpv6Message message;
    try {
      message = Icmpv6Codec.decode(octets, arrival.source(), group);
    } catch (MalformedPacketException e) {
      malformed++;
      log.debug("listener discovery from {}: {}", arrival.source(), e.toString());
      return;
    }
    if (message instanceof Icmpv6Message.OfListeners ofListeners) {
      log.debug("received {} from {}", message, arrival.source());
      note(new NodeEvent.ListenerMessageArrived(ofListeners, group, arrival));
    }
  }

  /** Notes what a world reports. */
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

  /**
   * Notes that payload came by the tunnel.
   *
   * @param sure false if it may have come directly as well
   */
  public void tunnelled(Ipv6Address peer, Ipv6Address homeAddress, boolean sure) {
    note(new NodeEvent.TunnelledPayload(new HomeAddress(homeAddress), peer, sure));
  }

  /** Notes that a packet of ours failed. */
  public void failed(FailedPacket packet) {
    note(new NodeEvent.PacketFailed(packet));
  }

  private void note(NodeEvent event) {
    if (pending.size() < MAX_PENDING) {
      pending.add(event);
    } else {
      overflow++;
    }
  }

  /** Between two packets: what was noted is acted upon. */
  public void settle(Instant now) {
    while (held.size() < MAX_PENDING && !pending.isEmpty()) {
      handle(now, pending.remove());
    }
  }

  /**
   * Reads a message of ICMPv6 that reached this node's own stack.
   *
   * @param octets from the Type field on; only read during the call
   * @param hopLimit as it arrived
   * @return the message, to be told to the core by {@link #handle}; empty if it is malformed, or
   *     Neighbor Discovery that a router has passed on (RFC 4861 sections 6.1 and 7.1)
   */
  public Optional<NodeEvent.Icmpv6Arrived> icmpv6(
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
      return Optional.empty();
    }
    if (hopLimit != LINK_HOP_LIMIT && !isFromAfar(message)) {
      malformed++;
      return Optional.empty();
    }
    return Optional.of(
        new NodeEvent.Icmpv6Arrived(interfaceIndex, source, destination, hopLimit, message));
  }

  private static boolean isFromAfar(Icmpv6Message message) {
    return message instanceof Icmpv6Message.HomeAgentDiscoveryRequest
        || message instanceof Icmpv6Message.HomeAgentDiscoveryReply;
  }

  /** What the core refused, and how often. */
  public ImmutableMap<NodeAction.Refusal, Long> refusals() {
    return ImmutableMap.copyOf(refusals);
  }

  /** Messages that were no messages. */
  public long malformed() {
    return malformed;
  }

  /** Events that there was no room to note. */
  public long overflow() {
    return overflow;
  }
}
