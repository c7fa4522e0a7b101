package io.mipd.mobility;

import static io.mipd.mobility.Correspondence.update;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.Correspondence.Packet;
import io.mipd.mobility.Correspondence.Tokens;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityOption.NonceIndices;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What floods may cost (RFC 6275 sections 9.5.2 and 9.6). */
class CorrespondentLimitsTest {
  private static final Duration MAXIMUM = ProtocolConstants.MAX_RR_BINDING_LIFETIME;
  private static final Duration NONCE_LIFETIME = ProtocolConstants.MAX_NONCE_LIFETIME;

  /** Six bindings, three of a prefix. */
  private final Correspondence correspondence =
      new Correspondence(new CorrespondentSettings(MAXIMUM, 6, 3));

  private static HomeAddress home(int prefix, int number) {
    return new HomeAddress(new Ipv6Address(0x2001_0db8_0001_0000L + prefix, number));
  }

  private BindingStatus tries(HomeAddress home) {
    Tokens tokens = correspondence.tests(home, COA_A);
    correspondence.arrives(correspondence.binding(tokens, 1, 420));
    return correspondence.acknowledged(tokens);
  }

  private void fills() {
    for (int i = 0; i < 6; i++) {
      assertThat(tries(home(i / 3, i))).isEqualTo(BindingStatus.ACCEPTED);
    }
    assertThat(correspondence.routes()).isEqualTo(6);
  }

  @Test
  void refusesNewcomersAtTheLimitAndDrivesNobodyOut() {
    fills();
    var before = correspondence.node().bindings();
    assertThat(tries(home(7, 7))).isEqualTo(BindingStatus.INSUFFICIENT_RESOURCES);
    assertThat(correspondence.refusals()).containsExactly(Refusal.LIMIT);
    assertThat(correspondence.node().bindings()).isEqualTo(before);
  }

  /** RFC 6275 section 9.5.4: without the A flag, too. */
  @Test
  void refusesThoseWhoAskForNoAcknowledgement() {
    fills();
    Tokens tokens = correspondence.tests(home(7, 7), COA_A);
    correspondence.arrives(
        correspondence.away(
            tokens, tokens.authorized(update(1, 420, ImmutableList.of(tokens.indices())))));
    assertThat(correspondence.acknowledged(tokens)).isEqualTo(BindingStatus.INSUFFICIENT_RESOURCES);
  }

  @Test
  void servesThoseWhoAreThereAtTheLimit() {
    fills();
    correspondence.bind(home(0, 0), COA_B, 2, 420);
    Tokens tokens = correspondence.tests(home(0, 1), COA_A);
    correspondence.arrives(correspondence.deletion(tokens, 2));
    assertThat(correspondence.routes()).isEqualTo(5);
    correspondence.bind(home(0, 1), COA_B, 3, 420);
    assertThat(correspondence.routes()).isEqualTo(6);
  }

  /** What is remembered of a deleted binding is not given up for a newcomer. */
  @Test
  void timeMakesRoom() {
    fills();
    Tokens tokens = correspondence.tests(home(0, 1), COA_A);
    correspondence.arrives(correspondence.deletion(tokens, 2));
    assertThat(tries(home(7, 7))).isEqualTo(BindingStatus.INSUFFICIENT_RESOURCES);
    correspondence.passes(NONCE_LIFETIME);
    assertThat(tries(home(7, 7))).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(tries(home(7, 8))).isEqualTo(BindingStatus.INSUFFICIENT_RESOURCES);
    correspondence.passes(MAXIMUM.minus(NONCE_LIFETIME));
    assertThat(tries(home(7, 8))).isEqualTo(BindingStatus.ACCEPTED);
  }

  /** The owner of a prefix passes return routability for every address of it. */
  @Test
  void theOwnerOfOnePrefixLeavesRoomForOthers() {
    for (int i = 0; i < 100; i++) {
      Tokens tokens = correspondence.tests(home(0, i), new CareOfAddress(home(9, i).value()));
      correspondence.arrives(correspondence.binding(tokens, 1, 420));
    }
    assertThat(correspondence.routes()).isEqualTo(3);
    assertThat(tries(home(1, 1))).isEqualTo(BindingStatus.ACCEPTED);
    // And no more of it when its bindings are deleted.
    correspondence.now = correspondence.now.plusSeconds(1);
    for (int i = 0; i < 3; i++) {
      correspondence.arrives(correspondence.deletion(correspondence.tests(home(0, i), COA_A), 2));
    }
    assertThat(tries(home(0, 50))).isEqualTo(BindingStatus.INSUFFICIENT_RESOURCES);
    correspondence.passes(MAXIMUM);
    for (int i = 0; i < 3; i++) {
      assertThat(tries(home(0, 50 + i))).isEqualTo(BindingStatus.ACCEPTED);
    }
  }

