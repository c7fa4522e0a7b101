package io.mipd.sim.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RoutingTest {
  private static Ipv6Address address(int last) {
    return new Ipv6Address(0x2001_0db8_0000_0000L, last);
  }

  @Test
  void leadsToEachLinkByTheFewestRouters() {
    var routing =
        new Routing(
            ImmutableMap.of(
                "a", ImmutableList.of("left", "ab"),
                "b", ImmutableList.of("ab", "bc"),
                "c", ImmutableList.of("bc", "right")),
            ImmutableMap.of(
                "a", ImmutableMap.of("left", address(1), "ab", address(2)),
                "b", ImmutableMap.of("ab", address(3), "bc", address(4)),
                "c", ImmutableMap.of("bc", address(5), "right", address(6))));
    assertThat(routing.from("a"))
        .containsEntry("left", new Routing.Way("left", Optional.empty()))
        .containsEntry("ab", new Routing.Way("ab", Optional.empty()))
        .containsEntry("bc", new Routing.Way("ab", Optional.of(address(3))))
        .containsEntry("right", new Routing.Way("ab", Optional.of(address(3))))
        .hasSize(4);
    assertThat(routing.on("bc")).containsExactly("b", "c");
    assertThat(routing.links("left", "right")).containsExactly("left", "ab", "bc", "right");
    assertThat(routing.links("left", "left")).containsExactly("left");
    assertThat(routing.links("left", "nowhere")).isEmpty();
  }
}
