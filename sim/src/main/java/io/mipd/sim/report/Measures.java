package io.mipd.sim.report;

import com.google.common.collect.ImmutableSortedMap;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** The figures of one run, by name. */
public final class Measures {
  private final Map<String, Double> all = new TreeMap<>();

  public void put(String name, double value) {
    all.put(name, value);
  }

  /** What all movements but first ones come to: the means of parts, outages and losses. */
  public void handovers(List<Handover> handovers) {
    List<Handover> counted = handovers.stream().filter(it -> !it.first()).toList();
    put("handovers", counted.size());
    Handover.parts().forEach((name, part) -> mean("handover." + name, counted.stream().map(part)));
    mean("handover.outage_out_ms", counted.stream().map(it -> it.row().out().longestGapNanos()));
    mean("handover.outage_in_ms", counted.stream().map(it -> it.row().in().longestGapNanos()));
    if (!counted.isEmpty()) {
      put(
          "handover.lost_out",
          counted.stream().mapToInt(it -> it.row().out().lost()).average().orElse(0));
      put(
          "handover.lost_in",
          counted.stream().mapToInt(it -> it.row().in().lost()).average().orElse(0));
    }
  }

  /**
   * What became of a flow.
   *
   * @param name such as {@code cbr mn>cn}
   */
  public void flow(String name, FlowRecord flow) {
    FlowRecord.Outcome all = flow.outcome(0, Long.MAX_VALUE);
    put(name + ".sent", all.sent());
    put(name + ".lost", all.lost());
    delays(name, flow.delays(0, Long.MAX_VALUE));
  }

  /**
   * Octets of data each second that arrived, in bit/s.
   *
   * @param passed since it began
   * @param planned that it was to last
   */
  public void throughput(String name, long octets, Duration passed, Duration planned) {
    Duration time = passed.compareTo(planned) < 0 ? passed : planned;
    if (!time.isZero() && !time.isNegative()) {
      put(name + ".throughput_bps", octets * 8 / (time.toNanos() / 1e9));
    }
  }

  /** The mean of what happened; nothing if nothing did. */
  private void mean(String name, Stream<OptionalLong> nanos) {
    long[] values =
        nanos
            .flatMapToLong(
                it -> it.isPresent() ? LongStream.of(it.getAsLong()) : LongStream.empty())
            .toArray();
    if (values.length > 0) {
      all.put(name, 1e-6 * Arrays.stream(values).average().orElse(0));
    }
  }

  /** Mean and largest of delays, in milliseconds. */
  private void delays(String name, long[] nanos) {
    if (nanos.length == 0) {
      return;
    }
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    all.put(name + ".mean_ms", Arrays.stream(sorted).average().orElse(0) / 1e6);
    all.put(name + ".median_ms", sorted[(sorted.length - 1) / 2] / 1e6);
    all.put(name + ".p95_ms", sorted[(int) Math.ceil(sorted.length * 0.95) - 1] / 1e6);
    all.put(name + ".max_ms", sorted[sorted.length - 1] / 1e6);
  }

  public ImmutableSortedMap<String, Double> all() {
    return ImmutableSortedMap.copyOf(all);
  }
}
