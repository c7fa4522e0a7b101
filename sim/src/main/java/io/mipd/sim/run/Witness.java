package io.mipd.sim.run;

import com.google.common.collect.Comparators;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.sim.mobile.Joints;
import io.mipd.sim.mobile.Roles;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.SequenceStore;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Sees what the parts of each node say to each other, and knows from that what must follow: how
 * long a home agent or a correspondent has promised to bind, which addresses a correspondent has
 * tested, what the engine was told, which numbers an association has taken. It believes no part
 * about itself.
 */
final class Witness implements Joints {
  /** Hears of what must not be. */
  interface Judge {
    void broken(String rule, String words);
  }

  /** Numbers that a receiver remembers at least; older ones are left of any window. */
  private static final int REMEMBERED = 4096;

  private static final Duration LONGEST_ROUTE = ProtocolConstants.MAX_RR_BINDING_LIFETIME;

  private final Map<String, Told> told = new HashMap<>();
  private final Map<Binding, Taken> newest = new HashMap<>();
  private final Map<Peer, Instant> tested = new HashMap<>();

  /** Of home agents. */
  private final Map<Binding, Promise> promises = new LinkedHashMap<>();

  /** Of correspondents. */
  private final Map<Binding, Promise> routes = new LinkedHashMap<>();

  /** The last update with which a mobile node has ended its binding at a correspondent. */
  private final Map<Ends, SequenceNumber> goodbyes = new HashMap<>();

  private final PriorityQueue<Promise> ending = new PriorityQueue<>();
  private final Map<String, Set<Long>> taken = new HashMap<>();
  private final Map<String, Load> loads = new HashMap<>();
  private Judge judge = (rule, words) -> {};
  private long registrations;
  private long movements;

  /** The mobility messages that a node has taken and sent. */
  static final class Load {
    private long messages;
    private long second;
    private long inSecond;
    private long most;

    private void count(Instant now) {
      messages++;
      if (now.getEpochSecond() != second) {
        second = now.getEpochSecond();
        inSecond = 0;
      }
      inSecond++;
      most = Math.max(most, inSecond);
    }

    long messages() {
      return messages;
    }

    /** The most of a second. */
    long most() {
      return most;
    }
  }

  /** A home address at a node. */
  record Binding(String node, Ipv6Address local, Ipv6Address home) {}

  /** The last update that was taken, and when. */
  private record Taken(SequenceNumber sequence, Instant at) {}

  /** An address that a node has to do with. */
  private record Peer(String node, Ipv6Address address) {}

  /** A correspondent's address, and a home address. */
  private record Ends(Ipv6Address local, Ipv6Address home) {}

  /** As what a node binds. */
  enum Role {
    HOME_AGENT,
    CORRESPONDENT
  }

  /**
   * What a node has acknowledged.
   *
   * @param until not later than then it is to have ended
   */
  record Promise(Role role, Binding binding, Ipv6Address careOf, Instant until)
      implements Comparable<Promise> {
    String node() {
      return binding.node();
    }

    /** Whether it is broken, once its time is over. */
    boolean isStillKept(Roles roles) {
      return switch (role) {
        case HOME_AGENT ->
            roles
                .agent()
                .filter(agent -> agent.bindings().stream().anyMatch(this::isOf))
                .isPresent();
        case CORRESPONDENT ->
            roles
                .correspondent()
                .filter(core -> core.hasBinding(binding.home(), binding.local()))
                .isPresent();
      };
    }

    private boolean isOf(HomeBinding other) {
      return other.homeAddress().value().equals(binding.home());
    }

    /** At the very instant either may come first, what is sent or the end. */
    private boolean allows(Ipv6Address other, Instant now) {
      return careOf.equals(other) && !now.isAfter(until);
    }

    @Override
    public int compareTo(Promise other) {
      return until.compareTo(other.until);
    }
  }

  /** Has somebody hear of what must not be. */
  void tell(Judge who) {
    judge = who;
  }

  /** Sees what comes of parts that others have changed: the core, the merger and the windows. */
  Joints of(Joints changed) {
    Witness witness = this;
    return new Joints() {
      @Override
      public MobilityNode core(String node, MobilityNode core) {
        return witness.core(node, changed.core(node, core));
      }

      @Override
      public XfrmBackend backend(String node, XfrmBackend engine) {
        return changed.backend(node, witness.backend(node, engine));
      }

      @Override
      public XfrmBackend engine(String node, XfrmBackend engine) {
        return changed.engine(node, engine);
      }

      @Override
      public SequenceStore sequences(String node, SequenceStore store) {
        return witness.sequences(node, changed.sequences(node, store));
      }
    };
  }

