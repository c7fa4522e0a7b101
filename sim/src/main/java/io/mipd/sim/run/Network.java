package io.mipd.sim.run;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.HomeAssociations;
import io.mipd.host.HostSettings;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.sim.event.EventLog;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.sim.link.Interface;
import io.mipd.sim.link.Segment;
import io.mipd.sim.mobile.Joints;
import io.mipd.sim.mobile.MobileHost;
import io.mipd.sim.mobile.Roles;
import io.mipd.sim.node.Route;
import io.mipd.sim.node.Stack;
import io.mipd.sim.scenario.Routing;
import io.mipd.sim.scenario.Scenario;
import io.mipd.sim.scenario.Scenario.HomeAgentPlan;
import io.mipd.sim.scenario.Scenario.HostPlan;
import io.mipd.sim.scenario.Scenario.LinkPlan;
import io.mipd.sim.scenario.Scenario.MobileNodePlan;
import io.mipd.sim.scenario.Scenario.RouterPlan;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A scenario's links and nodes, built; nothing has happened yet. */
final class Network {
  private static final Duration ROUTER_LIFETIME = Duration.ofMinutes(30);
  private static final int PREFERENCE = 10;
  private static final String HOST_DEVICE = "eth0";

  private final Scenario scenario;
  private final EventQueue events;
  private final Randomness randomness;
  private final EventLog log;
  private final Joints joints;
  private final RunKeys keys;
  private final Map<String, Segment> segments = new TreeMap<>();
  private final Map<String, SimNode> nodes = new LinkedHashMap<>();
  private final List<SecurityAssociation> associations = new ArrayList<>();
  private final ImmutableList<SecurityAssociation> userAssociations;

  /** Between each mobile node and its home agent, the same objects for both. */
  private final Map<String, ImmutableList<SecurityAssociation>> ofMobility = new HashMap<>();

  private final Routing routing;

  /** Of the ways that were asked for. */
  private final Map<String, Duration> delays = new HashMap<>();

  private int devices;

  /** What is to be known of one mobile node of the scenario. */
  record Mobile(
      String name,
      String group,
      MobileNodePlan plan,
      Ipv6Address home,
      HomeAssociations associations) {}

  private final List<Mobile> mobiles = new ArrayList<>();

  Network(Scenario scenario, EventQueue events, EventLog log, Joints joints) {
    this.scenario = scenario;
    this.events = events;
    this.log = log;
    this.joints = joints;
    randomness = new Randomness(scenario.seed());
    keys = new RunKeys(randomness);
    for (Map.Entry<String, LinkPlan> entry : scenario.links().entrySet()) {
      segments.put(
          entry.getKey(), new Segment(entry.getKey(), events, randomness, entry.getValue().line()));
    }
    scenario
        .mobileNodes()
        .forEach(
            (group, plan) -> {
              int number = 0;
              for (String name : scenario.nodesOf(group)) {
                mobiles.add(
                    new Mobile(
                        name,
                        group,
                        plan,
                        plus(plan.homeAddress(), number),
                        RunKeys.of(mobiles.size(), plan)));
                number++;
              }
            });
    for (Scenario.UserAssociation one : scenario.userIpsec().associations()) {
      checkArgument(
          !RunKeys.isTaken(one.spi(), mobiles.size()), "one of mobility's own SPIs: %s", one.spi());
    }
    userAssociations =
        scenario.userIpsec().associations().stream()
            .map(keys::of)
            .collect(ImmutableList.toImmutableList());
    associations.addAll(userAssociations);
    routing = Routing.of(scenario);
    scenario.routers().forEach(this::addRouter);
    scenario.homeAgents().forEach(this::addHomeAgent);
    scenario.hosts().forEach(this::addHost);
    mobiles.forEach(this::addMobileNode);
  }

  private static Ipv6Address plus(Ipv6Address first, long number) {
    return new Ipv6Address(first.high(), first.low() + number);
  }

  Randomness randomness() {
    return randomness;
  }

  /** By name, in the order in which they were built. */
  ImmutableMap<String, SimNode> nodes() {
    return ImmutableMap.copyOf(nodes);
  }

