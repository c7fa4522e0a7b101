package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.Handover;
import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Movement;
import io.mipd.sim.report.Turnaround;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.scenario.Scenario;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonTest {
  private static final OptionalLong NONE = OptionalLong.empty();

  private static OptionalLong ms(double millis) {
    return OptionalLong.of(Math.round(millis * 1e6));
  }

  private static Handover handover(
      boolean first, String to, double router, double acknowledgement) {
    var outcome = new FlowRecord.Outcome(10, 0, NONE, 0);
    var movement =
        new Movement(0, ms(router), NONE, NONE, ms(acknowledgement), NONE, NONE, NONE, NONE);
    return new Handover(
        "mn",
        first,
        new HandoverRow(1, "a", to, movement, outcome, outcome),
        NONE,
        ms(router),
        NONE,
        NONE,
        ms(acknowledgement),
        NONE,
        NONE,
        NONE);
  }

  private static Comparison of(List<Handover> lab, List<Handover> simulator) {
    try {
      var acknowledged = new Turnaround("ha", "update", ImmutableList.of(7_000_000L, 8_000_000L));
      Scenario scenario = Library.find("lab-handover").read();
      return Comparison.of(lab, simulator, ImmutableList.of(acknowledged), scenario);
    } catch (ConfigurationException | IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Comparison of(double router, double acknowledgement) {
    return of(
        ImmutableList.of(
            handover(true, "a", 999, 999),
            handover(false, "home", 999, 999),
            handover(false, "b", router, acknowledgement)),
        ImmutableList.of(handover(false, "b", 10, 100)));
  }

  @Test
  void aPartAgreesWithinFiveMillisecondsOrATenth() {
    assertThat(of(14.9, 109).agrees()).isTrue();
    assertThat(of(15.1, 109).agrees()).isFalse();
    assertThat(of(14.9, 111).agrees()).isFalse();
    assertThat(of(4.9, 91).agrees()).isFalse();
  }

  @Test
  void itIsWrittenForPeopleAndPrograms(@TempDir Path folder) throws Exception {
    of(12, 120).write(folder);
    assertThat(Files.readString(folder.resolve("compare.md")))
        .contains("| 12.0 (12.0 to 12.0) | 10.0 (10.0 to 10.0) | 2.0 | yes |", "| 20.0 | no |")
        .contains("| ha | update | 7.5 (7.0 to 8.0) | 2 | ");
    assertThat(Files.readAllLines(folder.resolve("compare.csv"))).hasSize(3);
    assertThat(folder.resolve("compare.svg")).content().startsWith("<svg");
  }

  @Test
  void aPartThatOneSideLacksDoesNotAgree(@TempDir Path folder) throws Exception {
    var both = handover(false, "b", 10, 100);
    var never =
        new Handover(
            "mn",
            false,
            both.row(),
            both.layer2(),
            both.router(),
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE);
    assertThat(of(ImmutableList.of(both), ImmutableList.of(both)).agrees()).isTrue();
    assertThat(of(ImmutableList.of(both), ImmutableList.of(never)).agrees()).isFalse();

    Comparison lacking = of(ImmutableList.of(never), ImmutableList.of(both));
    assertThat(lacking.agrees()).isFalse();
    lacking.write(folder);
    assertThat(folder.resolve("compare.md"))
        .content()
        .contains("its acknowledgement, after that | - | 100.0 (100.0 to 100.0) | - | no |");
    assertThat(folder.resolve("compare.csv"))
        .content()
        .contains("its acknowledgement, after that\",,,,100.000,100.000,100.000,false");
  }

  @Test
  void whatHappenedNowhereDoesNotAgree() {
    assertThat(of(ImmutableList.of(), ImmutableList.of()).agrees()).isFalse();
  }
}
