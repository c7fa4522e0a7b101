package io.mipd.host;

import static io.mipd.host.Hosts.AGENT;
import static io.mipd.host.Hosts.ASSOCIATIONS;
import static io.mipd.host.Hosts.ETH0;
import static io.mipd.host.Hosts.HOME_PREFIX;
import static io.mipd.host.Hosts.PROTECTION;
import static io.mipd.host.Hosts.advertisement;
import static io.mipd.host.Hosts.associations;
import static io.mipd.host.Hosts.attach;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.MemorySequenceStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A home agent and a mobile node, wired together. */
class HostTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::100");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");

  private static final ImmutableMap<Ipv6Address, String> NAMES =
      ImmutableMap.of(HOME, "H", AGENT, "A", CARE_OF, "C", PEER, "P");

  /** A host's surroundings that keep all they are told. */
  private static final class Outside implements Surroundings {
    final Deque<byte[]> wire = new ArrayDeque<>();
    final List<byte[]> delivered = new ArrayList<>();
    final List<byte[]> onLink = new ArrayList<>();
    final List<NodeAction> performed = new ArrayList<>();

    @Override
    public void transmit(byte[] packet) {
      wire.add(packet);
    }

    @Override
    public void transmit(int interfaceIndex, byte[] packet) {
      onLink.add(packet);
    }

    @Override
    public void deliver(byte[] packet) {
      delivered.add(packet);
    }

    @Override
    public void perform(NodeAction action) {
      performed.add(action);
    }

    <T extends NodeAction> List<T> performed(Class<T> kind) {
      return performed.stream().filter(kind::isInstance).map(kind::cast).toList();
    }
  }

  private final Outside aroundAgent = new Outside();
  private final Outside aroundMobile = new Outside();
  private final List<String> seen = new ArrayList<>();
  private Instant now = Instant.EPOCH;
  private final Host agent = agent();
  private final Host mobile = Hosts.mobile(HOME, aroundMobile);

  private Host agent() {
    var core =
        new HomeAgent(
            new HomeAgentSettings(
                "eth1",
                AGENT,
                HOME_PREFIX,
                Duration.ofMinutes(7),
                Optional.empty(),
                ImmutableMap.of(new HomeAddress(HOME), PROTECTION)),
            ImmutableList.of(),
            new Random(1));
    return new Host(
        new Node(Optional.empty(), Optional.of(core), Optional.empty()),
        HostSettings.PLAIN
            .withServed(HOME)
            .withAssociations(associations(HOME), ImmutableMap.of(HOME, ASSOCIATIONS.tunnels())),
        new MemorySequenceStore(),
        new Random(2),
        aroundAgent);
  }

  private void advertise() {
    mobile.arrived(now, ETH0, advertisement());
  }

  /** What each has sent arrives at the other, until nothing is on its way. */
  private void carry() {
    while (!aroundAgent.wire.isEmpty() || !aroundMobile.wire.isEmpty()) {
      while (!aroundMobile.wire.isEmpty()) {
        assertThat(agent.arrived(now, ETH0, seen(aroundMobile.wire.remove()))).isTrue();
      }
      while (!aroundAgent.wire.isEmpty()) {
        assertThat(mobile.arrived(now, ETH0, seen(aroundAgent.wire.remove()))).isTrue();
      }
    }
  }

  private byte[] seen(byte[] packet) {
    seen.add(Dissection.of(packet, NAMES, associations(HOME)).chain());
    return packet;
  }

  private void begin() {
    agent.start(now);
    attach(agent, now, ETH0, "eth1", AGENT);
    mobile.start(now);
    attach(mobile, now, ETH0, "eth0", CARE_OF);
    advertise();
    carry();
  }

  private void registered() {
    begin();
    now = now.plusSeconds(1);
    agent.handle(now, new NodeEvent.DadFinished(new HomeAddress(HOME), true));
    carry();
  }

  @Test
  void registersUnderEsp() {
    registered();
    assertThat(aroundAgent.performed(NodeAction.StartDad.class)).hasSize(1);
    assertThat(aroundAgent.performed(NodeAction.Proxy.class))
        .containsExactly(new NodeAction.Proxy(ETH0, new HomeAddress(HOME), true));
    assertThat(mobile.place(HOME)).isEqualTo(NodeAction.Place.AWAY);
    assertThat(seen)
        .containsExactly("C>A DSTOPT(H) ESP(0x1001) MH(5)", "A>C RH2(H) ESP(0x1002) MH(6)");
  }

  @Test
  void passesPacketsThroughTheTunnelBothWays() {
    registered();
    seen.clear();
    byte[] up = Datagram.udp(HOME, PEER, "there").octets();
    mobile.send(now, up);
    carry();
    assertThat(aroundAgent.delivered).containsExactly(up);

    byte[] down = Datagram.udp(PEER, HOME, "back").octets();
    // Intercepted on the home link: not the engine's, but the home address is proxied.
    assertThat(agent.arrived(now, ETH0, down)).isFalse();
    agent.send(now, down);
    carry();
    assertThat(aroundMobile.delivered).containsExactly(down);
    assertThat(seen).containsExactly("C>A ESP(0x2001) H>P UDP", "A>C ESP(0x2002) P>H UDP");
  }

  @Test
  void nothingOfTheHomeAddressLeavesBeforeItIsPlaced() {
    begin();
    aroundMobile.wire.clear();
    mobile.send(now, Datagram.udp(HOME, PEER, "too early").octets());
    assertThat(aroundMobile.wire).isEmpty();
  }

  @Test
  void whatIsNobodysBusinessLeavesAsItCame() {
    registered();
    byte[] packet = Datagram.udp(CARE_OF, PEER, "local").octets();
    mobile.send(now, packet);
    assertThat(aroundMobile.wire).containsExactly(packet);
  }

  @Test
  void sendsAgainWhenItsDeadlineHasCome() {
    mobile.start(now);
    attach(mobile, now, ETH0, "eth0", CARE_OF);
    advertise();
    assertThat(aroundMobile.wire).hasSize(1);
    Instant due = mobile.nextDeadline().orElseThrow();
    assertThat(due).isEqualTo(now.plusMillis(1500));
    mobile.turn(due.minusMillis(1));
    assertThat(aroundMobile.wire).hasSize(1);
    mobile.turn(due);
    assertThat(aroundMobile.wire).hasSize(2);
  }
}