  SimNode node(String name) {
    SimNode node = nodes.get(name);
    checkArgument(node != null, "no node %s", name);
    return node;
  }

  Segment segment(String name) {
    Segment segment = segments.get(name);
    checkArgument(segment != null, "no link %s", name);
    return segment;
  }

  /** In the order of their names. */
  ImmutableMap<String, Segment> segments() {
    return ImmutableMap.copyOf(segments);
  }

  ImmutableList<Mobile> mobiles() {
    return ImmutableList.copyOf(mobiles);
  }

  /** The addresses of routers, each with its router's name. */
  ImmutableMap<Ipv6Address, String> routerAddresses() {
    var all = ImmutableMap.<Ipv6Address, String>builder();
    routing
        .addresses()
        .forEach((name, byLink) -> byLink.values().forEach(address -> all.put(address, name)));
    return all.buildOrThrow();
  }

  /** All associations, as they are at the beginning. */
  ImmutableList<SecurityAssociation> associations() {
    return ImmutableList.copyOf(associations);
  }

  Ipv6Prefix prefixOf(String link) {
    LinkPlan plan = scenario.links().get(link);
    checkArgument(plan != null, "no link %s", link);
    return plan.prefix();
  }

  /** How long a packet is on the wires from one link to another, itself apart; zero for no way. */
  Duration delay(String from, String to) {
    return delays.computeIfAbsent(
        from + " " + to,
        ways ->
            routing.links(from, to).stream()
                .map(link -> segment(link).line().delay())
                .reduce(Duration.ZERO, Duration::plus));
  }

  private Interface device(Stack stack, String device, int index) {
    devices++;
    byte[] mac = {2, 0, (byte) (devices >> 16), (byte) (devices >> 8), (byte) devices, (byte) 0xaa};
    var made =
        new Interface(stack.name(), device, index, new LinkLayerAddress(Octets.of(mac)), events);
    stack.add(made);
    return made;
  }

  /** What is set up by hand needs no Duplicate Address Detection. */
  private Stack stack(String name, boolean router, int transmits) {
    return new Stack(name, router, transmits, events, randomness, log);
  }

  private ImmutableList<Interface> join(Stack stack, String name, ImmutableList<String> links) {
    var made = ImmutableList.<Interface>builder();
    int index = 1;
    for (String link : links) {
      made.add(device(stack, link, index));
      stack.addAddress(index, routing.address(name, link), prefixOf(link));
      index++;
    }
    routing
        .from(name)
        .forEach(
            (link, way) -> {
              if (way.nextHop().isPresent()) {
                stack.addRoute(
                    new Route(prefixOf(link), links.indexOf(way.by()) + 1, way.nextHop()));
              }
            });
    return made.build();
  }

  private void addRouter(String name, RouterPlan plan) {
    Stack stack = stack(name, true, 0);
    ImmutableList<Interface> made = join(stack, name, plan.links());
    for (Interface one : made) {
      String link = one.device();
      Optional.ofNullable(plan.advertises().get(link))
          .ifPresent(settings -> stack.advertise(one.index(), settings));
      if (plan.filters().contains(link)) {
        stack.filterSources(one.index(), prefixOf(link));
      }
    }
    nodes.put(
        name,
        new SimNode(
            name, stack, made, routing.address(name, plan.links().get(0)), Optional.empty()));
  }

  private ImmutableList<Policy> userPolicies(String node) {
    return scenario.userIpsec().policies().getOrDefault(node, ImmutableList.of());
  }

  private ImmutableList<SecurityAssociation> userAssociations(Ipv6Address address) {
    return userAssociations.stream()
        .filter(it -> it.source().equals(address) || it.destination().equals(address))
        .collect(ImmutableList.toImmutableList());
  }

  private ImmutableList<SecurityAssociation> associations(Mobile mobile, HomeAgentPlan agent) {
    return ofMobility.computeIfAbsent(
        mobile.name(), name -> keys.between(mobile.associations(), mobile.home(), agent.address()));
  }

