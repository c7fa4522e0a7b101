package io.mipd.merger.rule;

import static com.google.common.collect.ImmutableList.toImmutableList;
import static java.util.stream.Collectors.toCollection;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSetMultimap;
import com.google.common.collect.ImmutableSortedMap;
import com.google.common.collect.Maps;
import com.google.common.collect.SetMultimap;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * What is to be said of the inputs as a whole, rather than of one outcome; and what of it has been
 * said, which is not said again before the user's policies are others. Of mobility's policies that
 * come only those are looked at, and the user's that they meet.
 */
final class Checks {
  private final ImmutableMap<Direction, DirectionMerge> merges;

  private ImmutableMap<Direction, Users> users = ImmutableMap.of();
  private Set<String> said = new HashSet<>();

  Checks(ImmutableMap<Direction, DirectionMerge> merges) {
    this.merges = merges;
  }

  /**
   * The user's policies of a direction.
   *
   * @param byKey by what their templates find associations by
   * @param bySource by the sources of what leaves their bundles
   * @param skipping those with tunnels that are optional
   */
  private record Users(
      SetMultimap<Key, Policy> byKey,
      SelectorIndex<Rank> bySource,
      SortedMap<Rank, Policy> byRank,
      ImmutableList<Policy> skipping) {
    static final Users NONE =
        new Users(
            ImmutableSetMultimap.of(),
            new SelectorIndex<>(),
            ImmutableSortedMap.of(),
            ImmutableList.of());

    static Users of(DirectionMerge merge) {
      var byKey = ImmutableSetMultimap.<Key, Policy>builder();
      var bySource = new SelectorIndex<Rank>();
      var byRank = ImmutableSortedMap.<Rank, Policy>naturalOrder();
      var skipping = ImmutableList.<Policy>builder();
      merge
          .usersByRank()
          .forEach(
              (rank, user) -> {
                Policy policy = user.policy();
                byRank.put(rank, policy);
                ipsec(policy.bundle()).forEach(it -> byKey.put(Key.of(it), policy));
                Selector leaving = Composition.leaving(policy);
                bySource.add(Selector.between(leaving.source(), Ipv6Prefix.ANY), rank);
                if (policy.bundle().templates().stream().anyMatch(Checks::isSkipped)) {
                  skipping.add(policy);
                }
              });
      return new Users(byKey.build(), bySource, byRank.buildOrThrow(), skipping.build());
    }
  }

  /** What has appeared with a change, and how that is forgotten again. */
  record Appeared(ImmutableList<Finding> findings, Runnable undo) {}

  /** All that there is to say. */
  ImmutableList<Finding> all() {
    return all(users);
  }

  private ImmutableList<Finding> all(ImmutableMap<Direction, Users> of) {
    var findings = ImmutableList.<Finding>builder();
    merges.forEach(
        (direction, merge) -> {
          Users its = of.getOrDefault(direction, Users.NONE);
          if (its.byRank().isEmpty()) {
            return;
          }
          unreachable(its, findings);
          impossibleMarks(merge.limits(), its, findings);
          sharedReqIds(its, merge.mobility(), findings);
          if (direction == Direction.OUT) {
            homeAddressesOutside(merge, its, merge.mobility(), findings);
            skippedTunnels(merge, its, user -> true, findings);
          }
        });
    return findings.build();
  }

  /** The user's policies are others now. Costs what there is of them, and of mobility's. */
  Appeared users() {
    ImmutableMap<Direction, Users> now = Maps.toMap(merges.keySet(), at -> Users.of(merge(at)));
    ImmutableList<Finding> all = all(now);
    Set<String> saidBefore = said;
    ImmutableMap<Direction, Users> before = users;
    users = now;
    said = all.stream().map(Finding::sentence).collect(toCollection(HashSet::new));
    return new Appeared(
        all.stream()
            .filter(finding -> !saidBefore.contains(finding.sentence()))
            .collect(toImmutableList()),
        () -> {
          said = saidBefore;
          users = before;
        });
  }

  private DirectionMerge merge(Direction direction) {
    return Side.present(merges.get(direction));
  }

