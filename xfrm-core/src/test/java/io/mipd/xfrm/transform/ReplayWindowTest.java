package io.mipd.xfrm.transform;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplayWindowTest {
  /** RFC 4303 section 3.4.3 said with a set: new, inside the window, not seen. */
  private static final class Model {
    private final int size;
    private final Set<Long> seen = new HashSet<>();
    private long edge;

    Model(int size, long edge) {
      this.size = size;
      this.edge = edge;
    }

    boolean takes(long number) {
      return number > edge || (number > edge - size && number > 0 && !seen.contains(number));
    }

    void accept(long number) {
      seen.add(number);
      edge = Math.max(edge, number);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1,false",
    "2,false",
    "32,false",
    "63,false",
    "64,false",
    "65,true",
    "100,true",
    "1024,true",
    "4095,true",
    "4096,false",
    "4096,true"
  })
  void takesWhatTheRfcTakes(int size, boolean extended) {
    var random = new Random(size);
    var window = new ReplayWindow(size, extended, 0);
    var model = new Model(size, 0);
    for (int i = 0; i < 200_000; i++) {
      long number;
      switch (random.nextInt(20)) {
        case 0 -> number = model.edge + random.nextInt(3 * size + 2);
        case 1 -> number = Math.max(0, model.edge - random.nextInt(2 * size + 2));
        default -> number = Math.max(0, model.edge + random.nextInt(9) - 6);
      }
      long taken = window.reconstruct((int) number);
      // What is left of the window reads as a number of the next 2^32, which its ICV then belies.
      long old = extended && number <= model.edge - size ? number + (1L << 32) : AntiReplay.REFUSED;
      assertThat(taken)
          .as("%s after %s", number, model.edge)
          .isEqualTo(model.takes(number) ? number : old);
      // One in four fails the integrity check and must leave no trace.
      if (taken == number && random.nextInt(4) != 0) {
        window.accept(taken);
        model.accept(taken);
      }
    }
  }

  /** RFC 4303 appendix A2.2, both cases, over the turn of the lower half. */
  @ParameterizedTest
  @CsvSource({"32", "64", "1000", "4096"})
  void infersTheHighOrderHalf(int size) {
    for (long turn = 1L << 32; turn < 5L << 32; turn += 1L << 32) {
      for (long edge = turn - 2L * size; edge < turn + 2L * size; edge += size / 16) {
        var window = new ReplayWindow(size, true, edge);
        for (long number = edge + 1; number < edge + 3L * size; number += size / 32 + 1) {
          assertThat(window.reconstruct((int) number)).as("from %x", edge).isEqualTo(number);
        }
        assertThat(window.reconstruct((int) edge)).isEqualTo(AntiReplay.REFUSED);
      }
    }
  }

  @Test
  void numberZeroIsNeverSent() {
    assertThat(new ReplayWindow(64, false, 0).reconstruct(0)).isEqualTo(AntiReplay.REFUSED);
    assertThat(new ReplayWindow(64, true, 0).reconstruct(0)).isEqualTo(AntiReplay.REFUSED);
  }

  @Test
  void theLastNumberIsTheLast() {
    var window = new ReplayWindow(64, false, 0xffff_fffeL);
    assertThat(window.reconstruct(-1)).isEqualTo(0xffff_ffffL);
    window.accept(0xffff_ffffL);
    assertThat(window.reconstruct(-1)).isEqualTo(AntiReplay.REFUSED);
    assertThat(window.reconstruct(1)).as("come round").isEqualTo(AntiReplay.REFUSED);
  }
}
