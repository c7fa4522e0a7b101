package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.mipd.host.Host;
import io.mipd.mobility.autoconf.InterfaceIdentifier;
import io.mipd.mobility.binding.CorrespondentBinding;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.link.Frame;
import io.mipd.sim.link.Interface;
import io.mipd.sim.mobile.MobileHost;
import io.mipd.sim.mobile.Roles;
import io.mipd.sim.node.Watcher;
import io.mipd.sim.run.VisibleHeaders.Layer;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What must hold after every event, whatever happens. It looks at packets on the wire, and at what
 * nodes keep; where it can, it knows from the scenario and not from the nodes what is right.
 */
final class Invariants {
  /** Violations that are kept; one mistake breaks a rule many times. */
  private static final int MOST = 20;

  /** More events at one time are no progress. */
  private static final int MOST_AT_ONCE = 2_000_000;

  /** A node with more wishes than that is not merged anew after each change. */
  private static final int MOST_MERGED = 64;

  /** RFC 4861 and 4443: never under IPsec of a user's "any". */
  private static final int FIRST_INFORMATIONAL = 128;

  private static final int FIRST_OF_DISCOVERY = 133;
  private static final int LAST_OF_DISCOVERY = 137;
  private static final int ETHERNET = 14;
  private static final long HOME_AGENTS_ANYCAST = 0xfdff_ffff_ffff_fffeL;

  /** A rule and how it was broken. */
  record Violation(Instant at, String rule, String words) {
    @Override
    public String toString() {
      Duration since = Duration.between(EventQueue.BEGINNING, at);
      return rule + " at " + since.toNanos() / 1e9 + " s: " + words;
    }
  }

  /**
   * Flows that some node's user wants protected.
   *
   * @param tunnel in which they are to be, outermost; behind a gateway at its end they are not
   */
  private record Protected(String node, Selector selector, Optional<Template> tunnel) {
    static Protected of(String node, Policy policy) {
      return new Protected(
          node,
          policy.selector(),
          policy.bundle().templates().stream()
              .filter(Template::isTunnel)
              .reduce((inner, outer) -> outer));
    }

    /**
     * Whether a link is the one of an end of a flow that is not the tunnel's. Who begins the tunnel
     * has no reason to send there without it.
     */
    boolean isBehindGateway(Flow flow, Ipv6Prefix link, Predicate<Ipv6Address> isSenders) {
      return tunnel
          .filter(
              it ->
                  isBeyond(it.source(), flow.source(), link)
                      || (isBeyond(it.destination(), flow.destination(), link)
                          && !isSenders.test(it.source())))
          .isPresent();
    }

    private static boolean isBeyond(Ipv6Address gateway, Ipv6Address end, Ipv6Prefix link) {
      return !gateway.equals(end) && link.contains(end);
    }
  }

  private final Network network;
  private final Witness witness;
  private final EventQueue events;
  private final Map<Ipv6Address, String> owners = new HashMap<>();
  private final Map<Ipv6Address, Network.Mobile> homes = new HashMap<>();
  private final Set<Ipv6Address> agents = new HashSet<>();

  /** How many mobile nodes each home agent has. */
  private final Map<String, Integer> served = new HashMap<>();

  private final ImmutableList<Protected> protectedFlows;
  private final Map<String, Long> changes = new HashMap<>();
  private final List<SimNode> routers = new ArrayList<>();
  private final List<Violation> violations = new ArrayList<>();
  private final Map<String, Ipv6Prefix> homeLinks;

  /** Nodes whose host has had a turn since the last event. */
  private final Set<SimNode> touched = new LinkedHashSet<>();

  private long checks;
  private long exceeded;
  private Instant time = EventQueue.BEGINNING;
  private long atOnce;

  Invariants(
      Network network,
      Witness witness,
      EventQueue events,
      Map<String, ImmutableList<Policy>> user,
      Map<String, Ipv6Prefix> homeLinks) {
    this.network = network;
    this.witness = witness;
    this.events = events;
    this.homeLinks = homeLinks;
    var all = ImmutableList.<Protected>builder();
    user.forEach(
        (node, policies) -> {
          for (Policy policy : policies) {
            if (policy.direction() == Direction.OUT && protects(policy.bundle())) {
              all.add(Protected.of(node, policy));
            }
          }
        });
    protectedFlows = all.build();
    for (SimNode node : network.nodes().values()) {
      owners.put(node.address(), node.name());
      if (node.stack().isRouter()) {
        routers.add(node);
      }
    }
    owners.putAll(network.routerAddresses());
    for (Network.Mobile mobile : network.mobiles()) {
      homes.put(mobile.home(), mobile);
      served.merge(mobile.plan().homeAgent(), 1, Integer::sum);
      agents.add(network.node(mobile.plan().homeAgent()).address());
    }
  }

