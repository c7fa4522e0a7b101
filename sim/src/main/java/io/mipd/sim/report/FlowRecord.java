package io.mipd.sim.report;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * What became of each datagram of a numbered flow, as its two ends tell it. Times are nanoseconds
 * since the epoch, of one machine's clock. Written by the threads that read the two ends, read by
 * the one that measures.
 */
public final class FlowRecord {
  private static final long NEVER = Long.MIN_VALUE;

  /**
   * What happened to the datagrams that were sent in a window of time.
   *
   * @param sent how many
   * @param lost how many of them never arrived
   * @param longestGapNanos between two arrivals at the receiver, of datagrams sent in the window
   *     and the last one before; empty if none arrived
   * @param duplicated that arrived more than once
   */
  public record Outcome(int sent, int lost, OptionalLong longestGapNanos, int duplicated) {
    /** The same with the gap of a part of the time, in which nothing else kept the machine busy. */
    public Outcome withGapOf(Outcome part) {
      return new Outcome(sent, lost, part.longestGapNanos, duplicated);
    }
  }

  @GuardedBy("this")
  private final List<long[]> sentAndReceived = new ArrayList<>();

  @GuardedBy("this")
  private final List<Integer> copies = new ArrayList<>();

  /** Datagram {@code number} was given to the system, or the system has refused it. */
  public synchronized void sent(int number, long nanos) {
    entry(number)[0] = nanos;
  }

  /** Datagram {@code number} has arrived. */
  public synchronized void received(int number, long nanos) {
    long[] entry = entry(number);
    if (entry[1] == NEVER) {
      entry[1] = nanos;
    }
    copies.set(number, copies.get(number) + 1);
  }

  /** When datagram {@code number} was, of those that were. */
  public synchronized long sentAt(int number) {
    return entry(number)[0];
  }

  @GuardedBy("this")
  private long[] entry(int number) {
    checkArgument(number >= 0 && number < 100_000_000, "no number of a datagram: %s", number);
    while (sentAndReceived.size() <= number) {
      sentAndReceived.add(new long[] {NEVER, NEVER});
      copies.add(0);
    }
    return sentAndReceived.get(number);
  }

  /** When the first datagram that was sent at this time or later has arrived. */
  public synchronized OptionalLong firstArrivalOfThoseSentFrom(long nanos) {
    return sentAndReceived.stream()
        .filter(entry -> entry[0] != NEVER && entry[0] >= nanos && entry[1] != NEVER)
        .mapToLong(entry -> entry[1])
        .min();
  }

  /** How many that were sent in {@code [from, until)} have arrived. */
  public synchronized int arrivedOfThoseSent(long from, long until) {
    return (int)
        sentAndReceived.stream()
            .filter(entry -> entry[0] >= from && entry[0] < until && entry[1] != NEVER)
            .count();
  }

  /** The fate of what was sent in {@code [from, until)}. */
  public synchronized Outcome outcome(long from, long until) {
    int sent = 0;
    int lost = 0;
    int duplicated = 0;
    var arrivals = ImmutableList.<Long>builder();
    long lastBefore = NEVER;
    boolean any = false;
    for (int number = 0; number < sentAndReceived.size(); number++) {
      long[] entry = sentAndReceived.get(number);
      if (entry[0] == NEVER) {
        continue;
      }
      if (entry[0] < from) {
        lastBefore = Math.max(lastBefore, entry[1]);
      } else if (entry[0] < until) {
        sent++;
        if (entry[1] == NEVER) {
          lost++;
        } else {
          arrivals.add(entry[1]);
          any = true;
        }
        if (copies.get(number) > 1) {
          duplicated++;
        }
      }
    }
    if (!any) {
      return new Outcome(sent, lost, OptionalLong.empty(), duplicated);
    }
    long gap = 0;
    long last = lastBefore;
    for (long arrival : arrivals.build().stream().sorted().toList()) {
      if (last != NEVER) {
        gap = Math.max(gap, arrival - last);
      }
      last = Math.max(last, arrival);
    }
    return new Outcome(sent, lost, OptionalLong.of(gap), duplicated);
  }

  /** How long those took that were sent in {@code [from, until)} and arrived, in nanoseconds. */
  public synchronized long[] delays(long from, long until) {
    return sentAndReceived.stream()
        .filter(entry -> entry[0] >= from && entry[0] < until && entry[1] != NEVER)
        .mapToLong(entry -> entry[1] - entry[0])
        .toArray();
  }

  /** A table of all datagrams: number, sent, received, copies; times in nanoseconds. */
  public synchronized void write(Path file) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("number,sent_ns,received_ns,copies\n");
      for (int number = 0; number < sentAndReceived.size(); number++) {
        long[] entry = sentAndReceived.get(number);
        out.write(
            number + "," + time(entry[0]) + "," + time(entry[1]) + "," + copies.get(number) + "\n");
      }
    }
  }

  private static String time(long nanos) {
    return nanos == NEVER ? "" : Long.toString(nanos);
  }
}
