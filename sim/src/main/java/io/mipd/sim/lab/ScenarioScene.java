package io.mipd.sim.lab;

import static java.util.Objects.requireNonNull;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.sim.report.CapturedFrame;
import io.mipd.sim.report.Endpoints;
import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.Handover;
import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Measures;
import io.mipd.sim.report.Movement;
import io.mipd.sim.report.Results;
import io.mipd.sim.report.RunTables;
import io.mipd.sim.report.Tshark;
import io.mipd.sim.report.Turnaround;
import io.mipd.sim.scenario.Scenario;
import io.mipd.sim.scenario.Scenario.Fault;
import io.mipd.sim.scenario.Scenario.FlowKind;
import io.mipd.sim.scenario.Scenario.FlowPlan;
import io.mipd.sim.scenario.Scenario.HostPlan;
import io.mipd.sim.scenario.Scenario.MobileNodePlan;
import io.mipd.sim.scenario.Scenario.Move;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A scenario of the simulator's, played by real daemons over namespaces in real time, and measured
 * as there: by the frames that pass the mobile nodes' interfaces and by numbered datagrams.
 */
final class ScenarioScene {
  private static final long PATIENCE_MILLIS = 60_000;
  private static final int FIRST_PORT = 20_000;

  /** From the last program's being ready until the scenario begins. */
  private static final Duration BEFORE = Duration.ofSeconds(1);

  /** What is still under way at the end arrives, and tcpdump hands over what it has. */
  private static final Duration AFTER = Duration.ofMillis(2500);

  /** What was lost this long before a movement begins is counted with it, as in the simulator. */
  private static final long MARGIN_NANOS = 1_000_000_000L;

  /** Kernels report changes of carrier at once, or up to a second later. */
  private static final long NOTICE_MILLIS = 2_000;

  private static final int CAPTURE_KIB = 8 << 10;

  private final Scenario scenario;
  private final Path folder;
  private final Path build;
  private final ScenarioNetwork network;
  private final ScenarioFiles files;
  private final Children children;
  private final Results results;
  private final PrintStream out;
  private final Map<String, Process> daemons = new LinkedHashMap<>();
  private final Map<String, KernelNotices> notices = new LinkedHashMap<>();
  private final Map<String, Process> captures = new LinkedHashMap<>();
  private final List<TrafficEnd> ends = new ArrayList<>();
  private final List<FlowRecord> records = new ArrayList<>();
  private final List<Done> done = new ArrayList<>();
  private final Set<String> pluggedIn = new HashSet<>();

  /** When a node's cable was pulled out last; none before the first time. */
  private final Map<String, Long> pulledOut = new HashMap<>();

  private final Map<String, Long> killed = new HashMap<>();
  private final List<Crashed> crashes = new ArrayList<>();

  /** A movement that has been made. Times are nanoseconds since the epoch. */
  private static final class Done {
    private final Move move;
    private final long unplugged;
    private OptionalLong plugged = OptionalLong.empty();

    Done(Move move, long unplugged) {
      this.move = move;
      this.unplugged = unplugged;
    }
  }

  /** A node's mipd did not run. */
  private record Crashed(String node, Disturbance time) {}

  /**
   * A movement as measured.
   *
   * @param time until its registration should have been acknowledged
   */
  private record Measured(Handover handover, Disturbance time) {}

  /** Something that happens at a time of the scenario. */
  private record Act(Duration at, Work work) {}

  private interface Work {
    void run(long beginning) throws IOException, InterruptedException;
  }

  /**
   * @param folder for the results
   * @param build the top of the build tree
   */
  ScenarioScene(
      Scenario scenario,
      Path folder,
      Path build,
      ScenarioNetwork network,
      ScenarioFiles files,
      Children children,
      Results results,
      PrintStream out) {
    this.scenario = scenario;
    this.folder = folder;
    this.build = build;
    this.network = network;
    this.files = files;
    this.children = children;
    this.results = results;
    this.out = out;
  }

