package io.mipd.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.google.common.base.Joiner;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlEvent.Kind;
import io.mipd.control.ControlException;
import io.mipd.control.ControlException.Reason;
import io.mipd.control.ControlRequest;
import io.mipd.control.ControlSocket;
import io.mipd.control.EventLog;
import io.mipd.host.PolicyInputs;
import io.mipd.merger.explain.ExplanationDocument;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.RouterStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Link;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.slf4j.LoggerFactory;

/**
 * Answers what the control protocol asks (docs/control.md). What is known is taken in the event
 * loop; what has to be worked out from it is worked out by the socket's thread.
 */
final class ControlDesk implements ControlSocket.Answers {
  /** Whose level {@code log} changes: all of mipd's. */
  static final String LOGGER = "io.mipd";

  private static final String CAPTURE = "capture";
  private static final String FILE = "file";
  private static final String HOME = "home-address";
  private static final String LIMIT = "limit";
  private static final String FINDINGS = "findings";

  private static final ImmutableMap<String, Level> LEVELS =
      ImmutableMap.of(
          "error", Level.ERROR,
          "warn", Level.WARN,
          "info", Level.INFO,
          "debug", Level.DEBUG,
          "trace", Level.TRACE);

  private final DaemonConfiguration configuration;
  private final CurrentConfiguration current;
  private final DaemonConfiguration.WorldChoice choice;
  private final EventLoop loop;
  private final Instant began;
  private final World world;
  private final NodeShell shell;
  private final EventLog events;
  private final Capture.Switch captures;
  private final ImmutableMap<String, Operation> operations;

  /** Answers a request. */
  private interface Clerk {
    CompletableFuture<Map<String, Object>> answer(ControlRequest request, Executor socketThread);
  }

  /** The part of it that the event loop does. */
  private interface LoopClerk {
    Map<String, Object> answer(ControlRequest request) throws ControlException;
  }

  private record Operation(boolean changes, ImmutableSet<String> arguments, Clerk clerk) {}

  /**
   * @param configuration that this life of the node began with
   * @param current as it was read from its file; to be replaced when it is read again
   */
  ControlDesk(
      DaemonConfiguration configuration,
      CurrentConfiguration current,
      DaemonConfiguration.WorldChoice choice,
      EventLoop loop,
      Instant began,
      World world,
      NodeShell shell,
      EventLog events,
      Capture.Switch captures) {
    this.captures = captures;
    this.configuration = configuration;
    this.current = current;
    this.choice = choice;
    this.loop = loop;
    this.began = began;
    this.world = world;
    this.shell = shell;
    this.events = events;
    operations =
        ImmutableMap.<String, Operation>builder()
            .put("status", asks(this::status, LIMIT))
            .put("bindings", asks(this::bindings, LIMIT))
            .put("associations", asks(request -> associations()))
            .put(
                "policies",
                new Operation(
                    /* changes= */ false, ImmutableSet.of(LIMIT, FINDINGS), this::policies))
            .put(
                PolicyStateDocument.REQUEST,
                asks(request -> PolicyStateDocument.of(policyState(), world.associations())))
            .put("neighbours", asks(request -> neighbours()))
            .put("why", asks(this::why, "peer"))
            .put("log", wants(this::log, "level"))
            .put("handover", wants(this::handover, "to"))
            .put("deregister", wants(this::deregister, HOME))
            .put("drain", wants(this::drain, "on"))
            .put(
                CAPTURE,
                new Operation(/* changes= */ true, ImmutableSet.of(FILE, "off"), this::capture))
            .put("reload", new Operation(/* changes= */ true, ImmutableSet.of("dry"), this::reload))
            .buildOrThrow();
  }

  private Operation asks(LoopClerk clerk, String... arguments) {
    return new Operation(false, ImmutableSet.copyOf(arguments), inLoop(clerk));
  }

  private Operation wants(LoopClerk clerk, String... arguments) {
    return new Operation(true, ImmutableSet.copyOf(arguments), inLoop(clerk));
  }

  private Clerk inLoop(LoopClerk clerk) {
    return (request, socketThread) -> loop.call(() -> clerk.answer(request));
  }

