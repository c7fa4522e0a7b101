package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.sim.scenario.Library;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each ready scenario from its begin to its end, all that must always hold looked at. */
class ReadyScenariosTest {
  /** Nodes of the greatest one, of its groups of 500 each. */
  private static final String FEW = "3";

  static List<String> names() {
    return Library.NAMES;
  }

  @ParameterizedTest
  @MethodSource("names")
  void runs(String name) throws Exception {
    Library.Source source = Library.find(name);
    if (name.equals("ten-thousand")) {
      source = source.with("values.count", FEW);
    }
    Outcome outcome = Simulation.run(source.read(), Optional.empty());
    assertThat(outcome.violations()).isEmpty();
    assertThat(outcome.results().verdicts())
        .allSatisfy(verdict -> assertThat(verdict.ok()).as("%s", verdict).isTrue());
    assertThat(outcome.measures())
        .as("somebody registers")
        .hasEntrySatisfying("ha.messages_per_s", rate -> assertThat(rate).isPositive());
  }
}
