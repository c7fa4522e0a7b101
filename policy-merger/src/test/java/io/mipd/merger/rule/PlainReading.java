package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.merger.source.MobilityPolicy.Kind;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rule, read aloud: one flow at a time, no regions. Shares nothing with the merger but the
 * model.
 */
record PlainReading(boolean decided, Policy.Action action, Bundle bundle) {
  static final PlainReading NONE = new PlainReading(false, Policy.Action.ALLOW, Bundle.EMPTY);
  static final PlainReading BLOCKED = new PlainReading(true, Policy.Action.BLOCK, Bundle.EMPTY);

  /** What the first does. */
  static PlainReading of(List<Policy> byPrecedence) {
    return byPrecedence.isEmpty()
        ? NONE
        : new PlainReading(true, byPrecedence.get(0).action(), byPrecedence.get(0).bundle());
  }

  /**
   * Without the direct ways that a user's policy for their addresses on the link forbids; those
   * that have no other way are blocked.
   */
  static ImmutableList<MobilityPolicy> admitted(
      List<Policy> user, ImmutableList<MobilityPolicy> mobility) {
    var admitted = ImmutableList.<MobilityPolicy>builder();
    for (MobilityPolicy one : mobility) {
      if (one.onLink().isEmpty()
          || one.kind().isSignalling()
          || !forbids(user, one, one.onLink().get())) {
        admitted.add(one);
      } else if (one.kind() == Kind.PAYLOAD) {
        admitted.add(
            new MobilityPolicy(
                one.selector(),
                one.direction(),
                one.kind(),
                Policy.Action.BLOCK,
                Bundle.EMPTY,
                one.reason()));
      }
    }
    return admitted.build();
  }

  private static boolean forbids(
      List<Policy> allUser, MobilityPolicy way, MobilityPolicy.OnLink addresses) {
    List<Policy> user = allUser.stream().filter(it -> it.direction() == way.direction()).toList();
    Selector its = way.selector();
    Selector onLink =
        its.withAddresses(
            Ipv6Prefix.host(addresses.source()), Ipv6Prefix.host(addresses.destination()));
    List<Selector> selectors = new ArrayList<>();
    user.forEach(policy -> selectors.add(policy.selector()));
    selectors.add(onLink);
    for (Flow flow : Universe.regions(selectors)) {
      Policy first = onLink.matches(flow) ? first(user, flow) : null;
      if (first == null
          || first.selector().protocol() == IpProtocol.MOBILITY
          || (first.action() == Policy.Action.ALLOW && first.bundle().isEmpty())) {
        continue;
      }
      boolean hasHadItsSay =
          first.selector().source().contains(its.source())
              && first.selector().destination().contains(its.destination())
              && user.stream()
                  .takeWhile(it -> !it.equals(first))
                  .noneMatch(it -> it.selector().meets(its));
      if (!hasHadItsSay) {
        return true;
      }
    }
    return false;
  }

  private static boolean meant(Policy user, MobilityPolicy signalling) {
    Selector selector = user.selector();
    boolean namesPort = !selector.sourcePort().isAny() || !selector.destinationPort().isAny();
    return user.action() == Policy.Action.BLOCK
        || selector.protocol() == IpProtocol.MOBILITY
        || (selector.protocol() == IpProtocol.ICMPV6 && !selector.sourcePort().isAny())
        || (signalling.selector().protocol() == IpProtocol.UDP && namesPort);
  }

