package io.mipd.mobility;

import static io.mipd.mobility.Conversation.messages;
import static io.mipd.mobility.Conversation.sentToPeers;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.CORRESPONDENT;
import static io.mipd.mobility.Exchange.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.Exchange.Link;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.Side.MobilityMessageOnTheWire;
import io.mipd.mobility.mn.RouteStatus;
import io.mipd.mobility.mn.RouteVerdict;
import io.mipd.mobility.rr.BindingManagementKey;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingError;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a mobile node does when its correspondents do not answer as they should. */
class RouteTroubleTest {
  private static final Ipv6Address STRANGER = Ipv6Address.parse("2001:db8:d::1");
  private static final BindingError NO_BINDING =
      new BindingError(BindingError.UNKNOWN_BINDING, HOME.value(), ImmutableList.of());
  private static final BindingError NOT_UNDERSTOOD =
      new BindingError(
          BindingError.UNRECOGNIZED_MESSAGE, Ipv6Address.UNSPECIFIED, ImmutableList.of());

  private static final Duration PATIENCE =
      ProtocolConstants.MAX_BINDACK_TIMEOUT.plus(Duration.ofSeconds(1));

  private static NodeAction refuse(Refusal reason) {
    return new NodeAction.Refuse(reason, CORRESPONDENT);
  }

  /** When messages of this kind leave within the time, in milliseconds from now. */
  private static List<Long> times(
      Conversation conversation, Class<? extends MobilityMessage> kind, Duration duration) {
    Instant began = conversation.exchange.now;
    List<Long> times = new ArrayList<>();
    while (conversation.exchange.now.isBefore(began.plus(duration))) {
      int sent = messages(conversation.passes(Duration.ofMillis(100)), kind).size();
      for (int i = 0; i < sent; i++) {
        times.add(Duration.between(began, conversation.exchange.now).toMillis());
      }
    }
    return times;
  }

  // Loss.

  /** RFC 6275 section 11.8: after a second once more, with new cookies and sequence numbers. */
  @Test
  void survivesTheLossOfEachMessage() {
    List<Class<? extends MobilityMessage>> kinds =
        List.of(
            HomeTestInit.class,
            CareOfTestInit.class,
            HomeTest.class,
            CareOfTest.class,
            BindingUpdate.class,
            BindingAcknowledgement.class);
    for (Class<? extends MobilityMessage> lost : kinds) {
      var conversation = Conversation.atA();
      conversation.payload(CORRESPONDENT);
      boolean dropped = false;
      Set<Object> seen = new LinkedHashSet<>();
      for (int i = 0; i < 20; i++) {
        while (!conversation.exchange.toPeer.isEmpty()
            || !conversation.exchange.toMobile.isEmpty()) {
          boolean toPeer = !conversation.exchange.toPeer.isEmpty();
          MobilityMessageOnTheWire wire =
              toPeer
                  ? conversation.exchange.toPeer.removeFirst()
                  : conversation.exchange.toMobile.removeFirst();
          if (toPeer) {
            assertThat(seen.add(wire.message())).as("%s was sent before", wire).isTrue();
          }
          if (!dropped && lost.isInstance(wire.message())) {
            dropped = true;
          } else if (toPeer) {
            conversation.exchange.arrivesAtPeer(wire);
          } else {
            conversation.exchange.arrives(wire, false);
          }
        }
        if (i < 9) {
          assertThat(conversation.use()).as("%s lost", lost).isEmpty();
        }
        conversation.passes(Duration.ofMillis(100));
      }
      assertThat(dropped).isTrue();
      assertThat(conversation.use()).as("%s lost", lost).hasValue(COA_A);
    }
  }

