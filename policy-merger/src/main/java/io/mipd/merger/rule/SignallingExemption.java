package io.mipd.merger.rule;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.Optional;

/**
 * The node's own signalling is not meant by a user's policy "for any": a binding must be made
 * before that policy can work. A policy that names the Mobility Header or an ICMPv6 type is meant,
 * and so is a block; these win, and the user is told.
 */
final class SignallingExemption {
  static final String NAME = "signalling exemption";

  private final Composition composition;

  SignallingExemption(Composition composition) {
    this.composition = composition;
  }

  /** The flows of a user's policy that it is not for; empty if there are none. */
  private static Optional<Selector> region(Policy user, MobilityPolicy signalling) {
    return isMeant(user, signalling)
        ? Optional.empty()
        : Region.common(user.selector(), signalling.selector());
  }

  /**
   * What becomes of the signalling that a user's policy is not for; nothing if there is none.
   *
   * @param signalling of that kind, or exempt and no other mobility policy's
   */
  ImmutableList<Outcome> of(Policy user, MobilityPolicy signalling) {
    return region(user, signalling)
        .map(
            region ->
                signalling.kind().isSignalling()
                    ? composition.of(signalling, region)
                    : ImmutableList.of(Outcome.allow(region, tolerated(user))))
        .map(outcomes -> told(outcomes, user, signalling))
        .orElse(ImmutableList.of());
  }

  /** Of what is exempt, the part that another mobility policy is for. */
  ImmutableList<Outcome> of(Policy user, MobilityPolicy exempt, MobilityPolicy mobility) {
    return region(user, exempt)
        .flatMap(region -> Region.common(region, mobility.selector()))
        .map(part -> Outcome.allow(part, tolerated(user)))
        .map(inner -> told(composition.around(inner, ImmutableSet.of(), mobility), user, exempt))
        .orElse(ImmutableList.of());
  }

  /**
   * What may be around it none the less: who sends it may know of no exemption, and the packet then
   * comes through the user's associations.
   */
  private static Bundle tolerated(Policy user) {
    return user.direction() == Direction.OUT ? Bundle.EMPTY : user.bundle().asOptional();
  }

  private static ImmutableList<Outcome> told(
      ImmutableList<Outcome> outcomes, Policy user, MobilityPolicy exempt) {
    return outcomes.stream().map(outcome -> told(outcome, user, exempt)).collect(toImmutableList());
  }

  private static Outcome told(Outcome outcome, Policy user, MobilityPolicy exempt) {
    Outcome told =
        outcome.because(NAME, "the user's ", user, " does not name what is for ", exempt.reason());
    boolean lost =
        exempt.kind().isSignalling()
            && protects(user.bundle())
            && outcome.action() == Policy.Action.ALLOW
            && !protects(outcome.bundle());
    return lost
        ? told.finding(
            Finding.Kind.PROTECTION_LOST,
            "signalling goes without IPsec, though the user's " + user + " asks for it for any")
        : told;
  }

  /** In words, if the user's policy does something to signalling and means it. */
  static Optional<String> conflict(Policy user, MobilityPolicy signalling) {
    return signalling.kind().isSignalling() && user.acts() && isMeant(user, signalling)
        ? Optional.of("the user's " + user + " wins over: " + signalling.reason())
        : Optional.empty();
  }

  static boolean isMeant(Policy user, MobilityPolicy signalling) {
    Selector selector = user.selector();
    return user.action() == Policy.Action.BLOCK
        || selector.protocol() == IpProtocol.MOBILITY
        || selector.namesType()
        // Key exchange: the ports are what an ICMPv6 type is to the others.
        || (IpProtocol.hasPorts(signalling.selector().protocol())
            && !(selector.sourcePort().isAny() && selector.destinationPort().isAny()));
  }

  private static boolean protects(Bundle bundle) {
    return bundle.templates().stream()
        .anyMatch(template -> template.protocol().isProtection() && !template.optional());
  }
}
