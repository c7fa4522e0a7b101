package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import io.mipd.sim.scenario.Library;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong by the scenario's will, and what becomes of it. */
class FaultsTest {
  @TempDir private Path folder = Path.of("");

  private Outcome run(String duration, String fault) throws Exception {
    return Simulation.run(
        Library.find("handover")
            .with("duration", duration)
            .with("movement", "[ { node = mn, at = 8s, along = [a, b], attach-delay = 13ms } ]")
            .with("faults", "[ " + fault + " ]")
            .read(),
        Optional.of(folder));
  }

  private static double measure(Outcome outcome, String name) {
    Double value = outcome.measures().get(name);
    assertThat(value).as(name + " of " + outcome.measures()).isNotNull();
    return value;
  }

  /** The mobile node need not do anything: its binding is on the home agent's disk. */
  @Test
  void aHomeAgentThatIsKilledServesAgain() throws Exception {
    Outcome outcome = run("17s", "{ kind = crash, at = 11s, node = ha, for = 3s }");
    assertThat(outcome.violations()).isEmpty();
    // 10 ms apart: a second of the first registration, three without a home agent.
    assertThat(measure(outcome, "cbr mn>cn.lost")).isBetween(395.0, 415.0);
    assertThat(measure(outcome, "cbr cn>mn.lost")).isBetween(395.0, 415.0);
    assertThat(measure(outcome, "signalling.Binding Update")).isEqualTo(1);
    assertThat(Files.readString(folder.resolve("ha.log")))
        .contains("11.000000000 mipd is killed")
        .contains("14.000000000 mipd starts again")
        .contains("served again");
  }

  /** RFC 6275 section 11.8: again after INITIAL_BINDACK_TIMEOUT, 1 s. */
  @Test
  void aLostBindingUpdateIsSentAgainAfterASecond() throws Exception {
    Outcome outcome =
        run("21s", "{ kind = loss, at = 17s, from = mn, message = binding-update, count = 1 }");
    assertThat(outcome.violations()).isEmpty();
    List<String> parts = Files.readAllLines(folder.resolve("parts.csv"));
    assertThat(Splitter.on(',').splitToList(parts.get(2)))
        .as(parts.get(2))
        .startsWith("mn", "1", "a", "b")
        .element(9)
        .isEqualTo("1000.0");
    assertThat(measure(outcome, "signalling.Binding Update")).isEqualTo(3);
  }

  @Test
  void aPartitionHeals() throws Exception {
    Outcome outcome = run("15s", "{ kind = partition, at = 11s, link = wan, for = 2s }");
    assertThat(outcome.violations()).isEmpty();
    assertThat(measure(outcome, "cbr mn>cn.lost")).isBetween(295.0, 315.0);
    assertThat(measure(outcome, "cbr cn>mn.lost")).isBetween(295.0, 315.0);
  }
}
