package io.mipd.merger.rule;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Maps;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A merge that stands while its inputs change. A change costs what it touches, not what there is;
 * and what it does not touch keeps its priority. Used from one thread.
 *
 * @param <K> who wants mobility policies, such as a binding: who comes later yields to those before
 */
public final class StandingMerge<K> {
  /** No policy of the result has a greater priority. */
  public static final int GREATEST_PRIORITY = Integer.MAX_VALUE - 1;

  private final ImmutableMap<Direction, DirectionMerge> merges;
  private final Checks checks;
  private final Map<K, Owner> owners = new LinkedHashMap<>();

  /** Of those that come later than their turn. */
  private final Map<K, Long> reserved = new HashMap<>();

  private long nextOwner;
  private Users users = Users.NONE;

  private record Owner(long number, ImmutableList<MobilityPolicy> policies) {
    Map<Rank, Side.Mobility> ranked(Direction direction) {
      ImmutableList<MobilityPolicy> all =
          policies.stream()
              .filter(policy -> policy.direction() == direction)
              .collect(toImmutableList());
      var ranked = new HashMap<Rank, Side.Mobility>();
      var counts = new HashMap<Integer, Integer>();
      for (MobilityPolicy policy : all) {
        int group = policy.kind().precedence();
        var rank = new Rank(group, number, counts.merge(group, 1, Integer::sum));
        ranked.put(rank, Side.Mobility.of(policy, all));
      }
      return ranked;
    }
  }

  /**
   * The user's policies, by direction.
   *
   * @param room the greatest priority that is before all those in the backend
   * @param numbers of each, so that it keeps its rank when others of its priority come and go
   */
  private record Users(
      ImmutableMap<Direction, Map<Rank, Side.User>> ranked,
      ImmutableMap<Direction, Integer> room,
      ImmutableMap<Key, Integer> numbers,
      int nextNumber) {
    static final Users NONE = new Users(ImmutableMap.of(), ImmutableMap.of(), ImmutableMap.of(), 0);

    private record Key(Policy.Id id, boolean inBackend) {}

    /**
     * @param all by precedence within each priority
     */
    Users then(List<Side.User> all) {
      Map<Direction, Map<Rank, Side.User>> newRanked = new EnumMap<>(Direction.class);
      Map<Direction, Integer> newRoom = new EnumMap<>(Direction.class);
      Map<Key, Integer> newNumbers = new LinkedHashMap<>();
      Map<Long, Integer> last = new HashMap<>();
      int next = nextNumber;
      for (Side.User user : all) {
        Policy policy = user.policy();
        long priority = Integer.toUnsignedLong(policy.priority());
        var key = new Key(policy.id(), user.inBackend());
        int number = numbers.getOrDefault(key, next);
        if (number <= last.getOrDefault(priority, -1)) {
          number = next;
        }
        next = Math.max(next, number + 1);
        last.put(priority, number);
        newNumbers.put(key, number);
        newRanked
            .computeIfAbsent(policy.direction(), direction -> new HashMap<>())
            .put(new Rank(0, priority, number), user);
        if (user.inBackend()) {
          int before = (int) Math.min(Math.max(0, priority - 1), GREATEST_PRIORITY);
          newRoom.merge(policy.direction(), before, Math::min);
        }
      }
      return new Users(
          ImmutableMap.copyOf(newRanked),
          ImmutableMap.copyOf(newRoom),
          ImmutableMap.copyOf(newNumbers),
          next);
    }

    boolean isEmpty() {
      return ranked.isEmpty();
    }

    int room(Direction direction) {
      return room.getOrDefault(direction, GREATEST_PRIORITY);
    }

    Map<Rank, Side.User> ranked(Direction direction) {
      return ranked.getOrDefault(direction, Map.of());
    }
  }

  public StandingMerge(XfrmBackend.Limits limits) {
    var all = ImmutableMap.<Direction, DirectionMerge>builder();
    for (Direction direction : Direction.values()) {
      all.put(direction, new DirectionMerge(direction, limits));
    }
    merges = all.buildOrThrow();
    checks = new Checks(merges);
  }

  /**
   * Replaces what an owner wants; an empty list if it wants nothing any more.
   *
   * @param policies by precedence within each kind; a kind comes before the next whoever wants it
   * @throws IllegalStateException if there is no room in front of what others have installed;
   *     nothing has changed
   */
  public Change want(K owner, ImmutableList<MobilityPolicy> policies) {
    return want(ImmutableMap.of(owner, policies));
  }

  /**
   * Likewise, of many owners at once, which costs less than one by one.
   *
   * @param wanted by owner; those who are new come in its order
   * @throws IllegalStateException likewise
   */
  public Change want(ImmutableMap<K, ImmutableList<MobilityPolicy>> wanted) {
    Map<K, Owner> before = new LinkedHashMap<>();
    Map<K, Owner> after = new LinkedHashMap<>();
    wanted.forEach(
        (owner, policies) -> {
          Optional<Owner> old = Optional.ofNullable(owners.get(owner));
          long number = old.isPresent() ? old.get().number() : number(owner);
          before.put(owner, old.orElse(new Owner(number, ImmutableList.of())));
          after.put(owner, new Owner(number, policies));
        });
    after.forEach(this::put);
    Predicate<MobilityPolicy> which = users.isEmpty() ? Side::acts : policy -> true;
    ImmutableMap<Direction, Side.Delta> deltas =
        deltas(at -> Side.Delta.ofMobility(ranked(before, at, which), ranked(after, at, which)));
    return change(
        (direction, merge) ->
            merge.change(
                deltas.getOrDefault(direction, Side.Delta.NONE),
                atEnds(deltas, direction),
                users.room(direction)),
        () -> before.forEach(this::put),
        () -> checks.mobility(deltas));
  }

