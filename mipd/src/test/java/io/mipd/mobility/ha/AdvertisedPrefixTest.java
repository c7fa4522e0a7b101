package io.mipd.mobility.ha;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Which news of a prefix mobile nodes are to be told (RFC 6275 section 10.6.2). */
class AdvertisedPrefixTest {
  private static final Ipv6Address PREFIX = Ipv6Address.parse("2001:db8:1::");
  private static final Instant NOW = Instant.EPOCH;
  private static final long FOR_EVER = PrefixInformation.INFINITE;

  private static final AdvertisedPrefix BEFORE = at(0, true, true, 1000, 100);

  private static AdvertisedPrefix at(
      long second, boolean onLink, boolean autonomous, long valid, long preferred) {
    return new AdvertisedPrefix(
        new PrefixInformation(64, PREFIX, onLink, autonomous, false, valid, preferred),
        NOW.plusSeconds(second));
  }

  @Test
  void theSameLifetimesAreNoNews() {
    assertThat(at(10, true, true, 1000, 100).differsFrom(BEFORE)).isFalse();
  }

  @Test
  void lifetimesThatCountDownAreNoNews() {
    assertThat(at(10, true, true, 990, 90).differsFrom(BEFORE)).isFalse();
    assertThat(at(10, true, true, 995, 85).differsFrom(BEFORE)).as("five seconds off").isFalse();
  }

  @Test
  void flagsAndEndsAreNews() {
    assertThat(at(10, false, true, 1000, 100).differsFrom(BEFORE)).isTrue();
    assertThat(at(10, true, false, 1000, 100).differsFrom(BEFORE)).isTrue();
    assertThat(at(10, true, true, 996, 100).differsFrom(BEFORE)).as("six seconds off").isTrue();
    assertThat(at(10, true, true, 984, 100).differsFrom(BEFORE)).as("and before").isTrue();
    assertThat(at(10, true, true, 1000, 96).differsFrom(BEFORE)).isTrue();
  }

  @Test
  void whatNeverEndsIsNewsWhereItWillAndTheOtherWayRound() {
    AdvertisedPrefix forEver = at(10, true, true, FOR_EVER, 100);
    assertThat(forEver.differsFrom(BEFORE)).isTrue();
    assertThat(BEFORE.differsFrom(forEver)).isTrue();
    assertThat(at(20, true, true, FOR_EVER, 100).differsFrom(forEver)).isFalse();
  }
}
