package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.judge.Backend;
import io.mipd.merger.judge.Wanted;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import java.util.List;

/** The judge's words become the merger's. */
final class Boundary {
  private Boundary() {}

  static ImmutableList<MobilityPolicy> mobility(List<Wanted> all) {
    return all.stream().map(Boundary::mobility).collect(ImmutableList.toImmutableList());
  }

  private static MobilityPolicy mobility(Wanted one) {
    return new MobilityPolicy(
        one.selector(),
        one.direction(),
        kind(one.standing()),
        one.action(),
        one.bundle(),
        one.name(),
        one.link().map(it -> new MobilityPolicy.OnLink(it.source(), it.destination())));
  }

  private static MobilityPolicy.Kind kind(Wanted.Standing standing) {
    return switch (standing) {
      case SIGNALLING -> MobilityPolicy.Kind.SIGNALLING;
      case SIGNALLING_OF_STRANGERS -> MobilityPolicy.Kind.SIGNALLING_OF_STRANGERS;
      case OPTIMIZED -> MobilityPolicy.Kind.OPTIMIZED;
      case PAYLOAD -> MobilityPolicy.Kind.PAYLOAD;
      case EXEMPT -> MobilityPolicy.Kind.EXEMPT;
    };
  }

  static XfrmBackend.Limits limits(Backend backend) {
    return new XfrmBackend.Limits(
        backend.templates(),
        backend.ahTunnelsUnderOptions(),
        backend.ownMarkBits(),
        /* portsBehindOptions= */ true);
  }
}
