package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.autoconf.InterfaceIdentifier;
import io.mipd.sim.event.EventLog;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.link.CaptureWriter;
import io.mipd.sim.link.Frame;
import io.mipd.sim.link.Interface;
import io.mipd.sim.link.Segment;
import io.mipd.sim.mobile.Joints;
import io.mipd.sim.mobile.MobileHost;
import io.mipd.sim.mobile.Roles;
import io.mipd.sim.node.Watcher;
import io.mipd.sim.report.CapturedFrame;
import io.mipd.sim.report.Dissector;
import io.mipd.sim.report.Endpoints;
import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.Handover;
import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Measures;
import io.mipd.sim.report.Results;
import io.mipd.sim.report.RunTables;
import io.mipd.sim.report.WiresharkProfile;
import io.mipd.sim.scenario.Scenario;
import io.mipd.sim.scenario.Scenario.Fault;
import io.mipd.sim.scenario.Scenario.FlowKind;
import io.mipd.sim.scenario.Scenario.FlowPlan;
import io.mipd.sim.scenario.Scenario.Move;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.LinkLayerAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/**
 * One run of a scenario. The same scenario with the same seed has the same outcome, octet for
 * octet, wherever it runs.
 */
public final class Simulation {
  /** RFC 4862 section 5.3. */
  private static final Ipv6Prefix LINK_LOCAL = Ipv6Prefix.parse("fe80::/64");

  private final Scenario scenario;
  private final EventQueue events = new EventQueue();
  private final Network network;
  private final Optional<SimLog> log;
  private final Optional<Path> folder;
  private final Dissector dissector;
  private final List<Flow> flows = new ArrayList<>();
  private final FlowPorts ports = new FlowPorts();
  private final Map<String, HandoverMeter> meters = new LinkedHashMap<>();
  private final Map<String, SignalCounter> counters = new LinkedHashMap<>();
  private final Map<String, Long> overheads = new LinkedHashMap<>();
  private final Map<String, Long> payloads = new LinkedHashMap<>();
  private final Map<String, Long> headers = new TreeMap<>();
  private final List<Signal> signals = new ArrayList<>();
  private final List<CaptureWriter> captures = new ArrayList<>();
  private final Witness witness = new Witness();
  private final Invariants invariants;
  private final Map<Ipv6Address, String> names = new HashMap<>();

  /** Of mobile nodes: home addresses, and the lower halves of care-of addresses. */
  private final Set<Ipv6Address> homes = new HashSet<>();

  private final Set<Long> identifiers = new HashSet<>();

  private Simulation(Scenario scenario, Optional<Path> folder, Joints mistakes) throws IOException {
    this.scenario = scenario;
    this.folder = folder;
    ImmutableSet<String> logged = scenario.observation().captures();
    log =
        folder.isPresent()
            ? Optional.of(new SimLog(events, folder.get(), logged))
            : Optional.empty();
    network =
        new Network(
            scenario,
            events,
            log.map(EventLog.class::cast).orElse(EventLog.NONE),
            witness.of(mistakes));
    dissector = new Dissector(network.associations());
    var homeLinks = ImmutableMap.<String, Ipv6Prefix>builder();
    scenario
        .homeAgents()
        .forEach((name, plan) -> homeLinks.put(name, network.prefixOf(plan.homeLink())));
    invariants =
        new Invariants(
            network, witness, events, scenario.userIpsec().policies(), homeLinks.buildOrThrow());
    names.putAll(network.routerAddresses());
    for (Network.Mobile mobile : network.mobiles()) {
      homes.add(mobile.home());
      LinkLayerAddress device = network.node(mobile.name()).device().address();
      identifiers.add(InterfaceIdentifier.modifiedEui64(device).in(LINK_LOCAL).low());
    }
    for (SimNode node : network.nodes().values()) {
      names.put(node.address(), node.name());
      for (Interface one : node.interfaces()) {
        names.put(InterfaceIdentifier.modifiedEui64(one.address()).in(LINK_LOCAL), node.name());
      }
    }
  }

