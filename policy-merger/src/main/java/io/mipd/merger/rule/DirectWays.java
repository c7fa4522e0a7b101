package io.mipd.merger.rule;

import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What goes without a tunnel from a care-of address, or to one, is a packet of the home address to
 * every policy (RFC 6275 section 11.3.2), and bears the care-of address on the link none the less.
 * The user may have a policy for that address, an access network's VPN or a block, and means it of
 * whatever leaves there. Templates cannot say so, since what follows an option or routing header is
 * still looked up by the home addresses. So the direct way is not taken, and the user is told:
 * packets of an optimized route go by the home agent, whose tunnel that policy is composed with,
 * and those for the home agent itself are dropped, for it takes them no other way. Without messages
 * of mobility there would be neither way: they go, and the user is told that, too.
 *
 * <p>A policy that is for the packet by its home address as well has had its say, unless another of
 * the user's comes before it there.
 */
final class DirectWays {
  private final Side users;
  private final XfrmBackend.Limits limits;

  private final Map<Rank, Side.Mobility> wanted = new HashMap<>();
  private final SelectorIndex<Rank> byFlows = new SelectorIndex<>();
  private final Map<Rank, Policy> refused = new HashMap<>();

  /**
   * @param users whose policies are asked, as they stand at the time
   * @param limits of the backend: policies for what no packet bears are in no way
   */
  DirectWays(Side users, XfrmBackend.Limits limits) {
    this.users = users;
    this.limits = limits;
  }

  static boolean isDirect(Side.Mobility it) {
    return it.policy().onLink().isPresent();
  }

  boolean isEmpty() {
    return wanted.isEmpty();
  }

  /** The user's policy for which a direct way is not taken; empty if it is. */
  Optional<Policy> refusal(Rank way) {
    return Optional.ofNullable(refused.get(way));
  }

  /** One of those that are wanted; null if it is none. */
  @Nullable MobilityPolicy policyOrNull(Rank way) {
    Side.Mobility it = wanted.get(way);
    return it == null ? null : it.policy();
  }

  /**
   * What a change has done.
   *
   * @param gone of the ways that are wanted
   * @param come likewise
   * @param refusedBefore by the ways of which that may have changed
   */
  record Done(
      Map<Rank, Side.Mobility> gone,
      Map<Rank, Side.Mobility> come,
      Map<Rank, Optional<Policy>> refusedBefore) {
    static final Done NOTHING = new Done(Map.of(), Map.of(), Map.of());
  }

  /**
   * Lets ways come and go, or users' policies that are in place or gone already.
   *
   * @param changed flows of users' policies that have come or gone
   */
  Done change(
      Map<Rank, Side.Mobility> gone, Map<Rank, Side.Mobility> come, List<Selector> changed) {
    Set<Rank> doubtful = new TreeSet<>();
    changed.forEach(selector -> byFlows.forEachMeeting(selector, doubtful::add));
    doubtful.addAll(gone.keySet());
    doubtful.addAll(come.keySet());
    var before = new TreeMap<Rank, Optional<Policy>>();
    doubtful.forEach(way -> before.put(way, refusal(way)));
    replace(gone, come);
    for (Rank way : doubtful) {
      MobilityPolicy policy = policyOrNull(way);
      set(way, policy == null ? Optional.empty() : refusing(policy));
    }
    return new Done(gone, come, before);
  }

  void undo(Done done) {
    replace(done.come(), done.gone());
    done.refusedBefore().forEach(this::set);
  }

  /** As what a way acts; empty if as nothing. */
  private static Optional<Side.Mobility> acting(
      Side.@Nullable Mobility way, Optional<Policy> refusedBy) {
    if (way == null || refusedBy.isEmpty() || way.policy().kind().isSignalling()) {
      return Optional.ofNullable(way);
    }
    return way.policy().kind() == MobilityPolicy.Kind.OPTIMIZED
        ? Optional.empty()
        : Optional.of(new Side.Mobility(blocked(way.policy(), refusedBy.get()), way.ownExempt()));
  }

  /** What the user is told of one that his policy is for. */
  static Finding finding(MobilityPolicy way, MobilityPolicy.OnLink link, Policy user) {
    Flow witness = Region.witness(way.selector());
    if (way.kind().isSignalling()) {
      return new Finding(
          Finding.Kind.OUTER_FLOW_PASSES,
          "the user's "
              + user
              + " is not applied to what leaves as "
              + link
              + ", for it is of the home address: "
              + way.reason(),
          witness);
    }
    return new Finding(
        Finding.Kind.ROUTE_REFUSED,
        (way.kind() == MobilityPolicy.Kind.OPTIMIZED
                ? "what could go directly goes by the home agent"
                : "what goes directly is dropped")
            + ": the user's "
            + user
            + " is for what leaves as "
            + link,
        witness);
  }

