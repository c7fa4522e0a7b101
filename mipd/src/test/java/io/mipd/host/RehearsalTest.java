package io.mipd.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RehearsalTest {
  @Test
  void theCorrespondentFollowsEachHandover() {
    for (int handovers = 0; handovers < 5; handovers++) {
      assertThat(new Rehearsal(new Random(handovers)).play(handovers)).isTrue();
    }
  }
}
