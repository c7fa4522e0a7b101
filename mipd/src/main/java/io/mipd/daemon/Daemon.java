package io.mipd.daemon;

import static com.google.common.collect.ImmutableSet.toImmutableSet;

import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlException;
import io.mipd.control.ControlException.Reason;
import io.mipd.control.EventLog;
import io.mipd.host.Rehearsal;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.transform.FileSequenceStore;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs one node in the foreground until it is told to stop. */
final class Daemon {
  private static final Logger log = LoggerFactory.getLogger(Daemon.class);

  /** How long a stop may take before the JVM goes without us. */
  static final int STOP_MILLIS = 10_000;

  /** Events that are kept for whoever asks later. */
  private static final int EVENTS = 1024;

  /** Likewise, messages for who watches them. */
  private static final int MESSAGES = 256;

  /** After as many one takes a quarter of what the second took, and more gain little. */
  private static final int REHEARSED_HANDOVERS = 30;

  /** The first registration comes first: where there is one CPU both need it. */
  private static final int REHEARSAL_AFTER_MILLIS = 3000;

  private Daemon() {}

  /**
   * Serves until SIGTERM or SIGINT; whatever was put into the system is gone when it returns.
   *
   * @return the exit status
   * @throws ConfigurationException with what is wrong, and what is allowed
   * @throws SystemLacksException with what is missing
   * @throws IOException if something failed
   */
  static int run(Path file) throws ConfigurationException, SystemLacksException, IOException {
    try (var ahead = new HeadStart()) {
      DaemonConfiguration configuration = DaemonConfiguration.read(file, ahead::begin);
      return run(configuration, UnaryOperator.identity(), ahead);
    }
  }

  /**
   * The same in a world that is not as it should be.
   *
   * @param between makes of the kernel's xfrm, or of the engine, what its world changes
   */
  static int run(DaemonConfiguration configuration, UnaryOperator<XfrmBackend> between)
      throws SystemLacksException, IOException {
    try (var ahead = new HeadStart()) {
      ahead.begin(configuration.basics());
      return run(configuration, between, ahead);
    }
  }