  /**
   * Runs a scenario.
   *
   * @param folder where results go; empty for none
   * @throws IOException if they cannot be written
   */
  public static Outcome run(Scenario scenario, Optional<Path> folder) throws IOException {
    return run(scenario, folder, Joints.PLAIN, (network, events) -> {});
  }

  /**
   * Likewise, with something done to it that no scenario can do.
   *
   * @param mistakes of the nodes' parts
   * @param tampering with what has been built and has not begun
   */
  static Outcome run(
      Scenario scenario,
      Optional<Path> folder,
      Joints mistakes,
      BiConsumer<Network, EventQueue> tampering)
      throws IOException {
    var simulation = new Simulation(scenario, folder, mistakes);
    tampering.accept(simulation.network, simulation.events);
    return simulation.run();
  }

  private Outcome run() throws IOException {
    try {
      if (folder.isPresent()) {
        startCaptures(folder.get());
      }
      invariants.watch();
      buildFlows();
      scenario.faults().forEach(this::plan);
      measure();
      events.afterEach(invariants::check);
      network.begin();
      scenario.moves().forEach(this::plan);
      flows.forEach(Flow::begin);
      events.runUntil(EventQueue.BEGINNING.plus(scenario.duration()));
      invariants.finish();
      meters.values().forEach(meter -> meter.close(Times.nanos(scenario.duration())));
      return outcome();
    } finally {
      for (CaptureWriter one : captures) {
        one.close();
      }
      if (log.isPresent()) {
        log.get().close();
      }
    }
  }

  private void startCaptures(Path into) throws IOException {
    for (String name : scenario.observation().captures()) {
      for (String one : scenario.nodesOf(name)) {
        var capture = new CaptureWriter(into.resolve(one + ".pcap"), events);
        captures.add(capture);
        network.node(one).interfaces().forEach(capture::capture);
      }
    }
    Path profile = into.resolve("wireshark");
    Files.createDirectories(profile);
    WiresharkProfile.write(
        profile,
        network.associations().stream()
            .filter(it -> it.id().protocol() == TransformProtocol.ESP)
            .map(RunKeys::profile)
            .distinct()
            .toList());
  }

  // Traffic.

  private void buildFlows() {
    for (FlowPlan plan : scenario.flows()) {
      ImmutableList<String> from = scenario.nodesOf(plan.from());
      ImmutableList<String> to = scenario.nodesOf(plan.to());
      // A group sends to one, or one to a group, or each of a group to its like.
      int count = Math.max(from.size(), to.size());
      for (int i = 0; i < count; i++) {
        SimNode sender = network.node(from.get(i % from.size()));
        SimNode receiver = network.node(to.get(i % to.size()));
        Duration later = plan.interval().multipliedBy(i).dividedBy(count);
        flows.add(flow(plan.later(later), sender, receiver));
      }
    }
  }

  private Flow flow(FlowPlan plan, SimNode from, SimNode to) {
    int number = flows.size();
    return plan.tcp()
        .<Flow>map(settings -> new TcpFlow(number, plan, settings, from, to, events))
        .orElseGet(() -> new DatagramFlow(number, plan, from, to, network, ports, events));
  }

  // Movement and faults.

  private void plan(Move move) {
    ImmutableList<String> nodes = scenario.nodesOf(move.node());
    for (int i = 0; i < nodes.size(); i++) {
      SimNode node = network.node(nodes.get(i));
      Duration later = move.spread().multipliedBy(i).dividedBy(nodes.size());
      events.at(EventQueue.BEGINNING.plus(move.at()).plus(later), () -> perform(node, move));
    }
  }

  private void perform(SimNode node, Move move) {
    Interface device = node.device();
    String from = device.segment().map(Segment::name).orElse("none");
    String to = move.to().orElse("none");
    node.stack().say("moves from " + from + " to " + to);
    Optional.ofNullable(counters.get(node.name())).ifPresent(SignalCounter::linkChanged);
    if (move.to().isEmpty()) {
      device.detach();
      return;
    }
    HandoverMeter meter = meters.get(node.name());
    if (meter != null) {
      meter.moves(from, to, network.prefixOf(to));
    }
    device.attach(network.segment(to), move.attaching());
  }

