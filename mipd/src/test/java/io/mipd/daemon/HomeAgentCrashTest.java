package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  private static final long SPACING_NANOS = 2_000_000;

  /** One of so many registrations ends a binding. */
  private static final int ENDS = 10;

  private static final Ipv6Address AGENT = Ipv6Address.parse(TestNet.HOME_AGENT);
  private static final Ipv6Address ROUTER = Ipv6Address.parse("2001:db8:f::2");
  private static final Ipv6Address HOMES = Ipv6Address.parse("2001:db8:1::");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:e::");

  private static final int ROUTING_HEADER = 40;
  private static final int FINAL_ADDRESS = ROUTING_HEADER + 8;
  private static final int MESSAGE = ROUTING_HEADER + 24;
  private static final int DESTINATION = 24;
  private static final int INNER_DESTINATION = 40 + DESTINATION;
  private static final int BINDING_ACKNOWLEDGEMENT = 6;

  /** So many acknowledgements, at least, come between two crashes. */
  private static final int ACKNOWLEDGED = 50;

  private static final int SEQUENCE_OUT_OF_WINDOW = 135;

  /** A crash comes at most so long after the last Binding Update: while it is being answered. */
  private static final int STEPS_NANOS = 5_000_000;

  /** What Binding Updates ask for, in units of four seconds. */
  private static final int LIFETIME = 100;

  private final Random random = new Random(6275);

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Forger nodes;

  @SuppressWarnings("NullAway.Init")
  private Tap heard;

  /** What a node knows of its own. */
  private static final class Node {
    final Ipv6Address home;
    int sent;

    /** By sequence number, what was asked for and is not acknowledged. */
    final Map<Integer, Asked> asked = new HashMap<>();

    int acknowledged = -1;

    /** What the home agent says the last number is; -1 until it does. */
    int told = -1;

    Node(int number) {
      home = new Ipv6Address(HOMES.high(), 0x10000 + number);
    }
  }

  private record Asked(Ipv6Address careOf, int units) {}

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

  /**
   * What a successor has of registrations that were not acknowledged.
   *
   * @param kept mobile nodes whose last number is a later one than was acknowledged
   */
  private record Unacknowledged(int kept) {}

  private final Map<Step, Integer> killed = new EnumMap<>(Step.class);
  private final List<Node> all = new ArrayList<>();
  private final Map<Ipv6Address, Node> byHome = new HashMap<>();
  private int acknowledgements;

  @BeforeEach
  void build() throws Exception {
    TestNet.needsCommand("strace");
    net = TestNet.create(folder);
    net.ip("r", "-6", "route", "add", "blackhole", CARE_OF + "/48");
    nodes = Forger.at(net, "r", KeyFile.read(net.keys("x", "none.keys", "# none\n")));
    heard = Tap.on(net, "r", "eh");
    for (int i = 0; i < NODES; i++) {
      var node = new Node(i);
      all.add(node);
      byHome.put(node.home, node);
    }
  }

  @AfterEach
  void takeDown() throws IOException {
    if (net != null) {
      nodes.close();
      heard.close();
      net.close();
    }
  }

  private Path configuration() throws IOException {
    var served = new StringBuilder("mobile-nodes = [\n");
    for (Node node : all) {
      served.append("{ home-address = \"").append(node.home).append("\", ipsec = off }\n");
    }
    return net.configuration("ha", "home-agent.conf", "mobile-nodes = [", served.toString());
  }

  private void register(Node node, int units) throws Exception {
    int sequence = ++node.sent;
    var careOf = new Ipv6Address(CARE_OF.high(), random.nextLong() >>> 8);
    node.asked.put(sequence, new Asked(careOf, units));
    send(node, sequence, careOf, units);
  }

  private void send(Node node, int sequence, Ipv6Address careOf, int units) throws Exception {
    nodes.send(HandMadeUpdate.of(node.home, careOf, AGENT, sequence, units));
  }

  /** Takes note of the acknowledgements that have come. */
  private void listen() throws Exception {
    for (byte[] packet : heard.take(HomeAgentCrashTest::isAcknowledgement)) {
      Node node = byHome.get(Ipv6Address.read(packet, FINAL_ADDRESS));
      if (node == null) {
        continue;
      }
      int status = packet[MESSAGE + 6] & 0xff;
      int sequence = ByteBuffer.wrap(packet).getShort(MESSAGE + 8) & 0xffff;
      if (status == SEQUENCE_OUT_OF_WINDOW) {
        node.told = sequence;
      } else if (status < 128 && sequence > node.acknowledged) {
        assertThat(node.asked).as("asked for %s", node.home).containsKey(sequence);
        node.acknowledged = sequence;
        acknowledgements++;
      }
    }
  }

  private static boolean isAcknowledgement(byte[] packet) {
    return packet.length >= MESSAGE + 12
        && packet[6] == IpProtocol.ROUTING
        && (packet[ROUTING_HEADER] & 0xff) == IpProtocol.MOBILITY
        && packet[MESSAGE + 2] == BINDING_ACKNOWLEDGEMENT;
  }

  /** Registrations one after another, for so long and until enough are acknowledged. */
  private int registerFor(Duration time) throws Exception {
    long end = System.nanoTime() + time.toNanos();
    long last = System.nanoTime() + TestNet.LONG.toNanos();
    int enough = acknowledgements + ACKNOWLEDGED;
    long due = System.nanoTime();
    int count = 0;
    while (System.nanoTime() < end || acknowledgements < enough) {
      assertThat(System.nanoTime()).as("%d are acknowledged", enough).isLessThan(last);
      Node node = all.get(random.nextInt(NODES));
      register(node, random.nextInt(ENDS) == 0 ? 0 : LIFETIME);
      count++;
      listen();
      due += SPACING_NANOS;
      LockSupport.parkNanos(due - System.nanoTime());
    }
    return count;
  }

  /**
   * What was registered before cannot be registered again by an old message; the refusal tells the
   * last number, and so which registration is in force.
   */
  private Unacknowledged assertNothingIsForgotten() throws Exception {
    listen();
    int kept = 0;
    for (Node node : all) {
      node.told = -1;
    }
    net.until(
        "old Binding Updates are refused",
        TestNet.LONG,
        () -> {
          for (Node node : all) {
            if (node.told < 0) {
              send(node, node.acknowledged, CARE_OF, LIFETIME);
            }
          }
          listen();
          return all.stream().allMatch(node -> node.told >= 0);
        });
    Map<Ipv6Address, Ipv6Address> bound = new HashMap<>();
    for (Node node : all) {
      assertThat(node.told).as("last of %s", node.home).isGreaterThanOrEqualTo(node.acknowledged);
      Asked asked = node.asked.get(node.told);
      assertThat(asked).as("%s was asked for %d", node.home, node.told).isNotNull();
      if (Objects.requireNonNull(asked).units() > 0) {
        bound.put(node.home, asked.careOf());
      }
      if (node.told > node.acknowledged) {
        kept++;
      }
      node.acknowledged = node.told;
      node.asked.keySet().removeIf(sequence -> sequence < node.told);
    }
    assertTrafficGoesTo(bound);
    return new Unacknowledged(kept);
  }

  /** Packets for the mobile nodes go to where they are, without any action of theirs. */
  private void assertTrafficGoesTo(Map<Ipv6Address, Ipv6Address> bound) throws Exception {
    Map<Ipv6Address, Ipv6Address> reached = new HashMap<>();
    net.until(
        "traffic goes on",
        TestNet.LONG,
        () -> {
          for (Ipv6Address home : bound.keySet()) {
            if (!reached.containsKey(home)) {
              nodes.send(Forger.datagram(ROUTER, home, "go on"));
            }
          }
          for (byte[] packet : heard.take(HomeAgentCrashTest::isTunnelled)) {
            reached.put(
                Ipv6Address.read(packet, INNER_DESTINATION), Ipv6Address.read(packet, DESTINATION));
          }
          return reached.keySet().containsAll(bound.keySet());
        });
    assertThat(reached).isEqualTo(bound);
  }

  private static boolean isTunnelled(byte[] packet) {
    return packet.length >= INNER_DESTINATION + 16 && packet[6] == IpProtocol.IPV6;
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
            TestNet.LONG,
            () -> Files.readString(Path.of("/proc", process, "status")).contains("State:\tT"));
        register(last, LIFETIME);
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
        register(last, LIFETIME);
        net.until(
            "acknowledged",
            TestNet.LONG,
            () -> {
              listen();
              return last.acknowledged == last.sent;
            });
      }
      case RANDOM -> {
        register(last, LIFETIME);
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
    long last = System.nanoTime() + TestNet.LONG.toNanos();
    int count = 0;
    while (agent.process().isAlive()) {
      assertThat(System.nanoTime()).as(net.said("strace")).isLessThan(last);
      register(all.get(random.nextInt(NODES)), LIFETIME);
      count++;
      listen();
      LockSupport.parkNanos(SPACING_NANOS);
    }
    strace.waitFor();
    assertThat(net.said("strace").substring(said.length()))
        .contains(call + "(")
        .contains("+++ killed by SIGKILL +++");
    return count;
  }

  @Test
  void nothingAcknowledgedIsForgottenInAHundredCrashes() throws Exception {
    Path configuration = configuration();
    Mipd agent = net.startQuietMipd("ha", configuration);
    for (Node node : all) {
      register(node, LIFETIME);
    }
    net.until(
        "all are registered",
        TestNet.LONG,
        () -> {
          listen();
          return all.stream().allMatch(node -> node.acknowledged > 0);
        });
    int registrations = NODES;
    for (int round = 0; round < CRASHES; round++) {
      registrations += registerFor(Duration.ofMillis(100 + random.nextInt(400)));
      Step step = Step.values()[round % Step.values().length];
      Node last = all.get(random.nextInt(NODES));
      registrations += kill(agent, step, last);
      listen();
      int acknowledgedLast = last.acknowledged;
      int sentLast = last.sent;
      agent = net.startQuietMipd("ha", configuration);
      Unacknowledged found = assertNothingIsForgotten();
      switch (step) {
        case ARRIVED -> assertThat(last.told).as("nobody has read it").isLessThan(sentLast);
        case WRITTEN, DURABLE ->
            assertThat(found.kept()).as("%s and not acknowledged", step).isPositive();
        case ACKNOWLEDGED -> assertThat(acknowledgedLast).isEqualTo(sentLast);
        default -> {}
      }
      killed.merge(step, 1, Integer::sum);
    }
    assertThat(killed).containsOnlyKeys(Step.values());
    System.out.printf(
        "killed %d times: %d registrations, %d acknowledged; killed when a registration was %s%n",
        CRASHES, registrations, acknowledgements, killed);
    assertThat(net.stop(agent)).isZero();
  }
}
