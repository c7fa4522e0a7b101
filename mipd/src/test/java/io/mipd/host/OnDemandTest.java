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
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A home agent that has restored many bindings and makes their policies when a packet first needs
 * them, beside one that has made them all: whatever comes, both do the same.
 */
class OnDemandTest {
  private static final int HOMES = 130;

  /** Home addresses without a binding, behind those with one. */
  private static final int UNBOUND = 10;

  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final Ipv6Address ELSEWHERE = Ipv6Address.parse("2001:db8:e::e");
  private static final Instant START = Instant.EPOCH;
  private static final int ACKNOWLEDGE_AND_HOME = 0xc000;

  /** Its signalling and its payload are protected. */
  private static final Ipv6Address PROTECTED = home(0);

  /** The user's: about nobody here, but with one all policies are made at once. */
  private static final Policy UNRELATED =
      Policy.allow(
          Selector.between(Ipv6Address.parse("2001:db8:f::1"), Ipv6Address.parse("2001:db8:f::2")),
          Direction.OUT,
          1,
          Bundle.EMPTY);

  private final Outside aroundWaiting = new Outside();
  private final Outside aroundEager = new Outside();
  private final Host waiting = agent(ImmutableList.of(), aroundWaiting, restored());
  private final Host eager = agent(ImmutableList.of(UNRELATED), aroundEager, restored());
  private Instant now = START;

  private static final class Outside implements Surroundings {
    final List<byte[]> wire = new ArrayList<>();
    final List<byte[]> delivered = new ArrayList<>();
    final List<NodeAction> performed = new ArrayList<>();

    @Override
    public void transmit(byte[] packet) {
      wire.add(packet);
    }

    @Override
    public void transmit(int interfaceIndex, byte[] packet) {}

    @Override
    public void deliver(byte[] packet) {
      delivered.add(packet);
    }

    @Override
    public void perform(NodeAction action) {
      performed.add(action);
    }

    List<String> told() {
      List<String> all = new ArrayList<>();
      wire.forEach(it -> all.add("wire " + HexFormat.of().formatHex(it)));
      delivered.forEach(it -> all.add("delivered " + HexFormat.of().formatHex(it)));
      performed.forEach(it -> all.add(it.toString()));
      wire.clear();
      delivered.clear();
      performed.clear();
      return all;
    }
  }

  private static Ipv6Address home(int number) {
    return new Ipv6Address(HOME_PREFIX.address().high(), 0x10000 + number);
  }

  /** Some share one. */
  private static Ipv6Address careOf(int number) {
    return new Ipv6Address(0x2001_0db8_000a_0000L, 0x100 + number / 2 * 2);
  }

  private static ImmutableList<HomeBinding> restored() {
    var all = ImmutableList.<HomeBinding>builder();
    for (int i = 0; i < HOMES - UNBOUND; i++) {
      all.add(
          new HomeBinding(
              new HomeAddress(home(i)),
              new CareOfAddress(careOf(i)),
              new SequenceNumber(1),
              ACKNOWLEDGE_AND_HOME,
              START.plusSeconds(300 + i % 3)));
    }
    return all.build();
  }

  private static Host agent(
      ImmutableList<Policy> user, Outside around, ImmutableList<HomeBinding> restored) {
    var served = ImmutableMap.<HomeAddress, TunnelProtection>builder();
    for (int i = 0; i < HOMES; i++) {
      served.put(new HomeAddress(home(i)), i == 0 ? PROTECTION : TunnelProtection.NONE);
    }
    var core =
        new HomeAgent(
            new HomeAgentSettings(
                "eth1",
                AGENT,
                HOME_PREFIX,
                Duration.ofMinutes(7),
                Optional.empty(),
                served.buildOrThrow()),
            restored,
            new Random(1));
    Ipv6Address[] homes = new Ipv6Address[HOMES];
    for (int i = 0; i < HOMES; i++) {
      homes[i] = home(i);
    }
    return new Host(
        new Node(Optional.empty(), Optional.of(core), Optional.empty()),
        HostSettings.PLAIN
            .withServed(homes)
            .withAssociations(
                associations(PROTECTED), ImmutableMap.of(PROTECTED, ASSOCIATIONS.tunnels()))
            .withUser(user),
        new MemorySequenceStore(),
        new Random(2),
        around);
  }

  @BeforeEach
  void bothBegin() {
    for (Host host : List.of(waiting, eager)) {
      host.start(now);
      attach(host, now, ETH0, "eth1", AGENT);
    }
    assertThat(aroundWaiting.told()).isEqualTo(aroundEager.told());
    assertThat(waiting.policies().asleep()).isEqualTo(HOMES);
    assertThat(eager.policies().asleep()).isZero();
  }

  private void arrives(byte[] packet) {
    boolean taken = waiting.arrived(now, ETH0, packet.clone());
    assertThat(taken).isEqualTo(eager.arrived(now, ETH0, packet.clone()));
    bothDidTheSame();
  }