  /** Who starts again has other nonces. */
  private CorrespondentNode correspondent(String name, Instant now) {
    return new CorrespondentNode(
        CorrespondentSettings.DEFAULT, randomness.of("correspondent " + name + " from " + now));
  }

  private void addHomeAgent(String name, HomeAgentPlan plan) {
    Stack stack = stack(name, true, 0);
    ImmutableList<Interface> made = join(stack, name, plan.links());
    var served = ImmutableMap.<HomeAddress, TunnelProtection>builder();
    var own = ImmutableList.<SecurityAssociation>builder();
    var tunnels = ImmutableMap.<Ipv6Address, ImmutableList<ReqId>>builder();
    var homes = ImmutableList.<Ipv6Address>builder();
    for (Mobile mobile : mobiles) {
      if (!mobile.plan().homeAgent().equals(name)) {
        continue;
      }
      homes.add(mobile.home());
      served.put(new HomeAddress(mobile.home()), protection(mobile));
      if (mobile.plan().ipsec()) {
        own.addAll(associations(mobile, plan));
        tunnels.put(mobile.home(), mobile.associations().tunnels());
      }
    }
    associations.addAll(own.build());
    var settings =
        new HomeAgentSettings(
            plan.homeLink(),
            plan.address(),
            prefixOf(plan.homeLink()),
            plan.lifetime(),
            Optional.of(
                new HomeAgentSettings.Advertising(
                    plan.advertisement(), ROUTER_LIFETIME, PREFERENCE)),
            served.buildOrThrow());
    HostSettings host =
        HostSettings.PLAIN
            .withServed(homes.build().toArray(new Ipv6Address[0]))
            .withUser(userPolicies(name))
            .withAssociations(
                ImmutableList.<SecurityAssociation>builder()
                    .addAll(own.build())
                    .addAll(userAssociations(plan.address()))
                    .build(),
                tunnels.buildOrThrow());
    MobileHost mobility =
        new MobileHost(
            stack,
            events,
            randomness,
            host,
            0,
            /* optimistic= */ true,
            plan.processing(),
            joints,
            (durable, now) -> {
              var core =
                  new HomeAgent(
                      now,
                      settings,
                      durable.bindings(now),
                      durable.ended(),
                      durable.homeLink(),
                      randomness.of("home agent " + name + " from " + now));
              Optional<CorrespondentNode> cn =
                  plan.corresponds() ? Optional.of(correspondent(name, now)) : Optional.empty();
              var node =
                  new Node(
                      Optional.empty(),
                      Optional.of(core),
                      cn.map(
                          it ->
                              new Node.Correspondent(
                                  it, Optional.of(Ipv6Prefix.host(plan.address())))));
              return new Roles(node, Optional.empty(), Optional.of(core), cn);
            });
    nodes.put(name, new SimNode(name, stack, made, plan.address(), Optional.of(mobility)));
  }

  private static TunnelProtection protection(Mobile mobile) {
    if (!mobile.plan().ipsec()) {
      return TunnelProtection.NONE;
    }
    HomeAssociations all = mobile.associations();
    return new TunnelProtection(
        Optional.of(all.signalling().reqId()),
        all.prefixDiscovery().map(HomeAssociations.Pair::reqId),
        all.returnRoutability().map(HomeAssociations.Pair::reqId),
        all.payload().map(HomeAssociations.Pair::reqId));
  }

  private void addHost(String name, HostPlan plan) {
    Stack stack = stack(name, false, 0);
    Interface made = device(stack, HOST_DEVICE, 1);
    stack.addAddress(1, plan.address(), prefixOf(plan.link()));
    ImmutableList<String> routers = routing.on(plan.link());
    if (!routers.isEmpty()) {
      stack.addRoute(
          new Route(Ipv6Prefix.ANY, 1, Optional.of(routing.address(routers.get(0), plan.link()))));
    }
    ImmutableList<Policy> user = userPolicies(name);
    Optional<MobileHost> mobility = Optional.empty();
    if (plan.corresponds() || !user.isEmpty()) {
      HostSettings host =
          HostSettings.PLAIN
              .withUser(user)
              .withAssociations(userAssociations(plan.address()), ImmutableMap.of());
      mobility =
          Optional.of(
              new MobileHost(
                  stack,
                  events,
                  randomness,
                  host,
                  0,
                  /* optimistic= */ true,
                  plan.processing(),
                  joints,
                  (durable, now) -> {
                    Optional<CorrespondentNode> cn =
                        plan.corresponds()
                            ? Optional.of(correspondent(name, now))
                            : Optional.empty();
                    var node =
                        new Node(
                            Optional.empty(),
                            Optional.empty(),
                            cn.map(it -> new Node.Correspondent(it, Optional.of(Ipv6Prefix.ANY))));
                    return new Roles(node, Optional.empty(), Optional.empty(), cn);
                  }));
    }
    nodes.put(name, new SimNode(name, stack, ImmutableList.of(made), plan.address(), mobility));
  }

