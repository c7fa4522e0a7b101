package io.mipd.sim.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RouterAdvertiserTest {
  private static final Instant START = EventQueue.BEGINNING;
  private static final LinkLayerAddress ADDRESS =
      new LinkLayerAddress(Octets.parse("020000000001"));

  private static RouterAdvertiser advertiser(
      Duration least, Duration most, Duration between, long seed) {
    var settings =
        new RouterAdvertiser.Settings(
            least,
            most,
            between,
            ProtocolConstants.MAX_RA_DELAY_TIME,
            false,
            Duration.ofSeconds(30),
            true,
            ImmutableList.of());
    return new RouterAdvertiser(settings, ADDRESS, new Randomness(seed).of("router"));
  }

  private static RouterAdvertiser fast(long seed) {
    return advertiser(Duration.ofMillis(30), Duration.ofMillis(70), Duration.ofMillis(30), seed);
  }

  private static RouterAdvertiser slow(long seed) {
    return advertiser(
        Duration.ofSeconds(200), Duration.ofSeconds(600), Duration.ofSeconds(3), seed);
  }

  private static Instant sendNext(RouterAdvertiser router) {
    Instant due = router.nextDeadline().orElseThrow();
    assertThat(router.turn(due)).isPresent();
    return due;
  }

  @Test
  void intervalsAreUniformBetweenTheirLimits() {
    RouterAdvertiser router = fast(1);
    router.begin(START);
    List<Double> intervals = new ArrayList<>();
    Instant last = sendNext(router);
    for (int i = 0; i < 20_000; i++) {
      Instant next = sendNext(router);
      intervals.add(Duration.between(last, next).toNanos() / 1e6);
      last = next;
    }

    assertThat(intervals).allMatch(it -> it >= 30 && it <= 70);
    double mean = intervals.stream().mapToDouble(it -> it).average().orElseThrow();
    double variance =
        intervals.stream().mapToDouble(it -> (it - mean) * (it - mean)).average().orElseThrow();
    // RFC 6275 section 7.5: the mean is 50 ms; of a uniform variable over 40 ms, the variance
    // is 40 * 40 / 12.
    assertThat(mean).isCloseTo(50, within(4 * Math.sqrt(1600 / 12.0 / 20_000)));
    assertThat(variance).isCloseTo(1600 / 12.0, within(4.0));
  }

  @Test
  void theFirstThreeComeSoonAfterEachOther() {
    RouterAdvertiser router = slow(2);
    router.begin(START);

    assertThat(sendNext(router)).isEqualTo(START);
    assertThat(sendNext(router)).isEqualTo(START.plusSeconds(16));
    assertThat(sendNext(router)).isEqualTo(START.plusSeconds(32));
    assertThat(sendNext(router)).isEqualTo(START.plusSeconds(48));
    assertThat(Duration.between(START.plusSeconds(48), sendNext(router)))
        .isBetween(Duration.ofSeconds(200), Duration.ofSeconds(600));
  }

  /** A router that has advertised last at START + 48 s. */
  private static RouterAdvertiser settled(long seed) {
    RouterAdvertiser router = slow(seed);
    router.begin(START);
    for (int i = 0; i < 4; i++) {
      sendNext(router);
    }
    return router;
  }

  @Test
  void anAnswerWaitsUpToHalfASecondFromTheFirstSolicitation() {
    List<Double> delays = new ArrayList<>();
    for (int seed = 0; seed < 4000; seed++) {
      RouterAdvertiser router = settled(seed);
      Instant asked = START.plusSeconds(100);
      router.solicited(asked);
      Instant due = router.nextDeadline().orElseThrow();
      router.solicited(asked.plusMillis(1));
      assertThat(router.nextDeadline()).hasValue(due);
      delays.add(Duration.between(asked, due).toNanos() / 1e6);
    }

    assertThat(delays).allMatch(it -> it >= 0 && it <= 500);
    double mean = delays.stream().mapToDouble(it -> it).average().orElseThrow();
    assertThat(mean).isCloseTo(250, within(4 * 500 / Math.sqrt(12.0 * 4000)));
  }

  @Test
  void whoIsAnsweredAloneWaitsForNoIntervalAndMovesNone() {
    var settings =
        new RouterAdvertiser.Settings(
            Duration.ofSeconds(200),
            Duration.ofSeconds(600),
            Duration.ofSeconds(3),
            Duration.ZERO,
            true,
            Duration.ofSeconds(30),
            true,
            ImmutableList.of());
    var router = new RouterAdvertiser(settings, ADDRESS, new Randomness(3).of("router"));
    assertThat(router.answerToOne()).isEmpty();
    router.begin(START);
    sendNext(router);
    var due = router.nextDeadline();

    assertThat(router.answerToOne()).hasValue(Duration.ZERO);
    assertThat(router.nextDeadline()).isEqualTo(due);
    assertThat(settled(3).answerToOne()).as("answers to all").isEmpty();
  }

  @Test
  void answersToAllAreThreeSecondsApart() {
    RouterAdvertiser router = settled(3);
    Instant asked = START.plusSeconds(48).plusMillis(10);

    router.solicited(asked);

    assertThat(router.nextDeadline().orElseThrow())
        .isBetween(START.plusSeconds(51), START.plusSeconds(51).plusMillis(500));
  }

  @Test
  void whatIsDueSoonerThanTheAnswerIsTheAnswer() {
    RouterAdvertiser router = fast(4);
    router.begin(START);
    sendNext(router);
    Instant due = router.nextDeadline().orElseThrow();

    for (int i = 0; i < 100; i++) {
      router.solicited(due.minusNanos(1));
    }

    assertThat(router.nextDeadline()).hasValue(due);
  }

  @Test
  void tellsItsIntervalWithAnAllowanceWhereThatIsShort() {
    RouterAdvertiser router = fast(5);
    router.begin(START);
    RouterAdvertisement advertisement = router.turn(START).orElseThrow();

    assertThat(advertisement.option(NdOption.AdvertisementInterval.class))
        .hasValue(new NdOption.AdvertisementInterval(90));
    assertThat(advertisement.option(NdOption.SourceLinkLayerAddress.class))
        .hasValue(new NdOption.SourceLinkLayerAddress(ADDRESS));
    assertThat(advertisement.routerLifetime()).isEqualTo(30);
  }

  @Test
  void isSilentBeforeItsTimeAndWhenItHasEnded() {
    RouterAdvertiser router = fast(6);
    assertThat(router.nextDeadline()).isEmpty();
    router.begin(START);
    assertThat(router.turn(START.minusNanos(1))).isEmpty();
    router.end();
    router.solicited(START);
    assertThat(router.nextDeadline()).isEqualTo(Optional.empty());
    assertThat(router.turn(START)).isEmpty();
  }

  @Test
  void intervalsBelowThoseOfTheRfcAreRefused() {
    assertThatThrownBy(
            () ->
                advertiser(Duration.ofMillis(29), Duration.ofMillis(70), Duration.ofMillis(30), 1))
        .hasMessageContaining("30 ms");
    assertThatThrownBy(
            () ->
                advertiser(Duration.ofMillis(30), Duration.ofMillis(69), Duration.ofMillis(30), 1))
        .hasMessageContaining("70 ms");
  }
}
