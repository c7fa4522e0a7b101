package io.mipd.sim.lab;

import java.util.Arrays;
import java.util.Locale;

/** How much later than asked something happened: counts by microsecond, up to a ceiling. */
final class JitterStatistics {
  private static final int CEILING_MICROS = 50_000;

  private final long[] countByMicros = new long[CEILING_MICROS + 1];
  private long count;
  private long maxMicros;

  void add(long nanos) {
    long micros = Math.max(0, nanos / 1000);
    countByMicros[(int) Math.min(micros, CEILING_MICROS)]++;
    count++;
    maxMicros = Math.max(maxMicros, micros);
  }

  long count() {
    return count;
  }

  /**
   * @param share 0 to 1
   * @return the smallest number of microseconds that is not exceeded by this share; 0 without any
   */
  long quantileMicros(double share) {
    long wanted = (long) Math.ceil(share * count);
    long seen = 0;
    for (int micros = 0; micros <= CEILING_MICROS; micros++) {
      seen += countByMicros[micros];
      if (seen >= wanted) {
        return micros;
      }
    }
    return CEILING_MICROS;
  }

  void clear() {
    Arrays.fill(countByMicros, 0);
    count = 0;
    maxMicros = 0;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "later than asked by %.2f ms (median), %.2f ms (99 %%), %.2f ms (at most)",
        quantileMicros(0.5) / 1e3,
        quantileMicros(0.99) / 1e3,
        maxMicros / 1e3);
  }
}
