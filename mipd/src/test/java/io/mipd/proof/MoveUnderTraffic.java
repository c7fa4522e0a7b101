package io.mipd.proof;

import static io.mipd.proof.Case.everythingFrom;
import static io.mipd.proof.Case.leaves;
import static io.mipd.proof.Place.A;
import static io.mipd.proof.Place.ACCESS_GATEWAY;
import static io.mipd.proof.Place.C;
import static io.mipd.proof.Place.H;
import static io.mipd.proof.Place.HOME_AGENT;
import static io.mipd.proof.Place.MOBILE_NODE;
import static io.mipd.proof.Place.NEW_C;
import static io.mipd.proof.Place.P;
import static io.mipd.proof.Place.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.TransformProtocol;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The tunnel within a merged policy of two moves to and fro (as XFRM_MSG_MIGRATE does it), one
 * policy after the other, while packets come from the wire: right ones, and ones that lack what the
 * merged policy demands. Of the latter nothing is ever heard; the former are what they should be.
 */
abstract class MoveUnderTraffic {
  private static final int CHANGES = 20;
  private static final Datagram THERE = Datagram.udp(H, P, "numbered");
  private static final Datagram BACK = Datagram.udp(P, H, "numbered");
  private static final Datagram FORGED_THERE = Datagram.udp(H, P, "forged");
  private static final Datagram FORGED_BACK = Datagram.udp(P, H, "forged");

  /** The home agent has a VPN of its own around the tunnel to the care-of address. */
  private final Case atTheAgent =
      Case.of("a VPN of the home agent's")
          .away()
          .user(HOME_AGENT, everythingFrom(A), ACCESS_GATEWAY, Cases.AGENT_VPN)
          .packet(
              THERE, leaves(MOBILE_NODE, ""), leaves(ACCESS_GATEWAY, ""), leaves(HOME_AGENT, ""));

  private final Case atTheNode =
      Case.of("the user's tunnel in the reverse tunnel")
          .away()
          .user(Selector.between(H, P), PEER, Pair.tunnel(TransformProtocol.ESP, H, P, 0x1001))
          .packet(BACK, MOBILE_NODE, leaves(PEER, ""), leaves(HOME_AGENT, ""));

  /** Hosts that make what comes. */
  private final EngineWorld makers = new EngineWorld();

  private World world = makers;

  /** Where the host is that is looked at. */
  abstract World open();

  @BeforeEach
  void prepare() {
    world = open();
  }

  @AfterEach
  void close() {
    world.close();
  }

  private void prepare(Case row) throws Exception {
    makers.prepare(row);
    world.prepare(row);
  }

  private static List<byte[]> made(Host host, byte[]... packets) throws Exception {
    List<byte[]> all = new ArrayList<>();
    for (byte[] packet : packets) {
      all.addAll(host.receives(packet).left());
    }
    return all;
  }

  /** Each policy of these directions that has the tunnel, to the other care-of address. */
  private static void move(Host host, Case row, Place place, int number, Direction... directions) {
    Ipv6Address from = number % 2 == 0 ? C : NEW_C;
    Ipv6Address to = number % 2 == 0 ? NEW_C : C;
    for (Direction direction : directions) {
      for (Policy policy : row.merged(place).policies()) {
        if (policy.direction() == direction && hasTheTunnel(policy)) {
          EngineWorld.done(host, migrate(policy, isOutward(policy), from, to));
        }
      }
    }
  }

  private static boolean hasTheTunnel(Policy policy) {
    return policy.bundle().templates().contains(Case.PAYLOAD_TUNNEL.there())
        || policy.bundle().templates().contains(Case.PAYLOAD_TUNNEL.back());
  }

  /** Whether its tunnel leads from the care-of address to the home agent. */
  private static boolean isOutward(Policy policy) {
    return policy.bundle().templates().contains(Case.PAYLOAD_TUNNEL.there());
  }

  private static XfrmCommand migrate(
      Policy policy, boolean outward, Ipv6Address from, Ipv6Address to) {
    return new XfrmCommand.Migrate(
        policy.id(),
        ImmutableList.of(
            new XfrmCommand.Move(
                TransformProtocol.ESP,
                Mode.TUNNEL,
                new ReqId(Case.PAYLOAD_TUNNEL.reqId()),
                outward ? from : A,
                outward ? A : from,
                outward ? to : A,
                outward ? A : to)));
  }

  private interface Move {
    void to(int number) throws Exception;
  }

