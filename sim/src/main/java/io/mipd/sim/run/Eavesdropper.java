package io.mipd.sim.run;

import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.link.Frame;
import io.mipd.sim.link.Interface;
import io.mipd.sim.link.Segment;
import io.mipd.sim.report.CapturedFrame;
import io.mipd.sim.run.VisibleHeaders.Layer;
import io.mipd.sim.scenario.Scenario.Fault;
import io.mipd.xfrm.model.IpProtocol;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** Somebody on the links of a node who hears all that it sends, has no key, and sends as well. */
final class Eavesdropper {
  /** The last octet of an IPv6 packet's source, in a frame (RFC 8200 section 3). */
  private static final int END_OF_SOURCE = Frame.HEADER + 8 + 15;

  private static final int FIRST_OF_DISCOVERY = 133;

  private final SimNode node;
  private final EventQueue events;

  Eavesdropper(SimNode node, EventQueue events) {
    this.node = node;
    this.events = events;
  }

  /**
   * Sends the next packets once more.
   *
   * @param dissect who tells what is in a frame, whatever protects it
   */
  void repeat(Fault.Repeat repeat, Function<Frame, CapturedFrame> dissect) {
    Predicate<Frame> wanted =
        repeat.type().isEmpty()
            ? frame -> !isDiscovery(frame)
            : frame -> dissect.apply(frame).mobilityTypes().contains(repeat.type().getAsInt());
    listen(
        repeat.count(),
        wanted,
        (segment, frame) -> events.after(repeat.after(), () -> segment.inject(frame)));
  }

  /** Sends the next Binding Updates to correspondents with another care-of address. */
  void forge(int count) {
    UnaryOperator<Frame> other =
        frame -> {
          byte[] octets = frame.toArray();
          octets[END_OF_SOURCE] ^= 1;
          return Frame.of(
              frame.source(),
              frame.destination(),
              Unpooled.wrappedBuffer(octets, Frame.HEADER, octets.length - Frame.HEADER));
        };
    listen(
        count,
        Eavesdropper::isUpdateInTheClear,
        (segment, frame) -> events.at(events.now(), () -> segment.inject(other.apply(frame))));
  }

  private interface Hearing {
    void of(Segment segment, Frame frame);
  }

  private void listen(int count, Predicate<Frame> wanted, Hearing hearing) {
    int[] left = {count};
    for (Interface one : node.interfaces()) {
      one.tap(
          frame -> {
            if (left[0] > 0
                && frame.source().equals(one.address())
                && !frame.isMulticast()
                && wanted.test(frame)) {
              left[0]--;
              one.segment().ifPresent(segment -> hearing.of(segment, frame));
            }
          });
    }
  }

  private static boolean isDiscovery(Frame frame) {
    List<Layer> layers = VisibleHeaders.of(frame.toArray(), Frame.HEADER);
    return !layers.isEmpty()
        && layers.get(0).flow().protocol() == IpProtocol.ICMPV6
        && layers.get(0).flow().sourcePort() >= FIRST_OF_DISCOVERY;
  }

  private static boolean isUpdateInTheClear(Frame frame) {
    List<Layer> layers = VisibleHeaders.of(frame.toArray(), Frame.HEADER);
    return layers.size() == 1
        && layers.get(0).isMobility()
        && layers.get(0).flow().sourcePort() == MobilityMessage.BINDING_UPDATE
        && !layers.get(0).source().equals(layers.get(0).flow().source());
  }
}
