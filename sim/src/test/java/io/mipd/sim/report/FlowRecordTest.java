package io.mipd.sim.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlowRecordTest {
  private static final long MS = 1_000_000;

  /** A datagram every 10 ms, 5 ms on the way; 30 to 39 are lost, 50 comes twice. */
  private static FlowRecord flow() {
    var flow = new FlowRecord();
    for (int i = 0; i < 100; i++) {
      flow.sent(i, i * 10L * MS);
      if (i < 30 || i >= 40) {
        flow.received(i, (i * 10L + 5) * MS);
      }
    }
    flow.received(50, 600 * MS);
    return flow;
  }

  @Test
  void countsTheLostAndTheLongestGapBetweenArrivals() {
    FlowRecord.Outcome outcome = flow().outcome(200 * MS, 600 * MS);
    assertThat(outcome.sent()).isEqualTo(40);
    assertThat(outcome.lost()).isEqualTo(10);
    assertThat(outcome.longestGapNanos()).hasValue(110 * MS);
    assertThat(outcome.duplicated()).isEqualTo(1);
  }

  @Test
  void theGapBeginsWithTheLastArrivalBeforeTheWindow() {
    assertThat(flow().outcome(300 * MS, 600 * MS).longestGapNanos()).hasValue(110 * MS);
  }

  @Test
  void nothingArrivedGivesNoGap() {
    FlowRecord.Outcome outcome = flow().outcome(300 * MS, 400 * MS);
    assertThat(outcome.lost()).isEqualTo(10);
    assertThat(outcome.longestGapNanos()).isEmpty();
  }

  @Test
  void anArrivalThatIsToldBeforeItsSendingCounts() {
    var flow = new FlowRecord();
    flow.received(0, 5 * MS);
    flow.sent(0, 0);
    assertThat(flow.outcome(0, MS).lost()).isZero();
    assertThat(flow.firstArrivalOfThoseSentFrom(0)).hasValue(5 * MS);
    assertThat(flow.firstArrivalOfThoseSentFrom(1)).isEmpty();
  }

  @Test
  void writesATableThatNamesWhatNeverArrived(@TempDir Path folder) throws Exception {
    var flow = new FlowRecord();
    flow.sent(0, 1);
    flow.received(0, 2);
    flow.sent(1, 3);
    Path file = folder.resolve("flow.csv");
    flow.write(file);
    assertThat(Files.readString(file))
        .isEqualTo("number,sent_ns,received_ns,copies\n0,1,2,1\n1,3,,0\n");
  }
}