  private void plan(Fault fault) {
    Instant at = EventQueue.BEGINNING.plus(fault.at());
    if (fault instanceof Fault.Crash crash) {
      SimNode node = network.node(crash.node());
      events.at(at, () -> node.mobility().ifPresent(it -> kill(node, it)));
      events.at(at.plus(crash.lasting()), () -> node.mobility().ifPresent(it -> revive(node, it)));
    } else if (fault instanceof Fault.Partition partition) {
      Segment segment = network.segment(partition.link());
      events.at(at, () -> segment.setCut(true));
      events.at(at.plus(partition.lasting()), () -> segment.setCut(false));
    } else if (fault instanceof Fault.Loss loss) {
      for (String name : scenario.nodesOf(loss.from())) {
        SimNode node = network.node(name);
        events.at(at, () -> lose(node, loss));
      }
    } else if (fault instanceof Fault.Repeat repeat) {
      for (String name : scenario.nodesOf(repeat.from())) {
        SimNode node = network.node(name);
        events.at(at, () -> new Eavesdropper(node, events).repeat(repeat, this::dissect));
      }
    } else if (fault instanceof Fault.Forgery forgery) {
      for (String name : scenario.nodesOf(forgery.from())) {
        SimNode node = network.node(name);
        events.at(at, () -> new Eavesdropper(node, events).forge(forgery.count()));
      }
    }
  }

  private static void kill(SimNode node, MobileHost mobility) {
    node.stack().say("mipd is killed");
    mobility.kill();
  }

  private static void revive(SimNode node, MobileHost mobility) {
    node.stack().say("mipd starts again");
    mobility.revive();
  }

  private void lose(SimNode node, Fault.Loss loss) {
    int[] left = {loss.count()};
    Interface.Fate fate =
        frame -> {
          if (left[0] == 0 || !dissect(frame).mobilityTypes().contains(loss.type())) {
            return false;
          }
          left[0]--;
          node.stack().say("a message of type " + loss.type() + " is lost");
          return true;
        };
    node.interfaces().forEach(one -> one.addFate(fate));
  }

  private CapturedFrame dissect(Frame frame) {
    return dissector.dissect(Times.nanos(events.now()), frame.toArray());
  }

  // Measurement.

  private void measure() {
    if (!scenario.observation().handovers()) {
      return;
    }
    for (Network.Mobile mobile : network.mobiles()) {
      SimNode node = network.node(mobile.name());
      Optional<Flow> out = firstFlow(flow -> flow.from().name().equals(node.name()));
      Optional<Flow> in = firstFlow(flow -> flow.to().name().equals(node.name()));
      var agent = network.node(mobile.plan().homeAgent());
      String peer =
          out.map(Flow::to)
              .or(() -> in.map(Flow::from))
              .map(it -> it.address().toString())
              .orElse("");
      var meter =
          new HandoverMeter(
              node,
              new Endpoints(
                  agent.address().toString(),
                  mobile.home().toString(),
                  peer,
                  out.map(Flow::port).orElse(-1),
                  in.map(Flow::port).orElse(-1)),
              events,
              !isHome(mobile),
              out.map(Flow::record).orElseGet(FlowRecord::new),
              in.map(Flow::record).orElseGet(FlowRecord::new));
      var counter = new SignalCounter(node, events, this::nameOf, this::isMobile, signals);
      meters.put(node.name(), meter);
      counters.put(node.name(), counter);
      node.stack().watch(meter);
      node.stack()
          .watch(
              new Watcher() {
                @Override
                public void carrierChanged(int interfaceIndex, boolean carrier) {
                  counter.linkChanged();
                }
              });
      node.device().tap(frame -> measure(node, meter, counter, frame));
    }
  }

