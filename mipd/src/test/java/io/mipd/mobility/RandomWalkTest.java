package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.Exchange.Link;
import io.mipd.mobility.Side.MobilityMessageOnTheWire;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Template;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A mobile node that is moved about at random over links that lose, double and reorder messages,
 * with both sides killed now and then. What must always hold is looked at after every step; in the
 * end, left alone, the two must agree.
 */
class RandomWalkTest {
  private static final int STEPS = 400;
  private static final Flow FROM_HOME = Flow.of(HOME.value(), CORRESPONDENT, IpProtocol.UDP);
  private static final Flow TO_HOME = Flow.of(CORRESPONDENT, HOME.value(), IpProtocol.UDP);

  private final Set<CareOfAddress> everUsed = new LinkedHashSet<>();
  private int inspectedUpdates;
  private int inspectedAnswers;

  @Test
  @Tag("many")
  void staysSafeAndComesToRest() {
    for (long seed = 1; seed <= 100; seed++) {
      new RandomWalkTest().walk(seed, seed % 3 == 0 ? Exchange.SIGNALLING_ONLY : Exchange.ESP);
    }
  }

  @Test
  @Tag("long")
  void staysSafeAndComesToRestMoreOften() {
    for (long seed = 1000; seed < 20_000; seed++) {
      new RandomWalkTest().walk(seed, seed % 3 == 0 ? Exchange.SIGNALLING_ONLY : Exchange.ESP);
    }
  }

  private void walk(long seed, TunnelProtection protection) {
    var exchange = Exchange.of(protection);
    var steps = new RandomSteps(new Random(seed), exchange);
    for (int step = 0; step < STEPS; step++) {
      String what = doSomething(steps, exchange);
      try {
        check(exchange);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ", step " + step + ", " + what, e);
      }
    }
    comesToRest(steps, exchange, "seed " + seed);
  }

  private String doSomething(RandomSteps steps, Exchange exchange) {
    int dice = steps.random().nextInt(100);
    if (dice < 36) {
      return steps.onTheLinks(dice);
    } else if (dice < 62) {
      return steps.passOn(exchange.toAgent, wire -> exchange.arrives(wire, true));
    } else if (dice < 88) {
      return steps.passOn(exchange.toMobile, wire -> exchange.arrives(wire, false));
    } else if (dice < 89) {
      exchange.restartAgent(Duration.ofMillis(steps.random().nextInt(5000)));
      inspectedAnswers = exchange.agent.performed.size();
      return "home agent killed";
    } else if (dice < 90) {
      exchange.restartMobile();
      return "mobile node killed";
    }
    return steps.timePasses();
  }

  private void check(Exchange exchange) {
    for (MobilityMessageOnTheWire wire : exchange.toAgent) {
      isProtected(wire);
    }
    for (MobilityMessageOnTheWire wire : exchange.toMobile) {
      isProtected(wire);
      hasTheRightRoute(wire);
    }
    whatWasSentIsSound(exchange);
    exchange.boundTo().ifPresent(careOf -> assertThat(everUsed).contains(careOf));
    bothSidesServeWhatTheyPromise(exchange);
    for (MobilityNode node : ImmutableList.of(exchange.agent.node(), exchange.mobile.node())) {
      Optional<Instant> deadline = node.nextDeadline();
      assertThat(deadline.isPresent() && deadline.get().isBefore(exchange.now))
          .as("a deadline %s before now %s", deadline, exchange.now)
          .isFalse();
    }
    assertThat(exchange.toAgent.size() + exchange.toMobile.size()).isLessThan(1000);
  }

  private static void isProtected(MobilityMessageOnTheWire wire) {
    assertThat(wire.arrival().securityPath().isProtected()).as("%s", wire).isTrue();
  }

  /** By the routing header, or to the home address where there is none. */
  private static void hasTheRightRoute(MobilityMessageOnTheWire wire) {
    if (wire.message() instanceof BindingAcknowledgement) {
      assertThat(wire.arrival().routingHeader())
          .isEqualTo(!wire.wireDestination().equals(HOME.value()));
      assertThat(wire.arrival().source()).isEqualTo(AGENT);
    }
  }

  /** Updates name their care-of address; what is acknowledged has been made durable. */
  private void whatWasSentIsSound(Exchange exchange) {
    for (; inspectedUpdates < exchange.mobile.performed.size(); inspectedUpdates++) {
      if (exchange.mobile.performed.get(inspectedUpdates) instanceof NodeAction.SendMessage send
          && send.message() instanceof BindingUpdate update) {
        send.careOf().ifPresent(everUsed::add);
        assertThat(update.alternateCareOfAddress()).isPresent();
        assertThat(update.lifetime().isZero()).isEqualTo(send.careOf().isEmpty());
      }
    }
    for (; inspectedAnswers < exchange.agent.performed.size(); inspectedAnswers++) {
      if (exchange.agent.performed.get(inspectedAnswers) instanceof NodeAction.SendMessage send
          && send.message() instanceof BindingAcknowledgement answer
          && answer.status().isAccepted()
          && !answer.lifetime().isZero()) {
        assertThat(exchange.agent.remembered.get(HOME))
            .as("durable before it is acknowledged")
            .isNotNull();
      }
    }
  }

  private static void bothSidesServeWhatTheyPromise(Exchange exchange) {
    Optional<Ipv6Address> tunnel =
        exchange.agent.tunnel(TO_HOME, Direction.OUT).map(Template::destination);
    if (tunnel.isPresent()) {
      assertThat(exchange.boundTo().map(CareOfAddress::value)).isEqualTo(tunnel);
      assertThat(exchange.agent.proxied).contains(HOME.value());
    }
    assertThat(exchange.agent.proxied.contains(HOME.value()) && exchange.boundTo().isEmpty())
        .as("defends what is not bound")
        .isFalse();
    // Fail closed: at home, in the tunnel, or not at all.
    NodeAction.Place place = exchange.mobile.place.orElseThrow().place();
    boolean tunnelled = exchange.mobile.tunnel(FROM_HOME, Direction.OUT).isPresent();
    boolean blocked = exchange.mobile.blocks(FROM_HOME, Direction.OUT);
    assertThat(tunnelled || blocked || place == NodeAction.Place.HOME).isTrue();
    assertThat(place == NodeAction.Place.HOME).isEqualTo(exchange.mobileNode().isAtHome());
  }

  private void comesToRest(RandomSteps steps, Exchange exchange, String seed) {
    Link last = steps.comesToRest();
    for (int i = 0; i < 40; i++) {
      exchange.settle();
      exchange.passes(Duration.ofSeconds(2));
    }
    if (last.isHome()) {
      assertThat(exchange.mobileNode().isAtHome()).as(seed).isTrue();
      assertThat(exchange.boundTo()).as(seed).isEmpty();
    } else {
      assertThat(exchange.boundTo()).as(seed).hasValue(new CareOfAddress(last.address()));
      assertThat(exchange.mobileNode().registeredCareOf())
          .as(seed)
          .hasValue(new CareOfAddress(last.address()));
      assertThat(exchange.mobile.tunnel(FROM_HOME, Direction.OUT).map(Template::source))
          .as(seed)
          .hasValue(last.address());
    }
  }
}
