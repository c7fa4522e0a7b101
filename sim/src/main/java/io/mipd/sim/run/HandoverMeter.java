package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.node.Watcher;
import io.mipd.sim.report.CapturedFrame;
import io.mipd.sim.report.Endpoints;
import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.Handover;
import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Movement;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Measures each movement of one mobile node: by the frames that pass its interface and the numbered
 * datagrams of its flows, never by what its core says.
 */
final class HandoverMeter implements Watcher {
  /** What was lost this long before a movement begins is counted with it: it was on its way. */
  private static final long MARGIN_NANOS = 1_000_000_000L;

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
    handovers.add(
        Handover.of(
            node.name(),
            !hasBeenAway,
            row,
            last.began,
            last.carrier,
            node.device().address().toString(),
            ends,
            last.frames));
    hasBeenAway = true;
  }
}
