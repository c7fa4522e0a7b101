package io.mipd.merger.rule;

import static com.google.common.collect.ImmutableSet.toImmutableSet;

import com.google.common.collect.Collections2;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The inputs of one direction, found by their selectors.
 *
 * <p>What is exempt is asked about together with what acts on it. Of a node of many bindings each
 * has flows "from its home address to any" and "from any to its home address", and those of each
 * two meet: a table of all pairs. An owner who exempts flows of a kind wherever its policy acts
 * makes all others' exemptions of that kind needless there, and these are left out.
 */
final class Side {
  private final TreeMap<Rank, User> users = new TreeMap<>();
  private final TreeMap<Rank, Mobility> mobility = new TreeMap<>();
  private final SelectorIndex<Rank> usersBySelector = new SelectorIndex<>();

  /** Those that act, by what their owners exempt of their flows; there are few such sets. */
  private final Map<ImmutableSet<Selector>, SelectorIndex<Rank>> acting = new LinkedHashMap<>();

  /** By kind. */
  private final Map<Selector, SelectorIndex<Rank>> exempt = new LinkedHashMap<>();

  /**
   * @param inBackend somebody else has installed it, so that it acts where no policy of ours does
   */
  record User(Policy policy, boolean inBackend) {
    Selector selector() {
      return policy.selector();
    }
  }

  /**
   * @param ownExempt the kinds of flows that its owner exempts wherever the policy acts
   */
  record Mobility(MobilityPolicy policy, ImmutableSet<Selector> ownExempt) {
    /**
     * @param all of the same owner and direction, the policy among them
     */
    static Mobility of(MobilityPolicy policy, Collection<MobilityPolicy> all) {
      if (!acts(policy)) {
        return new Mobility(policy, ImmutableSet.of());
      }
      Selector selector = policy.selector();
      return new Mobility(
          policy,
          all.stream()
              .filter(other -> !acts(other))
              .map(MobilityPolicy::selector)
              .filter(
                  other ->
                      other.source().contains(selector.source())
                          && other.destination().contains(selector.destination()))
              .map(Side::kind)
              .collect(toImmutableSet()));
    }
  }

  /**
   * Inputs of one direction that come and go together: some owners', or the user's, and with the
   * first and the last of those what is exempt.
   */
  record Delta(
      Map<Rank, User> usersGone,
      Map<Rank, User> usersCome,
      Map<Rank, Mobility> mobilityGone,
      Map<Rank, Mobility> mobilityCome) {
    static final Delta NONE = new Delta(Map.of(), Map.of(), Map.of(), Map.of());

    static Delta ofUsers(
        Map<Rank, User> before,
        Map<Rank, User> after,
        Map<Rank, Mobility> exemptGone,
        Map<Rank, Mobility> exemptCome) {
      return new Delta(without(before, after), without(after, before), exemptGone, exemptCome);
    }

    static Delta ofMobility(Map<Rank, Mobility> before, Map<Rank, Mobility> after) {
      return new Delta(Map.of(), Map.of(), without(before, after), without(after, before));
    }

    /** Not a view: it is gone through many times. */
    private static <T> Map<Rank, T> without(Map<Rank, T> all, Map<Rank, T> others) {
      return ImmutableMap.copyOf(
          Maps.filterEntries(all, entry -> !entry.getValue().equals(others.get(entry.getKey()))));
    }

    boolean changesUsers() {
      return !(usersGone.isEmpty() && usersCome.isEmpty());
    }

    Delta reversed() {
      return new Delta(usersCome, usersGone, mobilityCome, mobilityGone);
    }
  }

  void apply(Delta delta) {
    delta.usersGone().forEach((rank, user) -> usersBySelector.remove(user.selector(), rank));
    delta.mobilityGone().forEach((rank, it) -> index(it).remove(it.policy().selector(), rank));
    users.keySet().removeAll(delta.usersGone().keySet());
    mobility.keySet().removeAll(delta.mobilityGone().keySet());
    users.putAll(delta.usersCome());
    mobility.putAll(delta.mobilityCome());
    delta.usersCome().forEach((rank, user) -> usersBySelector.add(user.selector(), rank));
    delta.mobilityCome().forEach((rank, it) -> index(it).add(it.policy().selector(), rank));
  }

