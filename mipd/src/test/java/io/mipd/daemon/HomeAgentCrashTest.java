package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.RegisteringNodes.Node;
import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A home agent is killed again and again while many mobile nodes register, a registration every two
 * milliseconds if the machine is up to it: at every step of a registration in turn, and at random,
 * and likewise at every step of a de-registration. Whatever it has acknowledged, its successor
 * knows: it refuses what is not newer, tells the last number, and sends to the care-of address that
 * came with it. Who finds that out makes and reads packets by itself. Between two steps strace
 * kills it, as it is about to make the system call of the next one.
 */
@Tag("root")
@Tag("long")
class HomeAgentCrashTest {
  private static final int CRASHES = Integer.getInteger("mipd.crashes", 100);

  /** So many that each successor has their policies made when packets need them. */
  private static final int NODES = 150;

  /** One of so many registrations ends a binding. */
  private static final int ENDS = 10;

  /** So many acknowledgements, at least, come between two crashes. */
  private static final int ACKNOWLEDGED = 50;

  /** A crash at random comes at most so long after the last Binding Update. */
  private static final int STEPS_NANOS = 5_000_000;

  private final Random random = new Random(6275);

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private RegisteringNodes nodes;

  /** How far a registration has come when the home agent is killed. */
  private enum Step {
    /** It is in the queue of the socket. */
    ARRIVED,
    /** It is accepted, and about to be written. */
    ACCEPTED,
    /** It is written, and about to be made durable. */
    WRITTEN,
    /** It is durable, and about to be acknowledged. */
    DURABLE,
    /** Its acknowledgement has come. */
    ACKNOWLEDGED,
    /** Whatever is under way. */
    RANDOM
  }

  /** When it was a registration. */
  private final Map<Step, Integer> killed = new EnumMap<>(Step.class);

  /** When it was a de-registration. */
  private final Map<Step, Integer> killedAtEnd = new EnumMap<>(Step.class);

  /** How long registrations were sent while the home agent was up. */
  private long registeringNanos;

  @BeforeEach
  void build() throws Exception {
    TestNet.needsCommand("strace");
    net = TestNet.create(folder);
    nodes = new RegisteringNodes(net, NODES, random, line -> {});
  }

  @AfterEach
  void takeDown() throws IOException {
    if (net != null) {
      nodes.close();
      net.close();
    }
  }

  /** Registrations one after another, for so long and until enough are acknowledged. */
  private int registerFor(Duration time) throws Exception {
    long begin = System.nanoTime();
    long end = begin + time.toNanos();
    long last = System.nanoTime() + RegisteringNodes.PATIENCE.toNanos();
    int enough = nodes.acknowledgements() + ACKNOWLEDGED;
    long due = begin;
    int count = 0;
    while (System.nanoTime() < end || nodes.acknowledgements() < enough) {
      assertThat(System.nanoTime()).as("%d are acknowledged", enough).isLessThan(last);
      Node node = nodes.any();
      nodes.register(node, random.nextInt(ENDS) == 0 ? 0 : RegisteringNodes.LIFETIME);
      count++;
      nodes.listen();
      due += RegisteringNodes.SPACING_NANOS;
      LockSupport.parkNanos(due - System.nanoTime());
    }
    registeringNanos += System.nanoTime() - begin;
    return count;
  }

  /**
   * Kills the home agent when a registration has come so far.
   *
   * @param last whose registration it is, if that can be said before
   * @param units what it asks for: 0 for a de-registration
   * @return how many registrations have been sent meanwhile
   */
  private int kill(Mipd agent, Step step, Node last, int units) throws Exception {
    String process = Long.toString(agent.process().pid());
    switch (step) {
      case ARRIVED -> {
        net.sh("kill -STOP " + process);
        net.until(
            "it stands still",
            RegisteringNodes.PATIENCE,
            () -> Files.readString(Path.of("/proc", process, "status")).contains("State:\tT"));
        nodes.register(last, units);
      }
      case ACCEPTED -> {
        return killBefore(agent, units, "write", "-P", log().toString());
      }
      case WRITTEN -> {
        return killBefore(agent, units, "fdatasync", "-P", log().toString());
      }
      case DURABLE -> {
        return killBefore(agent, units, "sendmmsg");
      }
      case ACKNOWLEDGED -> {
        nodes.register(last, units);
        net.until(
            "acknowledged",
            RegisteringNodes.PATIENCE,
            () -> {
              nodes.listen();
              return last.acknowledged == last.sent;
            });
      }
      case RANDOM -> {
        nodes.register(last, units);
        LockSupport.parkNanos(random.nextInt(STEPS_NANOS));
      }
    }
    net.kill(agent);
    return 1;
  }

