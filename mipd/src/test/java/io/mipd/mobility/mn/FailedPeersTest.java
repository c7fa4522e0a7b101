package io.mipd.mobility.mn;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** What is remembered of peers that did not answer, or refused. */
class FailedPeersTest {
  private static final Instant NOW = Instant.EPOCH;
  private static final Ipv6Address FIRST = Ipv6Address.parse("2001:db8:c::1");
  private static final Ipv6Address SECOND = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address THIRD = Ipv6Address.parse("2001:db8:c::3");

  private final FailedPeers failures = new FailedPeers(2);

  @Test
  void aPeerWaitsForItsTime() {
    assertThat(failures.wait(NOW, FIRST)).isEmpty();
    assertThat(failures.failed(NOW, FIRST)).isEqualTo(FailedPeers.SHORTEST);
    Instant end = NOW.plus(FailedPeers.SHORTEST);
    assertThat(failures.wait(NOW.plusSeconds(1), FIRST))
        .hasValue(FailedPeers.SHORTEST.minusSeconds(1));
    assertThat(failures.mayTry(end.minusMillis(1), FIRST)).isFalse();
    assertThat(failures.mayTry(end, FIRST)).isTrue();
    assertThat(failures.wait(end, FIRST)).isEmpty();
    assertThat(failures.wait(end.plusSeconds(1), FIRST)).isEmpty();
  }

  @Test
  void aPeerThatDoesNotKnowMobilityWaitsLongestAtOnce() {
    assertThat(failures.unsupported(NOW, FIRST)).isEqualTo(FailedPeers.LONGEST);
    assertThat(failures.failed(NOW, FIRST)).isEqualTo(FailedPeers.LONGEST);
    failures.forgive(FIRST);
    assertThat(failures.failed(NOW, FIRST)).isEqualTo(FailedPeers.SHORTEST);
  }

  /** A flood of peers that fail takes no more memory than is set. */
  @Test
  void whoFailedLongestAgoIsForgottenForTheNext() {
    failures.failed(NOW, FIRST);
    failures.failed(NOW, SECOND);
    Duration again = failures.failed(NOW, FIRST);
    assertThat(again).isEqualTo(FailedPeers.SHORTEST.multipliedBy(2));
    assertThat(failures.mayTry(NOW, SECOND)).isFalse();
    failures.failed(NOW, THIRD);
    assertThat(failures.mayTry(NOW, SECOND)).as("forgotten").isTrue();
    assertThat(failures.mayTry(NOW, FIRST)).isFalse();
    assertThat(failures.mayTry(NOW, THIRD)).isFalse();
  }
}