  private static int run(
      DaemonConfiguration configuration, UnaryOperator<XfrmBackend> between, HeadStart ahead)
      throws SystemLacksException, IOException {
    Probe.Choice choice = ahead.choice(configuration);
    if (choice.world() != DaemonConfiguration.WorldChoice.KERNEL
        && DaemonConfiguration.isNegotiated(configuration.role())) {
      throw new SystemLacksException(
          "keying = ike needs the world kernel, for charon gives its associations to the kernel; "
              + choice.reason()
              + ": see mipd probe");
    }
    log.info("world: {}, {}", choice.world(), choice.reason());
    Path state = ahead.stateDirectory();
    try (var poller = Poller.open();
        var netlink = Rtnetlink.open();
        var manager = ServiceManager.of(System.getenv(), ProcessHandle.current().pid())) {
      var loop = new EventLoop(poller);
      var logs = new OperatorAccess.Logs(new EventLog(EVENTS), new EventLog(MESSAGES));
      Thread served = Thread.currentThread();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> stopAndWait(loop, served), "stop"));
      var agents = HomeAgentChoice.open(state);
      var current = new CurrentConfiguration(configuration);
      Thread rehearsal = rehearsal();
      while (true) {
        Optional<Integer> status =
            serve(
                withHomeAgent(current.get(), agents),
                current,
                choice.world(),
                between,
                state,
                ahead,
                poller,
                netlink,
                loop,
                manager,
                rehearsal,
                logs,
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

  /** Has the JVM compile what a handover needs before one comes; to be started once. */
  private static Thread rehearsal() {
    var thread =
        new Thread(
            () -> {
              try {
                Thread.sleep(REHEARSAL_AFTER_MILLIS);
                new Rehearsal(new SecureRandom()).play(REHEARSED_HANDOVERS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              } catch (RuntimeException e) {
                log.debug("the rehearsal of a handover", e);
              }
            },
            "rehearsal");
    thread.setDaemon(true);
    return thread;
  }

  private static MessageCounts counts(DaemonConfiguration configuration) {
    return new MessageCounts(
        configuration.role() instanceof DaemonConfiguration.MobileNode mobile
            ? mobile.homeAgent()
            : Optional.empty(),
        configuration.role() instanceof DaemonConfiguration.HomeAgent);
  }

  private static Chronicle chronicle(
      DaemonConfiguration configuration, NodeShell.Core core, EventLog events) {
    return new Chronicle(
        events,
        configuration.role() instanceof DaemonConfiguration.MobileNode mobile
            ? mobile.homes().stream()
                .map(DaemonConfiguration.Home::address)
                .collect(toImmutableSet())
            : ImmutableSet.of(),
        home ->
            Optional.ofNullable(core.roles().mobiles().get(home))
                .flatMap(MobileNode::registeredCareOf));
  }

  /**
   * @return the exit status; empty if it is to be called again, for another home agent
   */
  private static Optional<Integer> serve(
      DaemonConfiguration configuration,
      CurrentConfiguration current,
      DaemonConfiguration.WorldChoice choice,
      UnaryOperator<XfrmBackend> between,
      Path state,
      HeadStart ahead,
      Poller poller,
      Rtnetlink netlink,
      EventLoop loop,
      ServiceManager manager,
      Thread rehearsal,
      OperatorAccess.Logs logs,
      Optional<HomeAgentChoice> agents)
      throws SystemLacksException, IOException {
    NodeRole role = NodeRole.of(configuration);
    role.check(netlink);
    var system = new SystemChanges(netlink, Journal.open(state));
    boolean inKernel = choice == DaemonConfiguration.WorldChoice.KERNEL;
    Optional<String> kept = inKernel ? Optional.of(configuration.tunnelDevice()) : Optional.empty();
    // Until something was protected there is nothing to guard.
    SystemChanges.Leftovers left = system.takeOver(role.guarded(), kept, ahead.routesLeft());
    boolean guard = left.guards();
    for (String what : left.removed()) {
      log.warn("left by a daemon that did not stop cleanly, removed: {}", what);
    }
    Instant began = loop.now();
    Instant wall = Instant.now();
    var sequences = new FileSequenceStore(state.resolve("sequences"));
    try (BindingStore bindings = role.bindings(state, ahead, poller::wakeUp);
        RestoredRoutes routes =
            RestoredRoutes.begin(system, role.bound(bindings, wall), left.blackholes())) {
      role.setSysctls(system);
      NodeShell.Core core = role.core(bindings, began, wall);
      Optional<KeyExchange> keys = role.keyExchange(core);
      var shell =
          new NodeShell(
              core,
              loop,
              bindings,
              netlink,
              agents,
              chronicle(configuration, core, logs.events()),
              counts(configuration),
              configuration.http().map(it -> new MessageChronicle(logs.messages())),
              keys);
      try (@Nullable Charon charon =
              keys.map(exchange -> new Charon(configuration.charonSocket(), loop, exchange))
                  .orElse(null);
          World world =
              inKernel
                  ? KernelWorld.open(
                      role.setup(),
                      configuration.kernelInterface(),
                      poller,
                      loop::now,
                      system,
                      between,
                      sequences::ledger,
                      shell)
                  : EngineWorld.open(
                      role.setup(), poller, loop::now, netlink, between, sequences, shell);
          @Nullable HomeProxies proxies = role.proxies(system, world, routes, poller).orElse(null);
          Capture.Switch captures = new Capture.Switch(world, role.associations(), loop::now);
          OperatorAccess access =
              OperatorAccess.open(
                  configuration,
                  new ControlDesk(
                      configuration,
                      current,
                      choice,
                      loop,
                      began,
                      world,
                      shell,
                      logs.events(),
                      captures),
                  logs,
                  loop,
                  () -> Metrics.of(configuration, choice, loop.now(), world, shell),
                  shell)) {
        world.establish(role.associations());
        shell.begin(
            world,
            role.places(system, world),
            Optional.ofNullable(proxies),
            role.careOf(system, netlink, world),
            role.peers(system, world));
        role.routeUsers(system, world);
        if (charon != null) {
          charon.connect();
        }
        guard = true;
        access.tell();
        System.err.println("mipd ready: " + configuration.role().title() + " " + choice);
        manager.ready(configuration.role().title() + ", world " + choice);
        if (proxies != null) {
          proxies.dropGuards(left.blackholes());
        }
        if (rehearsal.getState() == Thread.State.NEW) {
          rehearsal.start();
        }
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
      loop.abandon(new ControlException(Reason.NOT_POSSIBLE, "mipd stops, or starts anew"));
      // The TUN device is closed by now, and with it the home address is gone from it.
      if (guard) {
        system.leaveGuarded(role.guarded());
        log.error("the guard stays: nothing is sent from or to home addresses, see mipd cleanup");
      } else {
        system.takeBackAll();
      }
    }
  }
}