  private static boolean protects(Bundle bundle) {
    return bundle.templates().stream()
        .anyMatch(
            it ->
                !it.optional()
                    && switch (it.protocol()) {
                      case ESP, AH -> true;
                      default -> false;
                    });
  }

  /** Begins to look. */
  void watch() {
    witness.tell(this::broken);
    for (SimNode node : network.nodes().values()) {
      node.mobility().ifPresent(it -> it.whenTurned(() -> touched.add(node)));
      for (Interface one : node.interfaces()) {
        one.tap(frame -> frame(node, one, frame));
      }
      node.stack()
          .watch(
              new Watcher() {
                @Override
                public void delivered(Ipv6Address source, Ipv6Address destination) {
                  checkDelivery(node, source, destination);
                }

                @Override
                public void leaving(ByteBuf packet) {
                  leaves(node, packet);
                }
              });
    }
  }

  /** All violations that were found; no more than a few. */
  ImmutableList<Violation> violations() {
    return ImmutableList.copyOf(violations);
  }

  /** How often something was compared with what must be. */
  long checks() {
    return checks;
  }

  private void broken(String rule, String words) {
    if (violations.size() < MOST) {
      violations.add(new Violation(events.now(), rule, words));
    }
  }

  /** Somebody else has seen something that must not be. */
  void report(String rule, String words) {
    broken(rule, words);
  }

  /** After an event. */
  void check() {
    if (events.now().equals(time)) {
      atOnce++;
      if (atOnce == MOST_AT_ONCE) {
        broken("time goes on", MOST_AT_ONCE + " events at one time");
        throw new IllegalStateException("time does not go on");
      }
    } else {
      time = events.now();
      atOnce = 0;
    }
    checkLoops();
    for (SimNode node : touched) {
      node.mobility().ifPresent(it -> checkNode(node, it));
    }
    touched.clear();
    checkPromises();
  }

  /** At the end: every node once more, whether or not something has happened to it. */
  void finish() {
    changes.clear();
    touched.addAll(network.nodes().values());
    check();
  }

  /** Nobody is bound for longer than was acknowledged. */
  private void checkPromises() {
    for (Optional<Witness.Promise> ended = witness.takeEnded(events.now());
        ended.isPresent();
        ended = witness.takeEnded(events.now())) {
      Witness.Promise promise = ended.get();
      checks++;
      boolean bound =
          network
              .node(promise.node())
              .mobility()
              .flatMap(MobileHost::roles)
              .filter(promise::isStillKept)
              .isPresent();
      if (bound) {
        broken(
            "no binding outlives what was acknowledged",
            promise.binding() + " is still bound to " + promise.careOf());
      }
    }
  }

  private void checkLoops() {
    checks++;
    long now = 0;
    for (SimNode router : routers) {
      now += router.stack().counters().hopLimitExceeded();
    }
    if (now > exceeded) {
      exceeded = now;
      broken("no forwarding loop", "a packet was passed on until its hop limit was used up");
    }
  }

  private void checkNode(SimNode node, MobileHost mobility) {
    Optional<Host> host = mobility.host();
    if (host.isEmpty()) {
      return;
    }
    checks++;
    if (host.get().driver().overflow() > 0) {
      broken("queues keep their limits", node.name() + " had no room for an event");
    }
    mobility.roles().flatMap(Roles::agent).ifPresent(it -> checkTable(node, it));
    mobility.roles().flatMap(Roles::correspondent).ifPresent(it -> checkTable(node, it));
    long now = host.get().policies().changes();
    Long before = changes.put(node.name(), now);
    if (before == null || before != now) {
      checkPolicies(node, host.get());
    }
  }

