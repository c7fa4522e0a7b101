package io.mipd.mobility;

import static io.mipd.mobility.Correspondence.LOCAL;
import static io.mipd.mobility.Correspondence.update;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.OTHER_HOME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.Correspondence.Packet;
import io.mipd.mobility.Correspondence.Tokens;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.rr.BindingManagementKey;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.Captures;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingRefreshRequest;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.MobilityOption.AlternateCareOfAddress;
import io.mipd.mobility.wire.MobilityOption.BindingAuthorizationData;
import io.mipd.mobility.wire.MobilityOption.NonceIndices;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.packet.ExtensionHeader;
import io.mipd.xfrm.packet.Ipv6Packet;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** RFC 6275 sections 9.3.4 and 9.5: bindings come, are renewed, are refused, and go. */
class CorrespondentRegistrationTest {
  private static final Duration TICK = Duration.ofNanos(1);
  private static final Duration NONCE_LIFETIME = ProtocolConstants.MAX_NONCE_LIFETIME;

  private final Correspondence correspondence = new Correspondence();

  private Packet withOptions(Tokens tokens, MobilityOption... options) {
    return correspondence.away(
        tokens, tokens.authorized(update(1, 420, ImmutableList.copyOf(options))));
  }

  // Accepted (sections 9.5.2 and 9.5.4).

  @Test
  void bindsAndAcknowledges() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    // MN ── Binding Update (A, nonce indices, authenticator) ──▶ CN
    correspondence.arrives(correspondence.binding(tokens, 4711, 100));
    // MN ◀── Binding Acknowledgement (accepted, authenticator) ── CN
    assertThat(correspondence.acknowledged(tokens)).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(correspondence.acknowledgement().sequence()).isEqualTo(new SequenceNumber(4711));
    assertThat(correspondence.acknowledgement().lifetime()).isEqualTo(new BindingLifetime(25));
    assertThat(correspondence.acknowledgement().keyManagement()).isFalse();
    assertThat(correspondence.performed.get(0))
        .as("the route comes before the acknowledgement")
        .isEqualTo(
            new NodeAction.WantRoute(
                LOCAL, HOME.value(), NodeAction.End.PEERS, Optional.of(COA_A), Optional.of(COA_A)));