  private Operation operation(ControlRequest request) throws ControlException {
    Operation operation = operations.get(request.name());
    if (operation == null) {
      throw new ControlException(
          Reason.UNKNOWN_REQUEST,
          "unknown: "
              + request.name()
              + "; known: events, "
              + String.join(", ", operations.keySet()));
    }
    return operation;
  }

  @Override
  public boolean changes(ControlRequest request) throws ControlException {
    return operation(request).changes();
  }

  @Override
  public CompletableFuture<Map<String, Object>> answer(
      ControlRequest request, Executor socketThread) {
    try {
      Operation operation = operation(request);
      request.allow(operation.arguments());
      return operation.clerk().answer(request, socketThread);
    } catch (ControlException | RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private Map<String, Object> status(ControlRequest request) throws ControlException {
    int limit = limit(request);
    return StatusReport.of(
        configuration,
        choice,
        Duration.between(began, loop.now()),
        world,
        shell.facts(limit),
        shell.bindingCounts(),
        limit);
  }

  private Map<String, Object> bindings(ControlRequest request) throws ControlException {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("role", configuration.role().title());
    document.put("counts", shell.bindingCounts());
    document.putAll(shell.report(limit(request)));
    return document;
  }

  /** How many of each kind are told at most; all, if nothing is said. */
  private static int limit(ControlRequest request) throws ControlException {
    try {
      int limit = Integer.parseInt(request.argument(LIMIT).orElse("" + Integer.MAX_VALUE));
      if (limit >= 0) {
        return limit;
      }
    } catch (NumberFormatException e) {
      // It is told below.
    }
    throw new ControlException(Reason.BAD_ARGUMENT, LIMIT + ": a number from 0 on");
  }

  private Map<String, Object> associations() {
    return Map.of(
        "associations", world.associations().stream().map(StatusReport::association).toList());
  }

  private PolicyState policyState() {
    var inputs = shell.policyInputs();
    return new PolicyState(
        choice,
        inputs,
        ImmutableList.of(),
        PolicyState.bound(ConfiguredState.homes(configuration), inputs));
  }

  /**
   * What is in force, as text; and what there is to say of it, for which all is merged anew: only
   * if it is asked for.
   */
  private CompletableFuture<Map<String, Object>> policies(
      ControlRequest request, Executor socketThread) {
    int limit;
    boolean withFindings;
    try {
      limit = limit(request);
      withFindings = request.argument(FINDINGS).isEmpty() || request.flag(FINDINGS);
    } catch (ControlException e) {
      return CompletableFuture.failedFuture(e);
    }
    return loop.call(
            () ->
                new InForce(
                    shell.merged(limit),
                    shell.policyCount(),
                    withFindings ? Optional.of(shell.policyInputs()) : Optional.empty()))
        .thenApplyAsync(
            it -> {
              Map<String, Object> document = new LinkedHashMap<>();
              document.put("counts", ImmutableMap.of("policies", it.count()));
              document.put(
                  "policies", it.policies().stream().map(ExplanationDocument::policy).toList());
              it.inputs()
                  .ifPresent(
                      inputs ->
                          document.put(
                              FINDINGS, ExplanationDocument.findings(inputs.merge().findings())));
              return document;
            },
            socketThread);
  }

  private record InForce(
      ImmutableList<MergedPolicy> policies, int count, Optional<PolicyInputs> inputs) {}

  private Map<String, Object> neighbours() {
    List<Object> routers = new ArrayList<>();
    shell
        .roles()
        .mobile()
        .ifPresent(core -> core.routers(loop.now()).forEach(it -> routers.add(router(it))));
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("routers", routers);
    document.put("home-agents", homeAgents());
    return document;
  }

  private Map<String, Object> router(RouterStatus router) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("interface", interfaceName(router.interfaceIndex()));
    one.put("router", router.router().toString());
    router.linkLayerAddress().ifPresent(it -> one.put("link-layer-address", it.toString()));
    one.put("prefixes", router.prefixes().stream().map(Ipv6Prefix::toString).toList());
    one.put("home-agents", router.homeAgents().stream().map(Ipv6Address::toString).toList());
    one.put("home-link", router.home());
    one.put("seconds-left", router.left().toSeconds());
    return one;
  }

  private String interfaceName(int index) {
    return world.network().link(index).map(Link::name).orElse("" + index);
  }

  /** Where each is known from: self, heard on the home link, configured, or found. */
  private List<Object> homeAgents() {
    List<Object> all = new ArrayList<>();
    if (configuration.role() instanceof DaemonConfiguration.HomeAgent agent) {
      all.add(
          homeAgent(
              agent.address(), "self", true, OptionalInt.of(agent.advertisements().preference())));
    }
    shell
        .roles()
        .agent()
        .ifPresent(
            core ->
                core.otherHomeAgents(loop.now())
                    .forEach(
                        it ->
                            all.add(
                                homeAgent(
                                    it.getKey(), "heard", false, OptionalInt.of(it.getValue())))));
    ImmutableList<Ipv6Address> found = shell.foundAgents();
    for (int i = 0; i < found.size(); i++) {
      all.add(homeAgent(found.get(i), "found", i == 0, OptionalInt.empty()));
    }
    if (found.isEmpty()
        && configuration.role() instanceof DaemonConfiguration.MobileNode mobile
        && mobile.homeAgent().isPresent()) {
      all.add(homeAgent(mobile.homeAgent().get(), "configured", true, OptionalInt.empty()));
    }
    return all;
  }

  private static Map<String, Object> homeAgent(
      Ipv6Address address, String known, boolean used, OptionalInt preference) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("address", address.toString());
    one.put("known", known);
    one.put("in-use", used);
    preference.ifPresent(it -> one.put("preference", it));
    return one;
  }

