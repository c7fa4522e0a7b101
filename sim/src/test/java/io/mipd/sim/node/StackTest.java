package io.mipd.sim.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.sim.event.EventLog;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.sim.link.Frame;
import io.mipd.sim.link.Interface;
import io.mipd.sim.link.Line;
import io.mipd.sim.link.Segment;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Packet;
import io.mipd.xfrm.packet.Ipv6PacketCodec;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A host, a router and another host, each exchange with its times. */
class StackTest {
  private static final Ipv6Prefix NEAR = Ipv6Prefix.parse("2001:db8:a::/64");
  private static final Ipv6Prefix FAR = Ipv6Prefix.parse("2001:db8:c::/64");
  private static final Ipv6Address HOST = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address ROUTER = Ipv6Address.parse("2001:db8:a::1");
  private static final Ipv6Address ROUTER_FAR = Ipv6Address.parse("2001:db8:c::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::2");
  private static final Duration DELAY = Duration.ofMillis(5);

  private final EventQueue events = new EventQueue();
  private final Randomness randomness = new Randomness(11);
  private final List<String> wire = new ArrayList<>();
  private final Segment near = new Segment("near", events, randomness, Line.IDEAL.withDelay(DELAY));
  private final Segment far = new Segment("far", events, randomness, Line.IDEAL.withDelay(DELAY));
  private final Stack host = stack("host", false);
  private final Stack router = stack("router", true);
  private final Stack peer = stack("peer", false);
  private final Interface hostDevice = device(host, 1, 1);
  private final Interface routerNear = device(router, 2, 1);
  private final Interface routerFar = device(router, 3, 2);
  private final Interface peerDevice = device(peer, 4, 1);

  private Stack stack(String name, boolean forwards) {
    return new Stack(name, forwards, 1, events, randomness, EventLog.NONE);
  }

  private Interface device(Stack of, int number, int index) {
    var made =
        new Interface(
            of.name(),
            "eth" + index,
            index,
            new LinkLayerAddress(Octets.parse("02000000000" + number)),
            events);
    of.add(made);
    return made;
  }

  private static RouterAdvertiser.Settings every(long leastMillis, long mostMillis) {
    return new RouterAdvertiser.Settings(
        Duration.ofMillis(leastMillis),
        Duration.ofMillis(mostMillis),
        Duration.ofSeconds(3),
        Duration.ofMillis(500),
        false,
        Duration.ofSeconds(1800),
        true,
        ImmutableList.of(
            new NdOption.PrefixInformation(64, NEAR.address(), true, true, false, 7200, 3600)));
  }

  /** All addresses by hand; the host learns of its router by an advertisement. */
  private void comeUp() {
    router.addAddress(1, ROUTER, NEAR);
    router.addAddress(2, ROUTER_FAR, FAR);
    router.advertise(1, every(200_000, 600_000));
    host.addAddress(1, HOST, NEAR);
    peer.addAddress(1, PEER, FAR);
    peer.addRoute(new Route(Ipv6Prefix.ANY, 1, Optional.of(ROUTER_FAR)));
    for (Interface one : List.of(hostDevice, routerNear)) {
      one.attach(near, Duration.ZERO);
    }
    for (Interface one : List.of(routerFar, peerDevice)) {
      one.attach(far, Duration.ZERO);
    }
    run(Duration.ofSeconds(5));
  }

  private void run(Duration time) {
    events.runUntil(events.now().plus(time));
  }

  private void listen(Interface at) {
    var start = events.now();
    at.tap(
        frame -> {
          double millis = Duration.between(start, events.now()).toNanos() / 1e6;
          String way = frame.source().equals(at.address()) ? "> " : "< ";
          wire.add(millis + " " + way + words(frame));
        });
  }

  private static String words(Frame frame) {
    try {
      Ipv6Packet packet = Ipv6PacketCodec.decode(frame.packet());
      if (packet.protocol() != IpProtocol.ICMPV6) {
        return "protocol " + packet.protocol();
      }
      ByteBuf octets = Unpooled.wrappedBuffer(packet.payload().toArray());
      Icmpv6Message message = Icmpv6Codec.decode(octets, packet.source(), packet.destination());
      if (message instanceof Icmpv6Message.NeighborSolicitation it) {
        return "NS " + it.target() + " from " + packet.source();
      }
      if (message instanceof Icmpv6Message.NeighborAdvertisement it) {
        return "NA " + it.target() + (it.solicited() ? " S" : "") + (it.override() ? "O" : "");
      }
      if (message instanceof Icmpv6Message.ErrorMessage it) {
        return "error " + it.type() + "/" + it.code() + " " + it.value();
      }
      return message.getClass().getSimpleName();
    } catch (MalformedPacketException e) {
      throw new AssertionError(e);
    }
  }

  private static Icmpv6Message echo() {
    return new Icmpv6Message.EchoRequest(1, 2, Octets.of((byte) 3));
  }

