package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

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
import java.util.function.Consumer;

/**
 * Many mobile nodes that register with the home agent of a {@link TestNet} and remember what it has
 * acknowledged. They make and read packets by themselves, with nothing of mipd's.
 */
final class RegisteringNodes implements AutoCloseable {
  /** From one registration to the next at least: 500 a second at most. */
  static final long SPACING_NANOS = 2_000_000;

  /** A home agent that has just been started is slow where other work keeps the CPUs busy. */
  static final Duration PATIENCE = Duration.ofMinutes(2);

  /** What Binding Updates ask for, in units of four seconds. */
  static final int LIFETIME = 100;

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
  private static final int SEQUENCE_OUT_OF_WINDOW = 135;

  /** What a node knows of its own. */
  static final class Node {
    final Ipv6Address home;
    int sent;

    /** By sequence number, what was asked for and is not acknowledged. */
    private final Map<Integer, Asked> asked = new HashMap<>();

    int acknowledged = -1;

    /** What the home agent says the last number is; -1 until it does. */
    int told = -1;

    private Node(Ipv6Address home) {
      this.home = home;
    }

    /**
     * Whether the last that was acknowledged is a binding, and nothing has been asked for since.
     */
    private boolean isBound() {
      Asked last = asked.get(acknowledged);
      return sent == acknowledged && last != null && last.units() > 0;
    }
  }

  private record Asked(Ipv6Address careOf, int units) {}

  /**
   * What is in force and was not acknowledged.
   *
   * @param all nodes of which something is
   * @param ends those of them whose binding has ended
   */
  record Unacknowledged(int all, int ends) {}

  private final TestNet net;
  private final Random random;
  private final Consumer<String> diary;
  private final Forger sender;
  private final Tap heard;
  private final List<Node> all = new ArrayList<>();
  private final Map<Ipv6Address, Node> byHome = new HashMap<>();
  private int acknowledgements;

  /** Only what is old is sent: nothing may be accepted. */
  private boolean replaying;

  /**
   * @param diary is told, in lines for {@link #remember}, what is about to be asked for, and what
   *     has been acknowledged
   */
  RegisteringNodes(TestNet net, int count, Random random, Consumer<String> diary) throws Exception {
    this.net = net;
    this.random = random;
    this.diary = diary;
    net.ip("r", "-6", "route", "add", "blackhole", CARE_OF + "/48");
    sender = Forger.at(net, "r", KeyFile.read(net.keys("x", "none.keys", "# none\n")));
    heard = Tap.on(net, "r", "eh");
    for (int i = 0; i < count; i++) {
      var node = new Node(new Ipv6Address(HOMES.high(), 0x10000 + i));
      all.add(node);
      byHome.put(node.home, node);
    }
  }

  @Override
  public void close() {
    sender.close();
    heard.close();
  }

  /**
   * A home agent's that serves them.
   *
   * @param changes of the sample, as with {@link TestNet#configuration}
   */
  Path configuration(String... changes) throws IOException {
    var served = new StringBuilder("mobile-nodes = [\n");
    for (Node node : all) {
      served.append("{ home-address = \"").append(node.home).append("\", ipsec = off }\n");
    }
    var more = new ArrayList<>(List.of("mobile-nodes = [", served.toString()));
    more.addAll(List.of(changes));
    return net.configuration("ha", "home-agent.conf", more.toArray(new String[0]));
  }

  Node any() {
    return all.get(random.nextInt(all.size()));
  }

  /** One of those that are surely bound. */
  Node anyBound() {
    List<Node> bound = all.stream().filter(Node::isBound).toList();
    return bound.get(random.nextInt(bound.size()));
  }

  /** Acknowledgements of registrations that have come in all. */
  int acknowledgements() {
    return acknowledgements;
  }

  /** Takes what another of these has told its diary for what these have done. */
  void remember(List<String> lines) {
    for (String line : lines) {
      String[] words = line.split(" ", -1);
      Node node = Objects.requireNonNull(byHome.get(Ipv6Address.parse(words[1])));
      int sequence = Integer.parseInt(words[2]);
      if (words[0].equals("asked")) {
        node.sent = sequence;
        node.asked.put(
            sequence, new Asked(Ipv6Address.parse(words[3]), Integer.parseInt(words[4])));
      } else {
        node.acknowledged = sequence;
      }
    }
  }

