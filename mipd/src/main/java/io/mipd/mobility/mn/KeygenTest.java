package io.mipd.mobility.mn;

import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.binding.Backoff;
import io.mipd.mobility.wire.MobilityMessage.KeygenToken;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * One half of return routability with one peer: a cookie goes there, a keygen token comes back, and
 * is good for a while (RFC 6275 sections 11.6.1, 11.6.2 and 11.8).
 */
final class KeygenTest {
  /** A token is renewed early enough for MAX_RO_FAILURE retransmissions before it is stale. */
  private static final Duration RENEWAL =
      ProtocolConstants.MAX_TOKEN_LIFETIME.minus(ProtocolConstants.MAX_BINDACK_TIMEOUT);

  private final RandomGenerator random;
  private final MessageRates.Limit rate;
  private Optional<Asking> asking = Optional.empty();
  private Optional<Token> token = Optional.empty();

  /** Nothing may be sent before, for there has been too much already. */
  private Optional<Instant> deferredUntil = Optional.empty();

  private record Asking(long cookie, Instant sentAt, Backoff timer) {}

  /**
   * @param nonceIndex of the peer's nonce that it is made with
   * @param since when it was asked for, so that it is at most as old as this says
   */
  record Token(int nonceIndex, KeygenToken value, Instant since) {
    Instant renewal() {
      return since.plus(RENEWAL);
    }

    Instant expiry() {
      return since.plus(ProtocolConstants.MAX_TOKEN_LIFETIME);
    }
  }

  /**
   * @param rate at which it may ask
   * @param random of cryptographic quality
   */
  KeygenTest(MessageRates.Limit rate, RandomGenerator random) {
    this.rate = rate;
    this.random = random;
  }

  /** The token that may be used. */
  Optional<Token> token(Instant now) {
    return token.filter(it -> now.isBefore(it.expiry()));
  }

  /** There is a token, and it need not be renewed yet. */
  boolean isFresh(Instant now) {
    return token.filter(it -> now.isBefore(it.renewal())).isPresent();
  }

  boolean isAsking() {
    return asking.isPresent();
  }

  boolean isExhausted(Instant now) {
    return asking.filter(it -> it.timer().isExhausted(now)).isPresent();
  }

  /** The cookie of the message that is to leave now, a new one each time; empty for none. */
  Optional<Long> ask(Instant now) {
    if (asking.filter(it -> !it.timer().isDue(now)).isPresent()) {
      return Optional.empty();
    }
    if (!rate.tryAcquire(now)) {
      deferredUntil = Optional.of(rate.earliest(now));
      return Optional.empty();
    }
    deferredUntil = Optional.empty();
    long cookie = random.nextLong();
    Backoff timer = asking.map(it -> it.timer().again(now)).orElseGet(() -> Backoff.began(now));
    asking = Optional.of(new Asking(cookie, now, timer));
    return Optional.of(cookie);
  }

  /** Whether an answer with this cookie is waited for. */
  boolean hasAsked(long cookie) {
    return asking.filter(it -> it.cookie() == cookie).isPresent();
  }

  /** Returns whether this is what was asked for; a second answer is not. */
  boolean answered(long cookie, int nonceIndex, KeygenToken value) {
    Optional<Asking> asked = asking.filter(it -> it.cookie() == cookie);
    asked.ifPresent(
        it -> {
          token = Optional.of(new Token(nonceIndex, value, it.sentAt()));
          stop();
        });
    return asked.isPresent();
  }

  /** No answer is waited for any more; the token stays. */
  void stop() {
    asking = Optional.empty();
    deferredUntil = Optional.empty();
  }

  /** What has been sent again had no chance: begin once more. */
  void hurry() {
    asking = asking.filter(it -> it.timer().sent() == 1);
  }

  void forget() {
    stop();
    token = Optional.empty();
  }

  Stream<Instant> deadlines() {
    return Stream.of(
            asking.map(it -> it.timer().due()),
            deferredUntil,
            token.map(Token::renewal),
            token.map(Token::expiry))
        .flatMap(Optional::stream);
  }
}
