package io.mipd.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.WishOwner;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** What packets tell of the use of routes. */
class RoutesInUseTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::100");
  private static final RouteOptimizationState.Id OUT =
      RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF).id();
  private static final RouteOptimizationState.Id IN =
      RouteOptimizationState.routingHeader(PEER, HOME, CARE_OF).id();

  private Instant now = Instant.EPOCH;
  private ImmutableMap<RouteOptimizationState.Id, Long> packets = ImmutableMap.of();
  private int looks;
  private final RoutesInUse routes =
      new RoutesInUse(
          () -> {
            looks++;
            return packets;
          });

  private void passes() {
    now = now.plus(NodeEvent.USE_INTERVAL);
  }

  @Test
  void tellsWhatHasBeenUsedSinceTheLastLook() {
    routes.follow(now, WishOwner.route(HOME, PEER), true);
    packets = ImmutableMap.of(OUT, 3L, IN, 0L);
    assertThat(routes.turn(now)).as("it is not time yet").isEmpty();
    passes();
    assertThat(routes.nextDeadline()).hasValue(now);
    assertThat(routes.turn(now)).containsExactly(OUT);
    assertThat(routes.turn(now)).isEmpty();
    passes();
    assertThat(routes.turn(now)).isEmpty();
    packets = ImmutableMap.of(OUT, 3L, IN, 1L);
    passes();
    assertThat(routes.turn(now)).containsExactly(IN);
    // The state was made anew.
    packets = ImmutableMap.of(OUT, 2L, IN, 1L);
    passes();
    assertThat(routes.turn(now)).containsExactly(OUT);
  }

  /** Looking costs: the kernel lists all its states. */
  @Test
  void doesNotLookWhereThereIsNoRoute() {
    routes.follow(now, WishOwner.of(HOME), true);
    routes.follow(now, WishOwner.route(PEER, Ipv6Address.UNSPECIFIED), true);
    assertThat(routes.nextDeadline()).isEmpty();
    routes.follow(now, WishOwner.route(HOME, PEER), true);
    passes();
    routes.turn(now);
    assertThat(looks).isEqualTo(1);
    routes.follow(now, WishOwner.route(HOME, PEER), false);
    assertThat(routes.nextDeadline()).isEmpty();
    passes();
    routes.turn(now);
    assertThat(looks).isEqualTo(1);
  }
}
