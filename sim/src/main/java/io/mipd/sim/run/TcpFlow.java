package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import io.mipd.sim.event.Alarm;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.node.TcpSegment;
import io.mipd.sim.report.Measures;
import io.mipd.sim.report.WindowTrace;
import io.mipd.sim.scenario.Scenario.FlowPlan;
import io.mipd.sim.tcp.TcpReceiver;
import io.mipd.sim.tcp.TcpSender;
import io.mipd.sim.tcp.TcpSettings;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A connection from one node to another, over which the one sends as much as it may. Both sides
 * begin with sequence number 0, so that the octets have their numbers plus one on the wire. It is
 * opened, and never closed. The record has when each full segment first left and first arrived.
 */
final class TcpFlow extends Flow {
  private static final long WORD = 0xffff_ffffL;
  private static final int FREE = 0xffff;
  private static final Octets NOTHING = Octets.of(new byte[0]);

  /** Until an unanswered SYN is sent again, twice as long each time (RFC 6298). */
  private static final Duration SYN_TIMEOUT = Duration.ofSeconds(1);

  private final TcpSettings settings;
  private final EventQueue events;
  private final WindowTrace trace = new WindowTrace();
  private final TcpSender sender;
  private final TcpReceiver receiver = new TcpReceiver();
  private final Alarm opening;
  private final Alarm sending;
  private final Alarm receiving;
  private final Octets zeros;
  private Duration synTimeout = SYN_TIMEOUT;
  private Instant lastSyn = EventQueue.BEGINNING;
  private int syns;
  private boolean open;
  private int segments;
  private Optional<Instant> complete = Optional.empty();

  TcpFlow(
      int number,
      FlowPlan plan,
      TcpSettings settings,
      SimNode from,
      SimNode to,
      EventQueue events) {
    super(number, plan, from, to);
    this.settings = settings;
    this.events = events;
    sender = new TcpSender(settings);
    opening = new Alarm(events, this::synchronize);
    sending = new Alarm(events, () -> transmit(sender.onDeadline(events.now())));
    receiving = new Alarm(events, this::acknowledgeInTime);
    zeros = Octets.of(new byte[settings.segment()]);
  }

  /** How its window was. */
  WindowTrace trace() {
    return trace;
  }

  @Override
  void measure(Measures into) {
    into.flow(name(), record);
    Instant beginning = EventQueue.BEGINNING.plus(plan.start());
    into.throughput(
        name(),
        receiver.next(),
        Duration.between(beginning, complete.orElse(events.now())),
        plan.stop().minus(plan.start()));
    into.put(name() + ".retransmissions", (double) sender.retransmissions());
    into.put(name() + ".timeouts", (double) sender.timeouts());
    record
        .outcome(0, Long.MAX_VALUE)
        .longestGapNanos()
        .ifPresent(gap -> into.put(name() + ".longest_gap_ms", gap / 1e6));
    complete.ifPresent(
        at -> into.put(name() + ".complete_ms", Duration.between(beginning, at).toNanos() / 1e6));
  }

  @Override
  void begin() {
    to.stack().bindTcp(port(), this::atReceiver);
    from.stack().bindTcp(port(), this::atSender);
    events.at(EventQueue.BEGINNING.plus(plan.start()), this::synchronize);
    events.at(EventQueue.BEGINNING.plus(plan.stop()), this::end);
  }

  private void end() {
    sender.end();
    opening.set(Optional.empty());
  }

  private void synchronize() {
    lastSyn = events.now();
    syns++;
    opening.set(Optional.of(lastSyn.plus(synTimeout)));
    synTimeout = synTimeout.multipliedBy(2);
    send(from, to, segment(0, 0, /* syn= */ true, /* ack= */ false, NOTHING));
  }

  private TcpSegment segment(
      long sequence, long acknowledgement, boolean syn, boolean ack, Octets data) {
    return new TcpSegment(
        port(),
        port(),
        sequence & WORD,
        acknowledgement & WORD,
        syn,
        ack,
        FREE,
        syn ? settings.segment() : 0,
        data);
  }

  private static void send(SimNode by, SimNode whom, TcpSegment segment) {
    by.stack().sendTcp(/* source= */ by.address(), /* destination= */ whom.address(), segment);
  }

  // At the receiver.

  private void atReceiver(Ipv6Address source, TcpSegment segment) {
    if (!source.equals(from.address())) {
      foreign++;
      return;
    }
    if (segment.syn()) {
      send(to, from, segment(0, 1, /* syn= */ true, /* ack= */ true, NOTHING));
      return;
    }
    int length = segment.data().length();
    if (length == 0) {
      return;
    }
    Instant now = events.now();
    long first = whole(receiver.next(), segment.sequence());
    if (first / settings.segment() >= segments) {
      foreign++;
      return;
    }
    record.received((int) (first / settings.segment()), Times.nanos(now));
    if (receiver.arrived(now, first, length)) {
      acknowledge();
    }
    receiving.set(receiver.nextDeadline());
  }

  private void acknowledgeInTime() {
    if (receiver.onDeadline(events.now())) {
      acknowledge();
    }
    receiving.set(receiver.nextDeadline());
  }

  private void acknowledge() {
    send(to, from, segment(1, receiver.next() + 1, /* syn= */ false, /* ack= */ true, NOTHING));
  }

  /** The number of an octet, near another, of what is on the wire. */
  private static long whole(long near, long onWire) {
    return near + (int) (onWire - 1 - near);
  }

  // At the sender.

  private void atSender(Ipv6Address source, TcpSegment segment) {
    if (!source.equals(to.address()) || !segment.ack()) {
      foreign++;
      return;
    }
    Instant now = events.now();
    if (segment.syn()) {
      if (!open) {
        open = true;
        opening.set(Optional.empty());
        transmit(
            syns > 1
                ? sender.beginAfterLostSyn(now)
                : sender.begin(now, Duration.between(lastSyn, now)));
      }
      return;
    }
    transmit(
        sender.acknowledged(
            now,
            whole(sender.acknowledged(), segment.acknowledgement()),
            (long) segment.window() << TcpSegment.WINDOW_SCALE));
    if (complete.isEmpty()
        && settings.octets().isPresent()
        && sender.acknowledged() == settings.octets().getAsLong()) {
      complete = Optional.of(now);
    }
  }

  private void transmit(ImmutableList<TcpSender.Data> all) {
    long now = Times.nanos(events.now());
    for (TcpSender.Data one : all) {
      int index = (int) (one.first() / settings.segment());
      if (index >= segments) {
        segments = index + 1;
        record.sent(index, now);
      }
      Octets data = one.length() == zeros.length() ? zeros : Octets.of(new byte[one.length()]);
      send(from, to, segment(one.first() + 1, 1, /* syn= */ false, /* ack= */ true, data));
    }
    trace.point(now, sender.window(), sender.threshold(), sender.acknowledged());
    sending.set(sender.nextDeadline());
  }
}
