package io.mipd.mobility;

import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.OTHER_HOME;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.mobility.Correspondence.Packet;
import io.mipd.mobility.Correspondence.Tokens;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 6275 sections 5.2.8 and 9.5.3: what has been said once is not believed again. */
class CorrespondentReplayTest {
  private static final Duration TICK = Duration.ofNanos(1);

  private final Correspondence correspondence = new Correspondence();

  private BindingStatus replayed(Packet packet) {
    correspondence.arrives(packet);
    assertThat(correspondence.performed.stream().anyMatch(NodeAction.WantRoute.class::isInstance))
        .isFalse();
    return correspondence.acknowledgement().status();
  }

  @Test
  void anUpdateCannotBeReplayedWhileItsBindingIsThere() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    Packet update = correspondence.binding(tokens, 1, 420);
    correspondence.arrives(update);
    assertThat(replayed(update)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    correspondence.passes(Duration.ofSeconds(100));
    correspondence.bind(HOME, COA_B, 2, 420);
    assertThat(replayed(update)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    assertThat(correspondence.route(HOME)).hasValue(COA_B);
  }

  /** Until a nonce of it has become too old; then by that. */
  @Test
  void anUpdateCannotBeReplayedAfterTheDeletion() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    Packet update = correspondence.binding(tokens, 1, 420);
    correspondence.arrives(update);
    Packet deletion = correspondence.deletion(tokens, 2);
    correspondence.arrives(deletion);
    assertThat(correspondence.route(HOME)).isEmpty();

    assertThat(replayed(update)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    assertThat(correspondence.acknowledgement().sequence()).isEqualTo(new SequenceNumber(2));
    assertThat(replayed(deletion)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);

    correspondence.passes(ProtocolConstants.MAX_NONCE_LIFETIME.minus(TICK));
    assertThat(replayed(update)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    assertThat(correspondence.node().nextDeadline()).hasValue(correspondence.now.plus(TICK));
    correspondence.passes(TICK);
    assertThat(replayed(update)).isEqualTo(BindingStatus.EXPIRED_NONCES);
    assertThat(correspondence.node().nextDeadline()).as("nothing is remembered").isEmpty();
  }

  /** A deletion that is delayed must not undo what came after it. */
  @Test
  void aDeletionCannotBeReplayedAgainstTheNextBinding() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    Packet deletion = correspondence.deletion(tokens, 2);
    correspondence.arrives(deletion);
    // The same tokens will do, with a newer sequence number.
    correspondence.arrives(correspondence.binding(tokens, 3, 420));
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
    assertThat(replayed(deletion)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  @Test
  void anUpdateCannotBeReplayedWhenItsBindingHasExpired() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    Packet update = correspondence.binding(tokens, 1, 4);
    correspondence.arrives(update);
    correspondence.passes(Duration.ofSeconds(4));
    assertThat(correspondence.route(HOME)).isEmpty();
    assertThat(replayed(update)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    correspondence.passes(Duration.ofSeconds(236));
    assertThat(replayed(update)).isEqualTo(BindingStatus.EXPIRED_NONCES);
  }

  @Test
  void anUpdateCannotBeReplayedWhenErrorsHaveEndedItsBinding() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    Packet update = correspondence.binding(tokens, 1, 420);
    correspondence.arrives(update);
    for (int i = 0; i < 4; i++) {
      correspondence.handle(
          Correspondence.directPacketFails(correspondence.local, HOME.value(), COA_A));
      correspondence.passes(Duration.ofSeconds(1));
    }
    assertThat(correspondence.route(HOME)).isEmpty();
    assertThat(replayed(update)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
  }

  /**
   * The first update has young nonces, the second an old care-of token: when the second is too old
   * to be replayed, the first is not.
   */
  @Test
  void theYoungestNoncesOfAnyUpdateCount() {
    Tokens old = correspondence.tests(HOME, COA_B);
    correspondence.passes(Duration.ofSeconds(200));
    Tokens young = correspondence.tests(HOME, COA_A);
    Packet first = correspondence.binding(young, 1, 420);
    correspondence.arrives(first);
    correspondence.arrives(correspondence.binding(young.at(old), 2, 4));
    assertThat(correspondence.route(HOME)).hasValue(COA_B);
    correspondence.passes(Duration.ofSeconds(41));
    assertThat(correspondence.route(HOME)).isEmpty();
    assertThat(replayed(first)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
  }

  /** "Until at least one of the nonces has become too old": no longer than that. */
  @Test
  void theOldestNonceOfAnUpdateEndsItsMemory() {
    Tokens old = correspondence.tests(HOME, COA_A);
    correspondence.passes(Duration.ofSeconds(200));
    Tokens mixed = correspondence.tests(HOME, COA_A).at(old);
    Packet update = correspondence.binding(mixed, 1, 4);
    correspondence.arrives(update);
    correspondence.passes(Duration.ofSeconds(40).minus(TICK));
    assertThat(replayed(update)).isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    correspondence.passes(TICK);
    assertThat(replayed(update)).isEqualTo(BindingStatus.EXPIRED_CARE_OF_NONCE_INDEX);
    // The home token is good yet, and no sequence number is known.
    Tokens fresh = mixed.at(correspondence.tests(HOME, COA_B));
    correspondence.arrives(correspondence.binding(fresh, 0, 420));
    assertThat(correspondence.acknowledged(fresh)).isEqualTo(BindingStatus.ACCEPTED);
  }

  /** What outlives its nonces by its lifetime keeps its sequence number as long as itself. */
  @Test
  void aLongBindingIsForgottenWithItsEnd() {
    correspondence.bind(HOME, COA_A, 100, 420);
    correspondence.passes(Duration.ofMinutes(7));
    assertThat(correspondence.node().nextDeadline()).isEmpty();
    correspondence.bind(HOME, COA_A, 1, 420);
  }

  /**
   * A mobile node does as it likes, an attacker replays whatever it has sent, and now and then what
   * it has sent arrives late. Routes follow the newest of what the mobile nodes have said, and
   * nothing else; an entry goes when it has served.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void nothingThatWasSaidBeforeMovesARoute(long seed) {
    var random = new Random(seed);
    List<Packet> said = new ArrayList<>();
    Map<HomeAddress, Integer> sequences = new LinkedHashMap<>();
    Map<HomeAddress, Optional<CareOfAddress>> wanted = new LinkedHashMap<>();
    Map<HomeAddress, Instant> ends = new LinkedHashMap<>();
    List<Tokens> tokens = new ArrayList<>();
    int replays = 0;
    for (int step = 0; step < 3000; step++) {
      String where = "seed " + seed + ", step " + step;
      correspondence.passes(Duration.ofMillis(random.nextInt(20_000)));
      wanted.replaceAll(
          (home, to) ->
              correspondence.now.isBefore(ends.getOrDefault(home, Instant.MAX))
                  ? to
                  : Optional.empty());
      HomeAddress home = random.nextBoolean() ? HOME : OTHER_HOME;
      if (!said.isEmpty() && random.nextInt(3) != 0) {
        correspondence.arrives(
            said.get(said.size() - 1 - random.nextInt(Math.min(said.size(), 30))));
        replays++;
      } else {
        Tokens used = correspondence.tests(home, random.nextBoolean() ? COA_A : COA_B);
        tokens.add(used);
        // An older home or care-of token may be good yet.
        Tokens other = tokens.get(Math.max(0, tokens.size() - 1 - random.nextInt(8)));
        used = other.home().equals(home) && random.nextBoolean() ? other.at(used) : used.at(other);
        int sequence = sequences.merge(home, 1 + random.nextInt(100), Integer::sum) & 0xffff;
        int seconds = 4 * random.nextInt(105);
        boolean binds = seconds > 0;
        Packet packet =
            binds
                ? correspondence.binding(used, sequence, seconds)
                : correspondence.deletion(used, sequence);
        correspondence.arrives(packet);
        if (correspondence.acknowledgement().status().isAccepted()) {
          wanted.put(home, binds ? Optional.of(used.careOf()) : Optional.empty());
          ends.put(home, correspondence.now.plusSeconds(seconds));
          said.add(packet);
        }
      }
      for (HomeAddress each : List.of(HOME, OTHER_HOME)) {
        assertThat(correspondence.route(each))
            .as("%s: %s", where, each)
            .isEqualTo(wanted.getOrDefault(each, Optional.empty()));
      }
    }
    assertThat(replays).isGreaterThan(1500);
    assertThat(said.size()).isGreaterThan(300);
    correspondence.passes(Duration.ofMinutes(8));
    assertThat(correspondence.node().nextDeadline()).as("nothing is left").isEmpty();
  }
}
