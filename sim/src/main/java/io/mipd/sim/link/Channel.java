package io.mipd.sim.link;

import io.mipd.sim.event.EventQueue;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.random.RandomGenerator;

/**
 * The way of one sender's frames through a {@link Line}: they wait, are sent, lost or delivered.
 */
final class Channel {
  /** Who takes what comes out. */
  interface Exit {
    void arrived(Frame frame);
  }

  private final EventQueue events;
  private final Line line;
  private final LossModel.LossProcess loss;
  private final RandomGenerator reordering;
  private final Exit exit;
  private final LinkCounters counters;

  /** When each frame that has not been sent yet will have been; the last is the line's next gap. */
  private final ArrayDeque<Instant> sendingEnds = new ArrayDeque<>();

  Channel(
      EventQueue events,
      Line line,
      RandomGenerator lossRandom,
      RandomGenerator reordering,
      LinkCounters counters,
      Exit exit) {
    this.events = events;
    this.line = line;
    this.loss = line.loss().process(lossRandom);
    this.reordering = reordering;
    this.counters = counters;
    this.exit = exit;
  }

  void send(Frame frame) {
    Instant now = events.now();
    while (!sendingEnds.isEmpty() && !sendingEnds.getFirst().isAfter(now)) {
      sendingEnds.removeFirst();
    }
    if (frame.length() - Frame.HEADER > line.mtu()) {
      counters.tooBig++;
      return;
    }
    // One is being sent, the others wait.
    if (sendingEnds.size() > line.queue()) {
      counters.overflowed++;
      return;
    }
    Instant start = sendingEnds.isEmpty() ? now : sendingEnds.getLast();
    Instant sent = start.plus(line.sending(frame.length()));
    if (sent.isAfter(now)) {
      sendingEnds.addLast(sent);
    }
    counters.sent++;
    boolean lost = loss.loses();
    boolean late = reordering.nextDouble() < line.reordering().probability();
    if (lost) {
      counters.lost++;
      return;
    }
    Instant out = sent.plus(line.delay());
    if (late) {
      counters.reordered++;
      out = out.plus(line.reordering().extra());
    }
    events.at(out, () -> exit.arrived(frame));
  }
}