  private SelectorIndex<Rank> index(Mobility it) {
    return acts(it.policy())
        ? acting.computeIfAbsent(it.ownExempt(), kinds -> new SelectorIndex<>())
        : exempt.computeIfAbsent(kind(it.policy().selector()), kind -> new SelectorIndex<>());
  }

  /** Its flows, wherever they come from and go to. */
  private static Selector kind(Selector selector) {
    return selector.withAddresses(Ipv6Prefix.ANY, Ipv6Prefix.ANY);
  }

  static boolean acts(MobilityPolicy policy) {
    return policy.kind() != MobilityPolicy.Kind.EXEMPT;
  }

  Map<Rank, User> users() {
    return users;
  }

  Collection<MobilityPolicy> mobility() {
    return Collections2.transform(mobility.values(), Mobility::policy);
  }

  User user(Rank rank) {
    return present(users.get(rank));
  }

  MobilityPolicy policy(Rank rank) {
    return present(mobility.get(rank)).policy();
  }

  /** Null if it is not there any more. */
  @Nullable MobilityPolicy policyOrNull(Rank rank) {
    Mobility it = mobility.get(rank);
    return it == null ? null : it.policy();
  }

  /** What an index has named. */
  static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("an index names what is not there");
    }
    return value;
  }

  SelectorIndex<Rank> usersBySelector() {
    return usersBySelector;
  }

  void forEachActing(Selector selector, Consumer<Rank> consumer) {
    acting.values().forEach(index -> index.forEachMeeting(selector, consumer));
  }

  void forEachExempt(Selector selector, Consumer<Rank> consumer) {
    exempt.values().forEach(index -> index.forEachMeeting(selector, consumer));
  }

  /** What acts on flows of an exempt one, and is asked about them by this one. */
  void forEachAsked(Rank rank, MobilityPolicy its, Consumer<Rank> consumer) {
    Selector kind = kind(its.selector());
    acting.forEach(
        (kinds, index) -> {
          if (!kinds.contains(kind)) {
            index.forEachMeeting(its.selector(), consumer);
          }
        });
    ofOwner(rank, other -> acts(other.policy()) && other.ownExempt().contains(kind), its, consumer);
  }

  /** Those exempt ones that ask an acting one: the same pairs as {@link #forEachAsked} has. */
  void forEachAsking(Rank rank, Mobility its, Consumer<Rank> consumer) {
    exempt.forEach(
        (kind, index) -> {
          if (!its.ownExempt().contains(kind)) {
            index.forEachMeeting(its.policy().selector(), consumer);
          }
        });
    ofOwner(
        rank,
        other -> !acts(other.policy()) && its.ownExempt().contains(kind(other.policy().selector())),
        its.policy(),
        consumer);
  }

  private void ofOwner(
      Rank rank, Predicate<Mobility> which, MobilityPolicy meeting, Consumer<Rank> consumer) {
    // In each group an owner's stand together.
    for (MobilityPolicy.Kind kind : MobilityPolicy.Kind.values()) {
      var first = new Rank(kind.precedence(), rank.owner(), Integer.MIN_VALUE);
      var last = new Rank(kind.precedence(), rank.owner(), Integer.MAX_VALUE);
      mobility
          .subMap(first, true, last, true)
          .forEach(
              (other, it) -> {
                if (which.test(it) && it.policy().selector().meets(meeting.selector())) {
                  consumer.accept(other);
                }
              });
    }
  }

  /** Whether an exempt one asks an acting one, where they meet. */
  boolean asks(Rank exemptRank, Rank actingRank) {
    return exemptRank.owner() == actingRank.owner()
        || !present(mobility.get(actingRank))
            .ownExempt()
            .contains(kind(policy(exemptRank).selector()));
  }
}