  /** Plays it, and returns its movements in the order in which they were made. */
  ImmutableList<Handover> run() throws IOException, InterruptedException, Scene.SceneFailure {
    say("network namespaces " + network.namespace("*"));
    network.build();
    startCaptures();
    startLines();
    var switches = new OpenBatch(children.talk(network.openSwitches(), log("lab")));
    for (var router : scenario.routers().entrySet()) {
      if (!router.getValue().advertises().isEmpty()) {
        startRouter(router.getKey());
      }
    }
    startNodes(switches);
    startTraffic();
    List<Act> acts = acts(switches);
    long beginning = now() + BEFORE.toNanos();
    say("the scenario begins, and takes " + scenario.duration().toSeconds() + " s");
    ends.forEach(end -> end.order("begin " + beginning));
    for (Act act : acts) {
      sleepUntil(beginning + act.at().toNanos());
      act.work().run(beginning);
    }
    sleepUntil(beginning + scenario.duration().toNanos());
    long end = now();
    Thread.sleep(AFTER.toMillis());
    for (Process daemon : daemons.values()) {
      int status = Children.stop(daemon);
      results.verdict("mipd stops cleanly", status == 0, "exit status " + status);
    }
    stopCaptures();
    return measure(beginning, end);
  }

  // Setting up.

  private void startLines() throws IOException, InterruptedException, Scene.SceneFailure {
    Optional<Program> forwarder = network.forwarder();
    if (forwarder.isPresent()) {
      Path log = log("lines");
      Files.createFile(log);
      Process lines = children.talkInto(forwarder.get(), log);
      await("the lines", () -> has(log, "ready") || !lines.isAlive());
      if (!lines.isAlive()) {
        throw new Scene.SceneFailure("the lines have ended:\n" + Files.readString(log).strip());
      }
    }
  }

  private void startRouter(String router) throws IOException {
    children.start(
        network.in(
            router,
            "radvd",
            "-n",
            "-m",
            "stderr",
            "-C",
            files.radvd(router).toString(),
            "-p",
            folder.resolve("radvd-" + router + ".pid").toString()),
        log(router));
  }

  private void startNodes(OpenBatch switches)
      throws IOException, InterruptedException, Scene.SceneFailure {
    for (String node : files.daemons()) {
      MobileNodePlan mobile = scenario.mobileNodes().get(node);
      if (mobile != null) {
        var heard = new KernelNotices();
        heard.follow(
            children.talk(
                network.ip(node, "-o", "-tshort", "monitor", "link", "address"), log("lab")));
        notices.put(node, heard);
        mobile
            .link()
            .ifPresent(
                link -> {
                  switches.run(network.plug(node, link));
                  pluggedIn.add(node);
                });
      }
      startDaemon(node);
      if (mobile != null && mobile.link().isPresent()) {
        await(
            "the home address of " + node,
            () -> {
              String shown = show(node);
              return !shown.isBlank() && !shown.contains("tentative");
            });
      }
    }
  }

  private String show(String node) {
    try {
      return network
          .ip(node, "-6", "-o", "addr", "show", "to", network.address(node).toString())
          .must();
    } catch (IOException e) {
      return "";
    }
  }

  private void startDaemon(String node)
      throws IOException, InterruptedException, Scene.SceneFailure {
    say("starting mipd at " + node);
    Path log = log(node);
    long before = Files.exists(log) ? Files.size(log) : 0;
    Process daemon = launch(node);
    await("mipd at " + node, () -> !daemon.isAlive() || hasAfter(log, before, "mipd ready"));
    if (!daemon.isAlive()) {
      throw new Scene.SceneFailure(
          "mipd at " + node + " has ended:\n" + Files.readString(log).strip());
    }
  }

  private Process launch(String node) throws IOException {
    Process daemon =
        children.start(
            network.in(
                node,
                build.resolve("bin/mipd").toString(),
                "run",
                "--config",
                files.configuration(node).toString()),
            log(node));
    daemons.put(node, daemon);
    return daemon;
  }

  private void startCaptures() throws IOException, InterruptedException, Scene.SceneFailure {
    var nodes = new ArrayList<>(scenario.mobileNodes().keySet());
    scenario.observation().captures().stream()
        .filter(node -> !nodes.contains(node))
        .forEach(nodes::add);
    for (String node : nodes) {
      for (String device : network.devices(node)) {
        var capture = new Capture(folder.resolve(node + "-" + device + ".part"));
        Path log = folder.resolve(node + "-" + device + ".tcpdump");
        captures.put(
            node + "-" + device,
            children.start(
                network.in(node, capture.command(device, CAPTURE_KIB)), capture.file(), log));
        await("the capture of " + node, () -> has(log, "listening on"));
      }
    }
  }