  private void leaves(byte[] packet) {
    waiting.send(now, packet.clone());
    eager.send(now, packet.clone());
    bothDidTheSame();
  }

  private void bothDidTheSame() {
    assertThat(aroundWaiting.told()).isEqualTo(aroundEager.told());
    assertThat(waiting.counters().discards()).isEqualTo(eager.counters().discards());
    assertThat(waiting.driver().refusals()).isEqualTo(eager.driver().refusals());
    assertThat(waiting.associations()).isEqualTo(eager.associations());
  }

  private void awake(int number) {
    assertThat(waiting.policies().asleep()).isEqualTo(HOMES - number);
  }

  private static byte[] tunnelled(Ipv6Address source, Ipv6Address destination, byte[] inner) {
    ByteBuffer packet = ByteBuffer.allocate(40 + inner.length);
    packet.putInt(6 << 28).putShort((short) inner.length).put((byte) IpProtocol.IPV6);
    packet.put((byte) 64).put(source.toOctets()).put(destination.toOctets()).put(inner);
    return packet.array();
  }

  /** Of a packet whose Next Header is in the IPv6 header. */
  private static byte[] fragment(byte[] packet, int from, int to) {
    ByteBuffer fragment = ByteBuffer.allocate(48 + to - from);
    fragment.put(packet, 0, 40).put(packet[6]).put((byte) 0);
    fragment.putShort((short) (from | (40 + to < packet.length ? 1 : 0))).putInt(77);
    fragment.put(packet, 40 + from, to - from);
    fragment.putShort(4, (short) (8 + to - from)).put(6, (byte) IpProtocol.FRAGMENT);
    return fragment.array();
  }

  @Test
  void whatIsForAHomeAddressGoesToItsCareOfAddress() {
    leaves(Datagram.udp(PEER, home(7), "down").octets());
    awake(1);
    leaves(Datagram.udp(PEER, home(7), "again").octets());
    leaves(Datagram.udp(AGENT, home(8), "from the home agent").octets());
    leaves(Datagram.udp(PEER, PROTECTED, "in ESP").octets());
    leaves(Datagram.udp(PEER, home(HOMES - 1), "to one without a binding").octets());
    leaves(Datagram.udp(home(20), home(21), "from one to another").octets());
    leaves(Datagram.icmpv6(PEER, home(22), 1).octets());
  }

  @Test
  void aTunnelledPacketIsTakenAlsoIfItIsTheFirst() {
    byte[] inner = Datagram.udp(home(6), PEER, "up").octets();
    arrives(tunnelled(careOf(6), AGENT, inner));
    awake(1);
    arrives(tunnelled(ELSEWHERE, AGENT, Datagram.udp(home(9), PEER, "not from there").octets()));
    awake(2);
    arrives(tunnelled(careOf(10), AGENT, Datagram.udp(home(12), PEER, "another's").octets()));
    arrives(tunnelled(careOf(14), AGENT, Datagram.udp(home(15), home(16), "to another").octets()));
    arrives(tunnelled(careOf(18), AGENT, Datagram.udp(home(18), AGENT, "to you").octets()));
    arrives(tunnelled(careOf(20), AGENT, Datagram.mobility(home(20), PEER, 1).octets()));
  }

  @Test
  void aTunnelledPacketInFragmentsIsTakenAlsoIfItIsTheFirst() {
    byte[] whole = tunnelled(careOf(30), AGENT, Datagram.udp(home(30), PEER, "up").octets());
    arrives(fragment(whole, 0, 48));
    awake(0);
    arrives(fragment(whole, 48, whole.length - 40));
    awake(1);
    assertThat(waiting.counters().discards()).isEqualTo(eager.counters().discards());
  }

  @Test
  void anErrorAboutATunnelledPacketOfAnEarlierLifeIsOurs() {
    byte[] lost = tunnelled(AGENT, careOf(40), Datagram.udp(PEER, home(40), "lost").octets());
    byte[] error = new byte[8 + lost.length];
    error[0] = 1;
    System.arraycopy(lost, 0, error, 8, lost.length);
    ByteBuffer packet = ByteBuffer.allocate(40 + error.length);
    packet.putInt(6 << 28).putShort((short) error.length).put((byte) IpProtocol.ICMPV6);
    packet.put((byte) 64).put(ELSEWHERE.toOctets()).put(AGENT.toOctets()).put(error);
    int checksum =
        Checksum.of(
            ELSEWHERE,
            AGENT,
            IpProtocol.ICMPV6,
            Unpooled.wrappedBuffer(packet.array(), 40, error.length));
    packet.putShort(42, (short) checksum);
    assertThat(waiting.arrived(now, ETH0, packet.array().clone())).isTrue();
    assertThat(eager.arrived(now, ETH0, packet.array().clone())).isTrue();
    bothDidTheSame();
  }