  /** Home registrations that were acknowledged, each refresh counted. */
  long registrations() {
    return registrations;
  }

  /** Of these, those with another care-of address than before. */
  long movements() {
    return movements;
  }

  /** What a node's engine was told and has carried out. */
  Optional<Told> told(String node) {
    return Optional.ofNullable(told.get(node));
  }

  /** A promise whose time was over before an instant, taken from the list; empty if none is. */
  Optional<Promise> takeEnded(Instant now) {
    for (Promise first = ending.peek();
        first != null && first.until().isBefore(now);
        first = ending.peek()) {
      ending.remove();
      if (first.equals(all(first.role()).get(first.binding()))) {
        return Optional.of(first);
      }
    }
    return Optional.empty();
  }

  private Map<Binding, Promise> all(Role role) {
    return switch (role) {
      case HOME_AGENT -> promises;
      case CORRESPONDENT -> routes;
    };
  }

  /**
   * Whether a node may send to a care-of address instead of a home address: a mobile node has said
   * that it is there, and the node has acknowledged it for long enough.
   */
  boolean maySend(Binding binding, Ipv6Address careOf, Instant now) {
    return Stream.of(routes.get(binding), promises.get(binding))
        .anyMatch(it -> it != null && it.allows(careOf, now));
  }

  /** In words. */
  String promised(Binding binding) {
    return Stream.of(routes.get(binding), promises.get(binding))
        .filter(Objects::nonNull)
        .map(it -> it.careOf() + " until " + Times.nanos(it.until()) / 1e9 + " s")
        .reduce((one, other) -> one + ", " + other)
        .orElse("nothing was acknowledged");
  }

  @Override
  public MobilityNode core(String node, MobilityNode core) {
    // Neither nonces nor the bindings of a correspondent outlast a crash.
    tested.keySet().removeIf(it -> it.node().equals(node));
    routes.keySet().removeIf(it -> it.node().equals(node));
    return Joints.hearing(core, (now, event, actions) -> heard(node, now, event, actions));
  }

  /** What a node's core has had to do. */
  Load load(String node) {
    return loads.computeIfAbsent(node, key -> new Load());
  }

  private void heard(String node, Instant now, NodeEvent event, List<NodeAction> actions) {
    if (event instanceof NodeEvent.MobilityMessageArrived) {
      load(node).count(now);
    }
    for (NodeAction action : actions) {
      if (action instanceof NodeAction.SendMessage send) {
        load(node).count(now);
        sent(node, now, event, send);
      } else if (action instanceof NodeAction.WantMobility want
          && want.owner().peer().isPresent()) {
        wanted(node, now, event, want.wish());
      }
    }
    leaveTaken(node, now, event, actions);
  }

  private void sent(String node, Instant now, NodeEvent event, NodeAction.SendMessage send) {
    if (send.message() instanceof MobilityMessage.HomeTest
        || send.message() instanceof MobilityMessage.CareOfTest) {
      tested.put(new Peer(node, send.destination()), now);
    } else if (send.message() instanceof BindingUpdate update && isGoodbye(update)) {
      goodbyes.put(
          new Ends(/* local= */ send.destination(), /* home= */ send.source()), update.sequence());
    } else if (send.message() instanceof BindingAcknowledgement acknowledgement
        && acknowledgement.status().isAccepted()) {
      var binding = new Binding(node, /* local= */ send.source(), /* home= */ send.destination());
      if (!acknowledgement.lifetime().isZero()) {
        advance(binding, now, acknowledgement.sequence());
      }
      update(event)
          .ifPresent(
              it -> {
                if (it.has(BindingFlag.HOME_REGISTRATION)) {
                  promise(now, binding, acknowledgement, send);
                } else {
                  promiseRoute(
                      now,
                      binding,
                      careOf(it, ((NodeEvent.MobilityMessageArrived) event).arrival()),
                      it.lifetime(),
                      acknowledgement.lifetime());
                }
              });
      if (event instanceof NodeEvent.DadFinished) {
        promise(now, binding, acknowledgement, send);
      }
    }
  }

  private static Optional<BindingUpdate> update(NodeEvent event) {
    return event instanceof NodeEvent.MobilityMessageArrived arrived
            && arrived.message() instanceof BindingUpdate update
        ? Optional.of(update)
        : Optional.empty();
  }