  private long number(K owner) {
    Long earlier = reserved.remove(owner);
    return earlier == null ? nextOwner++ : earlier;
  }

  /**
   * It is this owner's turn to come, who has no wish yet: those that come from now on yield to it.
   */
  public void reserve(K owner) {
    if (!owners.containsKey(owner) && !reserved.containsKey(owner)) {
      reserved.put(owner, nextOwner++);
    }
  }

  private static <K> Map<Rank, Side.Mobility> ranked(
      Map<K, Owner> all, Direction direction, Predicate<MobilityPolicy> which) {
    var ranked = new HashMap<Rank, Side.Mobility>();
    all.values().forEach(owner -> ranked.putAll(owner.ranked(direction)));
    ranked.values().removeIf(it -> !which.test(it.policy()));
    return ranked;
  }

  /** What nobody asks about where there is no user's policy: it is among the inputs with those. */
  private Map<Rank, Side.Mobility> exempt(Direction direction) {
    return ranked(owners, direction, policy -> !Side.acts(policy));
  }

  private void put(K owner, Owner wanting) {
    if (wanting.policies().isEmpty()) {
      owners.remove(owner);
    } else {
      owners.put(owner, wanting);
    }
  }

  /**
   * Replaces the user's policies.
   *
   * @param configured that the result is to stand for
   * @param inBackend that somebody else has installed, in the backend's order where priorities are
   *     equal: the result has a policy for their flows only where mobility has a part in them, and
   *     comes before them all
   * @throws IllegalStateException if there is no room in front of those; nothing has changed
   */
  public Change users(ImmutableList<Policy> configured, ImmutableList<Policy> inBackend) {
    Users before = users;
    List<Side.User> all = new ArrayList<>();
    configured.forEach(policy -> all.add(new Side.User(policy, false)));
    inBackend.forEach(policy -> all.add(new Side.User(policy, true)));
    Users after = users.then(all);
    users = after;
    ImmutableMap<Direction, Side.Delta> deltas =
        deltas(
            at ->
                Side.Delta.ofUsers(
                    before.ranked(at),
                    after.ranked(at),
                    after.isEmpty() && !before.isEmpty() ? exempt(at) : Map.of(),
                    before.isEmpty() && !after.isEmpty() ? exempt(at) : Map.of()));
    return change(
        (direction, merge) ->
            merge.change(
                deltas.getOrDefault(direction, Side.Delta.NONE),
                atEnds(deltas, direction),
                after.room(direction)),
        () -> users = before,
        checks::users);
  }

  private ImmutableMap<Direction, Side.Delta> deltas(Function<Direction, Side.Delta> delta) {
    return Maps.toMap(merges.keySet(), delta::apply);
  }

  /** What is forwarded has come out of tunnels that end here. */
  private static Side.Delta atEnds(
      ImmutableMap<Direction, Side.Delta> deltas, Direction direction) {
    return direction == Direction.FWD
        ? deltas.getOrDefault(Direction.IN, Side.Delta.NONE)
        : Side.Delta.NONE;
  }

  private Change change(
      BiFunction<Direction, DirectionMerge, DirectionMerge.Done> step,
      Runnable undoInputs,
      Supplier<Checks.Appeared> check) {
    var done = new LinkedHashMap<DirectionMerge, DirectionMerge.Done>();
    Runnable undo =
        () -> {
          undoInputs.run();
          done.forEach(DirectionMerge::undo);
        };
    Checks.Appeared checked;
    try {
      merges.forEach((direction, merge) -> done.put(merge, step.apply(direction, merge)));
      checked = check.get();
    } catch (RuntimeException e) {
      undo.run();
      throw e;
    }
    var before = ImmutableList.<Policy>builder();
    var after = ImmutableList.<Policy>builder();
    var appeared = ImmutableList.<Finding>builder();
    done.forEach(
        (merge, one) -> {
          before.addAll(merge.before(one));
          after.addAll(merge.after(one));
          appeared.addAll(merge.appeared(one));
        });
    appeared.addAll(checked.findings());
    return new Change(
        before.build(),
        after.build(),
        appeared.build(),
        new Untouched(done),
        () -> {
          undo.run();
          checked.undo().run();
        });
  }

  /** The whole result, and all that there is to say of it. */
  public Merged merged() {
    return new Merged(
        all(),
        ImmutableList.<Finding>builder()
            .addAll(merges.values().stream().flatMap(merge -> merge.findings().stream()).iterator())
            .addAll(checks.all())
            .build());
  }

  /** The policies of the result and how each came about, by precedence within each direction. */
  public ImmutableList<MergedPolicy> all() {
    return merges.values().stream()
        .flatMap(merge -> merge.policies().stream())
        .collect(toImmutableList());
  }

  /** The first of them, no more than so many. */
  public ImmutableList<MergedPolicy> first(int limit) {
    return merges.values().stream()
        .flatMap(DirectionMerge::inOrder)
        .limit(limit)
        .collect(toImmutableList());
  }

  /** How many policies the result has. */
  public int count() {
    return merges.values().stream().mapToInt(DirectionMerge::count).sum();
  }

  /** The policies of the result, by precedence within each direction. */
  public ImmutableList<Policy> policies() {
    return merges.values().stream()
        .flatMap(merge -> merge.policies().stream())
        .map(MergedPolicy::policy)
        .sorted(Comparator.comparing(Policy::direction))
        .collect(toImmutableList());
  }

  /** What decides about a flow: a policy of the result, or one of the user's own. */
  public Optional<MergedPolicy> decides(Direction direction, Flow flow) {
    DirectionMerge merge = merges.get(direction);
    return merge == null ? Optional.empty() : merge.decides(flow);
  }
}
