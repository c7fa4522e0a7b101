package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.ETH0;
import static io.mipd.mobility.Exchange.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ArrayListMultimap;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ListMultimap;
import io.mipd.mobility.Exchange.Link;
import io.mipd.mobility.Side.MobilityMessageOnTheWire;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingError;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Template;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The walk of {@link RandomWalkTest} with a correspondent, who may be killed, forged, or said not
 * to be reached. What must hold is looked at after each event of the mobile node; in the end, left
 * alone, the two talk directly, or know nothing of each other at home.
 */
class RouteWalkTest {
  private static final int STEPS = 400;
  private static final Flow FROM_HOME = Flow.of(HOME.value(), CORRESPONDENT, IpProtocol.UDP);

  private final Set<CareOfAddress> acknowledged = new HashSet<>();
  private final ListMultimap<Integer, Instant> sent = ArrayListMultimap.create();
  private Optional<SequenceNumber> lastSequence = Optional.empty();
  private int directRoutes;

  @Test
  @Tag("many")
  void staysSafeAndFindsTheDirectWay() {
    int routes = 0;
    for (long seed = 1; seed <= 100; seed++) {
      routes += walk(seed);
    }
    assertThat(routes).as("not for want of direct routes").isGreaterThan(300);
  }

  @Test
  @Tag("long")
  void staysSafeAndFindsTheDirectWayMoreOften() {
    for (long seed = 1000; seed < 10_000; seed++) {
      walk(seed);
    }
  }

