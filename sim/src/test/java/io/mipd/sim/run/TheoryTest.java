package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.sweep.Estimate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The parts of three hundred handovers against what can be reckoned without a simulator. */
class TheoryTest {
  private static final int ROUTER = 6;
  private static final int ADDRESS = 7;
  private static final int ACKNOWLEDGEMENT = 9;

  /** MinRtrAdvInterval, MaxRtrAdvInterval, MinDelayBetweenRAs and MAX_RA_DELAY_TIME, in ms. */
  private static final double LEAST = 30;

  private static final double MOST = 70;
  private static final double BETWEEN = 30;
  private static final double ANSWER = 500;

  /** Of the access link, one way, in ms. */
  private static final double LINK = 1;

  @TempDir private Path folder = Path.of("");

  /**
   * How long after a link has come up a router advertisement arrives, on average. They come in
   * intervals that are even between two bounds, so that the link comes up in a long one more often
   * than in a short one; and the solicitation that leaves at once may be answered sooner, after an
   * even delay (RFC 4861 section 6.2.6).
   */
  private static double expectedRouterMillis() {
    int steps = 1000;
    double sum = 0;
    double weight = 0;
    for (int i = 0; i < steps; i++) {
      double interval = LEAST + (MOST - LEAST) * (i + 0.5) / steps;
      for (int j = 0; j < steps; j++) {
        double since = interval * (j + 0.5) / steps;
        double left = interval - since;
        double soonest = 2 * LINK + Math.max(0, BETWEEN - since - 2 * LINK);
        double gain = left > 2 * LINK ? Math.max(0, left - soonest) : 0;
        sum += interval * (left - gain * gain / (2 * ANSWER));
        weight += interval;
      }
    }
    return sum / weight;
  }

  private double[] samples(int column) throws Exception {
    List<Double> all = new ArrayList<>();
    for (long seed = 1; seed <= 2; seed++) {
      Path into = folder.resolve("seed-" + seed);
      if (!Files.exists(into)) {
        Files.createDirectories(into);
        Simulation.run(
            Library.find("handover-latency")
                .with("traffic", "[]")
                .with(
                    "movement",
                    "[ { node = mn, at = 10s, along = [a, b], every = 2.037s, times = 151,"
                        + " attach-delay = 50ms } ]")
                .read()
                .withSeed(seed),
            Optional.of(into));
      }
      List<String> rows = Files.readAllLines(into.resolve("parts.csv"));
      // Without the header and the first registration.
      for (String row : rows.subList(2, rows.size())) {
        all.add(Double.parseDouble(Splitter.on(',').splitToList(row).get(column)));
      }
    }
    return all.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @Test
  void eachPartIsWhatItMustBe() throws Exception {
    double[] router = samples(ROUTER);
    assertThat(router).hasSize(300);
    Estimate found = Estimate.of(router);
    // Half as much again as the interval of 95 %: one seed in three hundred is outside.
    assertThat(found.mean())
        .as("router discovery, %s against %s ms", found, expectedRouterMillis())
        .isBetween(
            expectedRouterMillis() - 1.5 * found.halfWidth(),
            expectedRouterMillis() + 1.5 * found.halfWidth());
    assertThat(found.halfWidth()).isLessThan(3);
    assertThat(found.most()).isLessThanOrEqualTo(MOST);

    // Optimistic: no part of it is Duplicate Address Detection (RFC 4429).
    assertThat(samples(ADDRESS)).containsOnly(0.0);

    // There and back over 1, 2 and 20 ms. The first time the routers ask for each other, over 2 ms
    // each, and always for the mobile node if they have not heard of it, over 1.
    Estimate answer = Estimate.of(samples(ACKNOWLEDGEMENT));
    assertThat(answer.least()).isEqualTo(46.0);
    assertThat(answer.most()).isLessThanOrEqualTo(46.0 + 2 * (2 + 2 + 1));
  }
}
