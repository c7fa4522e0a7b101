package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import io.mipd.host.PolicyInputs;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.transform.FileSequenceStore;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs one node in the foreground until it is told to stop. */
final class Daemon {
  private static final Logger log = LoggerFactory.getLogger(Daemon.class);

  /** How long a stop may take before the JVM goes without us. */
  static final int STOP_MILLIS = 10_000;

  private static final ConfigParseOptions JSON =
      ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON);

  private Daemon() {}

  /**
   * Serves until SIGTERM or SIGINT; whatever was put into the system is gone when it returns.
   *
   * @return the exit status
   * @throws SystemLacksException with what is missing
   * @throws IOException if something failed
   */
  static int run(DaemonConfiguration configuration) throws SystemLacksException, IOException {
    return run(configuration, UnaryOperator.identity());
  }

  /**
   * The same in a world that is not as it should be.
   *
   * @param between makes of the kernel's xfrm, or of the engine, what its world changes
   */
  static int run(DaemonConfiguration configuration, UnaryOperator<XfrmBackend> between)
      throws SystemLacksException, IOException {
    Probe.Choice choice = Probe.choose(configuration.world());
    log.info("world: {}, {}", choice.world(), choice.reason());
    try (var state = new StateDirectory(configuration.stateDirectory()).lock();
        var poller = Poller.open();
        var netlink = Rtnetlink.open();
        var manager = ServiceManager.of(System.getenv(), ProcessHandle.current().pid())) {
      var loop = new EventLoop(poller);
      Thread served = Thread.currentThread();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> stopAndWait(loop, served), "stop"));
      var agents = HomeAgentChoice.open(state.path());
      while (true) {
        Optional<Integer> status =
            serve(
                withHomeAgent(configuration, agents),
                choice.world(),
                between,
                state,
                poller,
                netlink,
                loop,
                manager,
                isToFind(configuration) ? Optional.of(agents) : Optional.empty());
        if (status.isPresent()) {
          return status.get();
        }
      }
    }
  }

  private static boolean isToFind(DaemonConfiguration configuration) {
    return configuration.role() instanceof DaemonConfiguration.MobileNode mobile
        && mobile.homeAgent().isEmpty();
  }

  /** With the home agent that was found, if one was to be found and was. */
  private static DaemonConfiguration withHomeAgent(
      DaemonConfiguration configuration, HomeAgentChoice agents) {
    return isToFind(configuration) && agents.current().isPresent()
        ? configuration.withHomeAgent(agents.current().get())
        : configuration;
  }

  /**
   * In the thread that a signal starts. The JVM ends when it returns, and with the signal's exit
   * status; before that the serving thread ends the JVM with its own.
   */
  private static void stopAndWait(EventLoop loop, Thread served) {
    loop.stop();
    try {
      served.join(STOP_MILLIS);
      log.error("no end after {} ms; use mipd cleanup", STOP_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * @return the exit status; empty if it is to be called again, for another home agent
   */
  private static Optional<Integer> serve(
      DaemonConfiguration configuration,
      DaemonConfiguration.WorldChoice choice,
      UnaryOperator<XfrmBackend> between,
      StateDirectory.Lock state,
      Poller poller,
      Rtnetlink netlink,
      EventLoop loop,
      ServiceManager manager,
      Optional<HomeAgentChoice> agents)
      throws SystemLacksException, IOException {
    NodeRole role = NodeRole.of(configuration);
    role.check(netlink);
    var system = new SystemChanges(netlink, Journal.open(state.path()));
    boolean inKernel = choice == DaemonConfiguration.WorldChoice.KERNEL;
    Optional<String> kept = inKernel ? Optional.of(configuration.tunnelDevice()) : Optional.empty();
    // Until something was protected there is nothing to guard.
    boolean guard = system.guards(role.guarded());
    for (String what : system.takeOver(role.guarded(), kept)) {
      log.warn("left by a daemon that did not stop cleanly, removed: {}", what);
    }
    BindingStore bindings = BindingStore.open(state.path());
    Instant began = loop.now();
    var sequences = new FileSequenceStore(state.path().resolve("sequences"));
    try {
      role.setSysctls(system);
      var shell = new NodeShell(role.core(bindings, began), loop, bindings, netlink, agents);
      try (World world =
              inKernel
                  ? KernelWorld.open(
                      role.setup(), poller, loop::now, system, between, sequences::ledger, shell)
                  : EngineWorld.open(
                      role.setup(), poller, loop::now, netlink, between, sequences, shell);
          var control =
              ControlSocket.open(
                  configuration.controlSocket(),
                  request ->
                      loop.call(
                          () ->
                              answer(
                                  request,
                                  configuration,
                                  choice,
                                  began,
                                  loop.now(),
                                  world,
                                  shell)))) {
        world.establish(role.associations());
        shell.begin(
            world,
            role.place(system, world),
            role.proxies(system, world),
            role.careOf(system, netlink, world),
            role.peers(system, world));
        role.routeUsers(system, world);
        guard = true;
        log.info("control socket {}", control);
        System.err.println("mipd ready: " + configuration.role().title() + " " + choice);
        manager.ready(configuration.role().title() + ", world " + choice);
        loop.run(manager.alive(shell));
        if (loop.isStopping()) {
          manager.stopping();
        }
        log.info("stopping");
        shell.shutDown();
        guard = shell.failure().isPresent();
        if (!guard && !loop.isStopping()) {
          return Optional.empty();
        }
        return Optional.of(guard ? Main.FAILURE : Main.STOPPED);
      }
    } finally {
      // The TUN device is closed by now, and with it the home address is gone from it.
      if (guard) {
        system.takeOver(role.guarded(), Optional.empty());
        log.error("the guard stays: nothing is sent from or to home addresses, see mipd cleanup");
      } else {
        system.takeBackAll();
      }
    }
  }

  private static Map<String, Object> answer(
      String request,
      DaemonConfiguration configuration,
      DaemonConfiguration.WorldChoice choice,
      Instant began,
      Instant now,
      World world,
      NodeShell shell) {
    String wanted = request;
    if (request.startsWith("{")) {
      try {
        wanted = ConfigFactory.parseString(request, JSON).getString("request");
      } catch (ConfigException e) {
        return Map.of("error", "not a request: " + e.getMessage());
      }
    }
    return switch (wanted) {
      case "status" ->
          StatusReport.of(
              configuration, choice, Duration.between(began, now), world, shell.facts());
      case PolicyStateDocument.REQUEST -> policyState(configuration, choice, world, shell);
      default -> Map.of("error", "unknown request; known: status, " + PolicyStateDocument.REQUEST);
    };
  }

  private static Map<String, Object> policyState(
      DaemonConfiguration configuration,
      DaemonConfiguration.WorldChoice choice,
      World world,
      NodeShell shell) {
    PolicyInputs inputs = shell.policyInputs();
    return PolicyStateDocument.of(
        new PolicyState(
            choice,
            inputs,
            ImmutableList.of(),
            PolicyState.bound(ConfiguredState.homes(configuration), inputs)),
        world.associations());
  }
}