  /**
   * RFC 6275 section 9.5.1. A correspondent may have forgotten a binding when it has ended, and a
   * mobile node that has forgotten it too counts anew, but then with a new home keygen token. A
   * home agent without a binding must accept any number; the association does not keep out what was
   * lost on its way and comes again (section 15.3), as long as its keys are configured.
   */
  private void advance(Binding binding, Instant now, SequenceNumber sequence) {
    Promise promise = promises.get(binding);
    boolean hasEnded = promise != null && !now.isBefore(promise.until());
    Taken before = newest.put(binding, new Taken(sequence, now));
    if (before == null || sequence.isAfter(before.sequence()) || hasEnded) {
      return;
    }
    Instant token = tested.get(new Peer(binding.node(), binding.home()));
    if (promises.containsKey(binding) || token == null || !token.isAfter(before.at())) {
      judge.broken(
          "no binding goes back to an older update",
          binding + " takes " + sequence + " after " + before.sequence());
    }
  }

  private void promise(
      Instant now,
      Binding binding,
      BindingAcknowledgement acknowledgement,
      NodeAction.SendMessage send) {
    registrations++;
    Ipv6Address careOf = send.careOf().map(it -> it.value()).orElse(binding.home());
    Duration lifetime = acknowledgement.lifetime().asDuration();
    var promise = new Promise(Role.HOME_AGENT, binding, careOf, now.plus(lifetime));
    Promise before = promises.put(binding, promise);
    if (before == null || !before.careOf().equals(careOf)) {
      movements++;
    }
    ending.add(promise);
  }

  /**
   * RFC 6275 section 9.5.2: for no longer than was asked for, and than MAX_RR_BINDING_LIFETIME. A
   * binding to the home address is none.
   */
  private void promiseRoute(
      Instant now,
      Binding binding,
      Ipv6Address careOf,
      BindingLifetime asked,
      BindingLifetime granted) {
    Duration lifetime =
        careOf.equals(binding.home())
            ? Duration.ZERO
            : Comparators.min(
                granted.asDuration(), Comparators.min(asked.asDuration(), LONGEST_ROUTE));
    if (granted.asDuration().compareTo(lifetime) > 0) {
      judge.broken(
          "a correspondent grants no more than it may",
          binding + ": " + granted.asDuration() + " of " + asked.asDuration());
    }
    var promise = new Promise(Role.CORRESPONDENT, binding, careOf, now.plus(lifetime));
    routes.put(binding, promise);
    ending.add(promise);
  }

  private static Ipv6Address careOf(BindingUpdate update, Arrival arrival) {
    return update
        .alternateCareOfAddress()
        .map(CareOfAddress::value)
        .orElseGet(() -> arrival.careOf().orElse(arrival.source()));
  }

  /** Whether it ends a binding at a correspondent (RFC 6275 section 9.5.3). */
  private static boolean isGoodbye(BindingUpdate update) {
    return !update.has(BindingFlag.HOME_REGISTRATION) && update.lifetime().isZero();
  }

  /**
   * What a mobile node ends has ended, whatever the correspondent answers: the update is known to
   * be genuine by who has sent it. It may be old, or one of too many in a second, or the tokens of
   * a correspondent that has begun anew are others.
   */
  private void leaveTaken(String node, Instant now, NodeEvent event, List<NodeAction> actions) {
    Optional<BindingUpdate> update = update(event).filter(Witness::isGoodbye);
    boolean refused =
        actions.stream()
            .anyMatch(
                it ->
                    it instanceof NodeAction.Refuse refuse
                        && (refuse.reason() == Refusal.LIMIT
                            || refuse.reason() == Refusal.EXPIRED_NONCE));
    if (update.isEmpty() || refused) {
      return;
    }
    Arrival arrival = ((NodeEvent.MobilityMessageArrived) event).arrival();
    var binding = new Binding(node, /* local= */ arrival.destination(), arrival.source());
    SequenceNumber sequence = update.get().sequence();
    Promise route = routes.get(binding);
    Taken before = newest.get(binding);
    if (route != null
        && route.until().isAfter(now)
        && sequence.equals(goodbyes.get(new Ends(arrival.destination(), arrival.source())))
        && (before == null || sequence.isAfter(before.sequence()))) {
      var ended = new Promise(Role.CORRESPONDENT, binding, route.careOf(), now);
      routes.put(binding, ended);
      ending.add(ended);
    }
  }

