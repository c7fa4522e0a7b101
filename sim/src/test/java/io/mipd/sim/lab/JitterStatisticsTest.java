package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JitterStatisticsTest {
  @Test
  void tellsTheShareThatWasNotLater() {
    var jitter = new JitterStatistics();
    for (int i = 1; i <= 100; i++) {
      jitter.add(i * 1000L);
    }
    jitter.add(80_000_000);
    assertThat(jitter.count()).isEqualTo(101);
    assertThat(jitter.quantileMicros(0.5)).isEqualTo(51);
    assertThat(jitter.quantileMicros(0.99)).isEqualTo(100);
    assertThat(jitter.toString())
        .isEqualTo("later than asked by 0.05 ms (median), 0.10 ms (99 %), 80.00 ms (at most)");
  }

  @Test
  void isZeroWithoutAny() {
    assertThat(new JitterStatistics().quantileMicros(0.99)).isZero();
  }
}
