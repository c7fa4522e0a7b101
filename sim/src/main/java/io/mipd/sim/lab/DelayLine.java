package io.mipd.sim.lab;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.ArrayDeque;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * One direction of a long line: every frame comes out a fixed time after it went in, in order,
 * except those that the seed picks to be lost. Knows no clock: times are nanoseconds of the
 * caller's.
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

  private final long delayNanos;
  private final double lossPercent;
  private final int capacity;
  private final SplittableRandom random;
  private final ArrayDeque<Departure> inside = new ArrayDeque<>();
  private long lost;
  private long overflowed;

  /**
   * @param capacity frames inside at once; what comes on top is dropped and counted
   */
  DelayLine(long delayNanos, double lossPercent, int capacity, long seed) {
    checkArgument(delayNanos >= 0 && capacity > 0);
    this.delayNanos = delayNanos;
    this.lossPercent = lossPercent;
    this.capacity = capacity;
    this.random = new SplittableRandom(seed);
  }

  /** Puts a frame in. */
  void offer(long nowNanos, Frame frame) {
    // A number is drawn for every frame, so that the fate of the n-th depends on n and seed alone.
    boolean loses = random.nextDouble(100) < lossPercent;
    if (loses) {
      lost++;
    } else if (inside.size() >= capacity) {
      overflowed++;
    } else {
      inside.add(new Departure(nowNanos + delayNanos, frame));
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
