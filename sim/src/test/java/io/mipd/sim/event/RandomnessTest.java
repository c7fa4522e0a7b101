package io.mipd.sim.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class RandomnessTest {
  @Test
  void aComponentsNumbersAreItsOwn() {
    RandomGenerator first = new Randomness(1).of("a");
    long expected = new Randomness(1).of("a").nextLong();
    // What another one draws in between changes nothing.
    new Randomness(1).of("b").nextLong();

    assertThat(first.nextLong()).isEqualTo(expected);
    assertThat(new Randomness(1).of("b").nextLong()).isNotEqualTo(expected);
    assertThat(new Randomness(2).of("a").nextLong()).isNotEqualTo(expected);
  }
}
