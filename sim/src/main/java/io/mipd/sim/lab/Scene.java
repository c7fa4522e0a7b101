package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.typesafe.config.ConfigFactory;
import io.mipd.sim.link.Line;
import io.mipd.sim.link.LossModel;
import io.mipd.sim.report.CapturedFrame;
import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Movement;
import io.mipd.sim.report.Results;
import io.mipd.sim.report.Tshark;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;

/** The play: home, A, B, A, home, with everything that runs meanwhile and everything measured. */
final class Scene {
  private static final long READY_MILLIS = 30_000;
  private static final long CARRIER_MILLIS = 5_000;
  private static final long SETTLE_MILLIS = 45_000;
  private static final long FINISH_MILLIS = 120_000;

  /** tcpdump hands over what it has once a second. */
  private static final long CAPTURE_LAG_MILLIS = 1_600;

  private static final int CAPTURE_KIB = 8 << 10;

  /** All that is ever sent at once may have to wait. */
  private static final int SLOW_CAPTURE_KIB = 64 << 10;

  private static final long BOTH_MILLIS = 2_000;

  /** At least 10 MB each way after the last handover. */
  private static final long FINISH_OCTETS = 10L << 20;

  private final LabOptions options;
  private final Path folder;
  private final Network network;
  private final NodeFiles files;
  private final Children children;
  private final Results results;
  private final PrintStream out;
  private final Path build;
  private final long began = System.nanoTime();

  private final FlowRecord flowOut = new FlowRecord();
  private final FlowRecord flowIn = new FlowRecord();
  private final KernelNotices notices = new KernelNotices();
  private final Map<String, Process> captures = new HashMap<>();
  private final Map<String, Footprint> before = new HashMap<>();
  private final Map<Link, Process> routers = new EnumMap<>(Link.class);
  private final List<Capture> mobileCaptures = new ArrayList<>();
  private final Tshark tshark;
  private Optional<Process> longLine = Optional.empty();
  private long windowStart;
  private final long[] captureMarks = new long[2];

  /**
   * @param folder for the results
   * @param build the top of the build tree
   */
  Scene(
      LabOptions options,
      Path folder,
      Path build,
      Network network,
      NodeFiles files,
      Children children,
      Results results,
      PrintStream out) {
    this.options = options;
    this.folder = folder;
    this.build = build;
    this.network = network;
    this.files = files;
    this.children = children;
    this.results = results;
    this.out = out;
    this.tshark = new Tshark(files.profile());
  }

  /** Something did not happen in time, or a part has died: the scene cannot go on. */
  static final class SceneFailure extends Exception {
    SceneFailure(String message) {
      super(message);
    }
  }

  void run() throws IOException, InterruptedException, SceneFailure {
    say("network namespaces " + network.namespace("*"));
    network.build(this::bootGuest);
    startCaptures();
    Process line = startLine();
    longLine = Optional.of(line);
    if (options.daemons()) {
      startRouter("ara", Link.A);
      startRouter("arb", Link.B);
      say(
          "access routers advertise every "
              + NodeFiles.RA_MIN_MILLIS
              + " to "
              + NodeFiles.RA_MAX_MILLIS
              + " ms, the home agent every "
              + NodeFiles.HOME_RA_MILLIS
              + " ms; long line "
              + options.delayMillis()
              + " ms one way, loss "
              + options.lossPercent()
              + " %");
    } else {
      startRouter("ha", Link.HOME);
    }
    notices.follow(
        children.talk(network.ip("mn", "-o", "-tshort", "monitor", "link", "address"), log("lab")));
    Cables cables = cables();

    ImmutableList<Process> daemons = startNodes(cables);
    awaitHomeAddress();
    TrafficEnd mobile = startTraffic("mn", Network.HOME_ADDRESS, Network.CORRESPONDENT);
    TrafficEnd peer = startTraffic("cn", Network.CORRESPONDENT, Network.HOME_ADDRESS);
    await("traffic programs", READY_MILLIS, () -> mobile.isReady() && peer.isReady());
    mobile.order("udp");
    peer.order("udp");
    windowStart = now();
    await("datagrams both ways at home", READY_MILLIS, () -> flowing(windowStart));
    windowStart = now();
    mobile.order("tcp");
    Path pings = folder.resolve("ping.txt");
    Process ping =
        children.start(
            network.in(
                "mn",
                "ping",
                "-D",
                "-n",
                "-O",
                "-i",
                "0.2",
                "-I",
                Network.HOME_ADDRESS,
                Network.CORRESPONDENT),
            pings);
    await("TCP both ways at home", READY_MILLIS, () -> streaming(mobile, peer, windowStart));
    say("at home: ping, datagrams and TCP run both ways");
    Thread.sleep(1000);
    long atHome = toldUntil();
    FlowRecord.Outcome homeOut = flowOut.outcome(windowStart, atHome);
    FlowRecord.Outcome homeIn = flowIn.outcome(windowStart, atHome);
    results.verdict(
        "at home nothing is lost",
        options.lossPercent() > 0 || homeOut.lost() + homeIn.lost() == 0,
        "out "
            + homeOut.lost()
            + " of "
            + homeOut.sent()
            + ", in "
            + homeIn.lost()
            + " of "
            + homeIn.sent());

    if (options.daemons()) {
      move(cables, mobile, peer);
    } else {
      pullOutAndPlugIn(cables);
    }
    // Its own lateness while nothing hurries counts for the figures, not that of the last rush.
    line.getOutputStream().write('\n');
    line.getOutputStream().flush();
    finish(mobile, peer, ping, pings);
    if (options.daemons()) {
      askForStatus();
    }
    if (options.ike()) {
      keysVerdict();
    }
    if (options.keep()) {
      line.getOutputStream().write('\n');
      keepLine();
      awaitText("the long line", log("core"), Forwarder.KEPT);
    } else {
      stopDaemons(daemons);
      line.getOutputStream().close();
      line.waitFor();
    }
    reportLine();
    reportGuestClock();
    stopCaptures();
    inspectCaptures();
  }

