package io.mipd.mobility.rr;

import static io.mipd.mobility.ProtocolConstants.MAX_NONCE_LIFETIME;
import static io.mipd.mobility.ProtocolConstants.MAX_TOKEN_LIFETIME;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage.KeygenToken;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NoncesTest {
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final CareOfAddress CARE_OF =
      new CareOfAddress(Ipv6Address.parse("2001:db8:a::100"));
  private static final Duration PERIOD = Duration.ofSeconds(30);
  private static final Duration TICK = Duration.ofNanos(1);
  private static final Instant START = Instant.EPOCH;

  private static Nonces nonces() {
    return new Nonces(new Random(6275));
  }

  /**
   * With Kcn 0807060504030201080706050403020108070605 and nonce 0807060504030201; the tokens were
   * computed with Python's hmac and hashlib as RFC 6275 section 5.2.5 says.
   */
  @Test
  void makesTokensAsTheFormulaSays() {
    var nonces = new Nonces(() -> 0x0102030405060708L);
    assertThat(nonces.issue(START, HOME).token()).isEqualTo(new KeygenToken(0x46009b3df95e7f8dL));
    assertThat(nonces.issue(START, CARE_OF).token())
        .isEqualTo(new KeygenToken(0x072dac6e5e6823b2L));
  }

  @Test
  void tellsAddressesAndKindsAndNodesApart() {
    Nonces nonces = nonces();
    Set<KeygenToken> tokens = new HashSet<>();
    tokens.add(nonces.issue(START, HOME).token());
    tokens.add(nonces.issue(START, CARE_OF).token());
    tokens.add(nonces.issue(START, new CareOfAddress(HOME.value())).token());
    tokens.add(nonces.issue(START, new HomeAddress(CARE_OF.value())).token());
    tokens.add(nonces.issue(START.plus(PERIOD), HOME).token());
    tokens.add(new Nonces(new Random(1)).issue(START, HOME).token());
    assertThat(tokens).hasSize(6);
  }

  @Test
  void recallsWhatItHasIssued() {
    Nonces nonces = nonces();
    IssuedToken home = nonces.issue(START, HOME);
    IssuedToken careOf = nonces.issue(START, CARE_OF);
    assertThat(nonces.recall(START, home.nonceIndex(), HOME)).hasValue(home);
    assertThat(nonces.recall(START, careOf.nonceIndex(), CARE_OF)).hasValue(careOf);
    for (int other : new int[] {home.nonceIndex() - 1, home.nonceIndex() + 1}) {
      assertThat(nonces.recall(START, other & 0xffff, HOME)).isEmpty();
      assertThat(nonces.recall(START, other & 0xffff, CARE_OF)).isEmpty();
    }
  }

  @Test
  void recallsNothingBeforeTheFirstToken() {
    Nonces nonces = nonces();
    for (int index = 0; index < 0x10000; index++) {
      assertThat(nonces.recall(START, index, HOME)).isEmpty();
    }
    assertThat(nonces.nextExpiry()).isEmpty();
  }

  @Test
  void rollsWhenTheNewestHasMadeTokensForThirtySeconds() {
    Nonces nonces = nonces();
    IssuedToken first = nonces.issue(START, HOME);
    assertThat(nonces.issue(START.plus(PERIOD).minus(TICK), HOME)).isEqualTo(first);
    IssuedToken second = nonces.issue(START.plus(PERIOD), HOME);
    assertThat(second.nonceIndex()).isEqualTo((first.nonceIndex() + 1) & 0xffff);
    assertThat(second.token()).isNotEqualTo(first.token());
    assertThat(nonces.recall(START.plus(PERIOD), first.nonceIndex(), HOME)).hasValue(first);
  }

  /** RFC 6275 section 5.2.7: not beyond MAX_NONCE_LIFETIME after the first use. */
  @Test
  void forgetsANonceAtTheEndOfItsLife() {
    Nonces nonces = nonces();
    IssuedToken token = nonces.issue(START, HOME);
    Instant end = START.plus(MAX_NONCE_LIFETIME);
    assertThat(token.expiry()).isEqualTo(end);
    assertThat(nonces.nextExpiry()).hasValue(end);
    assertThat(nonces.recall(end.minus(TICK), token.nonceIndex(), HOME)).hasValue(token);
    assertThat(nonces.recall(end, token.nonceIndex(), HOME)).isEmpty();
    assertThat(nonces.nextExpiry()).isEmpty();
  }

  /** Nobody asks: nothing is made, and what is there goes when it is told the time. */
  @Test
  void makesNoncesOnDemandOnly() {
    Nonces nonces = nonces();
    int first = nonces.issue(START, HOME).nonceIndex();
    nonces.discardExpired(START.plus(MAX_NONCE_LIFETIME).minus(TICK));
    assertThat(nonces.nextExpiry()).isPresent();
    nonces.discardExpired(START.plus(MAX_NONCE_LIFETIME));
    assertThat(nonces.nextExpiry()).isEmpty();
    assertThat(nonces.issue(START.plus(Duration.ofDays(1)), HOME).nonceIndex())
        .isEqualTo((first + 1) & 0xffff);
  }

  @Test
  void everyTokenLivesItsLife() {
    var random = new Random(5);
    Nonces nonces = nonces();
    Instant now = START;
    for (int i = 0; i < 10_000; i++) {
      now = now.plusMillis(random.nextInt(20_000));
      IssuedToken token = nonces.issue(now, HOME);
      assertThat(Duration.between(now, token.expiry()))
          .isGreaterThan(MAX_TOKEN_LIFETIME)
          .isLessThanOrEqualTo(MAX_NONCE_LIFETIME);
    }
  }

  @Test
  void keepsEightAtMost() {
    Nonces nonces = nonces();
    for (int second = 0; second < 3600; second++) {
      Instant now = START.plusSeconds(second);
      int newest = nonces.issue(now, HOME).nonceIndex();
      int kept = 0;
      for (int back = 0; back < 20; back++) {
        kept += nonces.recall(now, (newest - back) & 0xffff, HOME).isPresent() ? 1 : 0;
      }
      assertThat(kept).isEqualTo(Math.min(second / 30 + 1, 8));
    }
  }

  /** Though nobody has asked for what was there. */
  @Test
  void whatHasExpiredIsNotWaitedFor() {
    Nonces nonces = nonces();
    nonces.issue(START, HOME);
    Instant later = START.plusSeconds(3600);
    nonces.issue(later, HOME);
    assertThat(nonces.nextExpiry().orElseThrow()).isAfter(later);
  }

  @Test
  void indicesWrapAndComeBackWithOtherSecrets() {
    var nonces = new Nonces(new Random(2));
    IssuedToken first = nonces.issue(START, HOME);
    Instant now = START;
    int before = first.nonceIndex();
    for (int i = 1; i <= 0x10000; i++) {
      now = now.plus(PERIOD);
      int index = nonces.issue(now, HOME).nonceIndex();
      assertThat(index).isEqualTo((before + 1) % 0x10000);
      before = index;
    }
    IssuedToken again = nonces.issue(now, HOME);
    assertThat(again.nonceIndex()).isEqualTo(first.nonceIndex());
    assertThat(again.token()).isNotEqualTo(first.token());
  }
}
