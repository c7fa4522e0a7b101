package io.mipd.sim.lab;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.sim.link.Line;
import io.mipd.sim.link.LossModel;
import io.mipd.xfrm.linux.FrameBuffer;
import io.mipd.xfrm.linux.FrameSocket;
import io.mipd.xfrm.linux.NetworkInterfaces;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lines, such as the long one between the core and the home agent: each joins two interfaces,
 * delays each frame and loses some by seed. Runs in their namespace until its standard input ends,
 * and says what it did then and whenever a line of text comes in.
 *
 * <p>One thread takes frames and notes the time, one sends them when they are due: so that waiting
 * for one frame does not make the next look younger than it is.
 */
final class Forwarder {
  /** What of the input has it go on until it is killed, and what it says to that. */
  static final char KEEP = 'k';

  static final String KEPT = "goes on";

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

  /** A line between two interfaces, as {@link #main} takes it. */
  static ImmutableList<String> arguments(String left, String right, Line line, long seed) {
    return ImmutableList.of(left, right, words(line), Long.toString(seed));
  }

  /**
   * Nanoseconds of delay, bits per second (0: no limit), queue, then one loss or four of bursts.
   */
  static String words(Line line) {
    checkArgument(line.reordering().equals(Line.Reordering.NONE), "it keeps the order");
    String loss;
    if (line.loss() instanceof LossModel.Uniform uniform) {
      loss = Double.toString(uniform.probability());
    } else if (line.loss() instanceof LossModel.GilbertElliott bursts) {
      loss =
          bursts.toBad() + "," + bursts.toGood() + "," + bursts.lossGood() + "," + bursts.lossBad();
    } else {
      throw new IllegalArgumentException("unknown: " + line.loss());
    }
    return line.delay().toNanos() + "," + line.rate().orElse(0) + "," + line.queue() + "," + loss;
  }

  static Line line(String words) {
    List<String> all = Splitter.on(',').splitToList(words);
    long rate = Long.parseLong(all.get(1));
    List<Double> loss = all.subList(3, all.size()).stream().map(Double::valueOf).toList();
    return new Line(
        Duration.ofNanos(Long.parseLong(all.get(0))),
        rate == 0 ? OptionalLong.empty() : OptionalLong.of(rate),
        Integer.parseInt(all.get(2)),
        loss.size() == 1
            ? new LossModel.Uniform(loss.get(0))
            : new LossModel.GilbertElliott(loss.get(0), loss.get(1), loss.get(2), loss.get(3)),
        Line.Reordering.NONE,
        Line.IDEAL.mtu());
  }

  /** Arguments: for each line its two interfaces, the line in words, the seed. */
  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length == 0 || args.length % 4 != 0) {
      System.err.println("usage: Forwarder {LEFT RIGHT LINE SEED}...");
      System.exit(2);
    }
    var directions = new ArrayList<Direction>();
    try (Poller poller = Poller.open()) {
      for (int i = 0; i < args.length; i += 4) {
        FrameSocket left = FrameSocket.open(index(args[i]));
        FrameSocket right = FrameSocket.open(index(args[i + 1]));
        Line line = line(args[i + 2]);
        long seed = Long.parseLong(args[i + 3]);
        directions.add(new Direction(left, right, new DelayLine(line, CAPACITY, seed)));
        directions.add(new Direction(right, left, new DelayLine(line, CAPACITY, ~seed)));
      }
      new Forwarder(directions.toArray(new Direction[0])).run(poller);
    } finally {
      for (Direction direction : directions) {
        direction.from.close();
      }
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

  /**
   * A line of input asks for a report of the time since the last one; the end of it ends us, unless
   * {@link #KEEP} was there before.
   */
  private void obey(Poller poller) {
    try {
      for (int octet = System.in.read(); octet >= 0; octet = System.in.read()) {
        if (octet == '\n') {
          System.out.println(report());
        } else if (octet == KEEP) {
          System.out.println(KEPT);
          return;
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