  /** A home agent binds its mobile nodes' home addresses, each once. */
  private void checkTable(SimNode node, HomeAgent agent) {
    int most = served.getOrDefault(node.name(), 0);
    if (agent.bindingCount() > most) {
      broken(
          "tables keep their limits",
          node.name() + " serves " + most + " and has bound " + agent.bindingCount());
    }
  }

  private void checkTable(SimNode node, CorrespondentNode correspondent) {
    CorrespondentSettings limits = CorrespondentSettings.DEFAULT;
    int all = correspondent.bindingCount();
    if (all > limits.maximumBindings()) {
      broken("tables keep their limits", node.name() + " has bound " + all);
    }
    if (all > limits.maximumBindingsOfPrefix()) {
      Map<Ipv6Prefix, Integer> ofPrefix = new HashMap<>();
      for (CorrespondentBinding one : correspondent.bindings()) {
        ofPrefix.merge(Ipv6Prefix.of(one.homeAddress().value(), 64), 1, Integer::sum);
      }
      if (Collections.max(ofPrefix.values()) > limits.maximumBindingsOfPrefix()) {
        broken("tables keep their limits", node.name() + " has bound " + ofPrefix);
      }
    }
  }

  /** What is in force is what the wishes, merged from nothing, make. */
  private void checkPolicies(SimNode node, Host host) {
    if (host.policies().isBehind()) {
      broken("policies are installed", node.name() + ": something was refused");
      return;
    }
    if (host.policies().wishCount() > MOST_MERGED) {
      return;
    }
    checks++;
    var inputs = host.policies().inputs();
    ImmutableSet<Rule> wanted = rules(inputs.merge().policies());
    Witness.Told engine = witness.told(node.name()).orElseThrow();
    ImmutableSet<Rule> installed = rules(engine.policies());
    if (!wanted.equals(installed)) {
      broken(
          "each policy is one that the planner wants",
          node.name()
              + ": missing "
              + Sets.difference(wanted, installed)
              + ", too many "
              + Sets.difference(installed, wanted));
    }
    Map<RouteOptimizationState.Id, Ipv6Address> states = new HashMap<>();
    inputs.states().forEach(state -> states.put(state.id(), state.careOf()));
    if (!states.equals(engine.states())) {
      broken(
          "each route is one that the planner wants",
          node.name() + ": installed " + engine.states() + ", wanted " + states);
    }
  }

  /** A policy without its priority, which is of no meaning by itself. */
  private record Rule(Policy.Id id, Policy.Action action, Bundle bundle) {}

  private static ImmutableSet<Rule> rules(Collection<Policy> policies) {
    return policies.stream()
        .map(it -> new Rule(it.id(), it.action(), it.bundle()))
        .collect(ImmutableSet.toImmutableSet());
  }

  private void checkDelivery(SimNode node, Ipv6Address source, Ipv6Address destination) {
    checks++;
    if (destination.isMulticast()) {
      return;
    }
    String owner = owners.get(destination);
    if (owner == null ? !isFormedBy(node, destination) : !owner.equals(node.name())) {
      broken(
          "no packet is delivered to a node that it is not for",
          node.name() + " took what " + source + " has sent to " + destination);
    }
  }

  /** Link-local and care-of addresses, and the anycast address of home agents (RFC 2526). */
  private static boolean isFormedBy(SimNode node, Ipv6Address address) {
    return address.low() == HOME_AGENTS_ANYCAST
        || node.interfaces().stream()
            .anyMatch(
                it ->
                    InterfaceIdentifier.modifiedEui64(it.address())
                        .in(Ipv6Prefix.of(address, 64))
                        .equals(address));
  }

  private void frame(SimNode node, Interface on, Frame frame) {
    if (!frame.source().equals(on.address())) {
      return;
    }
    checks++;
    List<Layer> layers = VisibleHeaders.of(frame.toArray(), ETHERNET);
    for (int depth = 0; depth < layers.size(); depth++) {
      Layer layer = layers.get(depth);
      checkUsers(node, on, layer);
      checkMobility(node, layers, depth);
    }
    if (!layers.isEmpty()) {
      checkSource(node, on, layers.get(0));
    }
  }

