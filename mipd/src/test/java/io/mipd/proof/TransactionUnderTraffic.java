package io.mipd.proof;

import static io.mipd.proof.Case.everythingFrom;
import static io.mipd.proof.Case.leaves;
import static io.mipd.proof.Place.A;
import static io.mipd.proof.Place.G;
import static io.mipd.proof.Place.GATEWAY;
import static io.mipd.proof.Place.H;
import static io.mipd.proof.Place.HOME_AGENT;
import static io.mipd.proof.Place.MOBILE_NODE;
import static io.mipd.proof.Place.NEW_C;
import static io.mipd.proof.Place.P;
import static io.mipd.proof.Place.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.mipd.merger.plan.Plan;
import io.mipd.merger.plan.Transaction;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.EngineHost;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.TransformProtocol;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A transaction is refused, or is not heard of any more, at each of its steps in turn, while
 * packets come and go, right ones and forged ones. All that leaves or is heard is looked at: each
 * packet is as before the transaction or as after it, and no forged one is among them. Then things
 * are as they were; or whoever comes next makes them as they should be.
 */
abstract class TransactionUnderTraffic {
  private static final Datagram THERE = Datagram.udp(H, P, "numbered");
  private static final Datagram BACK = Datagram.udp(P, H, "numbered");
  private static final String FORGED = "forged";
  private static final Pair USERS = Pair.tunnel(TransformProtocol.ESP, H, P, 0x1001);
  private static final Pair USERS_NEW = Pair.transport(TransformProtocol.ESP, H, P, 0x4001);
  private static final Pair USERS_ANY = Pair.tunnel(TransformProtocol.ESP, H, G, 0x8001);

  /** The association from the new care-of address. */
  static final Pair NEW_TUNNEL =
      new Pair(
          TransformProtocol.ESP,
          Mode.TUNNEL,
          NEW_C,
          A,
          Case.PAYLOAD_TUNNEL.reqId(),
          0x2011,
          Case.PAYLOAD_TUNNEL.encryption());

  /**
   * What is seen of a host.
   *
   * @param leaves chains of headers
   * @param delivered texts that its applications get
   */
  private record Seen(ImmutableSet<String> leaves, ImmutableSet<String> delivered) {
    boolean isPartOf(Seen one, Seen other) {
      return Sets.union(one.leaves, other.leaves).containsAll(leaves)
          && Sets.union(one.delivered, other.delivered).containsAll(delivered);
    }
  }

  private static final String AS_BEFORE = "as before";
  private static final String AS_AFTER = "as after";

  private static final Seen NODE_BEFORE =
      new Seen(
          ImmutableSet.of("C>A ESP(0x2001) H>P ESP(0x1001) H>P UDP"), ImmutableSet.of(AS_BEFORE));
  private static final Seen NODE_AFTER =
      new Seen(ImmutableSet.of("C'>A ESP(0x2011) H>P ESP(0x4001) UDP"), ImmutableSet.of(AS_AFTER));
  private static final Seen AGENT_BEFORE =
      new Seen(
          ImmutableSet.of("A>C ESP(0x2002) P>H UDP", "H>P ESP(0x1001) H>P UDP"), ImmutableSet.of());
  private static final Seen AGENT_AFTER =
      new Seen(
          ImmutableSet.of("A>C' ESP(0x2012) P>H UDP", "H>P ESP(0x4001) UDP"), ImmutableSet.of());

  private static final Case BEFORE =
      seen(
          Case.of("the user's tunnel in the reverse tunnel")
              .away()
              .user(Selector.between(H, P), PEER, USERS)
              .userAllows(Selector.between(H, G)));

  /** Elsewhere, and the user has changed his mind. */
  private static final Case AFTER =
      seen(
          Case.of("the user's transport in the reverse tunnel from elsewhere")
              .awayAt(NEW_C)
              .user(Selector.between(H, P), PEER, USERS_NEW)
              .user(everythingFrom(H), GATEWAY, USERS_ANY));

  private static final ImmutableList<SecurityAssociation> ASSOCIATIONS =
      ImmutableList.<SecurityAssociation>builder()
          .addAll(BEFORE.associations())
          .addAll(NEW_TUNNEL.associations())
          .addAll(USERS_NEW.associations())
          .addAll(USERS_ANY.associations())
          .build();

  // They make what comes.
  private final EngineWorld asBefore = new EngineWorld();
  private final EngineWorld asAfter = new EngineWorld();

  World world = asBefore;

  private static Case seen(Case row) {
    return row.packet(THERE, PEER, leaves(MOBILE_NODE, ""), leaves(HOME_AGENT, ""));
  }

  /** Where the hosts are that are looked at. */
  abstract World open();

  /** Who carries out what is told to a host from now on. */
  abstract XfrmBackend backend(Place place) throws Exception;

  /** What a host has of ours; what is told is not believed where it can be read. */
  abstract ImmutableList<Policy> installed(Place place) throws Exception;