    assertThat(correspondence.node().hasBinding(HOME.value(), COA_A.value(), LOCAL)).isTrue();
    assertThat(correspondence.node().hasBinding(HOME.value(), COA_B.value(), LOCAL)).isFalse();
    assertThat(correspondence.node().hasBinding(COA_A.value(), COA_A.value(), LOCAL)).isFalse();
    assertThat(correspondence.node().hasBinding(HOME.value(), COA_A.value(), HOME.value()))
        .isFalse();
  }

  @Test
  void movesTheBindingWhenTheMobileNodeMoves() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    // The recent home token will do (section 5.2.7).
    Tokens moved = new Tokens(HOME, COA_B, tokens.homeTest(), correspondence.tests(COA_B));
    correspondence.arrives(correspondence.binding(moved, 2, 420));
    assertThat(correspondence.acknowledged(moved)).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(correspondence.route(HOME)).hasValue(COA_B);
    assertThat(correspondence.routes()).isEqualTo(1);
  }

  @Test
  void renewsWithoutTouchingTheRoute() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.passes(Duration.ofSeconds(100));
    correspondence.arrives(correspondence.binding(tokens, 2, 420));
    assertThat(correspondence.performed).hasSize(1);
    assertThat(correspondence.acknowledged(tokens)).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(correspondence.node().bindings().get(0).expiry())
        .isEqualTo(correspondence.now.plusSeconds(420));
  }

  @Test
  void grantsNoMoreThanIsAskedForNorThanItsLimits() {
    for (int[] asked : new int[][] {{4, 4}, {420, 420}, {424, 420}, {262140, 420}}) {
      var one = new Correspondence();
      Tokens tokens = one.bind(HOME, COA_A, 1, asked[0]);
      assertThat(one.acknowledgement().lifetime().asDuration())
          .isEqualTo(Duration.ofSeconds(asked[1]));
      one.passes(Duration.ofSeconds(asked[1]).minus(TICK));
      assertThat(one.route(tokens.home())).hasValue(COA_A);
      one.passes(TICK);
      assertThat(one.route(tokens.home())).isEmpty();
      assertThat(one.node().bindings()).isEmpty();
    }
    var strict = new Correspondence(new CorrespondentSettings(Duration.ofSeconds(63), 10, 10));
    strict.bind(HOME, COA_A, 1, 420);
    assertThat(strict.acknowledgement().lifetime()).isEqualTo(new BindingLifetime(15));
  }

  @Test
  void itsSettingsHaveLimits() {
    for (Duration wrong : List.of(Duration.ofSeconds(421), Duration.ofSeconds(3))) {
      assertThatThrownBy(() -> new CorrespondentSettings(wrong, 1, 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> new CorrespondentSettings(Duration.ofSeconds(4), 0, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new CorrespondentSettings(Duration.ofSeconds(4), 1, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void bindsTheAlternateCareOfAddressAndAnswersTheSource() {
    Tokens tokens = correspondence.tests(HOME, COA_B);
    BindingUpdate update =
        tokens.authorized(
            update(
                1,
                420,
                ImmutableList.of(new AlternateCareOfAddress(COA_B), tokens.indices()),
                BindingFlag.ACKNOWLEDGE));
    correspondence.arrives(correspondence.packet(update, HOME, COA_A.value(), true));
    assertThat(correspondence.route(HOME)).hasValue(COA_B);
    assertThat(correspondence.onlySent().careOf()).hasValue(COA_A);
    assertThat(
            tokens
                .key()
                .vouchesFor(Correspondence.throughOctets(correspondence.onlySent()), COA_B, LOCAL))
        .isTrue();
  }

  /** The token is of the source, the option names somebody else: a redirection. */
  @Test
  void theAlternateCareOfAddressMustHaveBeenTestedItself() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    for (CareOfAddress covered : List.of(COA_A, COA_B)) {
      correspondence.arrives(
          correspondence.away(
              tokens,
              tokens
                  .key()
                  .authorize(
                      update(
                          1,
                          420,
                          ImmutableList.of(new AlternateCareOfAddress(COA_B), tokens.indices())),
                      covered,
                      LOCAL)));
      correspondence.isSilent(Refusal.NOT_AUTHENTIC);
    }
  }

  /** Through its home agent, and answered there without a routing header (section 9.5.4). */
  @Test
  void bindsFromTheHomeAddress() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    BindingUpdate update =
        tokens.authorized(
            update(
                1,
                420,
                ImmutableList.of(new AlternateCareOfAddress(COA_A), tokens.indices()),
                BindingFlag.ACKNOWLEDGE));
    correspondence.arrives(correspondence.packet(update, HOME, HOME.value(), false));
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
    assertThat(correspondence.onlySent().destination()).isEqualTo(HOME.value());
    assertThat(correspondence.onlySent().careOf()).isEmpty();
  }

  @Test
  void ignoresFlagsAndOptionsThatAreNotForIt() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    BindingUpdate update =
        tokens.authorized(
            update(
                1,
                420,
                ImmutableList.of(
                    new MobilityOption.Unknown(201, Octets.parse("0102030405")),
                    tokens.indices(),
                    new MobilityOption.BindingRefreshAdvice(7)),
                BindingFlag.KEY_MANAGEMENT_MOBILITY,
                BindingFlag.LINK_LOCAL_ADDRESS_COMPATIBILITY,
                BindingFlag.ACKNOWLEDGE));
    correspondence.arrives(correspondence.away(tokens, update));
    assertThat(correspondence.acknowledged(tokens)).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(correspondence.acknowledgement().keyManagement()).isFalse();
    assertThat(correspondence.acknowledgement().refreshAdvice()).isEmpty();
  }

  @Test
  void keepsABindingForEachOfItsOwnAddresses() {
    correspondence.bind(HOME, COA_A, 100, 420);
    correspondence.local = Ipv6Address.parse("2001:db8:c::d");
    // No sequence number is known here.
    correspondence.bind(HOME, COA_B, 1, 420);
    assertThat(correspondence.routes()).isEqualTo(2);
    correspondence.local = LOCAL;
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  // Refused (section 9.5.1).

  @Test
  void wantsNonceIndicesAndAnAuthenticator() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    correspondence.arrives(withOptions(tokens));
    correspondence.isSilent(Refusal.MALFORMED);
    correspondence.arrives(
        correspondence.away(tokens, update(1, 420, ImmutableList.of(tokens.indices()))));
    correspondence.isSilent(Refusal.NOT_AUTHENTIC);
  }

  /** No bit of an update can be changed on its way without losing it. */
  @Test
  void refusesWhateverWasChangedOnTheWay() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    Packet packet = correspondence.binding(tokens, 1, 420);
    int expired = 0;
    for (int bit = 0; bit < 8 * packet.octets().readableBytes(); bit++) {
      Packet changed = packet.copy();
      changed.octets().setByte(bit / 8, changed.octets().getByte(bit / 8) ^ 1 << bit % 8);
      correspondence.arrives(Correspondence.mended(changed));
      // The rate of refusals is another test's.
      correspondence.now = correspondence.now.plusMillis(400);
      if (bit / 8 != 4 && bit / 8 != 5) { // The checksum is mended.
        assertThat(correspondence.node().bindings()).as("bit %s", bit).isEmpty();
        assertThat(correspondence.sent())
            .as("bit %s", bit)
            .allMatch(
                it ->
                    it.message() instanceof MobilityMessage.BindingAcknowledgement answer
                        && !answer.status().isAccepted()
                        && answer.options().isEmpty());
        expired += correspondence.sent().size();
      } else {
        correspondence.arrives(correspondence.deletion(tokens, 2 + bit));
      }
    }
    assertThat(expired).as("the bits of the nonce indices").isEqualTo(32);
  }

  @Test
  void wantsUnicastRoutableAddresses() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    for (String wrong : List.of("::", "::1", "fe80::1", "ff02::1", "ff0e::1")) {
      Ipv6Address address = Ipv6Address.parse(wrong);
      BindingUpdate update =
          update(1, 420, ImmutableList.of(tokens.indices()), BindingFlag.ACKNOWLEDGE);
      for (Packet packet :
          List.of(
              correspondence.packet(update, new HomeAddress(address), COA_A.value(), true),
              correspondence.packet(update, HOME, address, true),
              correspondence.packet(update, new HomeAddress(address), address, false))) {
        correspondence.arrives(packet);
        correspondence.isSilent(Refusal.MALFORMED);
      }
      correspondence.arrives(
          withOptions(
              tokens, new AlternateCareOfAddress(new CareOfAddress(address)), tokens.indices()));
      correspondence.isSilent(Refusal.MALFORMED);
    }
    // Nor is our own address the mobile node's.
    correspondence.arrives(
        withOptions(
            tokens, new AlternateCareOfAddress(new CareOfAddress(LOCAL)), tokens.indices()));
    correspondence.isSilent(Refusal.MALFORMED);
  }

  /** RFC 6275 section 9.5.4: status 136 to 138 have no authenticator; there is no key for one. */
  @Test
  void saysWhichNonceIndexIsNotKnown() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    int home = tokens.homeTest().nonceIndex();
    int careOf = tokens.careOfTest().nonceIndex();
    for (int wrong : new int[] {1, 0xffff, 0x8000}) {
      // Each in a second of its own: these answers are limited.
      correspondence.now = correspondence.now.plusSeconds(1);
      correspondence.arrives(
          withOptions(tokens, new NonceIndices((home + wrong) & 0xffff, careOf)));
      assertThat(correspondence.acknowledgedPlainly())
          .isEqualTo(BindingStatus.EXPIRED_HOME_NONCE_INDEX);
      assertThat(correspondence.acknowledgement().sequence()).isEqualTo(new SequenceNumber(1));
      assertThat(correspondence.onlySent().careOf()).hasValue(COA_A);
      correspondence.arrives(
          withOptions(tokens, new NonceIndices(home, (careOf + wrong) & 0xffff)));
      assertThat(correspondence.acknowledgedPlainly())
          .isEqualTo(BindingStatus.EXPIRED_CARE_OF_NONCE_INDEX);
      correspondence.arrives(
          withOptions(
              tokens, new NonceIndices((home + wrong) & 0xffff, (careOf + wrong) & 0xffff)));
      assertThat(correspondence.acknowledgedPlainly()).isEqualTo(BindingStatus.EXPIRED_NONCES);
      assertThat(correspondence.refusals()).containsExactly(Refusal.EXPIRED_NONCE);
    }
    assertThat(correspondence.node().bindings()).isEmpty();
  }

  @Test
  void noncesExpireOneAfterTheOther() {
    Tokens early = correspondence.tests(HOME, COA_A);
    correspondence.passes(Duration.ofSeconds(30));
    Tokens late = correspondence.tests(HOME, COA_A);
    Tokens lateHome = late.at(early);
    Tokens lateCareOf = early.at(late);
    assertThat(late.homeTest().nonceIndex()).isNotEqualTo(early.homeTest().nonceIndex());

    correspondence.passes(NONCE_LIFETIME.minusSeconds(30).minus(TICK));
    correspondence.arrives(correspondence.binding(early, 1, 420));
    assertThat(correspondence.acknowledged(early)).isEqualTo(BindingStatus.ACCEPTED);

    correspondence.passes(TICK);
    correspondence.arrives(correspondence.binding(early, 2, 420));
    assertThat(correspondence.acknowledgedPlainly()).isEqualTo(BindingStatus.EXPIRED_NONCES);
    correspondence.arrives(correspondence.binding(lateCareOf, 2, 420));
    assertThat(correspondence.acknowledgedPlainly())
        .isEqualTo(BindingStatus.EXPIRED_HOME_NONCE_INDEX);
    correspondence.arrives(correspondence.binding(lateHome, 2, 420));
    assertThat(correspondence.acknowledgedPlainly())
        .isEqualTo(BindingStatus.EXPIRED_CARE_OF_NONCE_INDEX);
    correspondence.arrives(correspondence.binding(late, 2, 420));
    assertThat(correspondence.acknowledged(late)).isEqualTo(BindingStatus.ACCEPTED);

    correspondence.passes(Duration.ofSeconds(30));
    correspondence.arrives(correspondence.binding(late, 3, 420));
    assertThat(correspondence.acknowledgedPlainly()).isEqualTo(BindingStatus.EXPIRED_NONCES);
  }

  /** The RFC's own example: after 15, the numbers 0 to 15 and 32783 to 65535 are old. */
  @Test
  void wantsANewerSequenceNumber() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 15, 420);
    for (int old : new int[] {15, 14, 0, 65535, 32784, 32783}) {
      correspondence.now = correspondence.now.plusSeconds(1);
      correspondence.arrives(correspondence.binding(tokens, old, 420));
      assertThat(correspondence.acknowledged(tokens))
          .as("%s", old)
          .isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
      assertThat(correspondence.acknowledgement().sequence()).isEqualTo(new SequenceNumber(15));
      assertThat(correspondence.refusals()).containsExactly(Refusal.OLD_SEQUENCE);
    }
    for (int fresh : new int[] {16, 32782}) {
      var one = new Correspondence();
      Tokens theirs = one.bind(HOME, COA_A, 15, 420);
      one.arrives(one.binding(theirs, fresh, 420));
      assertThat(one.acknowledged(theirs)).isEqualTo(BindingStatus.ACCEPTED);
    }
  }

  /** Without the key there is no word about sequence numbers, and no way to move them. */
  @Test
  void tellsSequenceNumbersToTheirOwnerOnly() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 15, 420);
    Tokens theirs = correspondence.tests(OTHER_HOME, COA_B);
    Tokens forged = new Tokens(HOME, COA_B, theirs.homeTest(), theirs.careOfTest());
    for (int sequence : new int[] {3, 16, 30_000}) {
      correspondence.arrives(correspondence.binding(forged, sequence, 420));
      correspondence.isSilent(Refusal.NOT_AUTHENTIC);
    }
    correspondence.arrives(correspondence.binding(tokens, 16, 420));
    assertThat(correspondence.acknowledged(tokens)).isEqualTo(BindingStatus.ACCEPTED);
  }

  /** RFC 6275 section 10.3.1. */
  @Test
  void isNobodysHomeAgent() {
    BindingUpdate update =
        update(5, 420, ImmutableList.of(), BindingFlag.HOME_REGISTRATION, BindingFlag.ACKNOWLEDGE);
    correspondence.arrives(correspondence.packet(update, HOME, COA_A.value(), true));
    assertThat(correspondence.acknowledgedPlainly())
        .isEqualTo(BindingStatus.HOME_REGISTRATION_NOT_SUPPORTED);
    assertThat(correspondence.acknowledgement().sequence()).isEqualTo(new SequenceNumber(5));
  }

  private Packet homeRegistration(Tokens tokens, BindingManagementKey key) {
    return correspondence.away(
        tokens,
        key.authorize(
            update(
                5,
                420,
                ImmutableList.of(tokens.indices()),
                BindingFlag.HOME_REGISTRATION,
                BindingFlag.ACKNOWLEDGE),
            tokens.careOf(),
            LOCAL));
  }

  /** RFC 6275 section 9.5.1, for who holds the key of the binding. */
  @Test
  void theKindOfABindingDoesNotChange() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.arrives(homeRegistration(tokens, tokens.key()));
    assertThat(correspondence.acknowledged(tokens))
        .isEqualTo(BindingStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED);
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  /** Nobody else learns from the answer whether there is a binding. */
  @Test
  void tellsNobodyWhetherThereIsABinding() {
    Tokens bound = correspondence.bind(HOME, COA_A, 1, 420);
    Tokens unbound = correspondence.tests(OTHER_HOME, COA_A);
    for (Tokens tokens : List.of(bound, unbound)) {
      BindingUpdate update =
          update(
              5, 420, ImmutableList.of(), BindingFlag.HOME_REGISTRATION, BindingFlag.ACKNOWLEDGE);
      correspondence.arrives(correspondence.packet(update, tokens.home(), COA_A.value(), true));
      assertThat(correspondence.acknowledgedPlainly())
          .isEqualTo(BindingStatus.HOME_REGISTRATION_NOT_SUPPORTED);
      correspondence.arrives(homeRegistration(tokens, tokens.deletionKey()));
      correspondence.isSilent(Refusal.NOT_AUTHENTIC);
    }
  }

  // Deletion (section 9.5.3).

  private void isDeleted(Tokens tokens, CareOfAddress covered) {
    assertThat(correspondence.route(HOME)).isEmpty();
    assertThat(correspondence.acknowledgement().status()).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(correspondence.acknowledgement().lifetime().isZero()).isTrue();
    assertThat(
            tokens
                .deletionKey()
                .vouchesFor(
                    Correspondence.throughOctets(correspondence.onlySent()), covered, LOCAL))
        .isTrue();
  }

  @Test
  void deletesTheBindingOfAMobileNodeThatHasComeHome() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.arrives(correspondence.deletion(tokens, 2));
    isDeleted(tokens, new CareOfAddress(HOME.value()));
    assertThat(correspondence.onlySent().careOf()).isEmpty();
    assertThat(correspondence.performed.get(0))
        .isEqualTo(
            new NodeAction.WantRoute(
                LOCAL, HOME.value(), NodeAction.End.PEERS, Optional.empty(), Optional.empty()));
  }

  private BindingUpdate deletionAway(Tokens tokens, int sequence, int lifetime) {
    return tokens
        .deletionKey()
        .authorize(
            update(
                sequence,
                lifetime,
                // Its care-of nonce index is nonsense, and not looked at.
                ImmutableList.of(
                    new AlternateCareOfAddress(new CareOfAddress(HOME.value())),
                    new NonceIndices(
                        tokens.homeTest().nonceIndex(), ~tokens.homeTest().nonceIndex() & 0xffff)),
                BindingFlag.ACKNOWLEDGE),
            new CareOfAddress(HOME.value()),
            LOCAL);
  }

  @Test
  void deletesTheBindingOfAMobileNodeThatIsAway() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.arrives(correspondence.away(tokens, deletionAway(tokens, 2, 0)));
    isDeleted(tokens, new CareOfAddress(HOME.value()));
    assertThat(correspondence.onlySent().careOf()).hasValue(COA_A);
  }

  /** RFC 3775 section 9.5.1. */
  @Test
  void deletesWhenTheCareOfAddressIsTheHomeAddress() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.arrives(correspondence.away(tokens, deletionAway(tokens, 2, 420)));
    isDeleted(tokens, new CareOfAddress(HOME.value()));
  }

  /** RFC 6275 section 6.2.7: the home address "if this option is used in de-registration". */
  @Test
  void aDeletionHasAKeyOfItsOwn() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    BindingUpdate bare = update(2, 0, ImmutableList.of(tokens.indices()), BindingFlag.ACKNOWLEDGE);
    CareOfAddress atHome = new CareOfAddress(HOME.value());
    for (BindingUpdate update :
        List.of(
            tokens.key().authorize(bare, atHome, LOCAL),
            tokens.authorized(bare),
            tokens.deletionKey().authorize(bare, COA_A, LOCAL))) {
      correspondence.arrives(correspondence.away(tokens, update));
      correspondence.isSilent(Refusal.NOT_AUTHENTIC);
    }
    // And that key is not good for a binding.
    BindingUpdate binds = update(2, 420, ImmutableList.of(tokens.indices()));
    correspondence.arrives(
        correspondence.away(tokens, tokens.deletionKey().authorize(binds, COA_A, LOCAL)));
    correspondence.isSilent(Refusal.NOT_AUTHENTIC);
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  @Test
  void aDeletionNeedsItsHomeNonceOnly() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.passes(NONCE_LIFETIME.minus(TICK));
    Packet inTime = correspondence.deletion(tokens, 2);
    correspondence.passes(TICK);
    correspondence.arrives(inTime);
    assertThat(correspondence.acknowledgedPlainly())
        .isEqualTo(BindingStatus.EXPIRED_HOME_NONCE_INDEX);
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  /** "A Binding Cache entry ... MUST NOT be created in response". */
  @Test
  void aDeletionOfNothingLeavesNothing() {
    Tokens tokens = correspondence.tests(HOME, COA_A);
    correspondence.arrives(correspondence.deletion(tokens, 1000));
    isDeleted(tokens, new CareOfAddress(HOME.value()));
    assertThat(correspondence.performed).as("no route to take back").hasSize(1);
    // No sequence number is known.
    correspondence.arrives(correspondence.binding(tokens, 1, 420));
    assertThat(correspondence.acknowledged(tokens)).isEqualTo(BindingStatus.ACCEPTED);
  }

  @Test
  void aSecondDeletionFindsNoRouteToTakeBack() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.arrives(correspondence.deletion(tokens, 2));
    correspondence.arrives(correspondence.deletion(tokens, 3));
    isDeleted(tokens, new CareOfAddress(HOME.value()));
    assertThat(correspondence.performed).hasSize(1);
  }

  @Test
  void aDeletionNeedsANewerSequenceNumber() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 15, 420);
    correspondence.arrives(correspondence.deletion(tokens, 15));
    assertThat(correspondence.acknowledgement().status())
        .isEqualTo(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW);
    assertThat(
            tokens
                .deletionKey()
                .vouchesFor(
                    Correspondence.throughOctets(correspondence.onlySent()),
                    new CareOfAddress(HOME.value()),
                    LOCAL))
        .isTrue();
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  // Refresh requests (section 9.5.5).

  private ImmutableList<NodeAction.SendMessage> refreshRequests() {
    return correspondence.sent().stream()
        .filter(it -> it.message() instanceof BindingRefreshRequest)
        .collect(ImmutableList.toImmutableList());
  }

  /** Packets have gone by the binding. */
  private void isUsed() {
    correspondence.handle(
        new NodeEvent.RoutesUsed(
            ImmutableSet.of(
                RouteOptimizationState.routingHeader(LOCAL, HOME.value(), COA_A.value()).id())));
    assertThat(correspondence.performed).isEmpty();
  }

  private void passesInUse(Duration duration) {
    correspondence.passes(duration.minusSeconds(30));
    isUsed();
    correspondence.passes(Duration.ofSeconds(30));
  }

  /** "If the sender knows that the Binding Cache entry is still in active use" (9.5.5). */
  @Test
  void asksForNoRefreshOfWhatIsNotInUse() {
    correspondence.bind(HOME, COA_A, 1, 400);
    // The message itself, which the world counts as well.
    correspondence.passes(Duration.ofSeconds(10));
    isUsed();
    correspondence.passes(Duration.ofSeconds(250));
    isUsed();
    correspondence.passes(Duration.ofSeconds(139));
    assertThat(refreshRequests()).isEmpty();
    correspondence.passes(Duration.ofSeconds(1));
    assertThat(refreshRequests()).isEmpty();
    assertThat(correspondence.route(HOME)).isEmpty();
  }

  @Test
  void asksForARefreshBeforeTheBindingExpires() {
    correspondence.bind(HOME, COA_A, 1, 400);
    passesInUse(Duration.ofSeconds(350).minus(TICK));
    assertThat(refreshRequests()).isEmpty();
    correspondence.passes(TICK);
    assertThat(refreshRequests())
        .containsExactly(
            new NodeAction.SendMessage(
                new BindingRefreshRequest(ImmutableList.of()),
                LOCAL,
                HOME.value(),
                Optional.empty()));
    correspondence.passes(Duration.ofSeconds(25).minus(TICK));
    assertThat(refreshRequests()).isEmpty();
    correspondence.passes(TICK);
    assertThat(refreshRequests()).hasSize(1);
    correspondence.passes(Duration.ofSeconds(25));
    assertThat(refreshRequests()).isEmpty();
    assertThat(correspondence.route(HOME)).isEmpty();
  }

  @Test
  void stopsAskingWhenAnUpdateComes() {
    correspondence.bind(HOME, COA_A, 1, 400);
    passesInUse(Duration.ofSeconds(350));
    assertThat(refreshRequests()).hasSize(1);
    correspondence.bind(HOME, COA_A, 2, 400);
    passesInUse(Duration.ofSeconds(350).minus(TICK));
    assertThat(refreshRequests()).isEmpty();
    // But it asks as often for the binding that came with it.
    correspondence.passes(Duration.ofSeconds(40));
    assertThat(refreshRequests()).hasSize(2);
    correspondence.bind(HOME, COA_A, 3, 400);
    correspondence.arrives(correspondence.deletion(correspondence.tests(HOME, COA_A), 4));
    correspondence.passes(Duration.ofSeconds(400));
    assertThat(refreshRequests()).isEmpty();
  }

  // Errors (section 9.3.4).

  private void failsFor(Ipv6Address peer) {
    failsFor(peer, COA_A);
  }

  private void failsFor(Ipv6Address peer, CareOfAddress careOf) {
    correspondence.handle(Correspondence.directPacketFails(LOCAL, peer, careOf));
  }

  @Test
  void persistentErrorsEndABinding() {
    correspondence.bind(HOME, COA_A, 1, 420);
    for (int i = 0; i < 3; i++) {
      failsFor(HOME.value());
      assertThat(correspondence.performed).isEmpty();
      correspondence.passes(Duration.ofSeconds(1));
    }
    failsFor(HOME.value());
    assertThat(correspondence.route(HOME)).isEmpty();
    assertThat(correspondence.sent()).isEmpty();
    // And its next update is welcome.
    correspondence.bind(HOME, COA_B, 2, 420);
  }

  @Test
  void aBurstOfErrorsIsNotPersistent() {
    correspondence.bind(HOME, COA_A, 1, 420);
    for (int i = 0; i < 1000; i++) {
      failsFor(HOME.value());
    }
    correspondence.passes(Duration.ofSeconds(11));
    for (int i = 0; i < 1000; i++) {
      failsFor(HOME.value());
    }
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  @Test
  void twoErrorsAreNotPersistent() {
    correspondence.bind(HOME, COA_A, 1, 420);
    failsFor(HOME.value());
    correspondence.passes(Duration.ofSeconds(9));
    failsFor(HOME.value());
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
    correspondence.passes(Duration.ofSeconds(9));
    failsFor(HOME.value());
    assertThat(correspondence.route(HOME)).isEmpty();
  }

  @Test
  void errorsForABindingThatIsNoMoreMeanNothing() {
    Tokens tokens = correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.arrives(correspondence.deletion(tokens, 2));
    for (int i = 0; i < 10; i++) {
      failsFor(HOME.value());
      assertThat(correspondence.performed).isEmpty();
      correspondence.passes(Duration.ofSeconds(1));
    }
  }

  @Test
  void errorsBeforeAnUpdateDoNotCountAgainstIt() {
    correspondence.bind(HOME, COA_A, 1, 420);
    failsFor(HOME.value());
    failsFor(HOME.value());
    correspondence.passes(Duration.ofSeconds(3));
    correspondence.bind(HOME, COA_B, 2, 420);
    failsFor(HOME.value(), COA_B);
    assertThat(correspondence.route(HOME)).hasValue(COA_B);
  }

  /** A router of the link that it has left tells of packets that were still on their way. */
  @Test
  void errorsAboutAFormerCareOfAddressDoNotCount() {
    correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.bind(HOME, COA_B, 2, 420);
    for (int i = 0; i < 10; i++) {
      failsFor(HOME.value(), COA_A);
      assertThat(correspondence.performed).isEmpty();
      correspondence.passes(Duration.ofSeconds(1));
    }
    failsFor(HOME.value(), COA_B);
    assertThat(correspondence.route(HOME)).hasValue(COA_B);
  }

  @Test
  void errorsForOthersMeanNothing() {
    correspondence.bind(HOME, COA_A, 1, 420);
    for (int i = 0; i < 10; i++) {
      failsFor(OTHER_HOME.value());
      failsFor(COA_A.value());
      correspondence.handle(Correspondence.directPacketFails(HOME.value(), LOCAL, COA_A));
      correspondence.passes(Duration.ofSeconds(1));
    }
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
  }

  // The messages of another implementation.

  /**
   * The captured exchange, with our tokens in the place of the captured ones: the correspondent's
   * key and nonces are in no capture. Everything else is octet for octet what that mobile node sent
   * and that correspondent answered.
   */
  @Test
  void talksWithACapturedMobileNode() throws Exception {
    Optional<MobilityMessage.HomeTest> homeTest = Optional.empty();
    Optional<MobilityMessage.CareOfTest> careOfTest = Optional.empty();
    int updates = 0;
    for (Captures.Captured one : Captures.mobility("rr-and-route-optimization-cn")) {
      Ipv6Packet packet = one.packet();
      MobilityMessage message = one.message();
      if (message instanceof MobilityMessage.HomeTest captured) {
        var ours = (MobilityMessage.HomeTest) correspondence.onlySent().message();
        homeTest = Optional.of(ours);
        isTheSame(
            new MobilityMessage.HomeTest(
                captured.nonceIndex(), ours.cookie(), captured.token(), ours.options()),
            packet);
      } else if (message instanceof MobilityMessage.CareOfTest captured) {
        var ours = (MobilityMessage.CareOfTest) correspondence.onlySent().message();
        careOfTest = Optional.of(ours);
        isTheSame(
            new MobilityMessage.CareOfTest(
                captured.nonceIndex(), ours.cookie(), captured.token(), ours.options()),
            packet);
      } else {
        if (message instanceof BindingUpdate captured) {
          updates++;
          message =
              withOurTokens(captured, packet, homeTest.orElseThrow(), careOfTest.orElseThrow());
        }
        correspondence.arrives(
            message,
            new Arrival(
                packet.stableSource(),
                packet.stableDestination(),
                packet
                    .extension(ExtensionHeader.DestinationOptions.class)
                    .map(option -> packet.source()),
                false,
                SecurityPath.EMPTY,
                0));
      }
    }
    assertThat(updates).isEqualTo(1);
    assertThat(correspondence.sent()).as("it does not ask for an acknowledgement").isEmpty();
    assertThat(correspondence.route(HOME))
        .hasValue(new CareOfAddress(Ipv6Address.parse("2001:db8:a::ff:fe00:aa")));
    assertThat(correspondence.node().bindings().get(0).lifetime())
        .isEqualTo(new BindingLifetime(105));
    assertThat(correspondence.node().bindings().get(0).sequence())
        .isEqualTo(new SequenceNumber(63767));
  }

  private void isTheSame(MobilityMessage ours, Ipv6Packet captured) {
    assertThat(correspondence.onlySent().source()).isEqualTo(captured.source());
    assertThat(correspondence.onlySent().destination()).isEqualTo(captured.destination());
    assertThat(captured.extensions()).as("no routing header there").isEmpty();
    assertThat(correspondence.onlySent().careOf()).as("nor here").isEmpty();
    ByteBuf out = Unpooled.buffer();
    MobilityCodec.encode(ours, captured.source(), captured.destination(), out);
    assertThat(ByteBufUtil.hexDump(out)).isEqualTo(captured.payload().toString());
  }

  private static BindingUpdate withOurTokens(
      BindingUpdate captured,
      Ipv6Packet packet,
      MobilityMessage.HomeTest homeTest,
      MobilityMessage.CareOfTest careOfTest) {
    var options = ImmutableList.<MobilityOption>builder();
    for (MobilityOption option : captured.options()) {
      if (option instanceof NonceIndices) {
        options.add(new NonceIndices(homeTest.nonceIndex(), careOfTest.nonceIndex()));
      } else if (!(option instanceof BindingAuthorizationData)) {
        options.add(option);
      }
    }
    return BindingManagementKey.of(homeTest.token(), careOfTest.token())
        .authorize(
            new BindingUpdate(
                captured.sequence(), captured.flags(), captured.lifetime(), options.build()),
            new CareOfAddress(packet.source()),
            packet.destination());
  }
}
