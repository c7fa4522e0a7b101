package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.node.Watcher;
import io.mipd.sim.report.CapturedFrame;
import io.mipd.sim.report.Endpoints;
import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Movement;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Measures each movement of one mobile node: by the frames that pass its interface and the numbered
 * datagrams of its flows, never by what its core says.
 */
final class HandoverMeter implements Watcher {
  /** What was lost this long before a movement begins is counted with it: it was on its way. */
  private static final long MARGIN_NANOS = 1_000_000_000L;

  /**
   * A movement and its parts, in nanoseconds; empty if they did not happen.
   *
   * @param first whether it is the first time away from home
   * @param layer2 from the old carrier to the new one
   * @param router from there to the first router advertisement
   * @param address from there until an address may be used
   * @param update from there until the Binding Update to the home agent left
   * @param acknowledgement from there until its acknowledgement came
   * @param careOfTest from the Care-of Test Init to the Care-of Test
   * @param correspondentUpdate from there until the Binding Update to the correspondent left
   * @param direct from there until the first datagram left the direct way
   */
  record Handover(
      String node,
      boolean first,
      HandoverRow row,
      OptionalLong layer2,
      OptionalLong router,
      OptionalLong address,
      OptionalLong update,
      OptionalLong acknowledgement,
      OptionalLong careOfTest,
      OptionalLong correspondentUpdate,
      OptionalLong direct) {}

  /** A movement under way. */
  private static final class Open {
    private final int number;
    private final String from;
    private final String to;
    private final Ipv6Prefix link;
    private final long began;
    private final long window;
    private OptionalLong carrier = OptionalLong.empty();
    private OptionalLong usable = OptionalLong.empty();
    private final List<CapturedFrame> frames = new ArrayList<>();

    Open(int number, String from, String to, Ipv6Prefix link, long began, long window) {
      this.number = number;
      this.from = from;
      this.to = to;
      this.link = link;
      this.began = began;
      this.window = window;
    }
  }

  private final SimNode node;
  private final Endpoints ends;
  private final EventQueue events;
  private final FlowRecord out;
  private final FlowRecord in;
  private final List<Handover> handovers = new ArrayList<>();
  private boolean hasBeenAway;
  private int next;
  private @Nullable Open open;

  /**
   * @param away whether it begins away from home
   * @param out what it sends, numbered
   * @param in what is sent to it, numbered
   */
  HandoverMeter(
      SimNode node,
      Endpoints ends,
      EventQueue events,
      boolean away,
      FlowRecord out,
      FlowRecord in) {
    this.node = node;
    this.ends = ends;
    this.events = events;
    this.out = out;
    this.in = in;
    hasBeenAway = away;
    next = away ? 1 : 0;
  }

  ImmutableList<Handover> handovers() {
    return ImmutableList.copyOf(handovers);
  }

  /** Whether anybody wants to know of frames. */
  boolean isMeasuring() {
    return open != null;
  }

  void frame(CapturedFrame frame) {
    if (open != null) {
      open.frames.add(frame);
    }
  }

  /** It is pulled out of one link, to be plugged into another. */
  void moves(String from, String to, Ipv6Prefix link) {
    long now = Times.nanos(events.now());
    long window = now - margin(now);
    close(window);
    open = new Open(next++, from, to, link, now, window);
  }

  private long margin(long now) {
    return open == null ? MARGIN_NANOS : Math.min(MARGIN_NANOS, (now - open.began) / 2);
  }

  @Override
  public void carrierChanged(int interfaceIndex, boolean carrier) {
    if (carrier && open != null && open.carrier.isEmpty()) {
      open.carrier = OptionalLong.of(Times.nanos(events.now()));
    }
  }

  @Override
  public void addressChanged(
      int interfaceIndex, Ipv6Address address, int prefixLength, AddressState state) {
    boolean usable = state == AddressState.OPTIMISTIC || state == AddressState.USABLE;
    if (open != null
        && open.carrier.isPresent()
        && open.usable.isEmpty()
        && usable
        && open.link.contains(address)) {
      open.usable = OptionalLong.of(Times.nanos(events.now()));
    }
  }

  /**
   * The last movement is over.
   *
   * @param until when datagrams were sent that count for it
   */
  void close(long until) {
    Open last = open;
    open = null;
    if (last == null) {
      return;
    }
    long start = last.carrier.orElse(until);
    Movement movement =
        Movement.of(
            start, node.device().address().toString(), last.link, last.usable, ends, last.frames);
    var row =
        new HandoverRow(
            last.number,
            last.from,
            last.to,
            movement,
            out.outcome(last.window, until).withGapOf(out.outcome(last.began, until)),
            in.outcome(last.window, until).withGapOf(in.outcome(last.began, until)));
    handovers.add(handover(last, row));
    hasBeenAway = true;
  }

  private Handover handover(Open last, HandoverRow row) {
    Movement movement = row.movement();
    String own = node.device().address().toString();
    Predicate<CapturedFrame> sent = frame -> frame.etherSource().equals(own);
    OptionalLong asked =
        first(last, movement.start(), sent.and(has(MobilityMessage.CARE_OF_TEST_INIT)));
    OptionalLong answered =
        asked.isEmpty()
            ? OptionalLong.empty()
            : first(last, asked.getAsLong(), sent.negate().and(has(MobilityMessage.CARE_OF_TEST)));
    OptionalLong told =
        answered.isEmpty()
            ? OptionalLong.empty()
            : first(
                last,
                answered.getAsLong(),
                sent.and(has(MobilityMessage.BINDING_UPDATE))
                    .and(frame -> !frame.destinations().get(0).equals(ends.homeAgent())));
    OptionalLong start = last.carrier;
    return new Handover(
        node.name(),
        !hasBeenAway,
        row,
        between(OptionalLong.of(last.began), start),
        between(start, movement.router()),
        between(movement.router(), movement.address()),
        between(movement.address(), movement.update()),
        between(movement.update(), movement.acknowledgement()),
        between(asked, answered),
        between(answered, told),
        between(told, movement.directOut()));
  }

  private static Predicate<CapturedFrame> has(int type) {
    return frame -> frame.mobilityTypes().contains(type);
  }

  private static OptionalLong first(Open last, long from, Predicate<CapturedFrame> wanted) {
    return last.frames.stream()
        .filter(frame -> frame.nanos() >= from)
        .filter(wanted)
        .mapToLong(CapturedFrame::nanos)
        .min();
  }

  private static OptionalLong between(OptionalLong from, OptionalLong to) {
    return from.isEmpty() || to.isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(to.getAsLong() - from.getAsLong());
  }
}