  /** A correspondent has a route to a care-of address, or no more. */
  private void wanted(String node, Instant now, NodeEvent event, MobilityWish wish) {
    if (!(event instanceof NodeEvent.MobilityMessageArrived arrived) || update(event).isEmpty()) {
      return;
    }
    Arrival arrival = arrived.arrival();
    for (RouteOptimizationState state : wish.states()) {
      if (state.id().protocol() != TransformProtocol.ROUTE2
          || !state.id().destination().equals(arrival.source())) {
        continue;
      }
      judgeRoute(node, now, state);
      update(event)
          .filter(it -> !it.has(BindingFlag.ACKNOWLEDGE))
          .ifPresent(
              it -> {
                var binding = new Binding(node, arrival.destination(), arrival.source());
                advance(binding, now, it.sequence());
                var granted = Comparators.min(it.lifetime().asDuration(), LONGEST_ROUTE);
                promiseRoute(
                    now, binding, state.careOf(), it.lifetime(), BindingLifetime.atMost(granted));
              });
    }
  }

  /** RFC 6275 section 5.2: no binding without tokens, of the home and of the care-of address. */
  private void judgeRoute(String node, Instant now, RouteOptimizationState state) {
    for (Ipv6Address address : List.of(state.id().destination(), state.careOf())) {
      Instant when = tested.get(new Peer(node, address));
      if (when == null || when.plus(ProtocolConstants.MAX_NONCE_LIFETIME).isBefore(now)) {
        judge.broken(
            "a correspondent binds only what it has tested of late",
            node
                + " binds "
                + state.id().destination()
                + " to "
                + state.careOf()
                + "; it has tested "
                + address
                + (when == null ? " never" : " at " + Times.nanos(when) / 1e9 + " s"));
      }
    }
  }

  @Override
  public XfrmBackend backend(String node, XfrmBackend engine) {
    var life = new Told(engine);
    told.put(node, life);
    return life;
  }

  /** An engine, and what it has been told since it began. */
  static final class Told implements XfrmBackend {
    private final XfrmBackend engine;
    private final Map<Policy.Id, Policy> policies = new LinkedHashMap<>();
    private final Map<RouteOptimizationState.Id, Ipv6Address> states = new LinkedHashMap<>();

    private Told(XfrmBackend engine) {
      this.engine = engine;
    }

    ImmutableSet<Policy> policies() {
      return ImmutableSet.copyOf(policies.values());
    }

    ImmutableMap<RouteOptimizationState.Id, Ipv6Address> states() {
      return ImmutableMap.copyOf(states);
    }

    @Override
    public Limits limits() {
      return engine.limits();
    }

    @Override
    public XfrmReply apply(XfrmCommand command) {
      XfrmReply reply = engine.apply(command);
      if (!(reply instanceof XfrmReply.Failed)) {
        done(command);
      }
      return reply;
    }

    private void done(XfrmCommand command) {
      if (command instanceof XfrmCommand.AddPolicy add) {
        policies.put(add.policy().id(), add.policy());
      } else if (command instanceof XfrmCommand.UpdatePolicy update) {
        policies.put(update.policy().id(), update.policy());
      } else if (command instanceof XfrmCommand.DeletePolicy delete) {
        policies.remove(delete.id());
      } else if (command instanceof XfrmCommand.PutRouteOptimization put) {
        states.put(put.state().id(), put.state().careOf());
      } else if (command instanceof XfrmCommand.DeleteRouteOptimization delete) {
        states.remove(delete.id());
      } else if (command instanceof XfrmCommand.Migrate migrate) {
        policies.computeIfPresent(
            migrate.policy(),
            (id, policy) ->
                new Policy(
                    policy.selector(),
                    policy.direction(),
                    policy.priority(),
                    policy.action(),
                    migrate.moved(policy.bundle())));
      } else if (command instanceof XfrmCommand.Flush) {
        policies.clear();
        states.clear();
      }
    }
  }

  @Override
  public SequenceStore sequences(String node, SequenceStore store) {
    return Joints.windows(
        store, (association, window) -> new Window(association.id().spi() + " of " + node, window));
  }

  /** RFC 4303 section 3.4.3: a number is taken once, before and after a crash. */
  private final class Window implements AntiReplay {
    private final String name;
    private final AntiReplay window;

    Window(String name, AntiReplay window) {
      this.name = name;
      this.window = window;
    }

    @Override
    public long reconstruct(int lowOrder) {
      return window.reconstruct(lowOrder);
    }

    @Override
    public void accept(long sequenceNumber) {
      Set<Long> numbers = taken.computeIfAbsent(name, key -> new HashSet<>());
      if (!numbers.add(sequenceNumber)) {
        judge.broken(
            "a protected packet is taken once", name + ": " + sequenceNumber + " comes again");
      }
      if (numbers.size() > 2 * REMEMBERED) {
        numbers.removeIf(number -> number < sequenceNumber - REMEMBERED);
      }
      window.accept(sequenceNumber);
    }
  }
}