  /** Has the long line, if there is one, go on when this process has ended. */
  void keepLine() throws IOException {
    if (longLine.isPresent() && longLine.get().isAlive()) {
      longLine.get().getOutputStream().write(Forwarder.KEEP);
      longLine.get().getOutputStream().flush();
    }
  }

  // Setting up.

  private ImmutableList<Process> startNodes(Cables cables)
      throws IOException, InterruptedException, SceneFailure {
    if (!options.daemons()) {
      cables.plugInto(0, Link.HOME);
      network.configure(
          "mn", ImmutableList.of("addr add " + Network.HOME_ADDRESS + "/64 dev eth0 nodad"));
      return ImmutableList.of();
    }
    for (String node : ImmutableList.of("ha", "mn")) {
      if (options.ike()) {
        startCharon(node);
      }
      before.put(node, Footprint.of(network, node));
    }
    var daemons = ImmutableList.<Process>builder();
    if (options.correspondentHasDaemon()) {
      before.put("cn", Footprint.of(network, "cn"));
      Process correspondent = startDaemon("cn", files.correspondentConfiguration());
      awaitReady("cn", correspondent);
      daemons.add(correspondent);
    }
    Process agent = startDaemon("ha", files.homeAgentConfiguration());
    awaitReady("ha", agent);
    cables.plugInto(0, Link.HOME);
    Process node = startDaemon("mn", files.mobileNodeConfiguration());
    awaitReady("mn", node);
    return daemons.add(node, agent).build();
  }

  private Guest bootGuest(ImmutableList<String> taps) throws IOException, InterruptedException {
    say(
        "booting a guest for "
            + options.world().guestNode().orElseThrow()
            + "; it waits while as many run as there are CPUs");
    var uml = ImmutableList.<String>builder();
    uml.add(build.resolve("bin/uml").toString(), "--hostname", "mipd-lab");
    uml.add("--writable", folder.toString());
    uml.add("--kernel-log", folder.resolve("guest-kernel.log").toString());
    uml.add("--limit", Integer.toString(guestSeconds()));
    taps.forEach(tap -> uml.add("--tap", tap));
    Guest guest =
        Guest.boot(
            children,
            network.in("sw", uml.build()).command(),
            Program.java(GuestAgent.class),
            log("guest"));
    long ahead = guest.synchronizeClock();
    results.fact("guest_clock_ahead_ms_at_start", ahead / 1e6);
    say("the guest's clock is ahead by " + ms(ahead));
    new Program(guest, ImmutableList.of("mkdir", "-p", files.run().toString())).must();
    return guest;
  }

  private int guestSeconds() {
    return 900 + 120 * options.handovers().orElse(2);
  }

