package io.mipd.mobility.ha;

import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;

/**
 * A prefix of the home link as it was advertised last.
 *
 * @param information as it was said
 * @param heardAt when
 */
record AdvertisedPrefix(PrefixInformation information, Instant heardAt) {
  /** Lifetimes that count down may be told some time after they were computed. */
  private static final Duration SLACK = Duration.ofSeconds(5);

  static Instant end(Instant from, long lifetime) {
    return lifetime == PrefixInformation.INFINITE ? Instant.MAX : from.plusSeconds(lifetime);
  }

  Instant validUntil() {
    return end(heardAt, information.validLifetime());
  }

  Instant preferredUntil() {
    return end(heardAt, information.preferredLifetime());
  }

  /** What is left in whole seconds of a lifetime, as it is told now. */
  private static long left(Instant now, Instant end) {
    return end.equals(Instant.MAX)
        ? PrefixInformation.INFINITE
        : Math.max(0, Duration.between(now, end).toSeconds());
  }

  /** As it is to be told now. */
  PrefixInformation at(Instant now) {
    return new PrefixInformation(
        information.prefixLength(),
        information.address(),
        information.onLink(),
        information.autonomous(),
        information.routerAddress(),
        left(now, validUntil()),
        left(now, preferredUntil()));
  }

  /** Whether something but the time has changed (RFC 6275 section 10.6.2). */
  boolean differsFrom(AdvertisedPrefix before) {
    PrefixInformation then = before.information;
    return then.onLink() != information.onLink()
        || then.autonomous() != information.autonomous()
        || differs(
            information.validLifetime(), then.validLifetime(), validUntil(), before.validUntil())
        || differs(
            information.preferredLifetime(),
            then.preferredLifetime(),
            preferredUntil(),
            before.preferredUntil());
  }

  /** Routers tell either the same lifetime each time or one that ends at the same time. */
  private static boolean differs(long told, long toldBefore, Instant end, Instant endBefore) {
    if (told == toldBefore) {
      return false;
    }
    if (end.equals(Instant.MAX) || endBefore.equals(Instant.MAX)) {
      return true;
    }
    return Duration.between(endBefore, end).abs().compareTo(SLACK) > 0;
  }
}