  /** The addresses' bits that an attacker chooses, each of its own; the key is what it lacks. */
  @Test
  @Tag("many")
  void aFloodOfForgeriesChangesNothing() {
    fills();
    var before = correspondence.node().bindings();
    Tokens theirs = correspondence.tests(home(8, 8), COA_B);
    long answers = 0;
    for (int i = 0; i < 30_000; i++) {
      correspondence.now = correspondence.now.plusNanos(100_000);
      var forged =
          new Tokens(
              i % 2 == 0 ? home(0, i % 3) : home(8, i + 9),
              COA_B,
              theirs.homeTest(),
              theirs.careOfTest());
      Packet packet =
          i % 3 == 0
              ? correspondence.deletion(forged, i & 0xffff)
              : correspondence.binding(forged, i & 0xffff, 420);
      correspondence.arrives(packet);
      correspondence.isSilent(Refusal.NOT_AUTHENTIC);
      correspondence.arrives(
          correspondence.away(
              forged,
              forged.authorized(
                  update(
                      i & 0xffff,
                      420,
                      ImmutableList.of(
                          new NonceIndices(
                              (theirs.homeTest().nonceIndex() + 1) & 0xffff,
                              theirs.careOfTest().nonceIndex())),
                      BindingFlag.ACKNOWLEDGE))));
      answers += correspondence.sent().size();
    }
    // Three seconds long.
    assertThat(answers).isBetween(9L, 12L);
    assertThat(correspondence.node().bindings()).isEqualTo(before);
  }

  @Test
  void answersReplaysWithinLimits() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    Packet update = correspondence.binding(tokens, 1, 420);
    correspondence.arrives(update);
    int answers = 0;
    for (int i = 0; i < 1000; i++) {
      correspondence.arrives(update);
      assertThat(correspondence.refusals()).containsExactly(Refusal.OLD_SEQUENCE);
      answers += correspondence.sent().size();
    }
    assertThat(answers).isEqualTo(ProtocolConstants.MAX_UPDATE_RATE);
    // A replay of one does not keep another from its answer.
    Tokens others = correspondence.bind(home(3, 3), COA_A, 5, 420);
    correspondence.arrives(correspondence.binding(others, 4, 420));
    assertThat(correspondence.acknowledged(others))
        .isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
  }

  /** Each kind of refusal has its own limits: what anybody may send does not use up the others. */
  @Test
  void homeRegistrationsDoNotKeepAnybodyFromAnAnswer() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    int answers = 0;
    for (int i = 0; i < 100; i++) {
      correspondence.arrives(
          correspondence.packet(
              update(i, 420, ImmutableList.of(), BindingFlag.HOME_REGISTRATION),
              home(7, i),
              COA_B.value(),
              true));
      answers += correspondence.sent().size();
    }
    assertThat(answers).isEqualTo(ProtocolConstants.MAX_UPDATE_RATE);
    correspondence.arrives(
        correspondence.away(
            tokens,
            tokens.authorized(
                update(
                    2,
                    420,
                    ImmutableList.of(
                        new NonceIndices(
                            (tokens.homeTest().nonceIndex() + 1) & 0xffff,
                            tokens.careOfTest().nonceIndex()))))));
    assertThat(correspondence.acknowledgedPlainly())
        .isEqualTo(BindingStatus.EXPIRED_HOME_NONCE_INDEX);
    correspondence.arrives(correspondence.binding(tokens, 1, 420));
    assertThat(correspondence.acknowledged(tokens))
        .isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
  }

  @Test
  void answersNewcomersAtTheLimitWithinLimits() {
    fills();
    int answers = 0;
    for (int i = 0; i < 100; i++) {
      Tokens tokens = correspondence.tests(home(7, i), COA_A);
      correspondence.arrives(correspondence.binding(tokens, 1, 420));
      answers += correspondence.sent().size();
    }
    assertThat(answers).isEqualTo(ProtocolConstants.MAX_UPDATE_RATE);
  }

  /** RFC 6275 section 11.8: nobody may send more than three updates within a second. */
  @Test
  void takesNoMoreThanThreeUpdatesOfANodeWithinASecond() {
    Tokens atA = correspondence.bind(HOME, COA_A, 1, 420);
    Tokens atB = correspondence.tests(HOME, COA_B);
    correspondence.now = correspondence.now.plusSeconds(1);
    int moves = 0;
    for (int i = 0; i < 100; i++) {
      correspondence.arrives(correspondence.binding(i % 2 == 0 ? atB : atA, 2 + i, 420));
      moves +=
          (int)
              correspondence.performed.stream()
                  .filter(NodeAction.WantRoute.class::isInstance)
                  .count();
      assertThat(correspondence.refusals().stream().allMatch(Refusal.LIMIT::equals)).isTrue();
    }
    assertThat(moves).isEqualTo(3);
    correspondence.arrives(correspondence.deletion(atA, 200));
    correspondence.isSilent(Refusal.LIMIT);
    correspondence.now = correspondence.now.plusSeconds(1);
    correspondence.arrives(correspondence.deletion(atA, 201));
    assertThat(correspondence.route(HOME)).isEmpty();
  }
}