  private Map<String, Object> why(ControlRequest request) throws ControlException {
    Ipv6Address peer = address(request, "peer");
    return WhyReport.of(configuration, shell, peer, loop.now());
  }

  private static Ipv6Address address(ControlRequest request, String key) throws ControlException {
    return parsed(request, key, Ipv6Address::parse);
  }

  private static <T> T parsed(ControlRequest request, String key, Function<String, T> reader)
      throws ControlException {
    try {
      return reader.apply(request.required(key));
    } catch (IllegalArgumentException e) {
      throw new ControlException(Reason.BAD_ARGUMENT, key + ": " + e.getMessage());
    }
  }

  private Map<String, Object> log(ControlRequest request) throws ControlException {
    String word = request.required("level").toLowerCase(Locale.ROOT);
    Level level = LEVELS.get(word);
    if (level == null) {
      throw new ControlException(
          Reason.BAD_ARGUMENT,
          "level: unknown: " + word + "; allowed: " + String.join(", ", LEVELS.keySet()));
    }
    if (!(LoggerFactory.getLogger(LOGGER) instanceof Logger logger)) {
      throw new ControlException(Reason.NOT_POSSIBLE, "the log is not logback's");
    }
    String before = logger.getEffectiveLevel().toString().toLowerCase(Locale.ROOT);
    logger.setLevel(level);
    note("log level " + before + " -> " + word);
    return ImmutableMap.of("level", word, "before", before);
  }

  private void note(String words) {
    LoggerFactory.getLogger(ControlDesk.class).info("operator: {}", words);
    events.add(loop.now(), Kind.CONTROL, words, ImmutableMap.of());
  }

  private Map<String, Object> handover(ControlRequest request) throws ControlException {
    MobileNode core =
        shell
            .roles()
            .mobile()
            .orElseThrow(
                () ->
                    new ControlException(
                        Reason.NOT_POSSIBLE, "only a mobile node that knows its home agent moves"));
    String to = request.required("to");
    NodeEvent.AttachmentChosen chosen = chosen(core, to);
    note("handover to " + to);
    shell.operator(chosen);
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("to", to);
    core.tunnelEnd().ifPresent(it -> document.put("care-of-address", it.toString()));
    document.put("at-home", core.isAtHome());
    return document;
  }

