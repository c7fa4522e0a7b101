package io.mipd.sim.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.mipd.sim.event.Randomness;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Seeds are fixed, so that these hold or do not, always. */
class LossModelTest {
  private static final int FRAMES = 400_000;

  private static List<Boolean> fates(LossModel model, long seed) {
    LossModel.LossProcess process = model.process(new Randomness(seed).of("loss"));
    List<Boolean> fates = new ArrayList<>();
    for (int i = 0; i < FRAMES; i++) {
      fates.add(process.loses());
    }
    return fates;
  }

  private static double share(List<Boolean> fates) {
    return fates.stream().filter(it -> it).count() / (double) fates.size();
  }

  /** Four standard deviations of a share of independent fates. */
  private static double tolerance(double probability) {
    return 4 * Math.sqrt(probability * (1 - probability) / FRAMES);
  }

  @Test
  void uniformLossHitsItsShareAndEachFrameAlike() {
    double probability = 0.03;
    List<Boolean> fates = fates(new LossModel.Uniform(probability), 1);

    assertThat(share(fates)).isCloseTo(probability, within(tolerance(probability)));
    // Independent: two in a row with the square of the probability.
    int pairs = 0;
    for (int i = 1; i < FRAMES; i++) {
      pairs += fates.get(i) && fates.get(i - 1) ? 1 : 0;
    }
    assertThat(pairs / (double) FRAMES)
        .isCloseTo(probability * probability, within(tolerance(probability * probability)));
  }

  @Test
  void burstsHaveTheShareAndTheLengthOfTheirChain() {
    var model = new LossModel.GilbertElliott(0.01, 0.25, 0, 1);
    List<Boolean> fates = fates(model, 2);

    assertThat(model.expected()).isCloseTo(0.01 / 0.26, within(1e-12));
    // Fates within a burst hang together: about 2 / toGood fates are worth one independent one.
    assertThat(share(fates))
        .isCloseTo(model.expected(), within(tolerance(model.expected()) * Math.sqrt(8)));
    // Nothing is lost in the good state and all in the bad one: runs of losses are its visits,
    // geometric with the mean 1 / toGood.
    List<Integer> runs = new ArrayList<>();
    int run = 0;
    for (boolean lost : fates) {
      if (lost) {
        run++;
      } else if (run > 0) {
        runs.add(run);
        run = 0;
      }
    }
    double mean = runs.stream().mapToInt(it -> it).average().orElseThrow();
    double deviation = Math.sqrt(0.75) / 0.25;
    assertThat(mean).isCloseTo(4, within(4 * deviation / Math.sqrt(runs.size())));
    double single = runs.stream().filter(it -> it == 1).count() / (double) runs.size();
    assertThat(single).isCloseTo(0.25, within(4 * Math.sqrt(0.25 * 0.75 / runs.size())));
  }

  @Test
  void theSeedDecides() {
    var model = new LossModel.GilbertElliott(0.05, 0.3, 0.01, 0.8);

    assertThat(fates(model, 3)).isEqualTo(fates(model, 3)).isNotEqualTo(fates(model, 4));
  }

  @Test
  void whatIsNoProbabilityIsRefused() {
    assertThatThrownBy(() -> new LossModel.Uniform(1.1)).hasMessageContaining("0 to 1");
    assertThatThrownBy(() -> new LossModel.GilbertElliott(0, 0.5, 0, 1))
        .hasMessageContaining("never left");
  }
}