  /** The process ends that has told the host; what it leaves is left. */
  abstract void ends(Place place) throws Exception;

  @BeforeEach
  void prepare() throws Exception {
    world = open();
    prepare(asBefore, BEFORE);
    prepare(asAfter, AFTER);
    prepare(world, BEFORE);
  }

  /** With the associations of both cases. */
  private static void prepare(World world, Case row) throws Exception {
    world.prepare(row);
    for (Place place : row.places()) {
      ASSOCIATIONS.stream()
          .filter(one -> !row.associations().contains(one))
          .forEach(one -> EngineWorld.done(world.host(place), new XfrmCommand.AddAssociation(one)));
    }
  }

  @AfterEach
  void close() {
    world.close();
  }

  /** Does not carry out one command, or none from one on, and has packets pass before each. */
  private static final class Frail implements XfrmBackend {
    private final XfrmBackend backend;
    private final Traffic traffic;
    private final int at;
    private final boolean dies;
    private int commands;

    Frail(XfrmBackend backend, Traffic traffic, int at, boolean dies) {
      this.backend = backend;
      this.traffic = traffic;
      this.at = at;
      this.dies = dies;
    }

    @Override
    public XfrmReply apply(XfrmCommand command) {
      try {
        traffic.pass();
      } catch (Exception e) {
        throw new AssertionError(e);
      }
      if (commands++ == at) {
        if (dies) {
          throw new Death();
        }
        return new XfrmReply.Failed(XfrmError.NO_MEMORY, "refused by the test");
      }
      return backend.apply(command);
    }

    @Override
    public Limits limits() {
      return backend.limits();
    }
  }

  private static final class Death extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static Set<String> words(List<Policy> policies) {
    Set<String> words = new TreeSet<>();
    policies.forEach(policy -> words.add(policy.toString()));
    return words;
  }

  private static Seen seen(Traffic traffic) {
    return new Seen(
        traffic.left.stream()
            .map(packet -> Dissection.of(packet, Place.NAMES, ASSOCIATIONS))
            .peek(seen -> assertThat(seen.isGenuine()).isTrue())
            .map(Dissection::chain)
            .collect(ImmutableSet.toImmutableSet()),
        traffic.delivered.stream().map(Datagram::text).collect(ImmutableSet.toImmutableSet()));
  }

  private static void isOneOrTheOther(String when, Traffic traffic, Seen before, Seen after) {
    Seen seen = seen(traffic);
    assertThat(seen.isPartOf(before, after)).as("%s: %s", when, seen).isTrue();
    assertThat(traffic.left).as(when).noneMatch(TransactionUnderTraffic::isForged);
  }

  /** No encryption hides it. */
  private static boolean isForged(byte[] packet) {
    return new String(packet, StandardCharsets.ISO_8859_1).contains(FORGED);
  }

  private interface Start {
    Traffic at(Host host) throws Exception;
  }

  /** From one to the other and back, refused at each step, until one is not. */
  private void refused(Place place, Seen before, Seen after, Start start) throws Exception {
    Set<String> asBefore = words(installed(place));
    ImmutableList<Policy> here = BEFORE.merged(place).policies();
    ImmutableList<Policy> there = AFTER.merged(place).policies();
    Plan plan = Plan.between(here, there);
    Set<String> asAfter = ImmutableSet.of();
    for (int step = 0; step <= plan.steps().size(); step++) {
      String when = place + ", refused at step " + step + " of " + plan.steps().size();
      Traffic traffic = start.at(world.host(place));
      var backend = new Frail(backend(place), traffic, step, /* dies= */ false);
      Transaction.Result result = Transaction.apply(plan, backend);
      traffic.pass();
      traffic.stop();

      isOneOrTheOther(when, traffic, before, after);
      if (step < plan.steps().size()) {
        assertThat(result).as(when).isInstanceOf(Transaction.Result.RolledBack.class);
        assertThat(((Transaction.Result.RolledBack) result).unrepaired()).as(when).isEmpty();
        assertThat(words(installed(place))).as(when).isEqualTo(asBefore);
        assertThat(seenNow(start, place)).as(when).isEqualTo(before);
      } else {
        assertThat(result).as(when).isEqualTo(new Transaction.Result.Done());
        asAfter = words(installed(place));
        assertThat(seenNow(start, place)).as(when).isEqualTo(after);
      }
    }
    assertThat(asAfter).isNotEqualTo(asBefore);
  }

