package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.sim.link.Line;
import io.mipd.sim.link.LossModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class DelayLineTest {
  private static DelayLine.Frame frame(int number) {
    return new DelayLine.Frame(new byte[] {(byte) number});
  }

  private static Line delay(long nanos) {
    return line(nanos, OptionalLong.empty(), 1000, 0);
  }

  private static Line line(long nanos, OptionalLong rate, int queue, double loss) {
    return new Line(
        Duration.ofNanos(nanos),
        rate,
        queue,
        new LossModel.Uniform(loss),
        Line.Reordering.NONE,
        1500);
  }

  @Test
  void framesWaitForEachOtherWhereTheLineHasARateAndWhatFindsNoRoomIsDropped() {
    // An octet takes 8 ns.
    var line = new DelayLine(line(100, OptionalLong.of(1_000_000_000), 2, 0), 10, 1);
    for (int i = 0; i < 5; i++) {
      line.offer(0, frame(i));
    }
    assertThat(line.overflowed()).isEqualTo(2);
    assertThat(line.take(108).map(DelayLineTest::number)).contains(0);
    assertThat(line.next().orElseThrow().dueNanos()).isEqualTo(116);
    line.offer(20, frame(5));
    line.take(116);
    assertThat(line.take(124).map(DelayLineTest::number)).contains(2);
    // It waits for the end of the one before.
    assertThat(line.next().orElseThrow().dueNanos()).isEqualTo(132);
  }

  @Test
  void aLineIsWrittenInWordsAndReadAgain() {
    var uniform = line(25_000_000, OptionalLong.of(10_000_000), 50, 0.01);
    var bursts =
        new Line(
            Duration.ofMillis(3),
            OptionalLong.empty(),
            1000,
            new LossModel.GilbertElliott(0.01, 0.25, 0.001, 1),
            Line.Reordering.NONE,
            1500);
    assertThat(Forwarder.line(Forwarder.words(uniform))).isEqualTo(uniform);
    assertThat(Forwarder.line(Forwarder.words(bursts))).isEqualTo(bursts);
  }

  private static int number(DelayLine.Departure departure) {
    byte[] octets = new byte[1];
    departure.frame().copyTo(octets);
    return octets[0];
  }

  @Test
  void aFrameComesOutAfterTheDelayAndNotBefore() {
    var line = new DelayLine(delay(25), 10, 1);
    line.offer(100, frame(1));
    line.offer(110, frame(2));
    assertThat(line.take(124)).isEmpty();
    assertThat(line.next().orElseThrow().dueNanos()).isEqualTo(125);
    assertThat(line.take(125).map(DelayLineTest::number)).contains(1);
    assertThat(line.take(125)).isEmpty();
    assertThat(line.take(140).map(DelayLineTest::number)).contains(2);
    assertThat(line.next()).isEmpty();
  }

  @Test
  void theClockMayWrapAround() {
    var line = new DelayLine(delay(10), 10, 1);
    line.offer(Long.MAX_VALUE - 5, frame(1));
    assertThat(line.take(Long.MAX_VALUE)).isEmpty();
    assertThat(line.take(Long.MIN_VALUE + 4).map(DelayLineTest::number)).contains(1);
  }

  @Test
  void whatIsLostDependsOnTheSeedAlone() {
    assertThat(survivors(7)).isEqualTo(survivors(7)).isNotEqualTo(survivors(8));
    assertThat(survivors(7)).hasSizeBetween(60, 90);
  }

  private static List<Integer> survivors(long seed) {
    var line = new DelayLine(line(0, OptionalLong.empty(), 1, 0.25), 1000, seed);
    for (int i = 0; i < 100; i++) {
      line.offer(i, frame(i));
    }
    var numbers = new ArrayList<Integer>();
    for (Optional<DelayLine.Departure> next = line.take(1000);
        next.isPresent();
        next = line.take(1000)) {
      numbers.add(number(next.get()));
    }
    assertThat(numbers.size() + line.lost()).isEqualTo(100);
    return numbers;
  }

  @Test
  void aFullLineDropsAndCounts() {
    var line = new DelayLine(delay(5), 2, 1);
    for (int i = 0; i < 5; i++) {
      line.offer(0, frame(i));
    }
    assertThat(line.overflowed()).isEqualTo(3);
    assertThat(line.lost()).isZero();
    assertThat(line.take(5).map(DelayLineTest::number)).contains(0);
  }
}