  @Test
  void anEchoIsPrecededByAddressResolutionOnEachLink() {
    comeUp();
    listen(hostDevice);

    host.send(HOST, PEER, echo());
    run(Duration.ofSeconds(1));

    // The router's address has come with its advertisement; nobody knows the peer's and the host's.
    assertThat(wire)
        .containsExactly(
            "0.0 > EchoRequest",
            // 5 ms to the router, 10 ms for its question about the peer, 5 ms to it; the peer asks
            // about its router, 10 ms, 5 ms to it; which asks about the host
            "40.0 < NS 2001:db8:a::10 from fe80::ff:fe00:2",
            "40.0 > NA 2001:db8:a::10 SO",
            "50.0 < EchoReply");
  }

  @Test
  void theSecondEchoTakesTheTimeOfTheLinksOnly() {
    comeUp();
    host.send(HOST, PEER, echo());
    run(Duration.ofSeconds(1));
    listen(hostDevice);

    host.send(HOST, PEER, echo());
    run(Duration.ofSeconds(1));

    assertThat(wire).containsExactly("0.0 > EchoRequest", "20.0 < EchoReply");
  }

  @Test
  void whoDoesNotAnswerIsAskedThreeTimesAndThenUnreachable() {
    comeUp();
    listen(routerFar);
    List<String> told = new ArrayList<>();
    host.watch(
        new Watcher() {
          @Override
          public void icmpv6(
              int index, Ipv6Address source, Ipv6Address to, int hops, Icmpv6Message message) {
            if (message instanceof Icmpv6Message.ErrorMessage it) {
              told.add(source + " " + it.type() + "/" + it.code());
            }
          }
        });

    host.send(HOST, Ipv6Address.parse("2001:db8:c::99"), echo());
    run(Duration.ofSeconds(10));

    assertThat(wire)
        .containsExactly(
            "5.0 > NS 2001:db8:c::99 from " + routerFarLinkLocal(),
            "1005.0 > NS 2001:db8:c::99 from " + routerFarLinkLocal(),
            "2005.0 > NS 2001:db8:c::99 from " + routerFarLinkLocal());
    assertThat(told).containsExactly("2001:db8:a::1 1/3");
  }

  private static String routerFarLinkLocal() {
    return "fe80::ff:fe00:3";
  }

  @Test
  void anAddressThatSomebodyHasIsNotUsed() {
    comeUp();
    var states = new ArrayList<AddressState>();
    var late = stack("late", false);
    Interface device = device(late, 5, 1);
    late.watch(
        new Watcher() {
          @Override
          public void addressChanged(
              int index, Ipv6Address address, int length, AddressState state) {
            if (address.equals(HOST)) {
              states.add(state);
            }
          }
        });
    late.addAddress(1, HOST, NEAR);
    device.attach(near, Duration.ZERO);
    run(Duration.ofSeconds(5));

    assertThat(states).containsExactly(AddressState.TENTATIVE, AddressState.DUPLICATE);
  }

  @Test
  void aPacketThatGoesTooFarOrIsTooBigIsAnsweredByAnError() {
    comeUp();
    listen(hostDevice);
    ByteBuf packet = host.packet(HOST, PEER, 1, echo());

    host.send(packet);
    run(Duration.ofSeconds(1));
    host.send(host.packet(HOST, Ipv6Address.parse("2001:db8:dead::1"), 64, echo()));
    run(Duration.ofSeconds(1));

    assertThat(wire)
        .contains("0.0 > EchoRequest", "20.0 < error 3/0 0", "1000.0 > EchoRequest")
        .contains("1010.0 < error 1/0 0");
  }

  @Test
  void aHostTakesNothingThatIsForAnother() {
    comeUp();
    ByteBuf stray = router.packet(PEER, Ipv6Address.parse("2001:db8:a::77"), 64, echo());
    routerNear.send(Frame.of(routerNear.address(), hostDevice.address(), stray));
    run(Duration.ofSeconds(1));

    assertThat(host.counters().notForUs()).isEqualTo(1);
  }

  @Test
  void aSourceOfAnotherLinkIsDroppedWhereThatIsAsked() {
    comeUp();
    router.filterSources(1, NEAR);

    host.setAddress(1, Ipv6Address.parse("2001:db8:1::10"), 128, AddressState.USABLE);
    host.send(Ipv6Address.parse("2001:db8:1::10"), PEER, echo());
    run(Duration.ofSeconds(1));

    assertThat(router.counters().sourceFiltered()).isEqualTo(1);
    assertThat(router.counters().forwarded()).isZero();
  }

  @Test
  void aCarrierThatIsLostTakesAllThatWasLearntAlong() {
    comeUp();
    hostDevice.detach();
    hostDevice.attach(near, Duration.ofMillis(1));
    run(Duration.ofMillis(2));

    host.send(HOST, PEER, echo());
    assertThat(host.counters().noRoute()).as("the router is to be heard again").isEqualTo(1);

    listen(hostDevice);
    host.solicitRouters(1);
    run(Duration.ofSeconds(4));
    host.send(HOST, PEER, echo());
    run(Duration.ofSeconds(1));
    assertThat(wire).anyMatch(it -> it.endsWith("< EchoReply"));
  }
}
