package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.List;
import java.util.Optional;

/**
 * The node's own signalling is not meant by a user's policy "for any": a binding must be made
 * before that policy can work. A policy that names the Mobility Header or an ICMPv6 type is meant,
 * and so is a block; these win, and the user is told.
 */
final class SignallingExemption {
  static final String NAME = "signalling exemption";

  private final Inputs inputs;
  private final Composition composition;
  private final List<Finding> findings;

  SignallingExemption(Inputs inputs, Composition composition, List<Finding> findings) {
    this.inputs = inputs;
    this.composition = composition;
    this.findings = findings;
  }

  ImmutableList<Outcome> of(MobilityPolicy signalling) {
    var outcomes = ImmutableList.<Outcome>builder();
    for (Policy user : inputs.user()) {
      Optional<Selector> region = Region.common(user.selector(), signalling.selector());
      if (region.isEmpty()) {
        continue;
      }
      if (!isMeant(user)) {
        outcomes.add(
            composition
                .of(signalling, region.get())
                .because(NAME, "the user's " + user + " does not name it"));
        continue;
      }
      if (user.action() == Policy.Action.BLOCK || !user.bundle().isEmpty()) {
        findings.add(
            new Finding(
                Finding.Kind.SIGNALLING_OVERRIDDEN,
                "the user's " + user + " wins over: " + signalling.reason(),
                Region.witness(region.get())));
      }
      outcomes.addAll(composition.of(user, region.get()));
    }
    outcomes.add(composition.of(signalling, signalling.selector()));
    return outcomes.build();
  }

  private static boolean isMeant(Policy user) {
    return user.action() == Policy.Action.BLOCK
        || user.selector().protocol() == IpProtocol.MOBILITY
        || user.selector().namesType();
  }
}