  private void startTraffic() throws IOException, InterruptedException, Scene.SceneFailure {
    for (int i = 0; i < scenario.flows().size(); i++) {
      FlowPlan plan = scenario.flows().get(i);
      var record = new FlowRecord();
      records.add(record);
      if (plan.kind() == FlowKind.ECHO) {
        continue;
      }
      boolean asks = plan.kind() == FlowKind.REQUEST;
      startEnd(i, record, plan, plan.to(), asks ? FlowEnd.Part.ANSWER : FlowEnd.Part.HEAR);
      startEnd(i, record, plan, plan.from(), asks ? FlowEnd.Part.ASK : FlowEnd.Part.SEND);
    }
    await("traffic programs", () -> ends.stream().allMatch(TrafficEnd::isReady));
  }

  private void startEnd(int flow, FlowRecord record, FlowPlan plan, String node, FlowEnd.Part part)
      throws IOException {
    String peer = node.equals(plan.from()) ? plan.to() : plan.from();
    ends.add(
        new TrafficEnd(
            children.talk(
                network.in(
                    node,
                    Program.java(
                        FlowEnd.class,
                        part.name(),
                        Integer.toString(flow),
                        network.address(node).toString(),
                        network.address(peer).toString(),
                        Integer.toString(FIRST_PORT + flow),
                        Integer.toString(part == FlowEnd.Part.ANSWER ? plan.answer() : plan.size()),
                        Long.toString(plan.interval().toNanos()),
                        Long.toString(plan.start().toNanos()),
                        Long.toString(plan.stop().toNanos()))),
                log(node + "-traffic")),
            ImmutableMap.of(Integer.toString(flow), record),
            "traffic at " + node));
  }

  // The play.

  private List<Act> acts(OpenBatch switches) {
    var acts = new ArrayList<Act>();
    for (Move move : scenario.moves()) {
      AtomicReference<@Nullable Done> begun = new AtomicReference<>();
      acts.add(new Act(move.at(), beginning -> begun.set(unplug(switches, move))));
      if (move.to().isPresent()) {
        acts.add(
            new Act(
                move.at().plus(move.attaching()),
                beginning -> plug(switches, requireNonNull(begun.get()), move.to().get())));
      }
    }
    for (Fault fault : scenario.faults()) {
      if (fault instanceof Fault.Crash crash) {
        acts.add(new Act(crash.at(), beginning -> kill(crash.node())));
        acts.add(new Act(crash.at().plus(crash.lasting()), beginning -> revive(crash.node())));
      }
    }
    for (int i = 0; i < scenario.flows().size(); i++) {
      FlowPlan plan = scenario.flows().get(i);
      int flow = i;
      if (plan.kind() == FlowKind.ECHO) {
        acts.add(new Act(plan.start(), beginning -> ping(flow, plan)));
      }
    }
    // A stable sort: what the file has first at one time happens first.
    acts.sort(Comparator.comparing(Act::at));
    return acts;
  }

  private Done unplug(OpenBatch switches, Move move) {
    var one = new Done(move, now());
    done.add(one);
    if (pluggedIn.remove(move.node())) {
      pulledOut.put(move.node(), one.unplugged);
      switches.run(network.unplug(move.node()));
    }
    return one;
  }

  /** Not before its kernel has seen that the cable was out: it would see nothing else. */
  private void plug(OpenBatch switches, Done one, String link) throws InterruptedException {
    String node = one.move.node();
    Long pulled = pulledOut.get(node);
    boolean unnoticed =
        pulled != null
            && notices(node).awaitCarrier("eth0", false, pulled, NOTICE_MILLIS).isEmpty();
    one.plugged = OptionalLong.of(now());
    switches.run(network.plug(node, link));
    pluggedIn.add(node);
    say(
        node
            + " is plugged into "
            + link
            + (unnoticed ? "; its kernel has not noticed that the cable was out" : ""));
  }

  private void kill(String node) {
    say("mipd at " + node + " is killed");
    killed.put(node, now());
    Optional.ofNullable(daemons.remove(node)).ifPresent(Process::destroyForcibly);
  }

  private void revive(String node) throws IOException {
    say("mipd at " + node + " starts again");
    launch(node);
    crashes.add(new Crashed(node, new Disturbance(requireNonNull(killed.get(node)), now())));
  }