  private static int walk(long seed) {
    var walk = new RouteWalkTest();
    TunnelProtection protection = seed % 3 == 0 ? Exchange.SIGNALLING_ONLY : Exchange.ESP;
    var exchange = Exchange.of(protection, Conversation.SETTINGS);
    exchange.watcher = actions -> walk.check(exchange, actions);
    exchange.listener = walk::hears;
    var steps = new RandomSteps(new Random(seed), exchange);
    for (int step = 0; step < STEPS; step++) {
      try {
        walk.doSomething(steps, exchange);
        assertThat(exchange.mobile.node().nextDeadline().filter(exchange.now::isAfter)).isEmpty();
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ", step " + step, e);
      }
    }
    comesToRest(steps, exchange, "seed " + seed);
    return walk.directRoutes;
  }

  private void doSomething(RandomSteps steps, Exchange exchange) {
    int dice = steps.random().nextInt(100);
    if (dice < 12) {
      steps.onTheLinks(dice * 3 + steps.random().nextInt(3));
    } else if (dice < 36) {
      steps.passOn(exchange.toAgent, wire -> exchange.arrives(wire, true));
    } else if (dice < 54) {
      steps.passOn(exchange.toPeer, exchange::arrivesAtPeer);
    } else if (dice < 78) {
      steps.passOn(exchange.toMobile, wire -> exchange.arrives(wire, false));
    } else if (dice < 84) {
      talks(exchange);
    } else if (dice < 91) {
      // A quiet moment, in which nothing is lost.
      exchange.settle();
      talks(exchange);
      exchange.settle();
    } else if (dice < 93) {
      trouble(steps.random(), exchange);
    } else {
      steps.timePasses();
    }
  }

  private void hears(MobilityMessageOnTheWire wire) {
    if (wire.message() instanceof BindingAcknowledgement answer
        && wire.arrival().source().equals(CORRESPONDENT)
        && answer.status().isAccepted()
        && !answer.lifetime().isZero()) {
      acknowledged.add(new CareOfAddress(wire.wireDestination()));
    }
  }

  /** Payload takes the tunnel unless the correspondent has a binding. */
  private static void talks(Exchange exchange) {
    boolean tunnelled =
        exchange.correspondentSendsTo(CORRESPONDENT).isEmpty()
            && exchange.boundTo().isPresent()
            && exchange.boundTo().equals(exchange.mobileNode().tunnelEnd());
    if (tunnelled) {
      exchange.toMobile(new NodeEvent.TunnelledPayload(HOME, CORRESPONDENT, /* sure= */ true));
    } else if (exchange
        .mobile
        .route(CORRESPONDENT)
        .flatMap(NodeAction.WantRoute::use)
        .isPresent()) {
      exchange.toMobile(Conversation.used(CORRESPONDENT));
    }
  }

  private void trouble(Random random, Exchange exchange) {
    switch (random.nextInt(6)) {
      case 0 -> exchange.restartPeer();
      case 1 -> exchange.restartAgent(Duration.ofMillis(random.nextInt(5000)));
      case 2 -> {
        acknowledged.clear();
        sent.clear();
        lastSequence = Optional.empty();
        exchange.restartMobile();
      }
      case 3 -> forged(exchange, new BindingError(1 + random.nextInt(2), HOME.value(), none()));
      case 4 -> failures(random, exchange);
      default ->
          forged(
              exchange,
              new BindingAcknowledgement(
                  new BindingStatus(random.nextInt(3) == 0 ? 0 : 136 + random.nextInt(3)),
                  false,
                  lastSequence.orElse(new SequenceNumber(0)),
                  new BindingLifetime(100),
                  none()));
    }
  }

  /** ICMPv6 errors about what was sent directly, one or as many as make them persistent. */
  private static void failures(Random random, Exchange exchange) {
    CareOfAddress careOf = random.nextBoolean() ? Exchange.COA_A : Exchange.COA_B;
    int last = random.nextInt(4);
    for (int i = 0; i <= last; i++) {
      exchange.toMobile(Conversation.directPacketFails(careOf, CORRESPONDENT));
      exchange.passes(Duration.ofMillis(i < last ? 1500 : 0));
    }
  }

  private static ImmutableList<MobilityOption> none() {
    return ImmutableList.of();
  }

  private static void forged(Exchange exchange, MobilityMessage message) {
    Ipv6Address destination =
        message instanceof BindingError
            ? exchange.mobileNode().tunnelEnd().map(CareOfAddress::value).orElse(HOME.value())
            : HOME.value();
    exchange.toMobile(
        new NodeEvent.MobilityMessageArrived(
            message,
            new Arrival(
                CORRESPONDENT, destination, Optional.empty(), false, SecurityPath.EMPTY, 0)));
  }

  private void check(Exchange exchange, List<NodeAction> actions) {
    for (NodeAction action : actions) {
      if (action instanceof NodeAction.SendMessage send && !send.destination().equals(AGENT)) {
        sound(exchange, send);
      } else if (action instanceof NodeAction.WantRoute want && want.use().isPresent()) {
        directRoutes++;
        assertThat(acknowledged).as("used after it was acknowledged").contains(want.use().get());
      }
    }
    Optional<CareOfAddress> use =
        exchange.mobile.route(CORRESPONDENT).flatMap(NodeAction.WantRoute::use);
    if (use.isPresent()) {
      // Where we are, are registered, and have the tunnel, should the direct way end.
      assertThat(exchange.isAt(use.get())).isTrue();
      assertThat(exchange.mobileNode().tunnelEnd()).isEqualTo(use);
      assertThat(exchange.mobileNode().registeredCareOf()).isEqualTo(use);
    }
    Optional<CareOfAddress> tunnel =
        exchange
            .mobile
            .tunnel(FROM_HOME, Direction.OUT)
            .map(Template::source)
            .map(CareOfAddress::new);
    assertThat(exchange.mobileNode().tunnelEnd()).isEqualTo(tunnel);
  }

  private void sound(Exchange exchange, NodeAction.SendMessage send) {
    List<Instant> times = sent.get(send.message().type());
    times.add(exchange.now);
    assertThat(times.stream().filter(it -> it.isAfter(exchange.now.minusSeconds(1))))
        .as("MAX_UPDATE_RATE")
        .hasSizeLessThanOrEqualTo(ProtocolConstants.MAX_UPDATE_RATE);
    if (send.message() instanceof BindingUpdate update) {
      send.careOf().ifPresent(careOf -> assertThat(exchange.isAt(careOf)).isTrue());
      assertThat(send.careOf().isEmpty()).isEqualTo(exchange.mobileNode().isAtHome());
      if (!update.lifetime().isZero()) {
        assertThat(exchange.mobileNode().registeredCareOf())
            .as("not before the home agent has acknowledged")
            .isEqualTo(send.careOf());
        assertThat(exchange.mobile.route(CORRESPONDENT).flatMap(NodeAction.WantRoute::accept))
            .isEqualTo(send.careOf());
      }
      lastSequence = Optional.of(update.sequence());
    }
  }

  private static void comesToRest(RandomSteps steps, Exchange exchange, String seed) {
    Link last = steps.comesToRest();
    // As long as what has failed may be left alone, and a binding may last.
    for (int i = 0; i < 500 && (i < 50 || !isAtRest(exchange, last)); i++) {
      exchange.settle();
      talks(exchange);
      exchange.settle();
      exchange.passes(Duration.ofSeconds(i < 20 ? 1 : 20));
      exchange.advertise(ETH0);
    }
    assertThat(isAtRest(exchange, last)).as(seed).isTrue();
  }

  private static boolean isAtRest(Exchange exchange, Link link) {
    Optional<CareOfAddress> direct =
        link.isHome() ? Optional.empty() : Optional.of(new CareOfAddress(link.address()));
    Optional<NodeAction.WantRoute> route = exchange.mobile.route(CORRESPONDENT);
    return exchange.correspondentSendsTo(CORRESPONDENT).equals(direct)
        && route.flatMap(NodeAction.WantRoute::use).equals(direct)
        && route.flatMap(NodeAction.WantRoute::accept).equals(direct)
        && exchange.mobileNode().routes(exchange.now).isEmpty() == link.isHome();
  }
}