  /** These policies of mobility's have come, and gone. */
  Appeared mobility(ImmutableMap<Direction, Side.Delta> deltas) {
    var findings = ImmutableList.<Finding>builder();
    merges.forEach(
        (direction, merge) -> {
          Users its = users.getOrDefault(direction, Users.NONE);
          Side.Delta delta = deltas.getOrDefault(direction, Side.Delta.NONE);
          if (its.byRank().isEmpty() || delta.equals(Side.Delta.NONE)) {
            return;
          }
          ImmutableList<MobilityPolicy> come =
              ImmutableSortedMap.copyOf(delta.mobilityCome()).values().stream()
                  .map(Side.Mobility::policy)
                  .collect(toImmutableList());
          sharedReqIds(its, come, findings);
          if (direction == Direction.OUT) {
            homeAddressesOutside(merge, its, come, findings);
            skippedTunnels(merge, its, user -> !isSaidOf(user), findings);
          }
        });
    var appeared = ImmutableList.<Finding>builder();
    for (Finding finding : findings.build()) {
      if (said.add(finding.sentence())) {
        appeared.add(finding);
      }
    }
    ImmutableList<Finding> now = appeared.build();
    return new Appeared(now, () -> now.forEach(finding -> said.remove(finding.sentence())));
  }

  /** That its optional tunnel may be skipped. */
  private boolean isSaidOf(Policy user) {
    return said.contains(skipped(user, Region.witness(user.selector())).sentence());
  }

  /** Those of the user's that no flow comes as far as. */
  private static void unreachable(Users users, ImmutableList.Builder<Finding> findings) {
    var before = new SelectorIndex<Selector>();
    for (Policy user : users.byRank().values()) {
      Selector selector = user.selector();
      List<Selector> front = new ArrayList<>();
      before.forEachMeeting(selector, front::add);
      if (Search.firstFlow(selector, front).isEmpty()) {
        findings.add(
            new Finding(
                Finding.Kind.UNREACHABLE,
                "no flow reaches the user's " + user + ": others come before it",
                Region.witness(selector)));
      }
      before.add(selector, selector);
    }
  }

  /** Those of the user's that ask for bits of a mark that are the backend's own. */
  private static void impossibleMarks(
      XfrmBackend.Limits limits, Users users, ImmutableList.Builder<Finding> findings) {
    for (Policy user : users.byRank().values()) {
      if (limits.isImpossible(user.selector().mark())) {
        findings.add(
            new Finding(
                Finding.Kind.NOT_EXPRESSIBLE,
                "the user's "
                    + user
                    + " asks for bits of a mark that no packet may have, for they are mipd's (0x"
                    + Integer.toHexString(limits.reservedMarks())
                    + "), and is left out: take a mark without them",
                Region.witness(user.selector())));
      }
    }
  }

  /** What a template finds an association by, beside the addresses. */
  private record Key(Template template, Ipv6Address source, Ipv6Address destination) {
    static Key of(Template template) {
      // In transport mode the addresses are the flow's, whatever the template says of them.
      boolean tunnel = template.isTunnel();
      return new Key(
          new Template(
              template.protocol(),
              template.mode(),
              Ipv6Address.UNSPECIFIED,
              Ipv6Address.UNSPECIFIED,
              template.reqId(),
              Spi.ANY,
              false),
          tunnel ? template.source() : Ipv6Address.UNSPECIFIED,
          tunnel ? template.destination() : Ipv6Address.UNSPECIFIED);
    }
  }

  /** One for each template of the user's that finds what some of these find. */
  private static void sharedReqIds(
      Users users, Iterable<MobilityPolicy> mobility, ImmutableList.Builder<Finding> findings) {
    if (users.byKey().isEmpty()) {
      return;
    }
    Map<Policy, Map<Template, MobilityPolicy>> sharing = new LinkedHashMap<>();
    for (MobilityPolicy one : mobility) {
      for (Template template : ipsec(one.bundle())) {
        for (Key key : List.of(Key.of(template), Key.of(withoutReqId(template)))) {
          for (Policy user : users.byKey().get(key)) {
            if (template.isTunnel()
                || Region.withAddressesOf(user.selector(), one.selector()).isPresent()) {
              Map<Template, MobilityPolicy> its =
                  sharing.computeIfAbsent(user, it -> new LinkedHashMap<>());
              ipsec(user.bundle()).stream()
                  .filter(it -> Key.of(it).equals(key))
                  .forEach(it -> its.putIfAbsent(it, one));
            }
          }
        }
      }
    }
    sharing.forEach(
        (user, its) ->
            its.forEach(
                (template, one) ->
                    findings.add(
                        new Finding(
                            Finding.Kind.REQID_SHARED,
                            "["
                                + template
                                + "] of the user's "
                                + user
                                + " finds the same associations as what is for "
                                + one.reason(),
                            Region.witness(user.selector())))));
  }

  private static Template withoutReqId(Template template) {
    return new Template(
        template.protocol(),
        template.mode(),
        template.source(),
        template.destination(),
        ReqId.ANY,
        template.spi(),
        template.optional());
  }

