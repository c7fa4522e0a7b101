package io.mipd.sim.page;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ScaleTest {
  @Test
  void hasRoundTicksAroundAllValues() {
    assertThat(Scale.of(0, 125).ticks()).containsExactly(0.0, 50.0, 100.0, 150.0);
    assertThat(Scale.of(3, 9.5).ticks()).first().isEqualTo(2.0);
    assertThat(Scale.of(3, 9.5).ticks()).last().isEqualTo(10.0);
  }

  @Test
  void aSingleValueHasRoomToo() {
    Scale scale = Scale.of(5, 5);
    assertThat(scale.place(5)).isBetween(0.0, 1.0);
    assertThat(scale.most()).isGreaterThan(scale.least());
  }
}