  private static MobilityPolicy blocked(MobilityPolicy way, Policy user) {
    return new MobilityPolicy(
        way.selector(),
        way.direction(),
        way.kind(),
        Policy.Action.BLOCK,
        Bundle.EMPTY,
        "the user's " + user + " is for what would leave as " + way.onLink().orElseThrow(),
        way.onLink());
  }

  /**
   * What acts now and did not, or the other way round: of the ways, and of all others that come and
   * go with them.
   */
  Side.Delta taken(Done done, Side.Delta asked) {
    var goneNow = new HashMap<>(Maps.filterValues(asked.mobilityGone(), it -> !isDirect(it)));
    var comeNow = new HashMap<>(Maps.filterValues(asked.mobilityCome(), it -> !isDirect(it)));
    done.refusedBefore()
        .forEach(
            (way, before) -> {
              Side.Mobility now = wanted.get(way);
              Side.Mobility old =
                  done.come().containsKey(way)
                      ? done.gone().get(way)
                      : done.gone().getOrDefault(way, now);
              Optional<Side.Mobility> was = acting(old, before);
              Optional<Side.Mobility> is = acting(now, refusal(way));
              if (!was.equals(is)) {
                was.ifPresent(it -> goneNow.put(way, it));
                is.ifPresent(it -> comeNow.put(way, it));
              }
            });
    return new Side.Delta(Map.of(), Map.of(), goneNow, comeNow);
  }

  private void replace(Map<Rank, Side.Mobility> gone, Map<Rank, Side.Mobility> come) {
    gone.forEach(
        (way, it) -> {
          wanted.remove(way);
          flows(it.policy()).forEach(selector -> byFlows.remove(selector, way));
        });
    come.forEach(
        (way, it) -> {
          wanted.put(way, it);
          flows(it.policy()).forEach(selector -> byFlows.add(selector, way));
        });
  }

  private void set(Rank way, Optional<Policy> by) {
    if (by.isPresent()) {
      refused.put(way, by.get());
    } else {
      refused.remove(way);
    }
  }

  private static ImmutableSet<Selector> flows(MobilityPolicy way) {
    return ImmutableSet.of(way.selector(), onLink(way));
  }

  /** The flows as they are on the link. */
  private static Selector onLink(MobilityPolicy way) {
    MobilityPolicy.OnLink addresses = way.onLink().orElseThrow();
    return way.selector()
        .withAddresses(
            Ipv6Prefix.host(addresses.source()), Ipv6Prefix.host(addresses.destination()));
  }

  /** The first of the user's policies that is in the way. */
  private Optional<Policy> refusing(MobilityPolicy way) {
    Selector flows = onLink(way);
    var ranks = new TreeSet<Rank>();
    users.usersBySelector().forEachMeeting(flows, ranks::add);
    List<Selector> front = new ArrayList<>();
    for (Rank rank : ranks) {
      Policy user = users.user(rank).policy();
      Optional<Selector> seen = BackendLimits.seen(user.selector(), limits);
      if (seen.isEmpty()) {
        continue;
      }
      Selector selector = seen.get();
      if (means(user, way)
          && !(isFor(selector, way.selector()) && isFirst(rank, way.selector()))
          && Region.common(flows, selector)
              .flatMap(part -> Search.firstFlow(part, front))
              .isPresent()) {
        return Optional.of(user);
      }
      front.add(selector);
    }
    return Optional.empty();
  }

  /** Messages of Mobile IPv6 take no direct way that is payload's. */
  private static boolean means(Policy user, MobilityPolicy way) {
    return user.acts()
        && (way.kind().isSignalling()
            ? SignallingExemption.isMeant(user, way)
            : user.selector().protocol() != IpProtocol.MOBILITY);
  }

  private static boolean isFor(Selector user, Selector flows) {
    return user.source().contains(flows.source())
        && user.destination().contains(flows.destination());
  }

  /** Whether no other policy of the user's comes before this one for some of the flows. */
  private boolean isFirst(Rank rank, Selector flows) {
    return !users
        .usersBySelector()
        .anyMeeting(
            flows,
            other ->
                other.compareTo(rank) < 0
                    && !limits.isImpossible(users.user(other).selector().mark()));
  }
}
