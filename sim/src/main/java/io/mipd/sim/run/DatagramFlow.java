package io.mipd.sim.run;

import io.mipd.sim.event.EventQueue;
import io.mipd.sim.link.Segment;
import io.mipd.sim.node.Stack;
import io.mipd.sim.node.Watcher;
import io.mipd.sim.report.Measures;
import io.mipd.sim.scenario.Scenario.FlowKind;
import io.mipd.sim.scenario.Scenario.FlowPlan;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

//  +----------------+----------------+
//  |  flow, 32 bits | number, 32 bits|  zeros
//  +----------------+----------------+
/**
 * Traffic from one node to another, numbered. Of datagrams one way the record has when they
 * arrived; of questions, when the answer did.
 */
final class DatagramFlow extends Flow {
  private static final int HEADER = 8;

  private final EventQueue events;
  private final Network network;
  private final FlowPorts ports;
  private int sent;

  /**
   * How long each of CBR that was sent would take without detours, in nanoseconds; 0 where nobody
   * can say, and when it has arrived.
   */
  private final List<Long> direct = new ArrayList<>();

  private double stretches;
  private long stretched;

  DatagramFlow(
      int number,
      FlowPlan plan,
      SimNode from,
      SimNode to,
      Network network,
      FlowPorts ports,
      EventQueue events) {
    super(number, plan, from, to);
    this.network = network;
    this.ports = ports;
    this.events = events;
  }

  @Override
  void measure(Measures into) {
    into.flow(name(), record);
    if (plan.kind() == FlowKind.CBR) {
      into.throughput(
          name(),
          (long) record.arrivedOfThoseSent(0, Long.MAX_VALUE) * plan.size(),
          Duration.between(EventQueue.BEGINNING.plus(plan.start()), events.now()),
          plan.stop().minus(plan.start()));
    }
    if (stretched > 0) {
      into.put(name() + ".stretch", stretches / stretched);
    }
  }

  @Override
  void begin() {
    switch (plan.kind()) {
      case CBR -> bind(to, (source, port, destination, data) -> arrived(source, data));
      case REQUEST -> {
        bind(to, (source, port, destination, data) -> answer(source, port, data));
        bind(from, (source, port, destination, data) -> arrived(source, data));
      }
      case ECHO -> from.stack().watch(new Replies());
      case TCP -> throw new IllegalStateException("no datagrams");
    }
    events.at(EventQueue.BEGINNING.plus(plan.start()), this::send);
  }

  private void bind(SimNode node, Stack.UdpHandler handler) {
    ports.bind(node.stack(), port(), number, handler);
  }

  private void send() {
    Instant now = events.now();
    if (!now.isBefore(EventQueue.BEGINNING.plus(plan.stop()))) {
      return;
    }
    int next = sent++;
    record.sent(next, Times.nanos(now));
    if (plan.kind() == FlowKind.CBR) {
      direct.add(directNanos());
    }
    events.after(plan.interval(), this::send);
    if (plan.kind() == FlowKind.ECHO) {
      from.stack()
          .send(
              from.address(),
              to.address(),
              new Icmpv6Message.EchoRequest(
                  number & 0xffff, next & 0xffff, data(next, plan.size())));
    } else {
      from.stack().sendUdp(from.address(), port(), to.address(), port(), data(next, plan.size()));
    }
  }

  private long directNanos() {
    Optional<String> here = from.device().segment().map(Segment::name);
    Optional<String> there = to.device().segment().map(Segment::name);
    return here.isPresent() && there.isPresent()
        ? network.delay(here.get(), there.get()).toNanos()
        : 0;
  }

  private Octets data(int next, int size) {
    ByteBuf out = Unpooled.buffer(size);
    out.writeInt(number).writeInt(next).writeZero(size - HEADER);
    return Octets.read(out, size);
  }

  private void answer(Ipv6Address asker, int askersPort, Octets data) {
    if (isOurs(asker, from, data)) {
      to.stack()
          .sendUdp(
              /* source= */ to.address(),
              /* sourcePort= */ port(),
              /* destination= */ asker,
              /* port= */ askersPort,
              data(numberOf(data), plan.answer()));
    }
  }

  private void arrived(Ipv6Address source, Octets data) {
    if (isOurs(source, plan.kind() == FlowKind.CBR ? from : to, data)) {
      int one = numberOf(data);
      long now = Times.nanos(events.now());
      record.received(one, now);
      if (plan.kind() == FlowKind.CBR) {
        stretch(one, now);
      }
    }
  }

  /** Of the first that arrives of a datagram and its copies. */
  private void stretch(int one, long now) {
    long shortest = direct.set(one, 0L);
    if (shortest > 0) {
      stretches += (double) (now - record.sentAt(one)) / shortest;
      stretched++;
    }
  }

  /** Applications see home addresses, wherever the nodes are. */
  private boolean isOurs(Ipv6Address source, SimNode sender, Octets data) {
    ByteBuf in = Unpooled.wrappedBuffer(data.toArray());
    if (in.readableBytes() < HEADER
        || in.readInt() != number
        || in.readInt() >= sent
        || !source.equals(sender.address())) {
      foreign++;
      return false;
    }
    return true;
  }

  private static int numberOf(Octets data) {
    return Unpooled.wrappedBuffer(data.toArray()).getInt(4);
  }

  private final class Replies implements Watcher {
    @Override
    public void icmpv6(
        int interfaceIndex,
        Ipv6Address source,
        Ipv6Address destination,
        int hopLimit,
        Icmpv6Message message) {
      if (message instanceof Icmpv6Message.EchoReply reply
          && reply.identifier() == (number & 0xffff)
          && reply.data().length() >= HEADER
          && isOurs(source, to, reply.data())) {
        record.received(numberOf(reply.data()), Times.nanos(events.now()));
      }
    }
  }
}