  private static List<Template> ipsec(Bundle bundle) {
    return bundle.templates().stream().filter(it -> it.protocol().isIpsec()).toList();
  }

  /** Where a user's policy takes packets of a home address that mobility then has no part in. */
  private static void homeAddressesOutside(
      DirectionMerge merge,
      Users users,
      Iterable<MobilityPolicy> mobility,
      ImmutableList.Builder<Finding> findings) {
    Set<Ipv6Prefix> homes = new LinkedHashSet<>();
    for (MobilityPolicy one : mobility) {
      if (one.kind().isPayload()
          && one.selector().source().isHost()
          && one.selector().destination().isAny()) {
        homes.add(one.selector().source());
      }
    }
    for (Ipv6Prefix home : homes) {
      var ranks = new TreeSet<Rank>();
      users.bySource().forEachMeeting(Selector.between(home, Ipv6Prefix.ANY), ranks::add);
      for (Rank rank : ranks) {
        Policy user = Side.present(users.byRank().get(rank));
        outside(merge, home, user)
            .ifPresent(
                flow ->
                    findings.add(
                        new Finding(
                            Finding.Kind.HOME_ADDRESS_OUTSIDE,
                            "the user's "
                                + user
                                + " sends packets of home address "
                                + home.address()
                                + " that mobility has no part in",
                            flow)));
      }
    }
  }

  private static Optional<Flow> outside(DirectionMerge merge, Ipv6Prefix home, Policy user) {
    if (user.action() == Policy.Action.BLOCK) {
      return Optional.empty();
    }
    Selector its = Composition.leaving(user);
    if (!its.source().contains(home)) {
      return Optional.empty();
    }
    Selector fromHome = its.withAddresses(home, its.destination());
    List<Selector> mobilitys =
        merge.mobilityMeeting(fromHome).stream().map(MobilityPolicy::selector).toList();
    return Search.firstFlow(fromHome, mobilitys);
  }

  /**
   * A tunnel that is optional (iproute2: {@code level use}) is left out while it has no
   * association. What is around it then is still what mobility has for the tunnel, and that may not
   * be what it has for the flow within.
   */
  private static void skippedTunnels(
      DirectionMerge merge,
      Users users,
      Predicate<Policy> which,
      ImmutableList.Builder<Finding> findings) {
    for (Policy policy : users.skipping()) {
      if (policy.action() == Policy.Action.BLOCK || !which.test(policy)) {
        continue;
      }
      ImmutableList<Template> kept =
          policy.bundle().templates().stream()
              .filter(it -> !isSkipped(it))
              .collect(toImmutableList());
      Policy without =
          Policy.allow(policy.selector(), policy.direction(), policy.priority(), new Bundle(kept));
      otherwise(merge, Composition.leaving(policy), Composition.leaving(without))
          .ifPresent(
              flow ->
                  findings.add(
                      skipped(policy, kept.isEmpty() ? flow : Region.witness(policy.selector()))));
    }
  }

  private static boolean isSkipped(Template template) {
    return template.optional() && template.isTunnel();
  }

  private static Finding skipped(Policy user, Flow witness) {
    return new Finding(
        Finding.Kind.TUNNEL_SKIPPED,
        "the tunnel of the user's "
            + user
            + " is optional: without an association its packets go as mobility has it for the"
            + " tunnel, not for themselves",
        witness);
  }

  /** One of the flows for which mobility has something else than for {@code asked}. */
  private static Optional<Flow> otherwise(DirectionMerge merge, Selector asked, Selector flows) {
    Optional<MobilityPolicy> answer = payload(merge, asked).stream().findFirst();
    List<Selector> front = new ArrayList<>();
    for (MobilityPolicy other : payload(merge, flows)) {
      Optional<Flow> found =
          Region.common(flows, other.selector()).flatMap(part -> Search.firstFlow(part, front));
      if (found.isPresent() && !answer.map(one -> doSame(one, other)).orElse(false)) {
        return found;
      }
      front.add(other.selector());
    }
    return answer.isPresent() ? Search.firstFlow(flows, front) : Optional.empty();
  }

  private static List<MobilityPolicy> payload(DirectionMerge merge, Selector selector) {
    return merge.mobilityMeeting(selector).stream().filter(it -> it.kind().isPayload()).toList();
  }

  private static boolean doSame(MobilityPolicy one, MobilityPolicy other) {
    return one.action() == other.action() && one.bundle().equals(other.bundle());
  }
}
