package io.mipd.sim.run;

import com.google.common.collect.ImmutableSortedMap;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** The figures of one run, by name. */
final class Measures {
  private final Map<String, Double> all = new TreeMap<>();

  void put(String name, double value) {
    all.put(name, value);
  }

  /** The mean of what happened; nothing if nothing did. */
  void mean(String name, Stream<OptionalLong> nanos) {
    long[] values =
        nanos
            .flatMapToLong(
                it -> it.isPresent() ? LongStream.of(it.getAsLong()) : LongStream.empty())
            .toArray();
    if (values.length > 0) {
      all.put(name, Times.millis(1) * Arrays.stream(values).average().orElse(0));
    }
  }

  /** Mean and largest of delays, in milliseconds. */
  void delays(String name, long[] nanos) {
    if (nanos.length == 0) {
      return;
    }
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    all.put(name + ".mean_ms", Arrays.stream(sorted).average().orElse(0) / 1e6);
    all.put(name + ".median_ms", Times.millis(sorted[(sorted.length - 1) / 2]));
    all.put(name + ".p95_ms", Times.millis(sorted[(int) Math.ceil(sorted.length * 0.95) - 1]));
    all.put(name + ".max_ms", Times.millis(sorted[sorted.length - 1]));
  }

  ImmutableSortedMap<String, Double> all() {
    return ImmutableSortedMap.copyOf(all);
  }
}
