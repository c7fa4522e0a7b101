package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static io.mipd.xfrm.engine.Scene.fromTo;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Template;
import org.junit.jupiter.api.Test;

/** What is counted of the packets that go and come directly. */
class RouteUseTest {
  private static final RouteOptimizationState OUT =
      RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF);
  private static final RouteOptimizationState IN =
      RouteOptimizationState.routingHeader(PEER, HOME, CARE_OF);

  private final TestNode mobileNode =
      new TestNode()
          .has(HOME, Role.HOME)
          .has(CARE_OF, Role.LINK)
          .policy(
              fromTo(HOME, PEER),
              Direction.OUT,
              Template.homeAddressOption(HOME, PEER).asOptional())
          .policy(fromTo(PEER, HOME), Direction.IN, Template.routingHeader(PEER, HOME).asOptional())
          .state(OUT)
          .state(IN);

  private void hasCounted(long out, long in) {
    assertThat(mobileNode.engine.routePackets())
        .containsEntry(OUT.id(), out)
        .containsEntry(IN.id(), in);
  }

  @Test
  void countsWhatGoesAndComesDirectly() {
    hasCounted(0, 0);
    for (int i = 0; i < 3; i++) {
      mobileNode.output(Packets.udp(HOME, PEER, 10));
    }
    byte[] inner = Packets.udp(PEER, HOME, 10);
    mobileNode.input(Packets.withRoutingHeader(Packets.withDestination(inner, CARE_OF), HOME, 1));
    assertThat(mobileNode.onlyDelivered()).isEqualTo(inner);
    hasCounted(3, 1);
    // The same pair at another care-of address.
    mobileNode.state(OUT);
    mobileNode.output(Packets.udp(HOME, PEER, 10));
    hasCounted(4, 1);
  }

  @Test
  void countsNeitherMessagesNorWhatIsRefused() {
    mobileNode.output(Packets.bindingUpdate(HOME, PEER), CARE_OF);
    mobileNode.input(Packets.withRoutingHeader(Packets.mobility(PEER, CARE_OF, 6), HOME, 1));
    mobileNode.input(Packets.withRoutingHeader(Packets.udp(PEER, CARE_OF, 10), CARE_OF, 1));
    hasCounted(0, 0);
  }
}