  private static int count(FlowPlan plan) {
    return (int)
        ((plan.stop().minus(plan.start()).toNanos() + plan.interval().toNanos() - 1)
            / plan.interval().toNanos());
  }

  private Path pings(int flow) {
    return folder.resolve("ping-" + (flow + 1) + ".txt");
  }

  private void ping(int flow, FlowPlan plan) throws IOException {
    children.start(
        network.in(
            plan.from(),
            "ping",
            "-D",
            "-n",
            "-i",
            String.format(Locale.ROOT, "%.3f", plan.interval().toNanos() / 1e9),
            "-s",
            Integer.toString(plan.size()),
            "-c",
            Integer.toString(count(plan)),
            "-I",
            network.address(plan.from()).toString(),
            network.address(plan.to()).toString()),
        pings(flow));
  }

  // Measurement.

  private void stopCaptures() throws IOException {
    long dropped = 0;
    for (Map.Entry<String, Process> capture : captures.entrySet()) {
      Children.stop(capture.getValue());
      Path log = folder.resolve(capture.getKey() + ".tcpdump");
      for (String text : Files.readAllLines(log)) {
        if (text.endsWith("dropped by kernel")) {
          dropped += Long.parseLong(text.substring(0, text.indexOf(' ')));
        }
      }
      Files.delete(log);
    }
    results.verdict("captures are complete", dropped == 0, dropped + " packets missed");
    for (String node : captures.keySet().stream().map(ScenarioScene::node).distinct().toList()) {
      var command =
          new ArrayList<String>(
              List.of("mergecap", "-F", "pcap", "-w", folder.resolve(node + ".pcap").toString()));
      List<Path> parts =
          network.devices(node).stream()
              .map(device -> folder.resolve(node + "-" + device + ".part"))
              .toList();
      parts.forEach(part -> command.add(part.toString()));
      Program.local(command).must();
      for (Path part : parts) {
        Files.delete(part);
      }
    }
  }

  /** Of a capture of an interface. */
  private static String node(String capture) {
    return capture.substring(0, capture.lastIndexOf('-'));
  }

  private ImmutableList<Handover> measure(long beginning, long end) throws IOException {
    var tshark = new Tshark(files.profile());
    say("reading the captures with tshark");
    for (int i = 0; i < scenario.flows().size(); i++) {
      FlowPlan plan = scenario.flows().get(i);
      if (plan.kind() == FlowKind.ECHO) {
        records.set(
            i,
            Pings.read(pings(i))
                .record(
                    beginning + plan.start().toNanos(), plan.interval().toNanos(), count(plan)));
      }
    }
    var measured = new ArrayList<Measured>();
    for (String node : scenario.mobileNodes().keySet()) {
      measured.addAll(measure(tshark, node, end));
      Tshark.Findings findings = tshark.findings(folder.resolve(node + ".pcap"));
      results.verdict("capture " + node, findings.clean(), findings.toString());
    }
    ImmutableList<Handover> all =
        measured.stream().map(Measured::handover).collect(ImmutableList.toImmutableList());
    boolean one = scenario.mobileNodes().size() == 1;
    for (Handover handover : all) {
      if (one && handover.first()) {
        results.apart(handover.row());
      } else if (handover.node().equals(scenario.mobileNodes().firstKey())) {
        results.row(handover.row());
      }
    }
    var measures = new Measures();
    measures.handovers(all);
    var named = new ArrayList<RunTables.Named>();
    for (int i = 0; i < scenario.flows().size(); i++) {
      FlowPlan plan = scenario.flows().get(i);
      String name =
          plan.kind().name().toLowerCase(Locale.ROOT) + " " + plan.from() + ">" + plan.to();
      measures.flow(name, records.get(i));
      named.add(new RunTables.Named(name, records.get(i)));
      judge(name, plan, records.get(i), beginning);
    }
    List<Measured> open = measured.stream().filter(it -> !isComplete(it.handover())).toList();
    long excused = open.stream().filter(this::isExcused).count();
    results.verdict(
        "each movement is acknowledged",
        excused == open.size(),
        (all.size() - open.size())
            + " of "
            + all.size()
            + (excused > 0 ? ", " + excused + " were beside a crash" : ""));
    results.fact("measures", measures.all());
    new RunTables(folder, beginning).write(measures, all, named);
    return all;
  }

