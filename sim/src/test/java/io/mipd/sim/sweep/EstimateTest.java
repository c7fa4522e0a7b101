package io.mipd.sim.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class EstimateTest {
  /** NIST Engineering Statistics Handbook, table of t: 0.975 for 9 degrees of freedom is 2.262. */
  @Test
  void isAMeanWithStudentsInterval() {
    Estimate of = Estimate.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    assertThat(of.mean()).isEqualTo(5.5);
    // The standard deviation of 1 to 10 is the square root of 55 / 6.
    assertThat(of.halfWidth())
        .isCloseTo(2.262 * Math.sqrt(55.0 / 6) / Math.sqrt(10), within(0.001));
    assertThat(of.least()).isEqualTo(1);
    assertThat(of.most()).isEqualTo(10);
  }

  @Test
  void aSingleValueIsNotSure() {
    assertThat(Estimate.of(3).halfWidth()).isNaN();
  }
}