  private NodeEvent.AttachmentChosen chosen(MobileNode core, String to) throws ControlException {
    if (to.equals("auto")) {
      return NodeEvent.AttachmentChosen.FREE;
    }
    Optional<Link> link =
        world.network().links().stream().filter(one -> one.name().equals(to)).findFirst();
    if (link.isPresent()) {
      if (!core.mayAttach(link.get().index())) {
        throw new ControlException(
            Reason.NOT_POSSIBLE,
            to + ": no care-of address there, and not the home link; mipd neighbours tells more");
      }
      return new NodeEvent.AttachmentChosen(OptionalInt.of(link.get().index()), Optional.empty());
    }
    CareOfAddress careOf;
    try {
      careOf = new CareOfAddress(Ipv6Address.parse(to));
    } catch (IllegalArgumentException e) {
      throw new ControlException(
          Reason.BAD_ARGUMENT, to + ": neither an interface here, nor an IPv6 address, nor auto");
    }
    if (!core.mayBind(careOf)) {
      throw new ControlException(
          Reason.NOT_POSSIBLE, to + ": not a care-of address that could be used now");
    }
    return new NodeEvent.AttachmentChosen(OptionalInt.empty(), Optional.of(careOf));
  }

  private HomeAgent homeAgent() throws ControlException {
    return shell
        .roles()
        .agent()
        .orElseThrow(
            () -> new ControlException(Reason.NOT_POSSIBLE, "only a home agent can do that"));
  }

  /** At a home agent whose binding it says; at a mobile node its own. */
  private Map<String, Object> deregister(ControlRequest request) throws ControlException {
    ImmutableMap<Ipv6Address, MobileNode> mobiles = shell.roles().mobiles();
    return mobiles.isEmpty() ? dismiss(homeAgent(), request) : leave(oneOf(mobiles, request));
  }

  private static MobileNode oneOf(
      ImmutableMap<Ipv6Address, MobileNode> mobiles, ControlRequest request)
      throws ControlException {
    String all = Joiner.on(", ").join(mobiles.keySet());
    if (request.argument(HOME).isEmpty() && mobiles.size() > 1) {
      throw new ControlException(Reason.BAD_ARGUMENT, HOME + ": which of " + all);
    }
    MobileNode one =
        request.argument(HOME).isPresent()
            ? mobiles.get(address(request, HOME))
            : mobiles.values().asList().get(0);
    if (one == null) {
      throw new ControlException(Reason.BAD_ARGUMENT, HOME + ": this node has " + all);
    }
    return one;
  }

  private Map<String, Object> leave(MobileNode core) throws ControlException {
    HomeAddress home = core.homeAddress();
    if (core.isAtHome()) {
      throw new ControlException(
          Reason.NOT_POSSIBLE, home + " is at home, where nothing is registered");
    }
    Map<String, Object> document = new LinkedHashMap<>();
    document.put(HOME, home.toString());
    core.registeredCareOf().ifPresent(it -> document.put("care-of-address", it.toString()));
    note("registration of " + home + " ends");
    shell.operator(new NodeEvent.BindingDismissed(home));
    return document;
  }

  private Map<String, Object> dismiss(HomeAgent core, ControlRequest request)
      throws ControlException {
    HomeAddress home = new HomeAddress(address(request, HOME));
    HomeBinding binding =
        core.bindings().stream()
            .filter(one -> one.homeAddress().equals(home))
            .findFirst()
            .orElseThrow(
                () -> new ControlException(Reason.NOT_POSSIBLE, home + " has no binding here"));
    note("binding of " + home + " dismissed");
    shell.operator(new NodeEvent.BindingDismissed(home));
    return ImmutableMap.of(HOME, home.toString(), "care-of-address", binding.careOf().toString());
  }

  /** Only from this machine: it names a file, and what it makes has keys in it. */
  @Override
  public boolean isForThisMachine(ControlRequest request) {
    return request.name().equals(CAPTURE);
  }

