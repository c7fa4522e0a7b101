package io.mipd.mobility.ha;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a home agent that does not advertise itself hears of its home link's prefixes. */
class HomeLinkPrefixesTest {
  private static final Ipv6Prefix HOME_PREFIX = Ipv6Prefix.parse("2001:db8:1::/64");
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final Ipv6Prefix OTHER_PREFIX = Ipv6Prefix.parse("2001:db8:77::/64");
  private static final long DAY = 86_400;

  private static final HomeAgentSettings SETTINGS =
      new HomeAgentSettings(
          "eth0",
          Ipv6Address.parse("2001:db8:1::1"),
          HOME_PREFIX,
          Duration.ofMinutes(7),
          Optional.empty(),
          HomeAgentSettings.PrefixLifetimes.DEFAULT,
          ImmutableList.of(),
          HomeAgentSettings.PrefixDelivery.DEFAULT,
          AccessList.EVERYWHERE,
          /* virtual= */ false,
          /* multicast= */ false,
          ImmutableMap.of());

  private Instant now = Instant.EPOCH;
  private final HomeLinkPrefixes prefixes = new HomeLinkPrefixes(SETTINGS);

  private void hears(Ipv6Prefix prefix, long valid) {
    NdOption told =
        new PrefixInformation(
            prefix.length(), prefix.address(), true, true, false, valid, Math.min(valid, 1));
    prefixes.heard(
        now,
        new RouterAdvertisement(64, false, false, false, 0, 1800, 0, 0, ImmutableList.of(told)));
  }

  /** Another's prefix is told as gone for a day, one of ours for as long as it is configured. */
  @Test
  void theEndOfHomePrefixesIsKept() {
    hears(HOME_PREFIX, 40);
    hears(OTHER_PREFIX, 40);
    now = now.plusSeconds(40 + DAY);
    assertThat(prefixes.options(now)).hasSize(2);
    now = now.plusSeconds(1);
    assertThat(prefixes.options(now)).hasSize(1);
    assertThat(prefixes.valid(now, HOME)).isZero();
  }

  /** Also what one advertisement alone would not tell: that no other can end it at once. */
  @Test
  void theNextDaemonKnowsTheSame() {
    hears(HOME_PREFIX, DAY);
    hears(OTHER_PREFIX, PrefixInformation.INFINITE);
    hears(HOME_PREFIX, 60);
    var next = new HomeLinkPrefixes(SETTINGS);
    next.restore(now, prefixes.heard());
    now = now.plusSeconds(10);
    assertThat(next.ends())
        .isEqualTo(prefixes.ends())
        .containsValue(Instant.EPOCH.plusSeconds(7200));
    assertThat(next.options(now)).isEqualTo(prefixes.options(now)).hasSize(2);
    assertThat(next.valid(now, HOME)).isEqualTo(Duration.ofSeconds(50));
  }

  private HomeLinkPrefixes next() {
    var next = new HomeLinkPrefixes(SETTINGS);
    next.restore(now, prefixes.heard());
    return next;
  }

  /** What has run out while nobody listened says nothing of now; that it was told gone does. */
  @Test
  void theSettingsHoldWhenAHomePrefixHasRunOutUnheard() {
    hears(HOME_PREFIX, 60);
    now = now.plusSeconds(59);
    assertThat(next().valid(now, HOME)).isEqualTo(Duration.ofSeconds(1));
    now = now.plusSeconds(1);
    assertThat(next().ends()).isEmpty();
    assertThat(next().valid(now, HOME))
        .isEqualTo(HomeAgentSettings.PrefixLifetimes.DEFAULT.valid());

    hears(HOME_PREFIX, 0);
    assertThat(next().ends()).isEqualTo(prefixes.ends()).isNotEmpty();
    assertThat(next().valid(now, HOME)).isZero();
  }

  @Test
  void anothersPrefixIsForgottenWhenItsRouterHasBeenSilentForLong() {
    hears(OTHER_PREFIX, PrefixInformation.INFINITE);
    hears(HOME_PREFIX, PrefixInformation.INFINITE);
    now = now.plusSeconds(3 * 1800);
    assertThat(next().options(now)).hasSize(2);
    now = now.plusSeconds(1);
    assertThat(next().options(now)).hasSize(1);
    assertThat(next().ends()).isEqualTo(prefixes.ends()).containsValue(Instant.MAX);
  }

  /** Nothing was heard later than now, nor lasts longer than it was told to. */
  @Test
  void aClockThatWasSetBackProlongsNothing() {
    hears(HOME_PREFIX, DAY);
    hears(OTHER_PREFIX, 60);
    now = now.minusSeconds(100 * DAY);
    HomeLinkPrefixes next = next();
    assertThat(next.valid(now, HOME)).isEqualTo(Duration.ofSeconds(DAY));
    assertThat(next.validUntil(HOME)).isEqualTo(now.plusSeconds(DAY));
    assertThat(next.options(now))
        .extracting(it -> ((PrefixInformation) it).validLifetime())
        .containsExactly(DAY, 60L);
  }

  /** An end that moves from day to day concerns no binding that ends before. */
  @Test
  void bindingsAreConcernedByEndsThatMove() {
    hears(HOME_PREFIX, DAY);
    var first = prefixes.ends();
    assertThat(prefixes.changedFrom(first)).isEqualTo(Instant.MAX);
    now = now.plusSeconds(10);
    hears(HOME_PREFIX, DAY);
    assertThat(prefixes.changedFrom(first)).isEqualTo(Instant.EPOCH.plusSeconds(DAY));
    var second = prefixes.ends();
    hears(OTHER_PREFIX, 60);
    assertThat(prefixes.changedFrom(second)).isEqualTo(Instant.MAX);
    hears(HOME_PREFIX, 60);
    assertThat(prefixes.changedFrom(second)).isEqualTo(now.plusSeconds(7200));
  }
}