  /** Something that was sent after the last movement and crash must have arrived. */
  private void judge(String name, FlowPlan plan, FlowRecord record, long beginning) {
    var disturbances = new ArrayList<Disturbance>();
    for (String node : List.of(plan.from(), plan.to())) {
      disturbances.addAll(movements(node));
      crashes.stream()
          .filter(it -> concerns(it, node))
          .map(Crashed::time)
          .forEach(disturbances::add);
    }
    long since =
        Disturbance.lastCalm(
            disturbances, beginning + plan.start().toNanos(), beginning + plan.stop().toNanos());
    FlowRecord.Outcome whole = record.outcome(0, Long.MAX_VALUE);
    FlowRecord.Outcome calm = record.outcome(since, Long.MAX_VALUE);
    results.verdict(
        "traffic arrives: " + name,
        calm.sent() > calm.lost(),
        String.format(
            Locale.ROOT,
            "%d of %d packets, %d of %d sent after %.1f s",
            whole.sent() - whole.lost(),
            whole.sent(),
            calm.sent() - calm.lost(),
            calm.sent(),
            (since - beginning) / 1e9));
  }

  /** When a node was on no link; one that went to none is there until its next movement. */
  private List<Disturbance> movements(String node) {
    List<Done> own = done.stream().filter(it -> it.move.node().equals(node)).toList();
    var times = new ArrayList<Disturbance>();
    for (int i = 0; i < own.size(); i++) {
      long next = i + 1 < own.size() ? own.get(i + 1).unplugged : Long.MAX_VALUE;
      times.add(new Disturbance(own.get(i).unplugged, own.get(i).plugged.orElse(next)));
    }
    return times;
  }

  /** Whether a node is out of reach without the mipd that crashed: its own, or its home agent's. */
  private boolean concerns(Crashed crash, String node) {
    MobileNodePlan mobile = scenario.mobileNodes().get(node);
    return crash.node().equals(node) || (mobile != null && crash.node().equals(mobile.homeAgent()));
  }

  private boolean isExcused(Measured movement) {
    return crashes.stream()
        .filter(it -> concerns(it, movement.handover().node()))
        .anyMatch(it -> it.time().withSettling().overlaps(movement.time()));
  }

  /** Who comes home and has no binding has nothing to say. */
  private boolean isComplete(Handover handover) {
    return handover.row().movement().acknowledgement().isPresent()
        || (scenario.isHome(handover.row().to()) && handover.row().movement().update().isEmpty());
  }

  private OptionalLong firstFlow(Predicate<FlowPlan> wanted) {
    for (int i = 0; i < scenario.flows().size(); i++) {
      if (scenario.flows().get(i).kind() == FlowKind.CBR && wanted.test(scenario.flows().get(i))) {
        return OptionalLong.of(i);
      }
    }
    return OptionalLong.empty();
  }

