package io.mipd.mobility;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A home agent that comes back with many bindings does not flood its home link. */
class ManyAnnouncementsTest {
  private static final int BINDINGS = 1000;
  private static final int AT_ONCE = 200;
  private static final Ipv6Prefix PREFIX = Ipv6Prefix.parse("2001:db8:1::/64");
  private static final Instant START = Instant.EPOCH;

  private static final NodeEvent UP =
      new NodeEvent.LinkChanged(
          2, "eth1", true, Optional.of(new LinkLayerAddress(Octets.parse("020000000001"))));

  private static HomeAddress home(int number) {
    return new HomeAddress(new Ipv6Address(PREFIX.address().high(), 0x10000 + number));
  }

  private static HomeAgent agent() {
    var served = ImmutableMap.<HomeAddress, TunnelProtection>builder();
    var restored = ImmutableList.<HomeBinding>builder();
    for (int i = 0; i < BINDINGS; i++) {
      served.put(home(i), TunnelProtection.NONE);
      restored.add(
          new HomeBinding(
              home(i),
              new CareOfAddress(Ipv6Address.parse("2001:db8:a::10")),
              new SequenceNumber(1),
              0xc000,
              START.plusSeconds(100)));
    }
    return new HomeAgent(
        new HomeAgentSettings(
            "eth1",
            Ipv6Address.parse("2001:db8:1::1"),
            PREFIX,
            Duration.ofMinutes(7),
            Optional.empty(),
            served.buildOrThrow()),
        restored.build(),
        new Random(1));
  }

  private static List<HomeAddress> announced(List<NodeAction> actions) {
    List<HomeAddress> all = new ArrayList<>();
    for (NodeAction action : actions) {
      if (action instanceof NodeAction.SendIcmpv6 send
          && send.message() instanceof Icmpv6Message.NeighborAdvertisement advertisement) {
        all.add(new HomeAddress(advertisement.target()));
      }
    }
    return all;
  }

  @Test
  void eachIsAnnouncedThriceAndNoneBeforeItsTurn() {
    HomeAgent agent = agent();
    agent.handle(START, new NodeEvent.Started());
    List<HomeAddress> first = announced(agent.handle(START, UP));
    assertThat(first).hasSize(AT_ONCE);

    Map<HomeAddress, Integer> times = new HashMap<>();
    first.forEach(it -> times.merge(it, 1, Integer::sum));
    for (Instant due = agent.nextDeadline().orElseThrow();
        due.isBefore(START.plusSeconds(10));
        due = agent.nextDeadline().orElseThrow()) {
      List<HomeAddress> some = announced(agent.handle(due, new NodeEvent.DeadlineReached()));
      assertThat(some).hasSizeBetween(1, AT_ONCE + 1);
      some.forEach(it -> times.merge(it, 1, Integer::sum));
    }
    assertThat(times).hasSize(BINDINGS);
    assertThat(times.values()).containsOnly(ProtocolConstants.MAX_NEIGHBOR_ADVERTISEMENT);
    // What comes next is the end of the bindings, of all at once.
    assertThat(agent.nextDeadline()).contains(START.plusSeconds(100));
    List<NodeAction> ending = agent.handle(START.plusSeconds(100), new NodeEvent.DeadlineReached());
    assertThat(ending.stream().filter(NodeAction.ForgetBinding.class::isInstance).toList())
        .extracting(it -> ((NodeAction.ForgetBinding) it).homeAddress())
        .containsExactlyElementsOf(
            IntStream.range(0, BINDINGS).mapToObj(ManyAnnouncementsTest::home).toList());
    assertThat(agent.bindingCount()).isZero();
    assertThat(agent.nextDeadline()).isEmpty();
  }

  /** Other flags or another MTU, and a link that goes and comes: nobody loses their turn. */
  @Test
  void noneIsForgottenWhenTheLinkTellsOfItselfAgain() {
    HomeAgent agent = agent();
    agent.handle(START, new NodeEvent.Started());
    Set<HomeAddress> all = new HashSet<>(announced(agent.handle(START, UP)));
    assertThat(announced(agent.handle(START.plusMillis(1), UP)))
        .as("only who has waited")
        .hasSize(1)
        .doesNotContainAnyElementsOf(all);
    agent.handle(START.plusMillis(2), down());
    all.addAll(announced(agent.handle(START.plusMillis(2), UP)));
    Instant end = START.plusSeconds(1);
    for (Instant due = agent.nextDeadline().orElseThrow();
        due.isBefore(end);
        due = agent.nextDeadline().orElseThrow()) {
      all.addAll(announced(agent.handle(due, new NodeEvent.DeadlineReached())));
    }
    assertThat(all).hasSize(BINDINGS);
  }

  private static NodeEvent down() {
    return new NodeEvent.LinkChanged(2, "eth1", false, Optional.empty());
  }
}
