package io.mipd.mobility.mn;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeAction.SendMessage;
import io.mipd.mobility.mn.KeygenTest.Token;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/** The return routability procedure with one correspondent (RFC 6275 section 5.2.5). */
final class ReturnRoutability {
  private final HomeAddress home;
  private final Ipv6Address peer;
  private final KeygenTest homeTest;
  private final KeygenTest careOfTest;
  private boolean hasBeenAnswered;

  /**
   * @param rates of the node
   * @param random of cryptographic quality
   */
  ReturnRoutability(
      HomeAddress home, Ipv6Address peer, MessageRates rates, RandomGenerator random) {
    this.home = home;
    this.peer = peer;
    homeTest = new KeygenTest(rates.limit(MobilityMessage.HOME_TEST_INIT, peer), random);
    careOfTest = new KeygenTest(rates.limit(MobilityMessage.CARE_OF_TEST_INIT, peer), random);
  }

  /** The peer has answered at some time: it knows the Mobility Header. */
  boolean hasBeenAnswered() {
    return hasBeenAnswered;
  }

  /**
   * Returns whether it is the answer to what was asked. That it came through the home agent's
   * tunnel (section 11.6.2) is not asked for beyond what policy does: the kernel does not tell by
   * which templates a message came where they are optional. The cookie, which went out through that
   * tunnel and never comes twice, shows that whoever answers was on the path of the question.
   */
  boolean take(HomeTest test) {
    return noted(homeTest.answered(test.cookie(), test.nonceIndex(), test.token()));
  }

  /** Returns whether it is the answer to what was asked. */
  boolean take(CareOfTest test) {
    return noted(careOfTest.answered(test.cookie(), test.nonceIndex(), test.token()));
  }

  /** Whether it would be the answer to what was asked. */
  boolean isExpecting(CareOfTest test) {
    return careOfTest.hasAsked(test.cookie());
  }

  private boolean noted(boolean answered) {
    hasBeenAnswered |= answered;
    return answered;
  }

  /** The home keygen token that may be used. */
  Optional<Token> homeToken(Instant now) {
    return homeTest.token(now);
  }

  /** There is a home keygen token, and it need not be renewed yet. */
  boolean isHomeTokenFresh(Instant now) {
    return homeTest.isFresh(now);
  }

  /** The care-of keygen token that may be used. */
  Optional<Token> careOfToken(Instant now) {
    return careOfTest.token(now);
  }

  /**
   * What is to be sent for a home keygen token now, if anything: from the home address, which takes
   * the tunnel as long as we are away (section 11.6.1).
   */
  Optional<SendMessage> askHome(Instant now) {
    return homeTest
        .ask(now)
        .map(cookie -> send(new HomeTestInit(cookie, ImmutableList.of()), home.value()));
  }

  /** Likewise for a care-of keygen token, from the care-of address. */
  Optional<SendMessage> askCareOf(Instant now, CareOfAddress careOf) {
    return careOfTest
        .ask(now)
        .map(cookie -> send(new CareOfTestInit(cookie, ImmutableList.of()), careOf.value()));
  }

  private SendMessage send(MobilityMessage message, Ipv6Address source) {
    return new SendMessage(message, source, peer, Optional.empty());
  }

  /** No answer is waited for any more; the home keygen token stays. */
  void stopHome() {
    homeTest.stop();
  }

  /** Likewise; the care-of keygen token stays. */
  void stopCareOf() {
    careOfTest.stop();
  }

  void forgetHome() {
    homeTest.forget();
  }

  void forgetCareOf() {
    careOfTest.forget();
  }

  /** Begin again from nothing. */
  void forget() {
    homeTest.forget();
    careOfTest.forget();
  }

  /** What has been sent again had no chance: begin once more. */
  void hurry() {
    homeTest.hurry();
    careOfTest.hurry();
  }

  boolean isAsking() {
    return homeTest.isAsking() || careOfTest.isAsking();
  }

  /** Whether one of the tests has been sent in vain as often as it may be (section 5.2.9). */
  boolean isExhausted(Instant now) {
    return homeTest.isExhausted(now) || careOfTest.isExhausted(now);
  }

  Stream<Instant> deadlines() {
    return Stream.concat(homeTest.deadlines(), careOfTest.deadlines());
  }
}