  private Cables cables() throws IOException {
    var switches =
        new OpenBatch(children.talk(network.ip("sw", "-force", "-batch", "-"), log("lab")));
    Optional<OpenBatch> guest = Optional.empty();
    if (options.world() == World.MIXED_MN_KERNEL) {
      guest =
          Optional.of(
              new OpenBatch(
                  children.talk(
                      new Program(
                          network.machine("mn"), ImmutableList.of("ip", "-force", "-batch", "-")),
                      log("lab"))));
    }
    return new Cables(switches, guest);
  }

  private Process startDaemon(String node, Path configuration) throws IOException {
    say("starting mipd at " + node);
    return children.start(
        network.in(
            node,
            build.resolve("bin/mipd").toString(),
            "run",
            "--config",
            configuration.toString()),
        log(node));
  }

  /** With a {@code /run} of its own: each wants its process id there. */
  private void startCharon(String node) throws IOException, InterruptedException, SceneFailure {
    say("starting charon at " + node);
    Path own = files.charonFolder(node);
    Files.createDirectories(own);
    children.start(
        network.in(
            node,
            "sh",
            "-c",
            "mount --bind "
                + own
                + " /run && STRONGSWAN_CONF="
                + files.charonConfiguration()
                + " exec /usr/lib/ipsec/charon"),
        log(node + "-charon"));
    await("charon at " + node, READY_MILLIS, () -> Files.exists(own.resolve("charon.vici")));
  }

  /** That all movements have taken along what was negotiated once. */
  private void keysVerdict() throws IOException {
    int begun = Files.readString(log("mn-charon")).split("initiating IKE_SA mipd", -1).length - 1;
    var keys =
        ConfigFactory.parseString(status("mn", files.mobileNodeConfiguration()).output())
            .getConfig("key-exchange")
            .getConfigList("connections")
            .get(0);
    results.verdict(
        "keys are negotiated once",
        begun == 1 && keys.getString("state").equals("up"),
        begun
            + " IKE_SA begun, "
            + keys.getString("state")
            + " at the end, for "
            + String.join(", ", keys.getStringList("associations")));
  }

  private void awaitReady(String node, Process daemon)
      throws IOException, InterruptedException, SceneFailure {
    long limit = System.nanoTime() + patience(READY_MILLIS) * 1_000_000;
    while (true) {
      String text = Files.readString(log(node));
      if (text.contains("mipd ready")) {
        return;
      }
      if (!daemon.isAlive()) {
        throw new SceneFailure("mipd at " + node + " has ended:\n" + text.strip());
      }
      if (System.nanoTime() > limit) {
        throw new SceneFailure("mipd at " + node + " is not ready in time, see " + log(node));
      }
      Thread.sleep(50);
    }
  }

  private void awaitHomeAddress() throws IOException, InterruptedException, SceneFailure {
    long limit = System.nanoTime() + patience(READY_MILLIS) * 1_000_000;
    while (true) {
      String addresses =
          network.ip("mn", "-6", "-o", "addr", "show", "to", Network.HOME_ADDRESS).must();
      if (!addresses.isBlank() && !addresses.contains("tentative")) {
        return;
      }
      if (System.nanoTime() > limit) {
        throw new SceneFailure("the mobile node has no home address");
      }
      Thread.sleep(50);
    }
  }

  private Process startLine() throws IOException, InterruptedException, SceneFailure {
    Path log = log("core");
    Files.createFile(log);
    // Its output goes to a file: it must be able to say what it did after everything else.
    var command = new ArrayList<String>();
    if (options.world().isWhollyInGuest()) {
      // All share one CPU, and a wire does not wait for its turn.
      command.addAll(List.of("chrt", "--fifo", "1"));
    }
    command.addAll(
        Program.java(
            Forwarder.class,
            Forwarder.arguments(
                    "left",
                    "right",
                    new Line(
                        Duration.ofMillis(options.delayMillis()),
                        OptionalLong.empty(),
                        Line.IDEAL.queue(),
                        new LossModel.Uniform(options.lossPercent() / 100),
                        Line.Reordering.NONE,
                        Line.IDEAL.mtu()),
                    options.sceneSeed())
                .toArray(new String[0])));
    Process line = children.talkInto(network.in("wan", command), log);
    awaitText("the long line", log, "ready");
    return line;
  }

  private void awaitText(String what, Path file, String text)
      throws InterruptedException, SceneFailure {
    await(
        what,
        READY_MILLIS,
        () -> {
          try {
            return Files.exists(file) && Files.readString(file).contains(text);
          } catch (IOException e) {
            return false;
          }
        });
  }

