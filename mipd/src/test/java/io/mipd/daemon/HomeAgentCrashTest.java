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
 * milliseconds: at every step of a registration in turn, and at random. Whatever it has
 * acknowledged, its successor knows: it refuses what is not newer, tells the last number, and sends
 * to the care-of address that came with it. Who finds that out makes and reads packets by itself.
 * Between two steps strace kills it, as it is about to make the system call of the next one.
 */
@Tag("root")
@Tag("long")
class HomeAgentCrashTest {
  private static final int CRASHES = 100;

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

  private final Map<Step, Integer> killed = new EnumMap<>(Step.class);

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
    long end = System.nanoTime() + time.toNanos();
    long last = System.nanoTime() + RegisteringNodes.PATIENCE.toNanos();
    int enough = nodes.acknowledgements() + ACKNOWLEDGED;
    long due = System.nanoTime();
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
    return count;
  }

  /**
   * Kills the home agent when a registration has come so far.
   *
   * @param last whose registration it is, if that can be said before
   * @return how many registrations have been sent meanwhile
   */
  private int kill(Mipd agent, Step step, Node last) throws Exception {
    String process = Long.toString(agent.process().pid());
    switch (step) {
      case ARRIVED -> {
        net.sh("kill -STOP " + process);
        net.until(
            "it stands still",
            RegisteringNodes.PATIENCE,
            () -> Files.readString(Path.of("/proc", process, "status")).contains("State:\tT"));
        nodes.register(last, RegisteringNodes.LIFETIME);
      }
      case ACCEPTED -> {
        return killBefore(agent, "write", "-P", log().toString());
      }
      case WRITTEN -> {
        return killBefore(agent, "fdatasync", "-P", log().toString());
      }
      case DURABLE -> {
        return killBefore(agent, "sendmmsg");
      }
      case ACKNOWLEDGED -> {
        nodes.register(last, RegisteringNodes.LIFETIME);
        net.until(
            "acknowledged",
            RegisteringNodes.PATIENCE,
            () -> {
              nodes.listen();
              return last.acknowledged == last.sent;
            });
      }
      case RANDOM -> {
        nodes.register(last, RegisteringNodes.LIFETIME);
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

  /**
   * Registers until a system call is about to be made, which it then is not.
   *
   * @param options of strace, which calls are meant
   */
  private int killBefore(Mipd agent, String call, String... options) throws Exception {
    String said = net.said("strace");
    List<String> command =
        new ArrayList<>(
            List.of("strace", "-f", "-p", Long.toString(agent.process().pid()), "-e", call));
    command.addAll(List.of("-e", "inject=" + call + ":signal=KILL"));
    command.addAll(List.of(options));
    Process strace = net.start("ha", "strace", command.toArray(new String[0]));
    long last = System.nanoTime() + RegisteringNodes.PATIENCE.toNanos();
    int count = 0;
    while (agent.process().isAlive()) {
      assertThat(System.nanoTime()).as(net.said("strace")).isLessThan(last);
      nodes.register(nodes.any(), RegisteringNodes.LIFETIME);
      count++;
      nodes.listen();
      LockSupport.parkNanos(RegisteringNodes.SPACING_NANOS);
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
    for (int round = 0; round < CRASHES; round++) {
      registrations += registerFor(Duration.ofMillis(100 + random.nextInt(400)));
      Step step = Step.values()[round % Step.values().length];
      Node last = nodes.any();
      registrations += kill(agent, step, last);
      nodes.listen();
      int acknowledgedLast = last.acknowledged;
      int sentLast = last.sent;
      agent = net.startQuietMipd("ha", configuration);
      int later = nodes.assertNothingIsForgotten();
      switch (step) {
        case ARRIVED -> assertThat(last.told).as("nobody has read it").isLessThan(sentLast);
        case WRITTEN, DURABLE -> assertThat(later).as("%s and not acknowledged", step).isPositive();
        case ACKNOWLEDGED -> assertThat(acknowledgedLast).isEqualTo(sentLast);
        default -> {}
      }
      killed.merge(step, 1, Integer::sum);
    }
    assertThat(killed).containsOnlyKeys(Step.values());
    System.out.printf(
        "killed %d times: %d registrations, %d acknowledged; killed when a registration was %s%n",
        CRASHES, registrations, nodes.acknowledgements(), killed);
    assertThat(net.stop(agent)).isZero();
  }
}
