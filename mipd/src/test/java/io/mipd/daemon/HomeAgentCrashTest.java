package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A home agent is killed again and again while a hundred mobile nodes register, a registration
 * every two milliseconds. Whatever it has acknowledged, its successor knows.
 */
@Tag("root")
@Tag("long")
class HomeAgentCrashTest {
  private static final int CRASHES = 100;
  private static final int NODES = 100;
  private static final long SPACING_NANOS = 2_000_000;

  /** One of so many registrations ends a binding. */
  private static final int ENDS = 10;

  private static final Ipv6Address AGENT = Ipv6Address.parse(TestNet.HOME_AGENT);
  private static final Ipv6Address HOMES = Ipv6Address.parse("2001:db8:1::");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:e::");

  private static final int ROUTING_HEADER = 40;
  private static final int FINAL_ADDRESS = ROUTING_HEADER + 8;
  private static final int MESSAGE = ROUTING_HEADER + 24;
  private static final int SEQUENCE_OUT_OF_WINDOW = 135;

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
    Asked last = new Asked(CARE_OF, 0);

    Node(int number) {
      home = new Ipv6Address(HOMES.high(), 0x10000 + number);
    }
  }

  private record Asked(Ipv6Address careOf, int units) {}

  private final List<Node> all = new ArrayList<>();
  private final Map<Ipv6Address, Node> byHome = new HashMap<>();
  private int refused;

  @BeforeEach
  void build() throws Exception {
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
    nodes.send(Forger.fromCareOf(Forger.update(sequence, node.home, AGENT, careOf, units), careOf));
  }

  /** Takes note of the acknowledgements that have come. */
  private void listen() throws Exception {
    for (byte[] packet : heard.all(HomeAgentCrashTest::isAcknowledgement)) {
      Node node = byHome.get(Ipv6Address.read(packet, FINAL_ADDRESS));
      if (node == null) {
        continue;
      }
      int status = packet[MESSAGE + 6] & 0xff;
      int sequence = ByteBuffer.wrap(packet).getShort(MESSAGE + 8) & 0xffff;
      if (status == SEQUENCE_OUT_OF_WINDOW) {
        refused++;
        assertThat(sequence).as("last of %s", node.home).isGreaterThanOrEqualTo(node.acknowledged);
      } else if (status < 128 && sequence > node.acknowledged) {
        Asked asked = node.asked.get(sequence);
        assertThat(asked).as("%s was asked for %d", node.home, sequence).isNotNull();
        node.acknowledged = sequence;
        node.last = Objects.requireNonNull(asked);
      }
    }
    heard.clear();
  }

  private static boolean isAcknowledgement(byte[] packet) {
    return packet.length >= MESSAGE + 12
        && packet[6] == IpProtocol.ROUTING
        && (packet[ROUTING_HEADER] & 0xff) == IpProtocol.MOBILITY
        && packet[MESSAGE + 2] == MobilityMessage.BINDING_ACKNOWLEDGEMENT;
  }

  /** Registrations one after another, for so long. */
  private int registerFor(Duration time) throws Exception {
    long end = System.nanoTime() + time.toNanos();
    long due = System.nanoTime();
    int count = 0;
    while (System.nanoTime() < end) {
      Node node = all.get(random.nextInt(NODES));
      register(node, random.nextInt(ENDS) == 0 ? 0 : LIFETIME);
      count++;
      listen();
      due += SPACING_NANOS;
      LockSupport.parkNanos(due - System.nanoTime());
    }
    return count;
  }

  private void assertNothingIsForgotten(Mipd agent) throws Exception {
    listen();
    Map<Ipv6Address, Config> bindings = new HashMap<>();
    for (Config one : net.status(agent).getConfigList("bindings")) {
      bindings.put(Ipv6Address.parse(one.getString("home-address")), one);
    }
    for (Node node : all) {
      Config binding = bindings.get(node.home);
      // The last that it was asked for, acknowledged or not yet, is what it may have.
      Map<Integer, Asked> possible = new HashMap<>(node.asked);
      possible.keySet().removeIf(sequence -> sequence < node.acknowledged);
      if (binding == null) {
        assertThat(possible.values()).as("ended: %s", node.home).anyMatch(it -> it.units() == 0);
      } else {
        Asked asked = possible.get(binding.getInt("sequence"));
        assertThat(asked)
            .as("asked for: %s, not before %d", binding, node.acknowledged)
            .isNotNull();
        assertThat(asked.careOf().toString()).isEqualTo(binding.getString("care-of-address"));
      }
      node.asked.keySet().removeIf(sequence -> sequence < node.acknowledged);
    }
  }

  /** What was registered before, and ended, cannot be registered again by an old message. */
  private void assertOldUpdatesAreRefused() throws Exception {
    List<Node> ended =
        all.stream().filter(node -> node.last.units() == 0 && node.acknowledged > 1).toList();
    refused = 0;
    int sent = 0;
    for (Node node : ended.subList(0, Math.min(5, ended.size()))) {
      send(node, node.acknowledged - 1, node.last.careOf(), LIFETIME);
      sent++;
    }
    int expected = sent;
    net.until(
        "old Binding Updates are refused",
        TestNet.LONG,
        () -> {
          listen();
          return refused >= expected;
        });
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
    int acknowledged = 0;
    for (int round = 0; round < CRASHES; round++) {
      registrations += registerFor(Duration.ofMillis(100 + random.nextInt(400)));
      net.kill(agent);
      agent = net.startQuietMipd("ha", configuration);
      assertNothingIsForgotten(agent);
      assertOldUpdatesAreRefused();
      acknowledged = all.stream().mapToInt(node -> node.acknowledged).sum();
    }
    System.out.printf(
        "killed %d times: %d registrations, sequence numbers acknowledged up to %d in all%n",
        CRASHES, registrations, acknowledged);
    assertThat(net.stop(agent)).isZero();
  }
}