  static PlainReading of(
      List<Policy> allUser, List<MobilityPolicy> allMobility, Direction direction, Flow flow) {
    List<Policy> user = allUser.stream().filter(it -> it.direction() == direction).toList();
    List<MobilityPolicy> mobility =
        allMobility.stream().filter(it -> it.direction() == direction).toList();
    // Tunnels from which something is forwarded end here.
    Direction end = direction == Direction.FWD ? Direction.IN : direction;
    List<Policy> outer = allUser.stream().filter(it -> it.direction() == end).toList();
    List<MobilityPolicy> beyond = allMobility.stream().filter(it -> it.direction() == end).toList();
    Policy users = first(user, flow);
    MobilityPolicy mobilitys = firstMobility(mobility, flow);
    if (users == null) {
      return mobilitys == null ? NONE : around(outer, beyond, null, Bundle.EMPTY, mobilitys, flow);
    }
    for (MobilityPolicy one : mobility) {
      if (one.kind().isSignalling() && one.selector().matches(flow) && !meant(users, one)) {
        return around(outer, beyond, null, Bundle.EMPTY, one, flow);
      }
    }
    for (MobilityPolicy one : mobility) {
      if (one.kind() == Kind.EXEMPT && one.selector().matches(flow) && !meant(users, one)) {
        Bundle tolerated = direction == Direction.OUT ? Bundle.EMPTY : optional(users.bundle());
        return mobilitys == null
            ? new PlainReading(true, Policy.Action.ALLOW, tolerated)
            : around(outer, beyond, null, tolerated, mobilitys, flow);
      }
    }
    if (users.action() == Policy.Action.BLOCK) {
      return BLOCKED;
    }
    boolean tunnel = isTunnel(users.bundle());
    MobilityPolicy outside =
        firstMobility(tunnel ? beyond : mobility, users.bundle().outermost(flow));
    return outside == null
        ? new PlainReading(true, Policy.Action.ALLOW, users.bundle())
        : around(outer, beyond, users, users.bundle(), outside, flow);
  }

  private static Bundle optional(Bundle bundle) {
    var templates = ImmutableList.<Template>builder();
    for (Template one : bundle.templates()) {
      templates.add(
          new Template(
              one.protocol(),
              one.mode(),
              one.source(),
              one.destination(),
              one.reqId(),
              one.spi(),
              true));
    }
    return new Bundle(templates.build());
  }

  private static PlainReading around(
      List<Policy> user,
      List<MobilityPolicy> beyond,
      @Nullable Policy within,
      Bundle inner,
      MobilityPolicy first,
      Flow flow) {
    Bundle bundle = inner;
    List<Policy> used = new ArrayList<>();
    // A tunnel "for any" is meant once around everything.
    if (within != null && isTunnel(within.bundle())) {
      used.add(within);
    }
    MobilityPolicy mobility = first;
    while (mobility != null) {
      if (mobility.action() == Policy.Action.BLOCK) {
        return BLOCKED;
      }
      bundle = bundle.followedBy(mobility.bundle());
      boolean tunnelled = isTunnel(mobility.bundle());
      boolean throughUsers = false;
      while (tunnelled) {
        Policy outer = first(user, bundle.outermost(flow));
        if (outer == null) {
          break;
        }
        if (used.contains(outer)) {
          Selector its = outer.selector();
          boolean forAny = its.source().isAny() || its.destination().isAny();
          if (forAny || used.get(used.size() - 1).equals(outer)) {
            break;
          }
          return BLOCKED;
        }
        if (outer.action() == Policy.Action.BLOCK) {
          return BLOCKED;
        }
        used.add(outer);
        bundle = bundle.followedBy(outer.bundle());
        tunnelled = isTunnel(outer.bundle());
        throughUsers |= tunnelled;
      }
      mobility = throughUsers ? firstMobility(beyond, bundle.outermost(flow)) : null;
    }
    return new PlainReading(true, Policy.Action.ALLOW, bundle);
  }

  private static boolean isTunnel(Bundle bundle) {
    return bundle.templates().stream().anyMatch(Template::isTunnel);
  }

  private static @Nullable Policy first(List<Policy> policies, Flow flow) {
    for (Policy policy : policies) {
      if (policy.selector().matches(flow)) {
        return policy;
      }
    }
    return null;
  }

  private static @Nullable MobilityPolicy firstMobility(List<MobilityPolicy> policies, Flow flow) {
    for (MobilityPolicy policy : policies) {
      if (policy.kind() != Kind.EXEMPT && policy.selector().matches(flow)) {
        return policy;
      }
    }
    return null;
  }
}
