package io.mipd.sim.lab;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.sim.link.Line;
import io.mipd.sim.link.LossModel;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * One direction of a line: every frame comes out when it has been sent and the delay is over, in
 * order, except those that the seed picks to be lost and those that found no room. Knows no clock:
 * times are nanoseconds of the caller's. Delay, rate, queue and loss are those of the simulator's
 * links; reordering and the MTU are not looked at.
 */
final class DelayLine {
  /** A frame, and when it shall come out. */
  record Departure(long dueNanos, Frame frame) {}

  /** An octet string that nobody changes. */
  static final class Frame {
    private final byte[] octets;

    Frame(byte[] octets) {
      this.octets = octets.clone();
    }

    int length() {
      return octets.length;
    }

    void copyTo(byte[] target) {
      System.arraycopy(octets, 0, target, 0, octets.length);
    }
  }

  private final Line line;
  private final int capacity;
  private final LossModel.LossProcess loss;
  private final ArrayDeque<Departure> inside = new ArrayDeque<>();

  /** When each frame that has not been sent yet will have been. */
  private final ArrayDeque<Long> sendingEnds = new ArrayDeque<>();

  private long lost;
  private long overflowed;

  /**
   * @param capacity frames inside at once; what comes on top is dropped and counted
   */
  DelayLine(Line line, int capacity, long seed) {
    checkArgument(capacity > 0);
    this.line = line;
    this.capacity = capacity;
    this.loss = line.loss().process(new SplittableRandom(seed));
  }

  /** Puts a frame in. */
  void offer(long nowNanos, Frame frame) {
    while (!sendingEnds.isEmpty() && sendingEnds.getFirst() - nowNanos <= 0) {
      sendingEnds.removeFirst();
    }
    // One is being sent, the others wait.
    if (sendingEnds.size() > line.queue() || inside.size() >= capacity) {
      overflowed++;
      return;
    }
    long start = sendingEnds.isEmpty() ? nowNanos : sendingEnds.getLast();
    long sent = start + line.sending(frame.length()).toNanos();
    if (sent != nowNanos) {
      sendingEnds.addLast(sent);
    }
    if (loss.loses()) {
      lost++;
    } else {
      inside.add(new Departure(sent + line.delay().toNanos(), frame));
    }
  }

  /** When the next frame comes out. */
  Optional<Departure> next() {
    return Optional.ofNullable(inside.peek());
  }

  /** Takes the next frame out if it is due. */
  Optional<Departure> take(long nowNanos) {
    Departure first = inside.peek();
    if (first == null || first.dueNanos() - nowNanos > 0) {
      return Optional.empty();
    }
    inside.remove();
    return Optional.of(first);
  }

  /** Frames that the seed has picked. */
  long lost() {
    return lost;
  }

  /** Frames dropped because the line was full. */
  long overflowed() {
    return overflowed;
  }
}