  @Test
  void mobilityMessagesAreAnsweredAlike() {
    arrives(Datagram.mobility(home(50), AGENT, 5).octets());
    arrives(Datagram.mobility(PROTECTED, AGENT, 5).octets());
    arrives(Datagram.mobility(ELSEWHERE, AGENT, 5).octets());
    arrives(Datagram.mobility(home(HOMES - 1), AGENT, 5).octets());
  }

  /** Its Binding Updates, and what it sends through the tunnel, were meant for an earlier life. */
  @Test
  void protectedPacketsAreTakenAlsoIfTheyAreTheFirst() {
    var aroundMobile = new Outside();
    var aroundEarlier = new Outside();
    Host mobile = Hosts.mobile(PROTECTED, aroundMobile);
    Host earlier = agent(ImmutableList.of(UNRELATED), aroundEarlier, ImmutableList.of());
    earlier.start(now);
    attach(earlier, now, ETH0, "eth1", AGENT);
    mobile.start(now);
    attach(mobile, now, ETH0, "eth0", careOf(0));
    mobile.arrived(now, ETH0, advertisement());
    byte[] update = aroundMobile.wire.get(0);
    earlier.arrived(now, ETH0, update.clone());
    now = now.plusSeconds(1);
    earlier.handle(now, new NodeEvent.DadFinished(new HomeAddress(PROTECTED), true));
    byte[] acknowledgement = aroundEarlier.wire.get(0);
    mobile.arrived(now, ETH0, acknowledgement.clone());
    aroundMobile.wire.clear();
    mobile.send(now, Datagram.udp(PROTECTED, PEER, "up").octets());

    arrives(aroundMobile.wire.get(0));
    assertThat(waiting.policies().asleep()).isEqualTo(HOMES - 1);
    arrives(update);
    leaves(Datagram.udp(PEER, PROTECTED, "down").octets());
  }

  @Test
  void whatExpiresAsleepIsBoundNoMore() {
    leaves(Datagram.udp(PEER, home(3), "down").octets());
    while (waiting.nextDeadline().isPresent()) {
      now = waiting.nextDeadline().get();
      assertThat(eager.nextDeadline()).contains(now);
      waiting.turn(now);
      eager.turn(now);
      bothDidTheSame();
    }
    awake(1);
    leaves(Datagram.udp(PEER, home(3), "gone").octets());
    leaves(Datagram.udp(PEER, home(4), "gone").octets());
    arrives(tunnelled(careOf(5), AGENT, Datagram.udp(home(5), PEER, "gone").octets()));
  }

  @Test
  void anOperatorEndsABindingThatIsAsleep() {
    for (Host host : List.of(waiting, eager)) {
      host.handle(now, new NodeEvent.BindingDismissed(new HomeAddress(home(60))));
    }
    bothDidTheSame();
    awake(0);
    leaves(Datagram.udp(PEER, home(60), "down").octets());
    arrives(tunnelled(careOf(60), AGENT, Datagram.udp(home(60), PEER, "up").octets()));
  }

  @Test
  void anyPacketsAtAllAreTreatedAlike() {
    var random = new Random(5);
    for (int i = 0; i < 2000; i++) {
      Ipv6Address from = any(random);
      Ipv6Address to = any(random);
      byte[] packet =
          switch (random.nextInt(3)) {
            case 0 -> Datagram.udp(from, to, "number " + i).octets();
            case 1 -> Datagram.mobility(from, to, random.nextInt(8)).octets();
            default -> Datagram.icmpv6(from, to, random.nextInt(160)).octets();
          };
      if (random.nextBoolean()) {
        leaves(packet);
      } else if (random.nextBoolean()) {
        arrives(packet);
      } else {
        arrives(tunnelled(any(random), AGENT, packet));
      }
    }
    assertThat(waiting.policies().asleep()).isLessThan(HOMES / 2);
  }

  private static Ipv6Address any(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> AGENT;
      case 1 -> PEER;
      case 2 -> ELSEWHERE;
      case 3, 4 -> careOf(random.nextInt(HOMES));
      default -> home(random.nextInt(HOMES));
    };
  }

  @Test
  void theWholeIsTheSameWhenAllHaveBeenNeeded() {
    assertThat(waiting.policies().inputs().wishes())
        .containsAllEntriesOf(eager.policies().inputs().wishes());
    for (int i = HOMES - 1; i >= 0; i--) {
      waiting.policies().need(home(i));
    }
    assertThat(waiting.policies().asleep()).isZero();
    assertThat(ids(waiting)).isEqualTo(ids(eager));
  }

  /** By precedence in each direction, without what priority that is. */
  private static List<Policy.Id> ids(Host host) {
    return host.policies().policies().stream()
        .map(Policy::id)
        .filter(id -> !id.equals(UNRELATED.id()))
        .toList();
  }
}