  private void startRouter(String node, Link link) throws IOException {
    Process router =
        children.start(
            network.in(
                node,
                "radvd",
                "-n",
                "-m",
                "stderr",
                "-C",
                files.radvdConfiguration(link).toString(),
                "-p",
                folder.resolve("radvd-" + link + ".pid").toString()),
            log(node));
    routers.put(link, router);
  }

  private TrafficEnd startTraffic(String node, String own, String peer) throws IOException {
    return new TrafficEnd(
        children.talk(
            network.in(
                node,
                Program.java(Traffic.class, node, own, peer, Long.toString(options.sceneSeed()))),
            log(node + "-traffic")),
        ImmutableMap.of(Traffic.OUT, flowOut, Traffic.IN, flowIn),
        "traffic at " + node);
  }

  private void startCaptures() throws IOException, InterruptedException, SceneFailure {
    for (int i = 0; i < options.interfaces(); i++) {
      mobileCaptures.add(startCapture("mn", Network.mobileInterface(i)));
    }
    startCapture("ha", "uplink");
    startCapture("ha", "hlink");
    startCapture("core", "toha");
    startCapture("cn", "eth0");
  }

  /** Captures go to a file per interface first, merged into one per node at the end. */
  private Capture startCapture(String node, String device)
      throws IOException, InterruptedException, SceneFailure {
    String name = node + "-" + device;
    Path log = folder.resolve(name + ".tcpdump");
    int captureKib = options.world().isWhollyInGuest() ? SLOW_CAPTURE_KIB : CAPTURE_KIB;
    Network.Tap tap = network.tapOf(node, device);
    var capture = new Capture(folder.resolve(name + ".part"));
    captures.put(
        name,
        children.start(
            network.in(tap.node(), capture.command(tap.device(), captureKib)),
            capture.file(),
            log));
    awaitText("capture at " + name, log, "listening on");
    return capture;
  }

  // The moves.

  /**
   * A change of link.
   *
   * @param index the mobile node's interface on the new link
   */
  private record Move(int number, Link from, Link to, int index) {
    String title() {
      return (number == 0 ? "first registration" : "handover " + number)
          + ": "
          + from
          + " -> "
          + to;
    }
  }

  private void move(Cables cables, TrafficEnd mobile, TrafficEnd peer)
      throws IOException, InterruptedException, SceneFailure {
    boolean both = options.interfaces() == 2;
    Move first = new Move(0, Link.HOME, Link.A, 0);
    results.apart(play(first, replug(cables, first), mobile, peer));
    if (both) {
      plugSecond(cables);
    }
    Link at = Link.A;
    int count = options.handovers().orElse(2);
    for (int n = 1; n <= count; n++) {
      Link next = at == Link.A ? Link.B : Link.A;
      Move move = new Move(n, at, next, both && next == Link.B ? 1 : 0);
      results.row(play(move, both ? announce(move) : replug(cables, move), mobile, peer));
      at = next;
    }
    if (both && at == Link.B) {
      // What follows is about one cable again.
      Move back = new Move(++count, at, Link.A, 0);
      results.apart(play(back, announce(back), mobile, peer));
      at = Link.A;
    }
    if (both) {
      cables.unplug(1);
      Thread.sleep(500);
    }
    Move home = new Move(count + 1, at, Link.HOME, 0);
    HandoverRow row = play(home, replug(cables, home), mobile, peer);
    if (options.handovers().isPresent()) {
      results.apart(row);
    } else {
      results.row(row);
    }
  }

  /** Without daemons nobody could move: only whether its kernel notices what happens to a cable. */
  private void pullOutAndPlugIn(Cables cables)
      throws IOException, InterruptedException, SceneFailure {
    say("the cable is pulled out and plugged in again");
    long plugged = replug(cables, new Move(0, Link.HOME, Link.HOME, 0)).begin();
    boolean flows = awaitQuietly(SETTLE_MILLIS, () -> flowing(plugged));
    results.verdict(
        "a cable is out and in",
        flows,
        flows ? "noticed; all goes on" : "noticed; nothing goes on");
    windowStart = now();
  }

  private void plugSecond(Cables cables) throws InterruptedException, SceneFailure {
    String device = Network.mobileInterface(1);
    long start = now();
    say("the second interface, " + device + ", is plugged into " + Link.B);
    cables.plugInto(1, Link.B);
    await(
        "an address on " + device,
        READY_MILLIS,
        () -> notices.firstUsable(device, Link.B.prefix(), start).isPresent());
    // The rows begin when this is long past.
    Thread.sleep(2000);
    windowStart = now() - marginNanos();
  }