  private void addMobileNode(Mobile mobile) {
    MobileNodePlan plan = mobile.plan();
    String name = mobile.name();
    Stack stack = stack(name, false, plan.transmits());
    Interface made = device(stack, HOST_DEVICE, 1);
    HomeAgentPlan agent = scenario.homeAgents().get(plan.homeAgent());
    checkArgument(agent != null, "no home agent %s", plan.homeAgent());
    var settings =
        new MobileNodeSettings(
            new HomeAddress(mobile.home()),
            prefixOf(agent.homeLink()),
            agent.address(),
            plan.lifetime(),
            ImmutableMap.of(HOST_DEVICE, PREFERENCE),
            protection(mobile),
            plan.optimizes()
                ? Optional.of(
                    new RouteOptimizationSettings(
                        ImmutableList.of(),
                        RouteOptimizationSettings.DEFAULT_MAX_PEERS,
                        Duration.ofMinutes(7)))
                : Optional.empty(),
            plan.corresponds());
    var own = ImmutableList.<SecurityAssociation>builder();
    if (plan.ipsec()) {
      own.addAll(associations(mobile, agent));
    }
    own.addAll(userAssociations(mobile.home()));
    HostSettings host =
        new HostSettings(
            ImmutableSet.of(mobile.home()),
            ImmutableSet.of(),
            plan.ipsec()
                ? ImmutableMap.of(mobile.home(), mobile.associations().tunnels())
                : ImmutableMap.of(),
            own.build(),
            userPolicies(mobile.group()),
            plan.optimizes(),
            HostSettings.PLAIN.engine());
    MobileHost mobility =
        new MobileHost(
            stack,
            events,
            randomness,
            host,
            plan.transmits(),
            plan.optimistic(),
            plan.processing(),
            joints,
            (durable, now) -> {
              var core =
                  new MobileNode(
                      settings,
                      !durable.bindings(now).isEmpty(),
                      durable.sequence(settings.homeAddress()).orElse(new SequenceNumber(0)),
                      randomness.of("mobile node " + name + " from " + now));
              Optional<CorrespondentNode> cn =
                  plan.corresponds() ? Optional.of(correspondent(name, now)) : Optional.empty();
              var node =
                  new Node(
                      Optional.of(
                          new Node.Mobile(core, settings.homeAddress(), settings.policies())),
                      Optional.empty(),
                      cn.map(it -> new Node.Correspondent(it, Optional.empty())));
              return new Roles(node, Optional.of(core), Optional.empty(), cn);
            });
    nodes.put(
        name,
        new SimNode(name, stack, ImmutableList.of(made), mobile.home(), Optional.of(mobility)));
  }

  /** All begin; each is plugged in where it is to be. */
  void begin() {
    nodes.values().forEach(node -> node.mobility().ifPresent(MobileHost::revive));
    for (SimNode node : nodes.values()) {
      if (node.stack().isRouter()) {
        for (Interface one : node.interfaces()) {
          one.attach(segment(one.device()), Duration.ZERO);
        }
      }
    }
    scenario
        .hosts()
        .forEach((name, plan) -> node(name).device().attach(segment(plan.link()), Duration.ZERO));
    for (Mobile mobile : mobiles) {
      mobile
          .plan()
          .link()
          .ifPresent(link -> node(mobile.name()).device().attach(segment(link), Duration.ZERO));
    }
  }
}