  /** How much a home agent or a correspondent holds at the end. */
  private void measureTables(Measures measures, SimNode node) {
    Optional<Roles> roles = node.mobility().flatMap(MobileHost::roles);
    roles
        .flatMap(Roles::agent)
        .ifPresent(
            it -> {
              measures.put(node.name() + ".bindings", (double) it.bindingCount());
              Witness.Load load = witness.load(node.name());
              measures.put(
                  node.name() + ".messages_per_s",
                  load.messages() / (scenario.duration().toNanos() / 1e9));
              measures.put(node.name() + ".most_messages_per_s", (double) load.most());
            });
    roles
        .flatMap(Roles::correspondent)
        .ifPresent(
            it ->
                measures.put(node.name() + ".correspondent-bindings", (double) it.bindingCount()));
    if (roles.isPresent() && roles.get().mobile().isEmpty()) {
      node.mobility()
          .flatMap(MobileHost::host)
          .ifPresent(
              it -> {
                measures.put(node.name() + ".policies", (double) it.policies().count());
                measures.put(node.name() + ".associations", (double) it.associations().size());
              });
    }
  }

  /** What a diagram calls an address. */
  private String nameOf(String text) {
    Ipv6Address address = Ipv6Address.parse(text);
    return address.isMulticast() ? "the link" : names.getOrDefault(address, text);
  }

  /** Whether it is a home or care-of address of one of the mobile nodes. */
  private boolean isMobile(String text) {
    Ipv6Address address = Ipv6Address.parse(text);
    return homes.contains(address) || identifiers.contains(address.low());
  }

  private boolean isHome(Network.Mobile mobile) {
    var agent = scenario.homeAgents().get(mobile.plan().homeAgent());
    return agent != null && mobile.plan().link().equals(Optional.of(agent.homeLink()));
  }

  private Optional<Flow> firstFlow(Predicate<Flow> wanted) {
    return flows.stream()
        .filter(flow -> flow.plan().kind() == FlowKind.CBR)
        .filter(wanted)
        .findFirst();
  }

  private void measure(SimNode node, HandoverMeter meter, SignalCounter counter, Frame frame) {
    Dissector.Dissection dissection =
        dissector.dissection(Times.nanos(events.now()), frame.toArray());
    CapturedFrame dissected = dissection.frame();
    counter.frame(frame, dissected);
    if (meter.isMeasuring()) {
      meter.frame(dissected);
    }
    if (!dissected.udpPorts().isEmpty()) {
      payloads.merge(node.name(), 1L, Long::sum);
      overheads.merge(node.name(), (long) frame.length() - Frame.HEADER, Long::sum);
      dissection.headers().forEach((kind, octets) -> headers.merge(kind, (long) octets, Long::sum));
    }
  }

  // The outcome.

  private Outcome outcome() throws IOException {
    var results = new Results();
    var measures = new Measures();
    results.fact("scenario", scenario.name());
    results.fact("title", scenario.title());
    results.fact("seed", scenario.seed());
    results.fact("repeat", "bin/sim run " + scenario.name() + " --seed " + scenario.seed());
    results.fact("duration_s", scenario.duration().toNanos() / 1e9);
    results.fact("events", events.happened());
    List<Handover> handovers = new ArrayList<>();
    meters.values().forEach(meter -> handovers.addAll(meter.handovers()));
    boolean one = meters.size() == 1;
    for (Handover handover : handovers) {
      HandoverRow row = handover.row();
      if (one && handover.first()) {
        results.apart(row);
      } else if (one || handover.node().equals(network.mobiles().get(0).name())) {
        results.row(row);
      }
    }
    for (Flow flow : flows) {
      if (flow.foreign() > 0) {
        invariants.report("traffic is genuine", flow.name() + ": " + flow.foreign());
      }
    }
    ImmutableList<Invariants.Violation> violations = invariants.violations();
    results.verdict(
        "what must always hold",
        violations.isEmpty(),
        violations.isEmpty()
            ? invariants.checks() + " checks after " + events.happened() + " events"
            : violations.get(0)
                + "; to repeat it: bin/sim run "
                + scenario.name()
                + " --seed "
                + scenario.seed());
    judge(results, handovers);
    measureFlows(measures);
    measures.handovers(handovers);
    measureSignalling(measures);
    measures.put("home-agents.registrations", (double) witness.registrations());
    measures.put("home-agents.movements", (double) witness.movements());
    network.nodes().values().forEach(node -> measureTables(measures, node));
    if (folder.isPresent()) {
      results.fact("measures", measures.all());
      results.fact("violations", violations.stream().map(Invariants.Violation::toString).toList());
      results.write(folder.get());
      var tables = new RunTables(folder.get(), Times.nanos(Duration.ZERO));
      tables.write(
          measures,
          handovers,
          flows.stream().map(it -> new RunTables.Named(it.name(), it.record())).toList());
      writeSignals(tables);
      writeWindows(folder.get());
    }
    return new Outcome(
        results,
        measures.all(),
        ImmutableList.copyOf(handovers),
        violations.stream()
            .map(Invariants.Violation::toString)
            .collect(ImmutableList.toImmutableList()),
        events.happened());
  }

