package io.mipd.sim.lab;

import io.mipd.xfrm.linux.FrameBuffer;
import io.mipd.xfrm.linux.FrameSocket;
import io.mipd.xfrm.linux.NetworkInterfaces;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The long line between the core and the home agent: joins two interfaces, delays each frame and
 * loses some by seed. Runs in the namespace of the two until its standard input ends, and says what
 * it did then and whenever a line comes in.
 *
 * <p>One thread takes frames and notes the time, one sends them when they are due: so that waiting
 * for one frame does not make the next look younger than it is.
 */
final class Forwarder {
  /** Frames inside at once, each direction: 100 Mbit/s of full frames for 400 ms. */
  private static final int CAPACITY = 4096;

  private static final long LONGEST_SLEEP_NANOS = 100_000_000;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Direction[] directions;
  private final JitterStatistics jitter = new JitterStatistics();
  private boolean stopping;

  /** One way through the line. */
  private static final class Direction {
    final FrameSocket from;
    final FrameSocket to;
    final DelayLine line;

    Direction(FrameSocket from, FrameSocket to, DelayLine line) {
      this.from = from;
      this.to = to;
      this.line = line;
    }
  }

  private Forwarder(Direction... directions) {
    this.directions = directions.clone();
  }

  /** Arguments: the two interfaces, the delay in milliseconds, the loss in percent, the seed. */
  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length != 5) {
      System.err.println("usage: Forwarder LEFT RIGHT DELAY-MS LOSS-PERCENT SEED");
      System.exit(2);
    }
    long delayNanos = Long.parseLong(args[2]) * 1_000_000;
    double lossPercent = Double.parseDouble(args[3]);
    long seed = Long.parseLong(args[4]);
    try (FrameSocket left = FrameSocket.open(index(args[0]));
        FrameSocket right = FrameSocket.open(index(args[1]));
        Poller poller = Poller.open()) {
      var forwarder =
          new Forwarder(
              new Direction(left, right, new DelayLine(delayNanos, lossPercent, CAPACITY, seed)),
              new Direction(right, left, new DelayLine(delayNanos, lossPercent, CAPACITY, ~seed)));
      forwarder.run(poller);
    }
  }

  private static int index(String name) {
    return NetworkInterfaces.indexOf(name)
        .orElseThrow(() -> new IllegalArgumentException("no interface " + name));
  }

  private void run(Poller poller) throws IOException, InterruptedException {
    FrameBuffer[] batch = new FrameBuffer[FrameSocket.BATCH];
    Arrays.setAll(batch, i -> new FrameBuffer());
    for (Direction direction : directions) {
      poller.add(direction.from.fd(), () -> receive(direction, batch));
    }
    var sender = new Thread(this::sendWhatIsDue, "sender");
    sender.setDaemon(true);
    sender.start();
    var input = new Thread(() -> obey(poller), "input");
    input.setDaemon(true);
    input.start();
    System.out.println("ready");
    while (!isStopping()) {
      poller.poll(-1);
    }
    sender.join();
    System.out.println(report());
  }

  private boolean isStopping() {
    lock.lock();
    try {
      return stopping;
    } finally {
      lock.unlock();
    }
  }

  /** A line of input asks for a report of the time since the last one; the end of it ends us. */
  private void obey(Poller poller) {
    try {
      for (int octet = System.in.read(); octet >= 0; octet = System.in.read()) {
        if (octet == '\n') {
          System.out.println(report());
        }
      }
    } catch (IOException e) {
      System.err.println("standard input: " + e);
    }
    lock.lock();
    try {
      stopping = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    poller.wakeUp();
  }

  private void receive(Direction direction, FrameBuffer[] batch) {
    try {
      int count = direction.from.receive(batch);
      long now = System.nanoTime();
      lock.lock();
      try {
        for (int i = 0; i < count; i++) {
          FrameBuffer frame = batch[i];
          direction.line.offer(
              now,
              new DelayLine.Frame(
                  Arrays.copyOf(frame.array(), FrameBuffer.HEADER + frame.length())));
        }
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    } catch (SystemCallException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void sendWhatIsDue() {
    FrameBuffer buffer = new FrameBuffer();
    try {
      while (true) {
        boolean sent = false;
        for (Direction direction : directions) {
          Optional<DelayLine.Departure> departure = take(direction);
          if (departure.isPresent()) {
            sent = true;
            send(direction, departure.get(), buffer);
          }
        }
        if (!sent) {
          lock.lock();
          try {
            if (stopping) {
              return;
            }
            sleep();
          } finally {
            lock.unlock();
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (SystemCallException e) {
      System.err.println("cannot send: " + e.getMessage());
      System.exit(1);
    }
  }

  private Optional<DelayLine.Departure> take(Direction direction) {
    lock.lock();
    try {
      return stopping ? Optional.empty() : direction.line.take(System.nanoTime());
    } finally {
      lock.unlock();
    }
  }

  private void send(Direction direction, DelayLine.Departure departure, FrameBuffer buffer)
      throws SystemCallException {
    departure.frame().copyTo(buffer.array());
    buffer.setLength(departure.frame().length() - FrameBuffer.HEADER);
    long late = System.nanoTime() - departure.dueNanos();
    direction.to.send(buffer);
    lock.lock();
    try {
      jitter.add(late);
    } finally {
      lock.unlock();
    }
  }

  /** The caller looks again whatever the reason for waking up. */
  @SuppressWarnings({"WaitNotInLoop", "UnusedVariable"})
  private void sleep() throws InterruptedException {
    long until = System.nanoTime() + LONGEST_SLEEP_NANOS;
    for (Direction direction : directions) {
      Optional<DelayLine.Departure> next = direction.line.next();
      if (next.isPresent() && next.get().dueNanos() - until < 0) {
        until = next.get().dueNanos();
      }
    }
    long wait = until - System.nanoTime();
    if (wait > 0) {
      long ignored = changed.awaitNanos(wait);
    }
  }

  private String report() {
    lock.lock();
    try {
      String text = counts();
      jitter.clear();
      return text;
    } finally {
      lock.unlock();
    }
  }

  private String counts() {
    long lost = 0;
    long overflowed = 0;
    long refused = 0;
    long dropped = 0;
    for (Direction direction : directions) {
      lost += direction.line.lost();
      overflowed += direction.line.overflowed();
      refused += direction.to.refused();
      dropped += direction.from.dropped();
    }
    return "carried "
        + jitter.count()
        + " frames, "
        + jitter
        + "; lost by seed "
        + lost
        + ", not meant: "
        + overflowed
        + " line full, "
        + refused
        + " refused, "
        + dropped
        + " missed";
  }
}