  /** Sections 5.2.9 and 11.8: MAX_RO_FAILURE retransmissions, then no more for a while. */
  @Test
  void givesUpWhoDoesNotAnswer() {
    var conversation = Conversation.atA();
    conversation.payload(CORRESPONDENT);
    assertThat(conversation.exchange.toPeer).hasSize(2);
    assertThat(times(conversation, HomeTestInit.class, Duration.ofSeconds(14)))
        .containsExactly(1000L, 3000L, 7000L);
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).hasSize(1);
    List<NodeAction> actions = conversation.passes(Duration.ofSeconds(1));
    assertThat(actions)
        .containsExactly(
            new NodeAction.Tell(
                "no direct route to " + CORRESPONDENT + " for 60 s: it does not answer"));
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
    assertThat(why(conversation))
        .isEqualTo(
            new RouteVerdict(
                RouteVerdict.Reason.FAILED_BEFORE,
                Optional.empty(),
                Optional.of(Duration.ofSeconds(60))));
    conversation.passes(Duration.ofSeconds(60));
    assertThat(why(conversation).reason()).isEqualTo(RouteVerdict.Reason.NOTHING_HEARD);
  }

  private static RouteVerdict why(Conversation conversation) {
    return conversation.exchange.mobileNode().why(conversation.exchange.now, CORRESPONDENT);
  }

  /** Each time twice as long as the time before, up to an hour. */
  @Test
  void triesAgainLaterAndLater() {
    var conversation = Conversation.atA();
    List<Long> waits = new ArrayList<>();
    conversation.payload(CORRESPONDENT);
    conversation.passes(Duration.ofSeconds(15));
    for (int i = 0; i < 9; i++) {
      Instant failed = conversation.exchange.now;
      conversation.exchange.toPeer.clear();
      while (conversation.payload(CORRESPONDENT).isEmpty()) {
        conversation.exchange.passes(Duration.ofSeconds(1));
        conversation.exchange.settle();
        conversation.exchange.advertise(Exchange.ETH0);
      }
      waits.add(Duration.between(failed, conversation.exchange.now).toSeconds());
      conversation.exchange.toPeer.clear();
      conversation.passes(Duration.ofSeconds(15));
    }
    assertThat(waits).containsExactly(60L, 120L, 240L, 480L, 960L, 1920L, 3600L, 3600L, 3600L);
  }

  /** Of a Binding Update likewise; the deletion tells the peer, if it has heard the update. */
  @Test
  void givesUpWhoDoesNotAcknowledge() {
    var conversation = Conversation.atA();
    conversation.payload(CORRESPONDENT);
    conversation.roundTrip(HomeTestInit.class, HomeTest.class);
    conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    assertThat(times(conversation, BindingUpdate.class, Duration.ofMillis(14_900)))
        .containsExactly(1000L, 3000L, 7000L);
    List<NodeAction> actions = conversation.passes(Duration.ofMillis(100));
    assertThat(messages(actions, BindingUpdate.class))
        .singleElement()
        .matches(update -> update.lifetime().isZero());
    assertThat(conversation.accept()).hasValue(COA_A);
    assertThat(conversation.status().state()).isEqualTo(RouteStatus.State.ENDING);
    // All of them arrive after all; at once they are too many, and the deletion is sent again.
    conversation.passesWithoutLoss(Duration.ofSeconds(4));
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    assertThat(conversation.accept()).isEmpty();
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
  }

  /**
   * A peer that has been restarted takes updates with a token of before for forged ones, and says
   * nothing: both tests are made once more before it is given up.
   */
  @Test
  void testsAnewWhoDoesNotAcknowledgeAnOldToken() {
    var conversation = Conversation.optimizedAtA();
    conversation.passesWithoutLoss(Duration.ofSeconds(100));
    conversation.exchange.movesTo(Link.B);
    conversation.exchange.delivers(BindingUpdate.class);
    conversation.reachesMobile(BindingAcknowledgement.class);
    conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    assertThat(times(conversation, BindingUpdate.class, Duration.ofMillis(14_900)))
        .containsExactly(1000L, 3000L, 7000L);
    List<NodeAction> actions = conversation.passes(Duration.ofMillis(100));
    assertThat(messages(actions, HomeTestInit.class)).hasSize(1);
    assertThat(messages(actions, CareOfTestInit.class)).hasSize(1);
    assertThat(actions).noneMatch(NodeAction.Tell.class::isInstance);

    conversation.exchange.toPeer.removeIf(wire -> wire.message() instanceof BindingUpdate);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_B);
  }

  /** It need not be the peer's fault as long as the home agent has not acknowledged. */
  @Test
  void isPatientWithPeersWhileTheHomeAgentIsSilent() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.movesTo(Link.B);
    assertThat(times(conversation, CareOfTestInit.class, Duration.ofSeconds(100)))
        .containsExactly(1000L, 3000L, 7000L, 15_000L, 31_000L, 63_000L, 95_000L);
    conversation.exchange.toPeer.clear();
    conversation.exchange.toMobile.clear();
    conversation.exchange.passes(Duration.ofMillis(100));
    // The home agent answers: at once the peer is asked anew.
    while (conversation.exchange.toAgent.size() > 1) {
      conversation.exchange.toAgent.removeFirst();
    }
    conversation.exchange.delivers(BindingUpdate.class);
    conversation.reachesMobile(BindingAcknowledgement.class);
    conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_B);
  }

  /** RFC 6275 section 11.8: no more than MAX_UPDATE_RATE of a type in a second. */
  @Test
  void doesNotFloodThePeerWhenTheLinkFlaps() {
    var conversation = Conversation.optimizedAtA();
    conversation.passes(Duration.ofSeconds(2));
    for (Class<? extends MobilityMessage> kind :
        List.<Class<? extends MobilityMessage>>of(BindingUpdate.class, CareOfTestInit.class)) {
      List<Instant> sent = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        int before = conversation.exchange.mobile.performed.size();
        conversation.exchange.movesTo(i % 2 == 0 ? Link.B : Link.A);
        conversation.exchange.settle();
        conversation.exchange.passes(Duration.ofMillis(50));
        conversation.exchange.settle();
        List<NodeAction> all = conversation.exchange.mobile.performed;
        int number = messages(all.subList(before, all.size()), kind).size();
        for (int n = 0; n < number; n++) {
          sent.add(conversation.exchange.now);
        }
      }
      assertThat(sent).hasSizeBetween(6, 12);
    }
    conversation.passesWithoutLoss(Duration.ofSeconds(5));
    assertThat(conversation.use()).isPresent();
  }

  // Forgeries.

  /** RFC 6275 section 11.6.2. */
  @Test
  void takesNoTestThatIsNotAnAnswer() {
    var conversation = Conversation.atA();
    conversation.payload(CORRESPONDENT);
    conversation.reachesPeer(HomeTestInit.class);
    conversation.reachesPeer(CareOfTestInit.class);
    HomeTest home = (HomeTest) conversation.takeToMobile(HomeTest.class).message();
    CareOfTest careOf = (CareOfTest) conversation.takeToMobile(CareOfTest.class).message();
    var wrongHome =
        new HomeTest(home.nonceIndex(), home.cookie() ^ 1, home.token(), ImmutableList.of());
    var wrongCareOf =
        new CareOfTest(
            careOf.nonceIndex(), careOf.cookie() ^ 1, careOf.token(), ImmutableList.of());
    assertThat(conversation.hears(wrongHome, CORRESPONDENT, HOME.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    assertThat(conversation.hears(wrongCareOf, CORRESPONDENT, COA_A.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    assertThat(conversation.hears(home, CORRESPONDENT, HOME.value(), true))
        .containsExactly(refuse(Refusal.MALFORMED));
    assertThat(conversation.hears(home, CORRESPONDENT, COA_A.value(), false))
        .containsExactly(refuse(Refusal.WRONG_ADDRESS));
    assertThat(conversation.hears(careOf, CORRESPONDENT, HOME.value(), false))
        .containsExactly(refuse(Refusal.WRONG_ADDRESS));
    assertThat(conversation.hears(careOf, CORRESPONDENT, COA_B.value(), false))
        .containsExactly(refuse(Refusal.WRONG_ADDRESS));
    assertThat(conversation.hears(home, STRANGER, HOME.value(), false))
        .containsExactly(new NodeAction.Refuse(Refusal.UNEXPECTED, STRANGER));
    // The right ones, and no second time.
    assertThat(conversation.hears(home, CORRESPONDENT, HOME.value(), false)).isEmpty();
    assertThat(conversation.hears(home, CORRESPONDENT, HOME.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    assertThat(
            messages(
                conversation.hears(careOf, CORRESPONDENT, COA_A.value(), false),
                BindingUpdate.class))
        .hasSize(1);
  }

  /** RFC 6275 section 11.8: a question that is asked again has another cookie. */
  @Test
  void takesNoAnswerToAnEarlierQuestion() {
    var conversation = Conversation.atA();
    conversation.payload(CORRESPONDENT);
    conversation.reachesPeer(CareOfTestInit.class);
    CareOfTest late = (CareOfTest) conversation.takeToMobile(CareOfTest.class).message();
    conversation.passes(Duration.ofSeconds(1));
    assertThat(conversation.hears(late, CORRESPONDENT, COA_A.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
  }

  /** As far as the Binding Update. */
  private static Conversation registering() {
    var conversation = Conversation.atA();
    conversation.payload(CORRESPONDENT);
    conversation.roundTrip(HomeTestInit.class, HomeTest.class);
    conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    return conversation;
  }

  private static BindingAcknowledgement answer(BindingStatus status, SequenceNumber sequence) {
    return new BindingAcknowledgement(
        status, false, sequence, BindingLifetime.atMost(Conversation.LIFETIME), ImmutableList.of());
  }

  /** RFC 6275 section 11.7.3: an authenticator that is missing, of another key, or for another. */
  @Test
  void takesNoAcknowledgementThatIsNotAuthentic() {
    var conversation = registering();
    SequenceNumber sequence = conversation.status().sequence();
    var bare = answer(BindingStatus.ACCEPTED, sequence);
    var otherKey =
        BindingManagementKey.of(
            new MobilityMessage.KeygenToken(1), new MobilityMessage.KeygenToken(2));
    for (BindingAcknowledgement forged :
        List.of(
            bare,
            otherKey.authorize(bare, COA_A, CORRESPONDENT),
            answer(BindingStatus.REASON_UNSPECIFIED, sequence),
            answer(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW, sequence))) {
      assertThat(conversation.acknowledges(forged))
          .as("%s", forged)
          .containsExactly(refuse(Refusal.NOT_AUTHENTIC));
    }
    assertThat(
            conversation.acknowledges(
                answer(BindingStatus.EXPIRED_NONCES, new SequenceNumber(sequence.value() ^ 1))))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    assertThat(conversation.use()).isEmpty();
    conversation.roundTrip(BindingUpdate.class, BindingAcknowledgement.class);
    assertThat(conversation.use()).hasValue(COA_A);
    assertThat(conversation.acknowledges(bare)).containsExactly(refuse(Refusal.UNEXPECTED));
  }

  // Refusals.

  /** The key of a conversation that is registering, for answers that the peer would not give. */
  private static final class Keyed {
    final Conversation conversation = Conversation.atA();
    final BindingManagementKey key;

    Keyed() {
      conversation.payload(CORRESPONDENT);
      HomeTest home = conversation.roundTrip(HomeTestInit.class, HomeTest.class);
      CareOfTest careOf = conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
      key = BindingManagementKey.of(home.token(), careOf.token());
    }

    List<NodeAction> answers(BindingStatus status, SequenceNumber sequence) {
      return conversation.acknowledges(
          key.authorize(answer(status, sequence), COA_A, CORRESPONDENT));
    }
  }

  /** RFC 6275 section 11.7.3: the tunnel, and no update for a while; it has bound nothing. */
  @ParameterizedTest
  @ValueSource(ints = {128, 129, 130, 139, 174})
  void leavesThosePeersAloneThatRefuse(int code) {
    var keyed = new Keyed();
    var conversation = keyed.conversation;
    List<NodeAction> actions =
        keyed.answers(new BindingStatus(code), conversation.status().sequence());
    assertThat(sentToPeers(actions)).isEmpty();
    assertThat(actions).hasAtLeastOneElementOfType(NodeAction.Tell.class);
    assertThat(conversation.use()).isEmpty();
    assertThat(conversation.accept()).isEmpty();
    conversation.passes(Duration.ofMillis(59_999));
    assertThat(conversation.payload(CORRESPONDENT)).isEmpty();
    conversation.passes(Duration.ofMillis(1));
    assertThat(conversation.payload(CORRESPONDENT)).isNotEmpty();
  }

  /** A binding that is refused its renewal is not used any more, and is to be deleted. */
  @Test
  void takesTheTunnelWhenTheRenewalIsRefused() {
    var keyed = new Keyed();
    var conversation = keyed.conversation;
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_A);
    conversation.passes(Duration.ofSeconds(100));
    conversation.hears(
        new MobilityMessage.BindingRefreshRequest(ImmutableList.of()),
        CORRESPONDENT,
        HOME.value(),
        false);
    List<NodeAction> actions =
        keyed.answers(BindingStatus.INSUFFICIENT_RESOURCES, conversation.status().sequence());
    assertThat(conversation.use()).isEmpty();
    assertThat(conversation.accept()).hasValue(COA_A);
    assertThat(messages(actions, BindingUpdate.class))
        .singleElement()
        .matches(update -> update.lifetime().isZero());
    conversation.exchange.settle();
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).isEmpty();
    assertThat(conversation.accept()).isEmpty();
  }

  /** RFC 6275 section 11.7.3: go on from the number that the peer knows. */
  @Test
  void goesOnFromALaterNumber() {
    var keyed = new Keyed();
    var conversation = keyed.conversation;
    SequenceNumber later = conversation.status().sequence();
    for (int i = 0; i < 1000; i++) {
      later = later.next();
    }
    List<NodeAction> actions = keyed.answers(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW, later);
    assertThat(messages(actions, BindingUpdate.class))
        .extracting(BindingUpdate::sequence)
        .containsExactly(later.next());
    // The same once more is an answer to what is not asked any more.
    assertThat(keyed.answers(BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW, later))
        .containsExactly(refuse(Refusal.UNEXPECTED));
  }

  /** RFC 6275 section 5.2.7: exactly the tests that the status speaks of. */
  @Test
  void testsAnewWhatThePeerDoesNotRecognize() {
    assertThat(askedAfter(BindingStatus.EXPIRED_HOME_NONCE_INDEX))
        .hasExactlyElementsOfTypes(HomeTestInit.class);
    assertThat(askedAfter(BindingStatus.EXPIRED_CARE_OF_NONCE_INDEX))
        .hasExactlyElementsOfTypes(CareOfTestInit.class);
    assertThat(askedAfter(BindingStatus.EXPIRED_NONCES))
        .hasExactlyElementsOfTypes(HomeTestInit.class, CareOfTestInit.class);
  }

  private static List<MobilityMessage> askedAfter(BindingStatus status) {
    var conversation = registering();
    List<NodeAction> actions =
        conversation.acknowledges(answer(status, conversation.status().sequence()));
    conversation.exchange.toPeer.removeFirst();
    List<MobilityMessage> asked =
        sentToPeers(actions).stream().map(NodeAction.SendMessage::message).toList();
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_A);
    return asked;
  }

  /** At once, after one second, after two, and then no more for a while. */
  @Test
  void doesNotTestForEver() {
    var conversation = registering();
    List<Long> waits = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      conversation.takeToPeer(BindingUpdate.class);
      Instant refused = conversation.exchange.now;
      conversation.acknowledges(
          answer(BindingStatus.EXPIRED_NONCES, conversation.status().sequence()));
      while (conversation.exchange.toPeer.isEmpty()) {
        conversation.exchange.passes(Duration.ofMillis(1));
      }
      waits.add(Duration.between(refused, conversation.exchange.now).toMillis());
      conversation.roundTrip(HomeTestInit.class, HomeTest.class);
      conversation.roundTrip(CareOfTestInit.class, CareOfTest.class);
    }
    assertThat(waits).containsExactly(0L, 1000L, 2000L);
    conversation.takeToPeer(BindingUpdate.class);
    assertThat(
            conversation.acknowledges(
                answer(BindingStatus.EXPIRED_NONCES, conversation.status().sequence())))
        .hasAtLeastOneElementOfType(NodeAction.Tell.class);
    assertThat(conversation.use()).isEmpty();
  }

  /** These answers are not authenticated: the binding that there is stays in use. */
  @Test
  void keepsTheBindingWhenExpiredNoncesAreForged() {
    var conversation = Conversation.optimizedAtA();
    conversation.passes(Duration.ofSeconds(100));
    conversation.hears(
        new MobilityMessage.BindingRefreshRequest(ImmutableList.of()),
        CORRESPONDENT,
        HOME.value(),
        false);
    conversation.acknowledges(
        answer(BindingStatus.EXPIRED_NONCES, conversation.status().sequence()));
    assertThat(conversation.use()).hasValue(COA_A);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_A);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).hasValue(COA_A);
  }

  // Errors.

  /** RFC 6275 section 11.3.6. */
  @Test
  void takesTheTunnelAtOnceWhenThePeerDoesNotKnowTheBinding() {
    var conversation = Conversation.optimizedAtA();
    conversation.exchange.restartPeer();
    List<NodeAction> actions = conversation.hears(NO_BINDING, CORRESPONDENT, COA_A.value(), false);
    assertThat(actions.get(0)).isInstanceOf(NodeAction.WantRoute.class);
    assertThat(conversation.use()).isEmpty();
    // It may be a forgery, and the peer send directly.
    assertThat(conversation.accept()).hasValue(COA_A);
    assertThat(sentToPeers(actions))
        .extracting(NodeAction.SendMessage::message)
        .hasExactlyElementsOfTypes(HomeTestInit.class, CareOfTestInit.class);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_A);
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).hasValue(COA_A);
  }

  /** Again and again, at once only for the first time; a wait is all that it costs, for ever. */
  @Test
  @Tag("many")
  void spoofedErrorsCostAWaitAndNeverTheRoute() {
    waitsAfterEach(
        conversation -> conversation.hears(NO_BINDING, CORRESPONDENT, COA_A.value(), false));
  }

  @Test
  @Tag("many")
  void spoofedPayloadCostsAWaitAndNeverTheRoute() {
    waitsAfterEach(
        conversation -> {
          // What comes at once may have been under way when the binding was made.
          conversation.passes(Duration.ofMillis(2001));
          conversation.payload(CORRESPONDENT);
        });
  }

  private static void waitsAfterEach(Consumer<Conversation> spoofed) {
    var conversation = Conversation.optimizedAtA();
    List<Long> waits = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      spoofed.accept(conversation);
      assertThat(conversation.use()).isEmpty();
      Instant failed = conversation.exchange.now;
      while (conversation.use().isEmpty()) {
        conversation.exchange.passes(Duration.ofMillis(1));
        conversation.exchange.settle();
        assertThat(Duration.between(failed, conversation.exchange.now)).isLessThan(PATIENCE);
      }
      waits.add(Duration.between(failed, conversation.exchange.now).toSeconds());
    }
    assertThat(waits).startsWith(0L, 1L, 2L);
    assertThat(conversation.exchange.mobile.performed)
        .as("what is said of failures")
        .noneMatch(NodeAction.Tell.class::isInstance);
  }

  /** RFC 6275 section 9.3.3: it is sent to the source of the packet that it is about. */
  @Test
  void ignoresErrorsThatWereNotSentToTheCareOfAddressOfTheBinding() {
    var conversation = Conversation.optimizedAtA();
    assertThat(conversation.hears(NO_BINDING, CORRESPONDENT, HOME.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    assertThat(conversation.hears(NO_BINDING, CORRESPONDENT, COA_B.value(), false))
        .containsExactly(refuse(Refusal.WRONG_ADDRESS));
    assertThat(conversation.use()).hasValue(COA_A);
  }

  /** Who has no entry, or speaks for another, is not listened to (section 11.3.6). */
  @Test
  void ignoresErrorsOfOthers() {
    var conversation = Conversation.optimizedAtA();
    assertThat(conversation.hears(NO_BINDING, STRANGER, COA_A.value(), false))
        .containsExactly(new NodeAction.Refuse(Refusal.UNEXPECTED, STRANGER));
    var otherHome =
        new BindingError(
            BindingError.UNKNOWN_BINDING, Exchange.OTHER_HOME.value(), ImmutableList.of());
    assertThat(conversation.hears(otherHome, CORRESPONDENT, COA_A.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    assertThat(conversation.hears(NOT_UNDERSTOOD, CORRESPONDENT, COA_A.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    assertThat(conversation.use()).hasValue(COA_A);
    var waiting = registering();
    assertThat(waiting.hears(NO_BINDING, CORRESPONDENT, COA_A.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
    // Who has answered a test knows the Mobility Header, whatever is said in its name.
    assertThat(waiting.hears(NOT_UNDERSTOOD, CORRESPONDENT, COA_A.value(), false))
        .containsExactly(refuse(Refusal.UNEXPECTED));
  }

  /** RFC 6275 sections 11.3.5 and 11.3.6: no more attempts for a long while. */
  @Test
  void leavesThosePeersAloneThatDoNotKnowMobility() {
    NodeEvent homeTestInitFails = Conversation.mobilityHeaderFails(HOME.value(), CORRESPONDENT);
    NodeEvent careOfTestInitFails = Conversation.mobilityHeaderFails(COA_A.value(), CORRESPONDENT);
    for (Consumer<Conversation> refusal :
        List.<Consumer<Conversation>>of(
            it -> it.hears(NOT_UNDERSTOOD, CORRESPONDENT, HOME.value(), false),
            it -> it.hears(homeTestInitFails),
            it -> it.hears(careOfTestInitFails))) {
      var conversation = Conversation.atA();
      conversation.payload(CORRESPONDENT);
      refusal.accept(conversation);
      assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
      conversation.exchange.toPeer.clear();
      for (int minute = 0; minute < 60; minute++) {
        assertThat(conversation.payload(CORRESPONDENT)).isEmpty();
        conversation.exchange.passes(Duration.ofMinutes(1));
        conversation.exchange.settle();
        conversation.exchange.advertise(Exchange.ETH0);
      }
      assertThat(conversation.payload(CORRESPONDENT)).isNotEmpty();
    }
  }

  /** What quotes no message of ours, another address, or comes when nothing is asked. */
  @Test
  void doesNotBelieveEveryRefusalOfAMobilityHeader() {
    var conversation = Conversation.atA();
    assertThat(conversation.hears(Conversation.mobilityHeaderFails(HOME.value(), CORRESPONDENT)))
        .as("section 11.3.5: it makes no entry")
        .isEmpty();
    conversation.payload(CORRESPONDENT);
    for (NodeEvent other :
        List.of(
            Conversation.mobilityHeaderFails(COA_B.value(), CORRESPONDENT),
            Conversation.mobilityHeaderFails(COA_A.value(), STRANGER),
            Conversation.directPacketFails(COA_A, CORRESPONDENT),
            Conversation.failed(4, 0, HOME.value(), HOME.value(), CORRESPONDENT, 135),
            Conversation.failed(4, 1, HOME.value(), HOME.value(), CORRESPONDENT, 17),
            Conversation.failed(1, 1, HOME.value(), HOME.value(), CORRESPONDENT, 135))) {
      assertThat(conversation.hears(other)).as("%s", other).isEmpty();
    }
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_A);
    conversation.hears(Conversation.mobilityHeaderFails(HOME.value(), CORRESPONDENT));
    assertThat(conversation.use()).as("it has answered, so it knows").hasValue(COA_A);
  }

  /** The direct way is broken: by the tunnel, and the peer is told. One error is none. */
  @Test
  void takesTheTunnelWhenTheDirectPathKeepsFailing() {
    var conversation = Conversation.optimizedAtA();
    assertThat(conversation.hears(Conversation.directPacketFails(COA_A, CORRESPONDENT))).isEmpty();
    assertThat(conversation.use()).hasValue(COA_A);
    List<NodeAction> actions = conversation.directPacketsKeepFailing(COA_A);
    assertThat(conversation.use()).isEmpty();
    assertThat(conversation.accept()).hasValue(COA_A);
    assertThat(messages(actions, BindingUpdate.class))
        .singleElement()
        .matches(update -> update.lifetime().isZero());
    conversation.exchange.settle();
    assertThat(conversation.accept()).isEmpty();
    conversation.passes(Duration.ofMillis(59_999));
    assertThat(conversation.payload(CORRESPONDENT)).isEmpty();
    conversation.passes(Duration.ofMillis(1));
    assertThat(conversation.payload(CORRESPONDENT)).isNotEmpty();
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_A);
  }

  /** What quotes another home address or care-of address, or none, is not of this route. */
  @Test
  void errorsAboutOtherPacketsDoNotCount() {
    var conversation = Conversation.optimizedAtA();
    Ipv6Address otherHome = Exchange.OTHER_HOME.value();
    for (int i = 0; i < 20; i++) {
      conversation.exchange.passes(Duration.ofSeconds(1));
      conversation.hears(Conversation.directPacketFails(COA_A, STRANGER));
      conversation.hears(Conversation.directPacketFails(COA_B, CORRESPONDENT));
      conversation.hears(
          Conversation.failed(1, 3, COA_A.value(), COA_A.value(), CORRESPONDENT, 17));
      conversation.hears(Conversation.failed(1, 3, COA_A.value(), otherHome, CORRESPONDENT, 17));
      conversation.hears(Conversation.failed(3, 0, COA_A.value(), HOME.value(), CORRESPONDENT, 17));
    }
    assertThat(conversation.use()).hasValue(COA_A);
  }

  /** The former link's router is late with its word on a neighbour that has gone. */
  @Test
  void errorsAboutAFormerCareOfAddressDoNotCountAgainstTheNewOne() {
    var conversation = Conversation.optimizedAtA();
    for (int i = 0; i < 2; i++) {
      conversation.hears(Conversation.directPacketFails(COA_A, CORRESPONDENT));
      conversation.passes(Duration.ofSeconds(2));
    }
    conversation.movesTo(Link.B);
    conversation.exchange.settle();
    assertThat(conversation.use()).hasValue(COA_B);
    conversation.directPacketsKeepFailing(COA_A);
    assertThat(conversation.use()).hasValue(COA_B);
    // Nor do those that came before it was made.
    conversation.hears(Conversation.directPacketFails(COA_B, CORRESPONDENT));
    assertThat(conversation.use()).hasValue(COA_B);
    conversation.directPacketsKeepFailing(COA_B);
    assertThat(conversation.use()).isEmpty();
  }

  /** Nobody answers the deletion: what the peer may still send is accepted while it may. */
  @Test
  void acceptsWhatThePeerMaySendUntilItsBindingHasExpired() {
    var conversation = Conversation.optimizedAtA();
    conversation.directPacketsKeepFailing(COA_A);
    conversation.exchange.toPeer.clear();
    conversation.passes(Duration.ofSeconds(395));
    assertThat(conversation.accept()).hasValue(COA_A);
    conversation.passes(Duration.ofSeconds(1));
    assertThat(conversation.accept()).isEmpty();
    assertThat(conversation.exchange.mobileNode().routes(conversation.exchange.now)).isEmpty();
  }

  /** It has lost our binding and says nothing, but sends by the tunnel again: so do we, at once. */
  @Test
  void beginsAnewWithAPeerThatUsesTheTunnel() {
    var conversation = Conversation.optimizedAtA();
    conversation.passes(Duration.ofSeconds(1));
    conversation.payload(CORRESPONDENT);
    assertThat(conversation.use()).as("it was still under way").hasValue(COA_A);
    conversation.passes(Duration.ofSeconds(39));
    conversation.exchange.restartPeer();
    conversation.payload(CORRESPONDENT);
    assertThat(conversation.use()).isEmpty();
    // Its nonces are others, so that it finds the update forged, or its index expired.
    for (int i = 0; i < 20; i++) {
      conversation.passesWithoutLoss(Duration.ofSeconds(1));
    }
    assertThat(conversation.exchange.correspondentSendsTo(CORRESPONDENT)).hasValue(COA_A);
    assertThat(conversation.use()).hasValue(COA_A);
  }

  /** It cannot be renewed, and so is used until it expires, and no longer. */
  @Test
  void doesNotUseWhatHasExpired() {
    var conversation = Conversation.optimizedAtA();
    for (int i = 0; i < 399; i++) {
      conversation.passes(Duration.ofSeconds(1));
      // The home agent is there, the peer is not.
      conversation.exchange.toPeer.clear();
      conversation.exchange.settle();
    }
    assertThat(conversation.use()).isEmpty();
  }
}
