package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DelayLineTest {
  private static DelayLine.Frame frame(int number) {
    return new DelayLine.Frame(new byte[] {(byte) number});
  }

  private static int number(DelayLine.Departure departure) {
    byte[] octets = new byte[1];
    departure.frame().copyTo(octets);
    return octets[0];
  }

  @Test
  void aFrameComesOutAfterTheDelayAndNotBefore() {
    var line = new DelayLine(25, 0, 10, 1);
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
    var line = new DelayLine(10, 0, 10, 1);
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
    var line = new DelayLine(0, 25, 1000, seed);
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
    var line = new DelayLine(5, 0, 2, 1);
    for (int i = 0; i < 5; i++) {
      line.offer(0, frame(i));
    }
    assertThat(line.overflowed()).isEqualTo(3);
    assertThat(line.lost()).isZero();
    assertThat(line.take(5).map(DelayLineTest::number)).contains(0);
  }
}