  /** Files are made, and what waits to be written is waited for, in the socket's thread. */
  private CompletableFuture<Map<String, Object>> capture(
      ControlRequest request, Executor socketThread) {
    try {
      return request.flag("off")
          ? captureEnds(request, socketThread)
          : captureBegins(request, socketThread);
    } catch (ControlException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private CompletableFuture<Map<String, Object>> captureEnds(
      ControlRequest request, Executor socketThread) throws ControlException {
    if (request.argument(FILE).isPresent()) {
      throw new ControlException(Reason.BAD_ARGUMENT, "either " + FILE + " or off");
    }
    Capture ended =
        captures
            .end()
            .orElseThrow(() -> new ControlException(Reason.NOT_POSSIBLE, "there is no capture"));
    return loop.call(
            () -> {
              captures.connect();
              note("capture " + ended.file() + " ends");
              return ended;
            })
        .whenCompleteAsync((it, failure) -> ended.close(), surely(socketThread))
        .thenApply(it -> document(it, /* runs= */ false));
  }

  /** There as long as it lasts; what the loop leaves undone when it ends comes after that. */
  private static Executor surely(Executor socketThread) {
    return task -> {
      try {
        socketThread.execute(task);
      } catch (RejectedExecutionException e) {
        task.run();
      }
    };
  }

  private CompletableFuture<Map<String, Object>> captureBegins(
      ControlRequest request, Executor socketThread) throws ControlException {
    Path file = parsed(request, FILE, Path::of);
    if (!file.isAbsolute() || file.getFileName() == null) {
      throw new ControlException(Reason.BAD_ARGUMENT, FILE + ": not an absolute path");
    }
    try {
      Capture begun =
          captures
              .begin(file)
              .orElseThrow(
                  () ->
                      new ControlException(
                          Reason.NOT_POSSIBLE,
                          "a capture runs already: "
                              + captures.running().map(Capture::file).orElse(file)));
      CompletableFuture<Map<String, Object>> begins =
          loop.call(
              () -> {
                captures.connect();
                note("capture " + file + " begins");
                return document(begun, /* runs= */ true);
              });
      var unused =
          begins.whenCompleteAsync(
              (answer, failure) -> {
                if (failure != null) {
                  discard(begun);
                }
              },
              surely(socketThread));
      // Itself, not what follows from it: when its time is up the loop does not do it any more.
      return begins;
    } catch (IOException e) {
      throw new ControlException(Reason.NOT_POSSIBLE, "no capture: " + e.getMessage());
    }
  }

  private void discard(Capture begun) {
    if (captures.end(begun)) {
      // The loop may have connected it just when its time was up.
      var unused =
          loop.call(
              () -> {
                captures.connect();
                return true;
              });
    }
    begun.discard();
  }

  private static Map<String, Object> document(Capture capture, boolean runs) {
    return ImmutableMap.of(
        FILE,
        capture.file().toString(),
        "profile",
        capture.profile().toString(),
        "runs",
        runs,
        "packets",
        capture.written(),
        "dropped",
        capture.dropped());
  }

  private Map<String, Object> drain(ControlRequest request) throws ControlException {
    HomeAgent core = homeAgent();
    boolean on = !request.argument("on").isPresent() || request.flag("on");
    note(on ? "no new mobile nodes are taken" : "new mobile nodes are taken again");
    shell.operator(new NodeEvent.Draining(on));
    return ImmutableMap.of("draining", core.isDraining(), "bindings", core.bindingCount());
  }

  /** Reads and checks in the socket's thread, so that the event loop waits for no file. */
  private CompletableFuture<Map<String, Object>> reload(
      ControlRequest request, Executor socketThread) {
    try {
      boolean dry = request.flag("dry");
      DaemonConfiguration next = DaemonConfiguration.read(configuration.file());
      return loop.call(() -> reload(next, dry));
    } catch (ControlException e) {
      return CompletableFuture.failedFuture(e);
    } catch (ConfigurationException e) {
      return CompletableFuture.failedFuture(
          new ControlException(Reason.NOT_POSSIBLE, e.getMessage() + " (nothing has changed)"));
    }
  }

  private Map<String, Object> reload(DaemonConfiguration next, boolean dry) {
    Reload reload = Reload.of(current.get(), next);
    if (!dry) {
      current.set(reload.then());
      Cores.adopt(shell.roles(), reload.then());
      note("configuration read again: " + reload.changes().size() + " changes");
      // It looks where it is now, by what it prefers now.
      shell.operator(new NodeEvent.DeadlineReached());
    }
    return ImmutableMap.of(
        "dry",
        dry,
        "needs-restart",
        reload.needsRestart(),
        "changes",
        reload.changes().stream().map(Reload.Change::document).toList());
  }
}
