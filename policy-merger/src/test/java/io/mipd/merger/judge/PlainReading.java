package io.mipd.merger.judge;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.judge.Wanted.Standing;
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

/** The rule, read aloud: one flow at a time, no regions. */
public record PlainReading(boolean decided, Policy.Action action, Bundle bundle) {
  static final PlainReading NONE = new PlainReading(false, Policy.Action.ALLOW, Bundle.EMPTY);
  static final PlainReading BLOCKED = new PlainReading(true, Policy.Action.BLOCK, Bundle.EMPTY);

  /** What the first does. */
  public static PlainReading of(List<Policy> byPrecedence) {
    return byPrecedence.isEmpty()
        ? NONE
        : new PlainReading(true, byPrecedence.get(0).action(), byPrecedence.get(0).bundle());
  }

  /**
   * What becomes of each of these flows.
   *
   * @param flows that a backend may meet
   */
  public static ImmutableList<PlainReading> of(
      Backend backend,
      List<Policy> user,
      List<Wanted> mobility,
      Direction direction,
      List<Flow> flows) {
    List<Policy> meeting =
        user.stream().filter(it -> backend.hasPacketsOf(it.selector().mark())).toList();
    List<Wanted> admitted = admitted(backend, meeting, mobility);
    return flows.stream()
        .map(flow -> of(meeting, admitted, direction, flow))
        .map(it -> backend.canApply(it.bundle(), direction) ? it : BLOCKED)
        .collect(ImmutableList.toImmutableList());
  }

  /**
   * Without the direct ways that a user's policy for their addresses on the link forbids; those
   * that have no other way are blocked.
   */
  private static ImmutableList<Wanted> admitted(
      Backend backend, List<Policy> user, List<Wanted> mobility) {
    var admitted = ImmutableList.<Wanted>builder();
    for (Wanted one : mobility) {
      if (one.link().isEmpty()
          || one.standing().isSignalling()
          || !forbids(backend, user, one, one.link().get())) {
        admitted.add(one);
      } else if (one.standing() == Standing.PAYLOAD) {
        admitted.add(one.blocked());
      }
    }
    return admitted.build();
  }

  private static boolean forbids(
      Backend backend, List<Policy> allUser, Wanted way, Wanted.Link addresses) {
    List<Policy> user = allUser.stream().filter(it -> it.direction() == way.direction()).toList();
    Selector its = way.selector();
    Selector onLink =
        its.withAddresses(
            Ipv6Prefix.host(addresses.source()), Ipv6Prefix.host(addresses.destination()));
    List<Selector> selectors = new ArrayList<>();
    user.forEach(policy -> selectors.add(policy.selector()));
    selectors.add(onLink);
    for (Flow flow : Universe.regions(selectors, backend)) {
      Policy first = onLink.matches(flow) ? first(user, flow) : null;
      if (first == null
          || first.selector().protocol() == IpProtocol.MOBILITY
          || leavesAsItIs(first)) {
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

  private static boolean meant(Policy user, Wanted signalling) {
    Selector selector = user.selector();
    boolean namesPort = !selector.sourcePort().isAny() || !selector.destinationPort().isAny();
    return user.action() == Policy.Action.BLOCK
        || selector.protocol() == IpProtocol.MOBILITY
        || (selector.protocol() == IpProtocol.ICMPV6 && !selector.sourcePort().isAny())
        || (signalling.selector().protocol() == IpProtocol.UDP && namesPort);
  }

  private static PlainReading of(
      List<Policy> allUser, List<Wanted> allMobility, Direction direction, Flow flow) {
    List<Policy> user = allUser.stream().filter(it -> it.direction() == direction).toList();
    List<Wanted> mobility = allMobility.stream().filter(it -> it.direction() == direction).toList();
    // Tunnels from which something is forwarded end here.
    Direction end = direction == Direction.FWD ? Direction.IN : direction;
    List<Policy> outer = allUser.stream().filter(it -> it.direction() == end).toList();
    List<Wanted> beyond = allMobility.stream().filter(it -> it.direction() == end).toList();
    Policy users = first(user, flow);
    Wanted mobilitys = firstMobility(mobility, flow);
    if (users == null) {
      return mobilitys == null ? NONE : around(outer, beyond, null, Bundle.EMPTY, mobilitys, flow);
    }
    for (Wanted one : mobility) {
      if (one.standing().isSignalling() && one.selector().matches(flow) && !meant(users, one)) {
        return around(outer, beyond, null, Bundle.EMPTY, one, flow);
      }
    }
    for (Wanted one : mobility) {
      if (one.standing() == Standing.EXEMPT && one.selector().matches(flow) && !meant(users, one)) {
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
    Wanted outside = firstMobility(tunnel ? beyond : mobility, users.bundle().outermost(flow));
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
      List<Wanted> beyond,
      @Nullable Policy within,
      Bundle inner,
      Wanted first,
      Flow flow) {
    Bundle bundle = inner;
    List<Policy> used = new ArrayList<>();
    // A tunnel "for any" is meant once around everything.
    if (within != null && isTunnel(within.bundle())) {
      used.add(within);
    }
    Wanted mobility = first;
    while (mobility != null) {
      if (mobility.action() == Policy.Action.BLOCK) {
        return BLOCKED;
      }
      bundle = bundle.followedBy(mobility.bundle());
      boolean tunnelled = isTunnel(mobility.bundle());
      boolean throughUsers = false;
      while (tunnelled) {
        Policy outer = first(user, bundle.outermost(flow));
        if (outer == null || leavesAsItIs(outer)) {
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

  private static boolean leavesAsItIs(Policy policy) {
    return policy.action() == Policy.Action.ALLOW && policy.bundle().isEmpty();
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

  private static @Nullable Wanted firstMobility(List<Wanted> policies, Flow flow) {
    for (Wanted policy : policies) {
      if (policy.standing() != Standing.EXEMPT && policy.selector().matches(flow)) {
        return policy;
      }
    }
    return null;
  }
}
