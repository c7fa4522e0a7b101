package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A flow from the second 1 to the second 60. */
class DisturbanceTest {
  private static long s(int seconds) {
    return Duration.ofSeconds(seconds).toNanos();
  }

  private static Disturbance between(int from, int until) {
    return new Disturbance(s(from), s(until));
  }

  private static long lastCalm(Disturbance... all) {
    return Disturbance.lastCalm(ImmutableList.copyOf(all), s(1), s(60));
  }

  @Test
  void trafficMustArriveAfterTheLastDisturbance() {
    assertThat(lastCalm()).isEqualTo(s(1));
    assertThat(lastCalm(between(10, 11), between(30, 32))).isEqualTo(s(32));
    assertThat(lastCalm(between(30, 32), between(10, 11))).isEqualTo(s(32));
  }

  @Test
  void whatLeavesNoTimeToSettleIsNotTheLast() {
    assertThat(lastCalm(between(10, 11), between(54, 55))).isEqualTo(s(55));
    assertThat(lastCalm(between(10, 11), between(54, 56))).isEqualTo(s(11));
    assertThat(lastCalm(between(10, 11), between(16, 17))).isEqualTo(s(17));
    assertThat(lastCalm(between(10, 11), between(15, 58))).isEqualTo(s(1));
  }

  @Test
  void aDisturbanceWithinAnotherDoesNotEndIt() {
    assertThat(lastCalm(between(10, 30), between(15, 20))).isEqualTo(s(30));
    // Unplugged for good, and a crash meanwhile.
    var forGood = new Disturbance(s(40), Long.MAX_VALUE);
    assertThat(lastCalm(between(10, 11), forGood, between(45, 46))).isEqualTo(s(11));
  }

  @Test
  void aMovementOverlapsACrashUntilBothHaveSettled() {
    Disturbance crash = between(20, 22).withSettling();
    assertThat(crash.overlaps(between(26, 27))).isTrue();
    assertThat(crash.overlaps(between(27, 28))).isFalse();
    assertThat(crash.overlaps(between(14, 15).withSettling())).isFalse();
    assertThat(crash.overlaps(between(15, 16).withSettling())).isTrue();
  }
}