  /** The write-ahead log of the store. */
  private Path log() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("ha/state/home-bindings"))) {
      return files
          .filter(file -> file.toString().endsWith(".log"))
          .max(Comparator.naturalOrder())
          .orElseThrow();
    }
  }

  /** Registers, until that is acknowledged or never will be. */
  private void registerAlone(Mipd agent, Node node, int units) throws Exception {
    nodes.register(node, units);
    net.until(
        "it is acknowledged, or never will be",
        RegisteringNodes.PATIENCE,
        () -> {
          nodes.listen();
          return node.acknowledged == node.sent || !agent.process().isAlive();
        });
  }

  /**
   * Registers, or de-registers who is bound, until a system call is about to be made, which it then
   * is not.
   *
   * @param options of strace, which calls are meant
   */
  private int killBefore(Mipd agent, int units, String call, String... options) throws Exception {
    int count = 0;
    if (units == 0) {
      // The de-registration is to be alone under way: what came before this is done when this is.
      registerAlone(agent, nodes.any(), RegisteringNodes.LIFETIME);
      count++;
    }
    String said = net.said("strace");
    List<String> command =
        new ArrayList<>(
            List.of("strace", "-f", "-p", Long.toString(agent.process().pid()), "-e", call));
    command.addAll(List.of("-e", "inject=" + call + ":signal=KILL"));
    command.addAll(List.of(options));
    Process strace = net.start("ha", "strace", command.toArray(new String[0]));
    if (units == 0) {
      net.until(
          "strace is attached",
          RegisteringNodes.PATIENCE,
          () -> {
            nodes.listen();
            return net.said("strace").substring(said.length()).contains(" attached");
          });
    }
    long last = System.nanoTime() + RegisteringNodes.PATIENCE.toNanos();
    while (agent.process().isAlive()) {
      assertThat(System.nanoTime()).as(net.said("strace")).isLessThan(last);
      if (units == 0) {
        registerAlone(agent, nodes.anyBound(), units);
      } else {
        nodes.register(nodes.any(), units);
        nodes.listen();
        LockSupport.parkNanos(RegisteringNodes.SPACING_NANOS);
      }
      count++;
    }
    strace.waitFor();
    assertThat(net.said("strace").substring(said.length()))
        .contains(call + "(")
        .contains("+++ killed by SIGKILL +++");
    return count;
  }

  @Test
  void nothingAcknowledgedIsForgottenInAHundredCrashes() throws Exception {
    Path configuration = nodes.configuration();
    Mipd agent = net.startQuietMipd("ha", configuration);
    nodes.registerAll();
    int registrations = NODES;
    int sent = 0;
    for (int round = 0; round < CRASHES; round++) {
      sent += registerFor(Duration.ofMillis(100 + random.nextInt(400)));
      Step step = Step.values()[round % Step.values().length];
      boolean atEnd = round / Step.values().length % 2 == 1;
      nodes.listen();
      Node last = atEnd ? nodes.anyBound() : nodes.any();
      registrations += kill(agent, step, last, atEnd ? 0 : RegisteringNodes.LIFETIME);
      nodes.listen();
      int acknowledgedLast = last.acknowledged;
      int sentLast = last.sent;
      agent = net.startQuietMipd("ha", configuration);
      RegisteringNodes.Unacknowledged later = nodes.assertNothingIsForgotten();
      boolean missed = false;
      switch (step) {
        case ARRIVED -> assertThat(last.told).as("nobody has read it").isLessThan(sentLast);
        case WRITTEN, DURABLE -> {
          // With one de-registration alone, the call may have been made for something else.
          missed = atEnd && later.ends() == 0;
          assertThat(later.all() > 0 || missed).as("%s and not acknowledged", step).isTrue();
        }
        case ACKNOWLEDGED -> assertThat(acknowledgedLast).isEqualTo(sentLast);
        default -> {}
      }
      if (!missed) {
        (atEnd ? killedAtEnd : killed).merge(step, 1, Integer::sum);
      }
    }
    assertThat(killed).containsOnlyKeys(Step.values());
    assertThat(killedAtEnd).containsOnlyKeys(Step.values());
    System.out.printf(
        "killed %d times: %d registrations, %.0f a second while the home agent was up, "
            + "%d acknowledged; killed when a registration was %s, and a de-registration %s%n",
        CRASHES,
        registrations + sent,
        sent / (registeringNanos / 1e9),
        nodes.acknowledgements(),
        killed,
        killedAtEnd);
    assertThat(net.stop(agent)).isZero();
  }
}
