package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.mipd.sim.scenario.Library;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** Random scenarios, in which nothing breaks, and in which each mistake does. */
class SoakTest {
  /** The first scenario of the long one, where no other test has been. */
  private static final int FAR = 1_000_000;

  /** Scenarios in which a mistake must have shown itself. */
  private static final int BOUND = 60;

  private static Level level = Level.INFO;

  private static Logger everybody() {
    return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  }

  /** Thousands of handovers in words would be what the test does most. */
  @BeforeAll
  static void quieten() {
    level = everybody().getLevel();
    everybody().setLevel(Level.OFF);
  }

  @AfterAll
  static void speak() {
    everybody().setLevel(level);
  }

  private static Soak.Findings soak(int first, int runs, Duration most, int threads)
      throws Exception {
    Soak.Findings all = new Soak(first, runs, most, threads).run((number, sum) -> {});
    System.out.println("soak: " + all);
    return all;
  }

  @Test
  void whatMustAlwaysHoldHoldsInRandomScenarios() throws Exception {
    int seconds = Integer.getInteger("soak.seconds", 20);
    Soak.Findings all = soak(1, 1_000_000, Duration.ofSeconds(seconds), 1);
    assertThat(all.failures()).isEmpty();
    assertThat(all.handovers()).isGreaterThan(100);
  }

  @Test
  @Tag("long")
  void whatMustAlwaysHoldHoldsForAnHour() throws Exception {
    int cores = Runtime.getRuntime().availableProcessors();
    Soak.Findings all = soak(FAR, 1_000_000, Duration.ofHours(1), cores);
    assertThat(all.failures()).isEmpty();
    assertThat(all.handovers()).isGreaterThan(10_000);
  }

  /** The same scenarios as above, which are clean without it. */
  @ParameterizedTest
  @EnumSource(Mistake.class)
  void aMistakeIsFound(Mistake mistake) throws Exception {
    for (int number = 1; number <= BOUND; number++) {
      Outcome outcome =
          Simulation.run(
              Library.random(number).read(), Optional.empty(), mistake, (network, events) -> {});
      if (outcome.violations().stream().anyMatch(words -> words.startsWith(mistake.rule()))) {
        System.out.println(mistake + ": found in random-" + number);
        return;
      }
    }
    throw new AssertionError(mistake + " was not found in " + BOUND + " scenarios");
  }
}