  private void checkUsers(SimNode node, Interface on, Layer layer) {
    int protocol = layer.flow().protocol();
    if (protocol == IpProtocol.ESP || protocol == IpProtocol.AH || layer.isMobility()) {
      return;
    }
    if (protocol == IpProtocol.ICMPV6 && isExempt(layer.flow().sourcePort())) {
      return;
    }
    for (Protected one : protectedFlows) {
      if (one.selector().matches(layer.flow())
          && on.segment()
              .filter(
                  it ->
                      one.isBehindGateway(
                          layer.flow(),
                          network.prefixOf(it.name()),
                          address -> node.name().equals(owners.get(address))))
              .isEmpty()) {
        broken(
            "nothing that is to be protected leaves in the clear",
            node.name() + " sends " + layer.flow() + ", which " + one.node() + " protects");
      }
    }
  }

  private static boolean isExempt(int type) {
    return type < FIRST_INFORMATIONAL || (type >= FIRST_OF_DISCOVERY && type <= LAST_OF_DISCOVERY);
  }

  /** Between a mobile node and its home agent. */
  private void checkMobility(SimNode node, List<Layer> layers, int depth) {
    Layer layer = layers.get(depth);
    Network.Mobile mobile = homes.get(layer.flow().source());
    Ipv6Address other = layer.flow().destination();
    if (mobile == null) {
      mobile = homes.get(layer.flow().destination());
      other = layer.flow().source();
    }
    if (mobile != null
        && mobile.plan().ipsec()
        && layer.isRegistration()
        && agents.contains(other)) {
      broken(
          "nothing that is to be protected leaves in the clear",
          node.name() + " sends a home registration: " + layer.flow());
    }
    if (depth > 0) {
      checkTunnel(node, layers.get(depth - 1), layer);
    }
  }

  /** What is in a tunnel from a home agent is for a mobile node, what is in one to it is of one. */
  private void checkTunnel(SimNode node, Layer outer, Layer layer) {
    Network.Mobile mobile =
        agents.contains(outer.source())
            ? homes.get(layer.flow().destination())
            : agents.contains(outer.destination()) ? homes.get(layer.flow().source()) : null;
    if (mobile != null
        && mobile.plan().ipsec()
        && (layer.isMobility() || mobile.plan().payloadIpsec())) {
      broken(
          "nothing that is to be protected leaves in the clear",
          node.name() + " sends in a plain tunnel: " + layer.flow());
    }
  }

  /** On a foreign link nobody sees a home address as a source. */
  private void checkSource(SimNode node, Interface on, Layer outer) {
    Network.Mobile mobile = homes.get(outer.source());
    if (mobile == null || !mobile.name().equals(node.name())) {
      return;
    }
    Ipv6Prefix home = homeLinks.get(mobile.plan().homeAgent());
    boolean foreign =
        on.segment().map(it -> !network.prefixOf(it.name()).equals(home)).orElse(true);
    if (foreign) {
      broken("no home address leaves on a foreign link", node.name() + " sends " + outer.flow());
    }
  }

  private void leaves(SimNode node, ByteBuf packet) {
    // Whoever is no correspondent need not have its packets read.
    if (node.mobility().flatMap(MobileHost::roles).flatMap(Roles::correspondent).isEmpty()) {
      return;
    }
    List<Layer> layers = VisibleHeaders.of(ByteBufUtil.getBytes(packet), 0);
    if (!layers.isEmpty()) {
      checkCareOf(node, layers.get(0));
    }
  }

  /** When a packet is made: what waits for a link-layer address afterwards was right once. */
  private void checkCareOf(SimNode node, Layer outer) {
    if (outer.routed().isEmpty() || outer.isMobility() || isProtectedRegistration(node, outer)) {
      return;
    }
    Ipv6Address home = outer.routed().get();
    var binding = new Witness.Binding(node.name(), /* local= */ outer.flow().source(), home);
    checks++;
    if (!witness.maySend(binding, outer.destination(), events.now())) {
      broken(
          "a correspondent uses no care-of address whose authorisation has expired",
          node.name()
              + " sends to "
              + home
              + " at "
              + outer.destination()
              + ": "
              + witness.promised(binding));
    }
  }

  /**
   * A home agent refuses in ESP too, at a care-of address that it has not bound (RFC 6275 section
   * 9.5.4).
   */
  private boolean isProtectedRegistration(SimNode node, Layer outer) {
    Network.Mobile mobile = homes.get(outer.flow().destination());
    return mobile != null
        && mobile.plan().homeAgent().equals(node.name())
        && outer.flow().protocol() == IpProtocol.ESP;
  }
}