  private ImmutableList<Measured> measure(Tshark tshark, String node, long end) throws IOException {
    MobileNodePlan plan = scenario.mobileNode(node);
    OptionalLong outward = firstFlow(flow -> flow.from().equals(node));
    OptionalLong inward = firstFlow(flow -> flow.to().equals(node));
    String peer =
        outward.isPresent()
            ? network.address(scenario.flows().get((int) outward.getAsLong()).to()).toString()
            : inward.isPresent()
                ? network.address(scenario.flows().get((int) inward.getAsLong()).from()).toString()
                : "";
    var between =
        new Endpoints(
            network.address(plan.homeAgent()).toString(),
            plan.homeAddress().toString(),
            peer,
            outward.isPresent() ? FIRST_PORT + (int) outward.getAsLong() : -1,
            inward.isPresent() ? FIRST_PORT + (int) inward.getAsLong() : -1);
    ImmutableList<CapturedFrame> frames = tshark.frames(folder.resolve(node + ".pcap"), between);
    FlowRecord flowOut =
        outward.isPresent() ? records.get((int) outward.getAsLong()) : new FlowRecord();
    FlowRecord flowIn =
        inward.isPresent() ? records.get((int) inward.getAsLong()) : new FlowRecord();

    List<Done> own = done.stream().filter(it -> it.move.node().equals(node)).toList();
    boolean away = plan.link().isPresent() && !scenario.isHome(plan.link().get());
    String from = plan.link().orElse("none");
    int number = away ? 1 : 0;
    boolean hasBeenAway = away;
    var measured = ImmutableList.<Measured>builder();
    for (int i = 0; i < own.size(); i++) {
      Done one = own.get(i);
      String to = one.move.to().orElse("none");
      if (one.plugged.isPresent()) {
        long began = one.unplugged;
        long window = began - margin(own, i);
        long until = i + 1 < own.size() ? own.get(i + 1).unplugged - margin(own, i + 1) : end;
        long close = until;
        OptionalLong carrier = carrier(node, one.plugged.getAsLong(), close);
        var link = scenario.link(to);
        long start = carrier.orElse(one.plugged.getAsLong());
        List<CapturedFrame> ofIt =
            frames.stream().filter(it -> it.nanos() >= began && it.nanos() < close).toList();
        Movement movement =
            Movement.of(
                start,
                network.linkAddress(node),
                link.prefix(),
                notices(node).firstUsable("eth0", link.prefix(), start),
                between,
                ofIt);
        var row =
            new HandoverRow(
                number,
                from,
                to,
                movement,
                flowOut.outcome(window, until).withGapOf(flowOut.outcome(began, until)),
                flowIn.outcome(window, until).withGapOf(flowIn.outcome(began, until)));
        var handover =
            Handover.of(
                node, !hasBeenAway, row, began, carrier, network.linkAddress(node), between, ofIt);
        var time = new Disturbance(began, one.plugged.getAsLong()).withSettling();
        measured.add(new Measured(handover, new Disturbance(began, Math.min(time.until(), close))));
        number++;
        hasBeenAway = true;
      }
      from = to;
    }
    return measured.build();
  }

  /** How long the captured nodes took for messages. */
  ImmutableList<Turnaround> turnarounds() throws IOException {
    var tshark = new Tshark(files.profile());
    var all = ImmutableList.<Turnaround>builder();
    for (String node : scenario.observation().captures()) {
      MobileNodePlan mobile = scenario.mobileNodes().get(node);
      boolean answers =
          scenario.homeAgents().containsKey(node)
              || Optional.ofNullable(scenario.hosts().get(node))
                  .filter(HostPlan::corresponds)
                  .isPresent();
      if (mobile == null && !answers) {
        continue;
      }
      ImmutableList<CapturedFrame> messages = tshark.messages(folder.resolve(node + ".pcap"));
      if (mobile == null) {
        all.addAll(Turnaround.ofAnswers(node, network.address(node).toString(), messages));
      } else {
        all.add(
            Turnaround.ofMobileNode(
                node,
                network.linkAddress(node),
                network.address(mobile.homeAgent()).toString(),
                messages));
      }
    }
    return all.build();
  }

  private static long margin(List<Done> own, int i) {
    return i == 0
        ? MARGIN_NANOS
        : Math.min(MARGIN_NANOS, (own.get(i).unplugged - own.get(i - 1).unplugged) / 2);
  }

  private KernelNotices notices(String node) {
    KernelNotices heard = notices.get(node);
    if (heard == null) {
      throw new IllegalArgumentException("no mobile node " + node);
    }
    return heard;
  }

  private OptionalLong carrier(String node, long from, long until) {
    return notices(node).firstCarrier("eth0", from, until);
  }

  // Helpers.

  private Path log(String node) {
    return folder.resolve(node + ".log");
  }

  private static boolean has(Path file, String text) {
    return hasAfter(file, 0, text);
  }

  private static boolean hasAfter(Path file, long from, String text) {
    try {
      return Files.exists(file) && Files.readString(file).indexOf(text, (int) from) >= 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static void await(String what, BooleanSupplier condition)
      throws InterruptedException, Scene.SceneFailure {
    long limit = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > limit) {
        throw new Scene.SceneFailure(what + ": not within " + PATIENCE_MILLIS / 1000 + " s");
      }
      Thread.sleep(20);
    }
  }

  private static void sleepUntil(long nanos) throws InterruptedException {
    long wait = nanos - now();
    if (wait > 0) {
      Thread.sleep(
          Duration.ofNanos(wait).toMillis(), Duration.ofNanos(wait).toNanosPart() % 1_000_000);
    }
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private void say(String text) {
    out.println(text);
  }
}
