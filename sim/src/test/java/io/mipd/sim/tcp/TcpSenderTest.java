package io.mipd.sim.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.google.common.collect.ImmutableList;
import io.mipd.sim.tcp.CongestionControl.Algorithm;
import io.mipd.sim.tcp.TcpSender.Data;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A sender, told what comes back; segments of 1000 octets, a round trip of 100 ms. */
class TcpSenderTest {
  private static final int SEGMENT = 1000;
  private static final long ROOM = 1_000_000_000;
  private static final Duration ROUND_TRIP = Duration.ofMillis(100);

  private Instant now = Instant.parse("2001-01-01T00:00:00Z");

  private static TcpSender sender(Algorithm algorithm, int initialWindow) {
    return new TcpSender(
        new TcpSettings(
            algorithm, SEGMENT, initialWindow, Duration.ofSeconds(1), OptionalLong.empty()));
  }

  private static List<Long> numbers(ImmutableList<Data> sent) {
    return sent.stream().map(one -> one.first() / SEGMENT).toList();
  }

  private ImmutableList<Data> acknowledge(TcpSender sender, int segments) {
    return sender.acknowledged(now, (long) segments * SEGMENT, ROOM);
  }

  /** All that was sent arrives, and each second segment is acknowledged a round trip later. */
  private int roundTrip(TcpSender sender, int behind, int count) {
    now = now.plus(ROUND_TRIP);
    int sent = 0;
    for (int i = 2; i <= count; i += 2) {
      sent += acknowledge(sender, behind + i).size();
    }
    return sent;
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void theWindowDoublesInEachRoundTripOfSlowStart(Algorithm algorithm) {
    TcpSender sender = sender(algorithm, 10);
    assertThat(sender.begin(now, ROUND_TRIP)).hasSize(10);
    assertThat(roundTrip(sender, 0, 10)).isEqualTo(20);
    assertThat(roundTrip(sender, 10, 20)).isEqualTo(40);
    assertThat(roundTrip(sender, 30, 40)).isEqualTo(80);
    assertThat(sender.window()).isEqualTo(80.0 * SEGMENT);
  }

  /** RFC 5681: after a loss by one segment in each round trip. */
  @Test
  void renosWindowGrowsByOneSegmentInEachRoundTripAfterALoss() {
    TcpSender sender = sender(Algorithm.NEWRENO, 20);
    sender.begin(now, ROUND_TRIP);
    loseTheFirst(sender, 20);
    now = now.plus(ROUND_TRIP);
    // Two had left by limited transmit.
    acknowledge(sender, 22);
    double before = sender.window();
    assertThat(before).isEqualTo(10.0 * SEGMENT);
    roundTrip(sender, 22, 10);
    assertThat(sender.window() / SEGMENT).isBetween(10.9, 11.0);
  }

  /** RFC 9438: three tenths less, and after K seconds where it was. */
  @Test
  void cubicsWindowIsBackAfterK() {
    var cubic = new Cubic(SEGMENT, 100 * SEGMENT);
    cubic.lost(now, 100 * SEGMENT);
    assertThat(cubic.window()).isEqualTo(70.0 * SEGMENT);
    double k = Math.cbrt(100 * 0.3 / 0.4);
    Instant end = now.plusMillis(Math.round(k * 1000));
    for (Instant at = now; at.isBefore(end); at = at.plus(ROUND_TRIP)) {
      assertThat(cubic.window()).isLessThan(100.5 * SEGMENT);
      cubic.acknowledged(at, (int) cubic.window(), ROUND_TRIP);
    }
    assertThat(cubic.window() / SEGMENT).isBetween(99.5, 100.5);
  }

  /** The window, in segments, where each 1/p of them one is lost. */
  private static double meanWindow(Algorithm algorithm, double loss, Duration roundTrip) {
    CongestionControl window = algorithm.begin(SEGMENT, 10 * SEGMENT);
    Instant at = Instant.parse("2001-01-01T00:00:00Z");
    double sum = 0;
    double since = 0;
    int rounds = 40_000;
    for (int round = 0; round < 2 * rounds; round++) {
      double before = window.window();
      sum += round < rounds ? 0 : before / SEGMENT;
      since += before / SEGMENT;
      for (int i = 0; i < 10; i++) {
        window.acknowledged(at, (int) before / 10, roundTrip);
        at = at.plus(roundTrip.dividedBy(10));
      }
      if (since >= 1 / loss) {
        since -= 1 / loss;
        window.lost(at, (int) window.window());
      }
    }
    return sum / rounds;
  }

  /** M. Mathis and others (1997): the square root of 3/2p. */
  @Test
  void renosWindowFollowsTheSquareRootOfLoss() {
    for (double loss : new double[] {0.0001, 0.001}) {
      assertThat(meanWindow(Algorithm.NEWRENO, loss, ROUND_TRIP))
          .isCloseTo(Math.sqrt(1.5 / loss), withinPercentage(5));
    }
  }

  /** RFC 9438: 1.054 times the 3/4th power of RTT / p, where that is more than Reno's. */
  @Test
  void cubicsWindowFollowsItsResponseFunction() {
    for (double loss : new double[] {0.00001, 0.0001}) {
      assertThat(meanWindow(Algorithm.CUBIC, loss, ROUND_TRIP))
          .isCloseTo(1.054 * Math.pow(0.1 / loss, 0.75), withinPercentage(5));
    }
  }

  /** The first of so many is lost, the others are not. */
  private void loseTheFirst(TcpSender sender, int count) {
    now = now.plus(ROUND_TRIP);
    for (int i = 1; i < count; i++) {
      ImmutableList<Data> sent = acknowledge(sender, 0);
      if (i == 3) {
        assertThat(numbers(sent)).first().isEqualTo(0L);
      }
    }
  }

  /**
   * Of 0 to 9, 0 and 4 are lost: the third duplicate brings 0 again, the partial acknowledgement 4.
   */
  @Test
  void aPartialAcknowledgementBringsTheNextThatIsLost() {
    TcpSender sender = sender(Algorithm.NEWRENO, 10);
    sender.begin(now, ROUND_TRIP);
    now = now.plus(ROUND_TRIP);
    // Limited transmit.
    assertThat(numbers(acknowledge(sender, 0))).containsExactly(10L);
    assertThat(numbers(acknowledge(sender, 0))).containsExactly(11L);
    assertThat(numbers(acknowledge(sender, 0))).containsExactly(0L);
    assertThat(sender.window()).isEqualTo(5.0 * SEGMENT);
    now = now.plus(ROUND_TRIP);
    assertThat(numbers(acknowledge(sender, 4))).first().isEqualTo(4L);
    now = now.plus(ROUND_TRIP);
    acknowledge(sender, 12);
    assertThat(sender.window()).isEqualTo(5.0 * SEGMENT);
    assertThat(sender.retransmissions()).isEqualTo(2);
    assertThat(sender.timeouts()).isZero();
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void aTimeOutSendsTheFirstAgainAndWaitsTwiceAsLong(Algorithm algorithm) {
    TcpSender sender = sender(algorithm, 10);
    Instant begun = now;
    sender.begin(now, ROUND_TRIP);
    assertThat(sender.nextDeadline()).hasValue(begun.plusSeconds(1));
    now = begun.plusMillis(999);
    assertThat(sender.onDeadline(now)).isEmpty();
    now = begun.plusSeconds(1);
    assertThat(numbers(sender.onDeadline(now))).containsExactly(0L);
    assertThat(sender.window()).isEqualTo((double) SEGMENT);
    assertThat(sender.nextDeadline()).hasValue(begun.plusSeconds(3));
    double threshold = sender.threshold();
    now = begun.plusSeconds(3);
    assertThat(numbers(sender.onDeadline(now))).containsExactly(0L);
    assertThat(sender.nextDeadline()).hasValue(begun.plusSeconds(7));
    assertThat(sender.threshold()).as("falls once for one loss").isEqualTo(threshold);
    // What was behind it had arrived.
    now = now.plus(ROUND_TRIP);
    assertThat(numbers(acknowledge(sender, 10))).containsExactly(10L, 11L);
    assertThat(sender.timeouts()).isEqualTo(2);
  }

  /** RFC 3465 section 2.3: by one for each acknowledgement after a time-out, else by two. */
  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void slowStartIsSlowerAfterATimeOut(Algorithm algorithm) {
    CongestionControl window = algorithm.begin(SEGMENT, 20 * SEGMENT);
    window.timedOut(20 * SEGMENT, /* first= */ true);
    double threshold = window.threshold();
    int acknowledgements = 0;
    while (window.window() < threshold) {
      window.acknowledged(now, 2 * SEGMENT, ROUND_TRIP);
      acknowledgements++;
    }
    assertThat(acknowledgements).isEqualTo((int) (threshold / SEGMENT) - 1);
    assertThat(window.window()).isEqualTo(threshold);
    // That it was is over with congestion avoidance.
    window.acknowledged(now, 2 * SEGMENT, ROUND_TRIP);
    window.lost(now, 20 * SEGMENT);
    assertThat(window.window()).isEqualTo(threshold);
  }

  /** RFC 5681 section 3.1: an acknowledgement of many windows is a round trip's, not many. */
  @Test
  void oneAcknowledgementOfMuchDoesNotMakeRenosWindowJump() {
    CongestionControl window = Algorithm.NEWRENO.begin(SEGMENT, 20 * SEGMENT);
    window.lost(now, 20 * SEGMENT);
    window.acknowledged(now, 500 * SEGMENT, ROUND_TRIP);
    assertThat(window.window()).isEqualTo(11.0 * SEGMENT);
  }

  /** RFC 9438: no more than half of it in a round trip. */
  @Test
  void oneAcknowledgementOfMuchDoesNotMakeCubicsWindowJump() {
    CongestionControl window = Algorithm.CUBIC.begin(SEGMENT, 20 * SEGMENT);
    window.lost(now, 20 * SEGMENT);
    window.acknowledged(now, 500 * SEGMENT, ROUND_TRIP);
    assertThat(window.window() / SEGMENT).isBetween(14.0, 15.0);
    now = now.plusSeconds(30);
    window.acknowledged(now, 500 * SEGMENT, ROUND_TRIP);
    assertThat(window.window() / SEGMENT).isBetween(14.0, 1.5 * 15);
  }

  /** RFC 6298 sections 3 and 5.7, RFC 5681 section 3.1. */
  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void afterASynThatWasLostOneSegmentLeavesAndHasThreeSeconds(Algorithm algorithm) {
    TcpSender sender = sender(algorithm, 10);
    assertThat(numbers(sender.beginAfterLostSyn(now))).containsExactly(0L);
    assertThat(sender.nextDeadline()).hasValue(now.plusSeconds(3));
    now = now.plus(ROUND_TRIP);
    assertThat(numbers(acknowledge(sender, 1))).containsExactly(1L, 2L);
    // Measured by the first segment: never less than a second.
    assertThat(sender.nextDeadline()).hasValue(now.plusSeconds(1));
  }

  /** RFC 3042: what is sent again after a time-out does not leave by limited transmit. */
  @Test
  void limitedTransmitIsForNewData() {
    TcpSender sender = sender(Algorithm.NEWRENO, 10);
    sender.begin(now, ROUND_TRIP);
    now = now.plusSeconds(1);
    assertThat(numbers(sender.onDeadline(now))).containsExactly(0L);
    assertThat(acknowledge(sender, 0)).isEmpty();
    assertThat(acknowledge(sender, 0)).isEmpty();
  }

  /** What fast recovery has let leave behind the loss has arrived, and is not on its way. */
  @Test
  void aTimeOutInFastRecoveryHalvesTheWindow() {
    TcpSender sender = sender(Algorithm.NEWRENO, 20);
    sender.begin(now, ROUND_TRIP);
    loseTheFirst(sender, 20);
    for (int i = 0; i < 30; i++) {
      acknowledge(sender, 0);
    }
    assertThat(sender.window()).isEqualTo(10.0 * SEGMENT);
    now = sender.nextDeadline().orElseThrow();
    assertThat(numbers(sender.onDeadline(now))).containsExactly(0L);
    assertThat(sender.threshold()).isEqualTo(5.0 * SEGMENT);
    assertThat(sender.window()).isEqualTo(1.0 * SEGMENT);
  }

  /** RFC 6298. */
  @Test
  void theTimeOutFollowsWhatIsMeasured() {
    var timer = new RoundTripTimer(Duration.ofMillis(1));
    assertThat(timer.timeout()).isEqualTo(Duration.ofSeconds(1));
    timer.measured(Duration.ofMillis(100));
    // SRTT + 4 RTTVAR = 100 + 4 * 50.
    assertThat(timer.timeout()).isEqualTo(Duration.ofMillis(300));
    timer.measured(Duration.ofMillis(180));
    // RTTVAR = 3/4 * 50 + 1/4 * 80, SRTT = 7/8 * 100 + 1/8 * 180.
    assertThat(timer.timeout()).isEqualTo(Duration.ofMillis(110 + 4 * 57).plusNanos(2_000_000));
    for (int i = 0; i < 20; i++) {
      timer.backOff();
    }
    assertThat(timer.timeout()).isEqualTo(Duration.ofSeconds(60));
  }

  @Test
  void theReceiverAcknowledgesEachSecondOneAndGapsAtOnce() {
    var receiver = new TcpReceiver();
    assertThat(receiver.arrived(now, 0, SEGMENT)).isFalse();
    assertThat(receiver.nextDeadline()).hasValue(now.plus(TcpReceiver.DELAY));
    assertThat(receiver.arrived(now, SEGMENT, SEGMENT)).isTrue();
    assertThat(receiver.nextDeadline()).isEmpty();
    // 2 is missing.
    assertThat(receiver.arrived(now, 3 * SEGMENT, SEGMENT)).isTrue();
    assertThat(receiver.next()).isEqualTo(2 * SEGMENT);
    assertThat(receiver.arrived(now, 2 * SEGMENT, SEGMENT)).isTrue();
    assertThat(receiver.next()).isEqualTo(4 * SEGMENT);
    assertThat(receiver.arrived(now, 0, SEGMENT)).as("an old one").isTrue();
    assertThat(receiver.arrived(now, 4 * SEGMENT, SEGMENT)).isFalse();
    assertThat(receiver.onDeadline(now.plus(TcpReceiver.DELAY))).isTrue();
  }
}