  /** After each move something right has to pass before the next. */
  private static int whileMoving(Traffic traffic, Move move) throws Exception {
    for (int i = 0; i <= CHANGES; i++) {
      int before = traffic.left.size() + traffic.delivered.size();
      while (traffic.left.size() + traffic.delivered.size() < before + 5) {
        traffic.collect();
      }
      if (i < CHANGES) {
        move.to(i);
      }
    }
    return traffic.stop();
  }

  private static List<String> chains(Traffic traffic, Case row) {
    return traffic.left.stream()
        .map(packet -> Dissection.of(packet, Place.NAMES, row.associations()))
        .peek(seen -> assertThat(seen.isGenuine()).isTrue())
        .map(Dissection::chain)
        .toList();
  }

  private static boolean isForged(byte[] packet) {
    return new String(packet, StandardCharsets.ISO_8859_1).contains("forged");
  }

  /** What goes past the engine in clear is the stack's. */
  private boolean alsoInClear() {
    return world instanceof KernelWorld;
  }

  @Test
  void whatTheHomeAgentForwards() throws Exception {
    prepare(atTheAgent);
    Host node = makers.host(MOBILE_NODE);
    Host gateway = makers.host(ACCESS_GATEWAY);
    Object lock = new Object();
    Host agent = world.host(HOME_AGENT);
    Traffic traffic =
        Traffic.to(
            agent,
            () -> {
              synchronized (lock) {
                List<byte[]> packets = made(gateway, node.sends(THERE).get(0));
                // By the tunnel, and not by the VPN around it.
                packets.addAll(node.sends(FORGED_THERE));
                if (alsoInClear()) {
                  packets.add(FORGED_THERE.octets());
                }
                return packets;
              }
            });

    int sent =
        whileMoving(
            traffic,
            number -> {
              move(agent, atTheAgent, HOME_AGENT, number, Direction.FWD, Direction.IN);
              traffic.collect();
              synchronized (lock) {
                move(node, atTheAgent, MOBILE_NODE, number, Direction.OUT);
              }
            });

    assertThat(chains(traffic, atTheAgent)).containsOnly("H>P UDP");
    assertThat(traffic.left).noneMatch(MoveUnderTraffic::isForged);
    assertThat(traffic.delivered).isEmpty();
    if (alsoInClear()) {
      // The kernel finds the association whatever the source, so none is lost.
      assertThat(traffic.left).as("%s", agent.refusals()).hasSize(sent);
    }
  }

  /** What the home agent sends by the tunnel that moves. */
  final void tunnelledByTheHomeAgent() throws Exception {
    prepare(atTheAgent);
    Host agent = world.host(HOME_AGENT);
    Traffic traffic = Traffic.to(agent, () -> List.of(BACK.octets()));

    int sent =
        whileMoving(traffic, number -> move(agent, atTheAgent, HOME_AGENT, number, Direction.OUT));

    String atC = "A>V ESP(0xb001) A>C ESP(0x2002) P>H UDP";
    String atNewC = "A>V ESP(0xb001) A>C' ESP(0x2002) P>H UDP";
    assertThat(chains(traffic, atTheAgent))
        .as("%s", agent.refusals())
        .hasSize(sent)
        .containsOnly(atC, atNewC)
        .contains(atC, atNewC);
  }

  @Test
  void whatComesToTheMobileNode() throws Exception {
    prepare(atTheNode);
    Host peer = makers.host(PEER);
    Host agent = makers.host(HOME_AGENT);
    Object lock = new Object();
    Host node = world.host(MOBILE_NODE);
    Traffic traffic =
        Traffic.to(
            node,
            () -> {
              synchronized (lock) {
                List<byte[]> packets = made(agent, peer.sends(BACK).get(0));
                // By one of the two tunnels.
                packets.addAll(made(agent, FORGED_BACK.octets()));
                packets.addAll(peer.sends(FORGED_BACK));
                if (alsoInClear()) {
                  packets.add(FORGED_BACK.octets());
                }
                return packets;
              }
            });

    int sent =
        whileMoving(
            traffic,
            number -> {
              move(node, atTheNode, MOBILE_NODE, number, Direction.IN);
              // What is sent to the old address meanwhile is lost.
              traffic.collect();
              synchronized (lock) {
                move(agent, atTheNode, HOME_AGENT, number, Direction.OUT);
              }
            });

    assertThat(traffic.delivered).extracting(Datagram::text).containsOnly("numbered");
    assertThat(traffic.delivered).hasSizeLessThanOrEqualTo(sent);
    assertThat(traffic.left).isEmpty();
  }
}