  /** Sets off a move, and says when the new link was there. */
  private interface Start {
    long begin() throws IOException, InterruptedException, SceneFailure;
  }

  /** The cable is pulled out and plugged in elsewhere. */
  private Start replug(Cables cables, Move move) {
    return () -> {
      String device = Network.mobileInterface(move.index());
      long unplugged = now();
      cables.unplug(move.index());
      if (notices.awaitCarrier(device, false, unplugged, patience(CARRIER_MILLIS)).isEmpty()) {
        throw new SceneFailure("the mobile node's kernel has not noticed that the cable is out");
      }
      long plugged = now();
      cables.plugInto(move.index(), move.to());
      OptionalLong linkUp = notices.awaitCarrier(device, true, plugged, patience(CARRIER_MILLIS));
      if (linkUp.isEmpty()) {
        throw new SceneFailure("the mobile node's kernel has not noticed the new link");
      }
      step(
          plugged,
          OptionalLong.of(plugged),
          "cable plugged in, was out for " + ms(plugged - unplugged));
      step(plugged, linkUp, "link up");
      return plugged;
    };
  }

  /**
   * Both links are there and work; A's router says that its prefix is on its way out, or that it is
   * not.
   */
  private Start announce(Move move) {
    return () -> {
      boolean preferred = move.to() == Link.A;
      files.writeRadvd(Link.A, preferred);
      Process router = routers.get(Link.A);
      if (router == null) {
        throw new SceneFailure("no router at A");
      }
      long start = now();
      Program.local("kill", "-HUP", Long.toString(router.pid())).must();
      step(
          start,
          OptionalLong.of(start),
          "A's router is told that its prefix is " + (preferred ? "good again" : "on its way out"));
      return start;
    };
  }

  private HandoverRow play(Move move, Start how, TrafficEnd mobile, TrafficEnd peer)
      throws IOException, InterruptedException, SceneFailure {
    Capture capture = mobileCaptures.get(move.index());
    long mark = capture.end(captureMarks[move.index()]);
    captureMarks[move.index()] = mark;
    say(move.title());
    // What was lost since the last row counts here; a gap only from now on: the analysis of the
    // last row may have made one.
    long began = now();
    long start = how.begin();
    boolean settled =
        awaitQuietly(SETTLE_MILLIS, () -> flowing(start) && streaming(mobile, peer, start));
    long resumed = now();
    boolean direct = options.routeOptimization() && move.to() != Link.HOME;
    boolean optimized = direct && awaitQuietly(SETTLE_MILLIS, () -> isDirect(move));
    // With two interfaces everything has gone on all the time: give the move its time.
    Thread.sleep(CAPTURE_LAG_MILLIS + (options.interfaces() == 2 ? BOTH_MILLIS : 0));
    long end = toldUntil();
    // tcpdump writes what it has about every second, and later where the machine is slow.
    awaitQuietly(SETTLE_MILLIS, () -> isWritten(capture, mark, end));
    Path slice = folder.resolve("slice.part");
    capture.slice(mark, capture.end(mark), slice);
    if (options.ike()) {
      files.negotiated(network.in("mn", "ip", "xfrm", "state").must());
    }
    List<CapturedFrame> frames = tshark.frames(slice, Network.ENDPOINTS);
    Files.delete(slice);
    Movement movement =
        Movement.of(
            start,
            Network.mobileLinkAddress(move.index()),
            move.to().prefix(),
            notices.firstUsable(Network.mobileInterface(move.index()), move.to().prefix(), start),
            Network.ENDPOINTS,
            frames);
    var row =
        new HandoverRow(
            move.number(),
            move.from().toString(),
            move.to().toString(),
            movement,
            flowOut.outcome(windowStart, end).withGapOf(flowOut.outcome(began, end)),
            flowIn.outcome(windowStart, end).withGapOf(flowIn.outcome(began, end)));
    windowStart = end;
    tell(row, settled ? OptionalLong.of(resumed) : OptionalLong.empty());
    if (direct) {
      compareRoundTrips(row, end);
      results.verdict(
          move.title() + " by the direct way",
          optimized && row.isDirect(),
          row.isDirect() ? "both ways" : "not both ways: " + row.toRouteCsv());
    }
    if (move.to() != Link.HOME) {
      long exposed = frames.stream().filter(frame -> isExposed(frame, start)).count();
      results.verdict(
          move.title() + " hides the home address",
          exposed == 0,
          exposed + " packets with the home address as their outer source");
    }
    results.verdict(
        move.title(),
        settled && row.isComplete(),
        settled
            ? row.isComplete() ? "all goes on" : "goes on, but a step was not seen: " + row.toCsv()
            : "not everything goes on after "
                + patience(SETTLE_MILLIS) / 1000
                + " s: "
                + row.toCsv());
    return row;
  }