  /** Nobody undoes anything; whoever comes next knows only what is there. */
  private void killed(Place place, Seen before, Seen after, Start start) throws Exception {
    ImmutableList<Policy> here = BEFORE.merged(place).policies();
    ImmutableList<Policy> there = AFTER.merged(place).policies();
    Plan plan = Plan.between(here, there);
    Transaction.apply(plan, backend(place));
    Set<String> asAfter = words(installed(place));
    for (int step = 0; step < plan.steps().size(); step++) {
      prepare(world, BEFORE);
      String when = place + ", killed at step " + step + " of " + plan.steps().size();
      Traffic traffic = start.at(world.host(place));
      var dying = new Frail(backend(place), traffic, step, /* dies= */ true);
      boolean died = false;
      try {
        Transaction.apply(plan, dying);
      } catch (Death e) {
        died = true;
      }
      assertThat(died).as(when).isTrue();
      ends(place);
      traffic.pass();
      Plan repair = Plan.between(installed(place), there);
      var successor = new Frail(backend(place), traffic, Integer.MAX_VALUE, /* dies= */ false);
      assertThat(Transaction.apply(repair, successor))
          .as(when)
          .isEqualTo(new Transaction.Result.Done());
      traffic.pass();
      traffic.stop();

      isOneOrTheOther(when, traffic, before, after);
      assertThat(words(installed(place))).as(when).isEqualTo(asAfter);
      assertThat(seenNow(start, place)).as(when).isEqualTo(after);
    }
  }

  /** When nothing changes any more. */
  private Seen seenNow(Start start, Place place) throws Exception {
    Traffic traffic = start.at(world.host(place));
    traffic.pass();
    traffic.stop();
    return seen(traffic);
  }

  /** What else comes in clear, past all that an engine looks at, is the stack's. */
  private boolean alsoInClear() {
    return world instanceof KernelWorld;
  }

  /** What the home agent makes of what it gets. */
  private static byte[] through(EngineWorld makers, byte[] packet) throws Exception {
    return makers.host(HOME_AGENT).receives(packet).left().get(0);
  }

  private static byte[] sent(EngineWorld makers, Place from, Datagram datagram) throws Exception {
    return makers.host(from).sends(datagram).get(0);
  }

  /**
   * What an application of the mobile node's sends. What comes to it from its peer: by the user's
   * association as before and as after, in the tunnel to either care-of address (Linux does not
   * mind which of its own it was); and, forged, by one of the two alone.
   */
  private Traffic atTheNode(Host node) throws Exception {
    byte[] before = sent(asBefore, PEER, Datagram.udp(P, H, AS_BEFORE));
    byte[] after = sent(asAfter, PEER, Datagram.udp(P, H, AS_AFTER));
    Datagram forged = Datagram.udp(P, H, FORGED);
    List<byte[]> coming = new ArrayList<>();
    for (EngineWorld makers : List.of(asBefore, asAfter)) {
      coming.add(through(makers, before));
      coming.add(through(makers, after));
      coming.add(through(makers, forged.octets()));
      coming.add(sent(makers, PEER, forged));
    }
    if (alsoInClear()) {
      coming.add(forged.octets());
    }
    return Traffic.of(node, THERE, () -> coming);
  }

  /**
   * What comes for the mobile node, and what comes from it for its peer: as before and as after; by
   * a tunnel that is for other messages, or by none.
   */
  private Traffic atTheAgent(Host agent) throws Exception {
    Datagram forged = Datagram.udp(H, P, FORGED);
    List<byte[]> coming = new ArrayList<>();
    coming.add(BACK.octets());
    coming.add(sent(asBefore, MOBILE_NODE, Datagram.udp(H, P, AS_BEFORE)));
    coming.add(sent(asAfter, MOBILE_NODE, Datagram.udp(H, P, AS_AFTER)));
    coming.addAll(byTheTunnelOfTests(forged));
    if (alsoInClear()) {
      coming.add(forged.octets());
      for (EngineWorld makers : List.of(asBefore, asAfter)) {
        coming.add(through(makers, sent(makers, MOBILE_NODE, forged)));
      }
    }
    return Traffic.to(agent, () -> coming);
  }

  private static List<byte[]> byTheTunnelOfTests(Datagram datagram) {
    var node = new EngineHost(MOBILE_NODE.addresses());
    ASSOCIATIONS.forEach(one -> EngineWorld.done(node, new XfrmCommand.AddAssociation(one)));
    EngineWorld.done(
        node,
        new XfrmCommand.AddPolicy(
            Policy.allow(
                Selector.between(H, P), Direction.OUT, 1, Bundle.of(Case.HOME_TEST.there()))));
    return node.sends(datagram);
  }

  @Test
  void refusedAtTheMobileNode() throws Exception {
    refused(MOBILE_NODE, NODE_BEFORE, NODE_AFTER, this::atTheNode);
  }

  @Test
  void refusedAtTheHomeAgent() throws Exception {
    refused(HOME_AGENT, AGENT_BEFORE, AGENT_AFTER, this::atTheAgent);
  }

  @Test
  void killedAtTheMobileNode() throws Exception {
    killed(MOBILE_NODE, NODE_BEFORE, NODE_AFTER, this::atTheNode);
  }

  @Test
  void killedAtTheHomeAgent() throws Exception {
    killed(HOME_AGENT, AGENT_BEFORE, AGENT_AFTER, this::atTheAgent);
  }
}