  private void writeSignals(RunTables tables) throws IOException {
    var sequence = new StringBuilder("time_s,from,to,message\n");
    for (Signal signal : signals) {
      sequence.append(
          String.join(
              ",",
              tables.seconds(signal.nanos()),
              signal.from(),
              signal.to(),
              signal.message() + "\n"));
    }
    Files.writeString(tables.folder().resolve("signals.csv"), sequence.toString());
  }

  private void writeWindows(Path into) throws IOException {
    for (int i = 0; i < flows.size() && flows.size() <= RunTables.MOST_FILES; i++) {
      if (flows.get(i) instanceof TcpFlow tcp) {
        tcp.trace()
            .write(
                into.resolve("window-" + RunTables.fileName(i + 1, tcp.name())),
                Times.nanos(EventQueue.BEGINNING));
      }
    }
  }

  /** Each movement is to lead to a registration, and traffic to go on. */
  private void judge(Results results, List<Handover> handovers) {
    long complete = handovers.stream().filter(this::isComplete).count();
    results.verdict(
        "each movement is acknowledged",
        complete == handovers.size() || !scenario.faults().isEmpty(),
        complete + " of " + handovers.size());
    for (Flow flow : flows) {
      if (flows.size() > 8) {
        break;
      }
      long[] all = flow.record().delays(0, Long.MAX_VALUE);
      results.verdict(
          "traffic arrives: " + flow.name(),
          all.length > 0 || !scenario.faults().isEmpty(),
          all.length + " packets");
    }
  }

  /** Who comes home and has no binding has nothing to say. */
  private boolean isComplete(Handover handover) {
    HandoverRow row = handover.row();
    return row.movement().acknowledgement().isPresent()
        || (scenario.isHome(row.to()) && row.movement().update().isEmpty());
  }

  private void measureFlows(Measures measures) {
    if (flows.size() > 32) {
      long sent = 0;
      long lost = 0;
      for (Flow flow : flows) {
        FlowRecord.Outcome all = flow.record().outcome(0, Long.MAX_VALUE);
        sent += all.sent();
        lost += all.lost();
      }
      measures.put("flows.sent", (double) sent);
      measures.put("flows.lost", (double) lost);
      return;
    }
    for (Flow flow : flows) {
      flow.measure(measures);
    }
  }

  private void measureSignalling(Measures measures) {
    long octets = 0;
    long messages = 0;
    Map<String, Long> kinds = new TreeMap<>();
    for (SignalCounter counter : counters.values()) {
      octets += counter.octets();
      for (Map.Entry<String, Long> kind : counter.messages().entrySet()) {
        kinds.merge(kind.getKey(), kind.getValue(), Long::sum);
        messages += kind.getValue();
      }
    }
    if (!counters.isEmpty()) {
      measures.put("signalling.messages", (double) messages);
      measures.put("signalling.octets", (double) octets);
    }
    kinds.forEach((kind, count) -> measures.put("signalling." + kind, (double) count));
    long packets = payloads.values().stream().mapToLong(Long::longValue).sum();
    if (packets > 0) {
      measures.put(
          "payload.octets_per_packet",
          overheads.values().stream().mapToLong(Long::longValue).sum() / (double) packets);
      headers.forEach(
          (kind, sum) ->
              measures.put("payload." + kind + "_octets_per_packet", sum / (double) packets));
    }
    network
        .segments()
        .forEach(
            (name, segment) -> {
              measures.put("link." + name + ".frames", (double) segment.counters().sent());
              measures.put(
                  "link." + name + ".lost",
                  (double) (segment.counters().lost() + segment.counters().overflowed()));
            });
  }
}