  private static boolean isWritten(Capture capture, long from, long until) {
    try {
      return capture.reaches(from, until);
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether the mobile node's daemon says that its correspondent is reached directly. */
  private boolean isDirect(Move move) {
    try {
      Program.Ended status = status("mn", files.mobileNodeConfiguration());
      return status.status() == 0
          && ConfigFactory.parseString(status.output()).getConfigList("routes").stream()
              .anyMatch(
                  route ->
                      route.getString("state").equals("optimized")
                          && move.to().contains(route.getString("care-of-address")));
    } catch (IOException e) {
      return false;
    }
  }

  private void compareRoundTrips(HandoverRow row, long end) throws IOException {
    Movement movement = row.movement();
    if (!row.isDirect()) {
      return;
    }
    Pings pings = Pings.read(folder.resolve("ping.txt"));
    long turned = Math.max(movement.directOut().getAsLong(), movement.directIn().getAsLong());
    OptionalDouble tunnelled = pings.median(movement.start(), turned);
    if (tunnelled.isEmpty() && row.number() == 0) {
      // None was in time for it. From home, too, they take the long line.
      tunnelled = pings.median(movement.start() - 5_000_000_000L, movement.start());
    }
    OptionalDouble direct = pings.median(turned + 2L * options.delayMillis() * 1_000_000, end);
    out.printf(
        Locale.ROOT,
        "              round trip %s by way of the home agent, %s directly%n",
        tunnelled.isEmpty() ? "(no reply yet)" : "%.1f ms".formatted(tunnelled.getAsDouble()),
        direct.isEmpty() ? "(no reply)" : "%.1f ms".formatted(direct.getAsDouble()));
    if (row.number() == 0 && options.delayMillis() > 0) {
      results.verdict(
          "the direct way is shorter",
          tunnelled.isPresent()
              && direct.isPresent()
              && direct.getAsDouble() < tunnelled.getAsDouble(),
          "median round trip "
              + (tunnelled.isPresent() ? tunnelled.getAsDouble() : "unknown")
              + " ms by way of the home agent, "
              + (direct.isPresent() ? direct.getAsDouble() : "unknown")
              + " ms directly");
    }
  }

  /** Whether a packet shows the home address where it does not belong. */
  private static boolean isExposed(CapturedFrame frame, long since) {
    return frame.nanos() >= since
        && !frame.sources().isEmpty()
        && frame.sources().get(0).equals(Network.HOME_ADDRESS);
  }

  private void tell(HandoverRow row, OptionalLong resumed) {
    Movement movement = row.movement();
    step(movement.start(), movement.router(), "router found");
    step(movement.start(), movement.address(), "address usable");
    step(movement.start(), movement.update(), "Binding Update sent");
    step(movement.start(), movement.acknowledgement(), "Binding Acknowledgement received");
    step(movement.start(), movement.payloadOut(), "first payload out");
    step(movement.start(), movement.payloadIn(), "first payload in");
    if (options.routeOptimization() && !row.to().equals(Link.HOME.toString())) {
      step(movement.start(), movement.directOut(), "first payload out by the direct way");
      step(movement.start(), movement.directIn(), "first payload in by the direct way");
    }
    step(movement.start(), resumed, "everything goes on, TCP too");
    out.printf(
        Locale.ROOT,
        "              lost %d of %d out, %d of %d in; outage %s ms out, %s ms in%n",
        row.out().lost(),
        row.out().sent(),
        row.in().lost(),
        row.in().sent(),
        HandoverRow.millis(row.out().longestGapNanos()),
        HandoverRow.millis(row.in().longestGapNanos()));
  }

  private void step(long start, OptionalLong when, String what) {
    if (when.isPresent()) {
      out.printf(Locale.ROOT, "  %9.1f ms  %s%n", (when.getAsLong() - start) / 1e6, what);
    } else {
      out.printf(Locale.ROOT, "          --     %s: did not happen%n", what);
    }
  }

  private boolean flowing(long since) {
    return flowOut.firstArrivalOfThoseSentFrom(since).isPresent()
        && flowIn.firstArrivalOfThoseSentFrom(since).isPresent();
  }

  private static boolean streaming(TrafficEnd mobile, TrafficEnd peer, long since) {
    return mobile.progress(Traffic.DOWN).nanos() > since
        && peer.progress(Traffic.UP).nanos() > since;
  }

  // The end.

  private void finish(TrafficEnd mobile, TrafficEnd peer, Process ping, Path pings)
      throws IOException, InterruptedException {
    say("TCP: " + FINISH_OCTETS + " octets more each way");
    long start = System.nanoTime();
    mobile.order("finish " + FINISH_OCTETS);
    peer.order("finish " + FINISH_OCTETS);
    awaitQuietly(
        // After a failure nobody wants to wait for what will not come.
        results.ok() ? FINISH_MILLIS : READY_MILLIS,
        () ->
            (mobile.total(Traffic.UP).isPresent()
                    && peer.total(Traffic.UP).isPresent()
                    && mobile.total(Traffic.DOWN).isPresent()
                    && peer.total(Traffic.DOWN).isPresent())
                || mobile.broken(Traffic.UP).isPresent()
                || mobile.broken(Traffic.DOWN).isPresent());
    double seconds = (System.nanoTime() - start) / 1e9;
    streamVerdict(Traffic.UP, mobile, peer, seconds);
    streamVerdict(Traffic.DOWN, peer, mobile, seconds);

    long quiet = now();
    awaitQuietly(READY_MILLIS, () -> flowing(quiet));
    Thread.sleep(1000);
    long until = toldUntil();
    boolean alive =
        flowOut.arrivedOfThoseSent(quiet, until) > 0 && flowIn.arrivedOfThoseSent(quiet, until) > 0;
    FlowRecord.Outcome lastOut = flowOut.outcome(windowStart, until);
    FlowRecord.Outcome lastIn = flowIn.outcome(windowStart, until);
    results.verdict(
        "datagrams flow to the end",
        alive,
        "since the last move lost out "
            + lastOut.lost()
            + " of "
            + lastOut.sent()
            + ", in "
            + lastIn.lost()
            + " of "
            + lastIn.sent());
    results.fact("refused_by_system", mobile.refused() + peer.refused());
    Children.stop(ping);
    pingVerdict(pings, quiet);
    flowOut.write(folder.resolve("flow-out.csv"));
    flowIn.write(folder.resolve("flow-in.csv"));
  }

  private void streamVerdict(
      String stream, TrafficEnd sender, TrafficEnd receiver, double seconds) {
    var sent = sender.total(stream);
    var received = receiver.total(stream);
    String detail;
    boolean ok = false;
    if (sent.isPresent() && received.isPresent()) {
      ok = sent.get().equals(received.get());
      detail =
          received.get().octets()
              + " octets, "
              + (ok ? "the same" : "not the same")
              + " at both ends; the last "
              + FINISH_OCTETS
              + " in "
              + String.format(Locale.ROOT, "%.1f s", seconds)
              + ", sha256 "
              + received.get().hash();
    } else {
      detail =
          "not through: "
              + sender.broken(stream).or(() -> receiver.broken(stream)).orElse("not in time")
              + " after "
              + receiver.progress(stream).octets()
              + " octets";
    }
    results.verdict("TCP " + stream + " delivered", ok, detail);
  }

  private void pingVerdict(Path pings, long since) throws IOException {
    Pings all = Pings.read(pings);
    int late = all.countSince(since);
    results.verdict(
        "ping lives",
        late > 0,
        all.count() + " replies, " + late + " of them after everything else");
  }

  private void askForStatus() throws IOException {
    ImmutableMap<String, Path> configurations =
        ImmutableMap.of(
            "ha", files.homeAgentConfiguration(), "mn", files.mobileNodeConfiguration());
    if (options.correspondentHasDaemon()) {
      configurations =
          ImmutableMap.<String, Path>builder()
              .putAll(configurations)
              .put("cn", files.correspondentConfiguration())
              .buildOrThrow();
    }
    for (Map.Entry<String, Path> entry : configurations.entrySet()) {
      String node = entry.getKey();
      Program.Ended ended = status(node, entry.getValue());
      results.verdict("status of " + node, ended.status() == 0, "exit status " + ended.status());
      Files.writeString(folder.resolve(node + "-status.json"), ended.output());
    }
  }

  private Program.Ended status(String node, Path configuration) throws IOException {
    return network
        .in(
            node,
            build.resolve("bin/mipd").toString(),
            "status",
            "--json",
            "--config",
            configuration.toString())
        .run();
  }

  private void stopDaemons(List<Process> daemons) throws IOException {
    for (Process daemon : daemons) {
      int status = Children.stop(daemon);
      results.verdict("mipd stops cleanly", status == 0, "exit status " + status);
    }
    for (Map.Entry<String, Footprint> node : before.entrySet()) {
      List<String> left = Footprint.of(network, node.getKey()).since(node.getValue());
      results.verdict(
          "nothing is left at " + node.getKey(),
          left.isEmpty(),
          left.isEmpty() ? "as before the daemon" : String.join("; ", left));
    }
    for (String router : ImmutableList.of("ara", "arb")) {
      long foreign = network.foreignSources(router);
      results.verdict(
          "no foreign sources at " + router, foreign == 0, foreign + " packets filtered");
    }
  }

  private void reportLine() throws IOException {
    List<String> reports =
        Files.readAllLines(log("core")).stream()
            .filter(text -> text.startsWith("carried"))
            .toList();
    reports.forEach(report -> say("long line: " + report));
    results.fact("line", reports);
  }

  private void reportGuestClock() throws IOException, InterruptedException {
    if (network.guest().isPresent()) {
      long ahead = network.guest().get().clockAheadNanos();
      results.fact("guest_clock_ahead_ms_at_end", ahead / 1e6);
      say("the guest's clock is ahead by " + ms(ahead));
    }
  }

  private void stopCaptures() throws IOException, InterruptedException {
    Thread.sleep(CAPTURE_LAG_MILLIS);
    long dropped = 0;
    for (Map.Entry<String, Process> capture : captures.entrySet()) {
      Children.stop(capture.getValue());
      Path log = folder.resolve(capture.getKey() + ".tcpdump");
      for (String text : Files.readAllLines(log)) {
        if (text.endsWith("packets dropped by kernel")
            || text.endsWith("packet dropped by kernel")) {
          dropped += Long.parseLong(text.substring(0, text.indexOf(' ')));
        }
      }
      Files.delete(log);
    }
    results.verdict("captures are complete", dropped == 0, dropped + " packets missed");
    for (String node : ImmutableList.of("mn", "ha", "core", "cn")) {
      merge(node);
    }
  }

  private void merge(String node) throws IOException {
    var command =
        new ArrayList<String>(
            List.of("mergecap", "-F", "pcap", "-w", folder.resolve(node + ".pcap").toString()));
    var parts = new ArrayList<Path>();
    for (String name : captures.keySet().stream().sorted().toList()) {
      if (name.startsWith(node + "-")) {
        parts.add(folder.resolve(name + ".part"));
      }
    }
    parts.forEach(part -> command.add(part.toString()));
    Program.local(command).must();
    for (Path part : parts) {
      Files.delete(part);
    }
  }

  private void inspectCaptures() throws IOException {
    say("reading the captures with tshark");
    for (String node : ImmutableList.of("mn", "ha", "core", "cn")) {
      Tshark.Findings findings = tshark.findings(folder.resolve(node + ".pcap"));
      results.verdict("capture " + node, findings.clean(), findings.toString());
    }
  }

  // Helpers.

  private Path log(String node) {
    return folder.resolve(node + ".log");
  }

  /** What was sent so lately may still be under way. */
  private long marginNanos() {
    return (500L + 4L * options.delayMillis()) * 1_000_000;
  }

  /**
   * A moment ago, of which both ends have told all: what a busy guest has to tell comes late, and
   * is not lost.
   */
  private long toldUntil() throws InterruptedException {
    long until = now() - marginNanos();
    awaitQuietly(SETTLE_MILLIS, () -> flowing(until));
    return until;
  }

  private void await(String what, long usualMillis, BooleanSupplier condition)
      throws InterruptedException, SceneFailure {
    if (!awaitQuietly(usualMillis, condition)) {
      throw new SceneFailure(what + ": not within " + patience(usualMillis) / 1000 + " s");
    }
  }

  /** How long to wait for what usually takes no longer than so many milliseconds. */
  private long patience(long usualMillis) {
    return usualMillis * options.world().patience();
  }

  private boolean awaitQuietly(long usualMillis, BooleanSupplier condition)
      throws InterruptedException {
    long limit = System.nanoTime() + patience(usualMillis) * 1_000_000;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > limit) {
        return false;
      }
      Thread.sleep(20);
    }
    return true;
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private static String ms(long nanos) {
    return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
  }

  private void say(String text) {
    out.printf(Locale.ROOT, "[%7.2f s] %s%n", (System.nanoTime() - began) / 1e9, text);
  }
}