  void register(Node node, int units) throws Exception {
    int sequence = ++node.sent;
    var careOf = new Ipv6Address(CARE_OF.high(), random.nextLong() >>> 8);
    node.asked.put(sequence, new Asked(careOf, units));
    diary.accept("asked " + node.home + " " + sequence + " " + careOf + " " + units);
    send(node, sequence, careOf, units);
  }

  private void send(Node node, int sequence, Ipv6Address careOf, int units) throws Exception {
    sender.send(HandMadeUpdate.of(node.home, careOf, AGENT, sequence, units));
  }

  /** All of them, until each is acknowledged. */
  void registerAll() throws Exception {
    for (Node node : all) {
      register(node, LIFETIME);
    }
    net.until(
        "all are registered",
        PATIENCE,
        () -> {
          listen();
          return all.stream().allMatch(node -> node.acknowledged > 0);
        });
  }

  /** Takes note of the acknowledgements that have come. */
  void listen() throws Exception {
    for (byte[] packet : heard.take(RegisteringNodes::isAcknowledgement)) {
      Node node = byHome.get(Ipv6Address.read(packet, FINAL_ADDRESS));
      if (node == null) {
        continue;
      }
      int status = packet[MESSAGE + 6] & 0xff;
      int sequence = ByteBuffer.wrap(packet).getShort(MESSAGE + 8) & 0xffff;
      if (status == SEQUENCE_OUT_OF_WINDOW) {
        node.told = sequence;
      } else if (status < 128 && replaying) {
        fail("old Binding Update %d of %s is accepted", sequence, node.home);
      } else if (status < 128 && sequence > node.acknowledged) {
        assertThat(node.asked).as("asked for %s", node.home).containsKey(sequence);
        node.acknowledged = sequence;
        acknowledgements++;
        diary.accept("acknowledged " + node.home + " " + sequence);
      }
    }
  }

  private static boolean isAcknowledgement(byte[] packet) {
    return packet.length >= MESSAGE + 12
        && packet[6] == IpProtocol.ROUTING
        && (packet[ROUTING_HEADER] & 0xff) == IpProtocol.MOBILITY
        && packet[MESSAGE + 2] == BINDING_ACKNOWLEDGEMENT;
  }

  /**
   * What was registered before cannot be registered again by an old message; the refusal tells the
   * last number, and so which registration is in force: packets go to where that has the mobile
   * node.
   *
   * @return who has a later registration in force than the last that was acknowledged
   */
  Unacknowledged assertNothingIsForgotten() throws Exception {
    listen();
    replaying = true;
    for (Node node : all) {
      node.told = -1;
    }
    net.until(
        "old Binding Updates are refused",
        PATIENCE,
        () -> {
          for (Node node : all) {
            if (node.told < 0) {
              send(node, node.acknowledged, CARE_OF, LIFETIME);
              LockSupport.parkNanos(SPACING_NANOS);
            }
          }
          listen();
          return all.stream().allMatch(node -> node.told >= 0);
        });
    replaying = false;
    int later = 0;
    int ends = 0;
    Map<Ipv6Address, Ipv6Address> bound = new HashMap<>();
    for (Node node : all) {
      assertThat(node.told).as("last of %s", node.home).isGreaterThanOrEqualTo(node.acknowledged);
      Asked asked = node.asked.get(node.told);
      assertThat(asked).as("%s was asked for %d", node.home, node.told).isNotNull();
      boolean isEnd = Objects.requireNonNull(asked).units() == 0;
      if (!isEnd) {
        bound.put(node.home, asked.careOf());
      }
      if (node.told > node.acknowledged) {
        later++;
        ends += isEnd ? 1 : 0;
      }
      node.acknowledged = node.told;
      node.asked.keySet().removeIf(sequence -> sequence < node.told);
    }
    assertTrafficGoesTo(bound);
    return new Unacknowledged(later, ends);
  }

  /** Packets for the mobile nodes go to where they are, without any action of theirs. */
  private void assertTrafficGoesTo(Map<Ipv6Address, Ipv6Address> bound) throws Exception {
    Map<Ipv6Address, Ipv6Address> reached = new HashMap<>();
    net.until(
        "traffic goes on",
        PATIENCE,
        () -> {
          for (Ipv6Address home : bound.keySet()) {
            if (!reached.containsKey(home)) {
              sender.send(Forger.datagram(ROUTER, home, "go on"));
              LockSupport.parkNanos(SPACING_NANOS);
            }
          }
          for (byte[] packet : heard.take(RegisteringNodes::isTunnelled)) {
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
}
