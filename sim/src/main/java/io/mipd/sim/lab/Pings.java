package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import io.mipd.sim.report.FlowRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What {@code ping -D} has written, also while it still writes. */
final class Pings {
  /** {@code [1700000000.123456] 64 bytes from 2001:db8::1: icmp_seq=1 ttl=62 time=51.2 ms}. */
  private static final Pattern REPLY =
      Pattern.compile("\\[(\\d+\\.\\d+)] \\d+ bytes from .* icmp_seq=(\\d+) .*time=([0-9.]+) ms");

  private final ImmutableList<Reply> replies;

  /**
   * @param number of the request, from 0
   * @param nanos since the epoch, when it came
   * @param millis the round trip
   */
  private record Reply(int number, long nanos, double millis) {}

  private Pings(ImmutableList<Reply> replies) {
    this.replies = replies;
  }

  static Pings read(Path file) throws IOException {
    var replies = ImmutableList.<Reply>builder();
    for (String line : Files.readAllLines(file)) {
      Matcher reply = REPLY.matcher(line);
      if (reply.find()) {
        replies.add(
            new Reply(
                Integer.parseInt(reply.group(2)) - 1,
                (long) (Double.parseDouble(reply.group(1)) * 1e9),
                Double.parseDouble(reply.group(3))));
      }
    }
    return new Pings(replies.build());
  }

  /**
   * As a numbered flow whose answers count.
   *
   * @param start when the first request left, in nanoseconds since the epoch
   * @param interval nanoseconds between requests
   * @param count of requests
   */
  FlowRecord record(long start, long interval, int count) {
    var flow = new FlowRecord();
    for (int i = 0; i < count; i++) {
      flow.sent(i, start + i * interval);
    }
    for (Reply reply : replies) {
      if (reply.number < count) {
        flow.sent(reply.number, reply.nanos - Math.round(reply.millis * 1e6));
        flow.received(reply.number, reply.nanos);
      }
    }
    return flow;
  }

  int count() {
    return replies.size();
  }

  int countSince(long nanos) {
    return (int) replies.stream().filter(reply -> reply.nanos >= nanos).count();
  }

  /** The median round trip, in milliseconds, of the replies that came within a time. */
  OptionalDouble median(long from, long to) {
    double[] sorted =
        replies.stream()
            .filter(reply -> reply.nanos >= from && reply.nanos < to)
            .mapToDouble(Reply::millis)
            .sorted()
            .toArray();
    return sorted.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(sorted[sorted.length / 2]);
  }
}
