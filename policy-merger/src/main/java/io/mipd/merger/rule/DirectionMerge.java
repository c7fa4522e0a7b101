package io.mipd.merger.rule;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Maps;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The merge of one direction, kept: what changes when some of the inputs do is found by their
 * selectors, and the rest stays as it is.
 */
final class DirectionMerge implements Inputs {
  private final Direction direction;
  private final XfrmBackend.Limits limits;
  private final Composition composition = new Composition(this);
  private final SignallingExemption exemption = new SignallingExemption(composition);

  private final Side here = new Side();

  /** Which of them act here, and which do not. */
  private final DirectWays directWays;

  /** Of flows that end at this node, as a tunnel does from which what is forwarded has come. */
  private final Side ends;

  private final SelectorIndex<Rank> usersByLeaving = new SelectorIndex<>();

  private final TreeMap<Place, Entry> entries = new TreeMap<>();
  private final SelectorIndex<Place> bySelector = new SelectorIndex<>();
  private final SelectorIndex<Place> byOuterFlow = new SelectorIndex<>();

  /** Those that are needed, by the flow that shows it. */
  private final SelectorIndex<Place> byWitness = new SelectorIndex<>();

  /** Those that are not, or not known to be, by their selectors. */
  private final SelectorIndex<Place> idle = new SelectorIndex<>();

  /** Those of which no flow comes as far, by who is before them for all. */
  private final Map<Place, Set<Place>> covered = new HashMap<>();

  private final TreeMap<Place, Finding> conflicts = new TreeMap<>();
  private final Priorities priorities;

  /** What has been before the change that is under way. */
  private final Map<Place, Optional<Entry>> before = new LinkedHashMap<>();

  private final Map<Place, Optional<Finding>> conflictsBefore = new LinkedHashMap<>();

  private final List<Side.Delta> applied = new ArrayList<>();
  private DirectWays.Done ways = DirectWays.Done.NOTHING;

  DirectionMerge(Direction direction, XfrmBackend.Limits limits) {
    this.direction = direction;
    this.limits = limits;
    ends = direction == Direction.FWD ? new Side() : here;
    directWays = new DirectWays(here, limits);
    priorities = new Priorities();
  }

  @Override
  public ImmutableList<Policy> usersMeeting(Selector selector) {
    var ranks = new TreeSet<Rank>();
    ends.usersBySelector().forEachMeeting(selector, ranks::add);
    return ranks.stream().map(rank -> ends.user(rank).policy()).collect(toImmutableList());
  }

  @Override
  public ImmutableList<MobilityPolicy> mobilityMeeting(Selector selector) {
    var ranks = new TreeSet<Rank>();
    ends.forEachActing(selector, ranks::add);
    return ranks.stream().map(ends::policy).collect(toImmutableList());
  }

  /**
   * What a change has done.
   *
   * @param here of this direction's inputs, one after the other
   * @param ways of those of them that are direct
   * @param ends of those for flows that end at this node, where these are others
   * @param before by the places that it has changed; empty where there was nothing
   * @param conflictsBefore likewise
   */
  record Done(
      ImmutableList<Side.Delta> here,
      DirectWays.Done ways,
      Side.Delta ends,
      Map<Place, Optional<Entry>> before,
      Map<Place, Optional<Finding>> conflictsBefore) {}

  /**
   * Lets inputs come and go.
   *
   * @param ofEnds the inputs for flows that end at this node, which only those for what it forwards
   *     are not themselves
   * @param greatestPriority no priority is greater from then on
   * @throws IllegalStateException if there is no room for all that are needed; nothing has changed
   */
  Done change(Side.Delta delta, Side.Delta ofEnds, int greatestPriority) {
    try {
      priorities.setLimit(greatestPriority, this::renumber);
      changeAll(delta, ofEnds);
      return done(ofEnds);
    } catch (RuntimeException e) {
      undo(done(ofEnds));
      throw e;
    } finally {
      before.clear();
      conflictsBefore.clear();
      applied.clear();
      ways = DirectWays.Done.NOTHING;
    }
  }

  private Done done(Side.Delta ofEnds) {
    return new Done(
        ImmutableList.copyOf(applied),
        ways,
        applied.isEmpty() ? Side.Delta.NONE : ofEnds,
        new LinkedHashMap<>(before),
        new LinkedHashMap<>(conflictsBefore));
  }

  private void changeAll(Side.Delta delta, Side.Delta ofEnds) {
    Map<Rank, Side.Mobility> gone = direct(delta.mobilityGone());
    Map<Rank, Side.Mobility> come = direct(delta.mobilityCome());
    if (directWays.isEmpty() && come.isEmpty()) {
      carryOut(delta, ofEnds);
      return;
    }
    // Whether a way is taken depends on the user's policies as they are then.
    boolean usersChange = delta.changesUsers();
    if (usersChange) {
      carryOut(delta, ofEnds);
    }
    ways =
        directWays.change(
            gone,
            come,
            Stream.of(delta.usersGone(), delta.usersCome())
                .flatMap(users -> users.values().stream())
                .map(Side.User::selector)
                .collect(toImmutableList()));
    carryOut(
        directWays.taken(ways, usersChange ? Side.Delta.NONE : delta),
        usersChange ? Side.Delta.NONE : ofEnds);
    ways.refusedBefore()
        .keySet()
        .forEach(way -> remakeConflict(Place.ofComposition(Rank.LAST, way)));
  }

  private static Map<Rank, Side.Mobility> direct(Map<Rank, Side.Mobility> all) {
    return ImmutableMap.copyOf(
        Maps.filterEntries(all, entry -> DirectWays.isDirect(entry.getValue())));
  }

  private void carryOut(Side.Delta delta, Side.Delta ofEnds) {
    Set<Place> made = new LinkedHashSet<>();
    // What they had a part in as they were, and what they have as they are.
    addPlaces(delta.usersGone(), delta.mobilityGone(), made);
    addPlacesOfEnds(ofEnds.usersGone(), ofEnds.mobilityGone(), made);
    applyInputs(delta, ofEnds);
    applied.add(delta);
    addPlaces(delta.usersCome(), delta.mobilityCome(), made);
    addPlacesOfEnds(ofEnds.usersCome(), ofEnds.mobilityCome(), made);

    var doubtful = new TreeMap<Place, Set<Selector>>();
    var touched = new LinkedHashSet<Selector>();
    for (Place place : made) {
      remake(place, touched, doubtful);
    }
    Stream.of(delta.usersGone(), delta.usersCome())
        .flatMap(users -> users.values().stream())
        .forEach(user -> BackendLimits.seen(user.selector(), limits).ifPresent(touched::add));
    for (Selector selector : touched) {
      addDoubtful(selector, Optional.empty(), doubtful);
    }
    var needed = new TreeSet<Place>();
    judge(doubtful, needed);
    priorities.add(new ArrayList<>(needed), this::renumber);
  }

  /** Makes the last change undone, priorities included. */
  void undo(Done done) {
    directWays.undo(done.ways());
    done.here().reverse().forEach(delta -> applyInputs(delta.reversed(), Side.Delta.NONE));
    applyInputs(Side.Delta.NONE, done.ends().reversed());
    for (Place place : done.before().keySet()) {
      Entry now = entries.get(place);
      if (now != null) {
        unlink(now);
        entries.remove(place);
        priorities.remove(place);
      }
    }
    done.before()
        .forEach(
            (place, entry) ->
                entry.ifPresent(
                    old -> {
                      link(old);
                      entries.put(place, old);
                      if (old.needed()) {
                        priorities.restore(place, old.priority());
                      }
                    }));
    done.conflictsBefore()
        .forEach(
            (place, finding) -> {
              conflicts.remove(place);
              finding.ifPresent(old -> conflicts.put(place, old));
            });
  }

  private void applyInputs(Side.Delta delta, Side.Delta ofEnds) {
    delta
        .usersGone()
        .forEach((rank, user) -> usersByLeaving.remove(Composition.leaving(user.policy()), rank));
    here.apply(delta);
    delta
        .usersCome()
        .forEach((rank, user) -> usersByLeaving.add(Composition.leaving(user.policy()), rank));
    if (ends != here) {
      ends.apply(ofEnds);
    }
  }

  private void addPlaces(
      Map<Rank, Side.User> users, Map<Rank, Side.Mobility> mobility, Set<Place> places) {
    users.forEach((rank, user) -> placesOf(rank, user.policy(), places));
    mobility.forEach(
        (rank, it) -> {
          if (Side.acts(it.policy())) {
            placesOf(rank, it, places);
          } else {
            placesOfExempt(rank, it.policy(), places);
          }
        });
    if (ends == here) {
      addPlacesWithin(users, mobility, places);
    }
  }

  /** Of inputs for flows that end at this node, where these are others than this direction's. */
  private void addPlacesOfEnds(
      Map<Rank, Side.User> users, Map<Rank, Side.Mobility> mobility, Set<Place> places) {
    addPlacesWithin(users, mobility, places);
    mobility.forEach(
        (rank, it) -> {
          if (Side.acts(it.policy())) {
            placesOfLeaving(rank, it.policy(), places);
          }
        });
  }

  /** What is within the tunnels that they are for. */
  private void addPlacesWithin(
      Map<Rank, Side.User> users, Map<Rank, Side.Mobility> mobility, Set<Place> places) {
    Stream.concat(
            users.values().stream().map(Side.User::selector),
            mobility.values().stream()
                .map(Side.Mobility::policy)
                .filter(Side::acts)
                .map(MobilityPolicy::selector))
        .forEach(
            selector -> byOuterFlow.forEachMeeting(selector, place -> places.add(place.piece(0))));
  }

  /** What leaves users' policies for a mobility policy to act on. */
  private void placesOfLeaving(Rank rank, MobilityPolicy policy, Set<Place> places) {
    usersByLeaving.forEachMeeting(
        policy.selector(), user -> places.add(Place.ofComposition(user, rank)));
  }

  /** Where mobility is asked about what leaves a user's policy. */
  private Side beyond(Policy user) {
    return Composition.outermostTunnel(user.bundle()).isPresent() ? ends : here;
  }

  private void placesOf(Rank rank, Policy user, Set<Place> places) {
    places.add(Place.ofComposition(rank, Rank.LAST));
    beyond(user)
        .forEachActing(
            Composition.leaving(user), other -> places.add(Place.ofComposition(rank, other)));
    here.forEachActing(
        user.selector(),
        other ->
            places.add(
                here.policy(other).kind().isSignalling()
                    ? Place.ofExemption(rank, other, Rank.LAST)
                    // Where the user blocks, for the conflict to be told.
                    : Place.ofComposition(rank, other)));
    here.forEachExempt(user.selector(), one -> placesOfExempt(rank, one, here.policy(one), places));
  }

  private void placesOf(Rank rank, Side.Mobility acting, Set<Place> places) {
    MobilityPolicy policy = acting.policy();
    places.add(Place.ofComposition(Rank.LAST, rank));
    placesOfLeaving(rank, policy, places);
    var met = new TreeSet<Rank>();
    here.usersBySelector().forEachMeeting(policy.selector(), met::add);
    if (met.isEmpty()) {
      return;
    }
    for (Rank user : met) {
      places.add(
          policy.kind().isSignalling()
              ? Place.ofExemption(user, rank, Rank.LAST)
              : Place.ofComposition(user, rank));
    }
    here.forEachAsking(
        rank,
        acting,
        exempt -> {
          Selector flows = here.policy(exempt).selector();
          for (Rank user : met) {
            if (here.user(user).selector().meets(flows)) {
              places.add(Place.ofExemption(user, exempt, rank));
            }
          }
        });
  }

  private void placesOfExempt(Rank rank, MobilityPolicy exempt, Set<Place> places) {
    here.usersBySelector()
        .forEachMeeting(exempt.selector(), user -> placesOfExempt(user, rank, exempt, places));
  }

  private void placesOfExempt(Rank user, Rank rank, MobilityPolicy exempt, Set<Place> places) {
    places.add(Place.ofExemption(user, rank, Rank.LAST));
    here.forEachAsked(rank, exempt, other -> places.add(Place.ofExemption(user, rank, other)));
  }

  /**
   * @param first the first of the pieces that these inputs make
   */
  private void remake(
      Place first, Set<Selector> touched, NavigableMap<Place, Set<Selector>> doubtful) {
    remakeConflict(first);
    ImmutableList<Outcome> made = make(first);
    for (int piece = 0; piece < made.size(); piece++) {
      remake(first.piece(piece), made.get(piece), touched, doubtful);
    }
    Map<Place, Entry> rest =
        entries.subMap(first.piece(made.size()), true, first.piece(Integer.MAX_VALUE), true);
    for (Entry old : ImmutableList.copyOf(rest.values())) {
      touched.add(old.outcome().selector());
      remove(old.place());
    }
  }

  private void remake(
      Place place,
      Outcome made,
      Set<Selector> touched,
      NavigableMap<Place, Set<Selector>> doubtful) {
    Entry old = entries.get(place);
    if (old != null && old.outcome().equals(made)) {
      return;
    }
    Entry entry = Entry.of(place, made);
    if (old != null) {
      touched.add(old.outcome().selector());
      if (!old.outcome().selector().equals(made.selector())) {
        uncover(place);
      }
      // It keeps its priority, if it is needed still.
      entry = entry.withPriority(old.priority());
    }
    touched.add(made.selector());
    put(entry);
    doubtful.put(place, new LinkedHashSet<>(Set.of(made.selector())));
  }

  XfrmBackend.Limits limits() {
    return limits;
  }

  private ImmutableList<Outcome> make(Place place) {
    return unlimited(place).stream()
        .flatMap(outcome -> BackendLimits.apply(outcome, direction, limits).stream())
        .collect(toImmutableList());
  }

  private @Nullable MobilityPolicy mobilityOf(Place place) {
    Side.User user = here.users().get(place.user());
    Side side =
        user != null && place.part() == Place.Part.COMPOSITION ? beyond(user.policy()) : here;
    return side.policyOrNull(place.mobility());
  }

  private ImmutableList<Outcome> unlimited(Place place) {
    MobilityPolicy mobile = mobilityOf(place);
    if (!place.mobility().equals(Rank.LAST) && (mobile == null || !Side.acts(mobile))) {
      return ImmutableList.of();
    }
    if (place.user().equals(Rank.LAST)) {
      return mobile == null ? ImmutableList.of() : composition.of(mobile, mobile.selector());
    }
    Side.User owner = here.users().get(place.user());
    if (owner == null) {
      return ImmutableList.of();
    }
    Policy user = owner.policy();
    if (place.part() == Place.Part.COMPOSITION) {
      return mobile == null ? ImmutableList.of(composition.of(user)) : composition.of(user, mobile);
    }
    MobilityPolicy exempt = here.policyOrNull(place.exempt());
    if (exempt == null) {
      return ImmutableList.of();
    }
    if (mobile == null) {
      return exemption.of(user, exempt);
    }
    return here.asks(place.exempt(), place.mobility())
        ? exemption.of(user, exempt, mobile)
        : ImmutableList.of();
  }

  /** Where a user's policy wins over mobility's: there is no outcome to tell it by. */
  private void remakeConflict(Place place) {
    Optional<Finding> conflict = conflict(place);
    Optional<Finding> old = Optional.ofNullable(conflicts.get(place));
    if (conflict.equals(old)) {
      return;
    }
    conflictsBefore.putIfAbsent(place, old);
    conflicts.remove(place);
    conflict.ifPresent(finding -> conflicts.put(place, finding));
  }

  private Optional<Finding> conflict(Place place) {
    if (place.user().equals(Rank.LAST)) {
      return refusedWay(place.mobility());
    }
    Side.User user = here.users().get(place.user());
    if (user == null) {
      return Optional.empty();
    }
    Policy policy = user.policy();
    if (place.part() == Place.Part.EXEMPTION) {
      return Optional.ofNullable(here.policyOrNull(place.exempt()))
          .flatMap(
              signalling ->
                  SignallingExemption.conflict(policy, signalling)
                      .flatMap(
                          words ->
                              conflict(
                                  Finding.Kind.SIGNALLING_OVERRIDDEN, words, policy, signalling)));
    }
    MobilityPolicy payload = here.policyOrNull(place.mobility());
    if (payload != null && isUnseen(policy.selector(), payload)) {
      return conflict(
          Finding.Kind.PORTS_UNSEEN,
          "the user's "
              + policy
              + " does not hold for what bears a Home Address option or routing header: the kernel"
              + " (Linux before 6.7) does not see the ports behind it",
          policy,
          payload);
    }
    return payload != null
            && payload.kind().isPayload()
            && payload.action() == Policy.Action.ALLOW
            && policy.action() == Policy.Action.BLOCK
        ? conflict(
            Finding.Kind.MOBILITY_BLOCKED,
            "the user's " + policy + " wins over: " + payload.reason(),
            policy,
            payload)
        : Optional.empty();
  }

  private Optional<Finding> refusedWay(Rank way) {
    MobilityPolicy policy = directWays.policyOrNull(way);
    return policy == null
        ? Optional.empty()
        : directWays
            .refusal(way)
            .map(user -> DirectWays.finding(policy, policy.onLink().orElseThrow(), user));
  }

  /** Whether what comes by the route is not compared with the ports. */
  private boolean isUnseen(Selector user, MobilityPolicy route) {
    return direction == Direction.IN
        && !limits.portsBehindOptions()
        && IpProtocol.hasPorts(user.protocol())
        && !(user.sourcePort().isAny() && user.destinationPort().isAny())
        && route.kind() == MobilityPolicy.Kind.OPTIMIZED
        && route.bundle().templates().stream()
            .anyMatch(template -> template.protocol().isRouteOptimization());
  }

  private static Optional<Finding> conflict(
      Finding.Kind kind, String words, Policy user, MobilityPolicy mobility) {
    return Region.common(user.selector(), mobility.selector())
        .map(region -> new Finding(kind, words, Region.witness(region)));
  }

  /**
   * Adds those whose standing a change of this selector's flows may alter, and where: those that
   * had none to show, and those whose witness is among the flows.
   */
  private void addDoubtful(
      Selector selector, Optional<Place> before, NavigableMap<Place, Set<Selector>> doubtful) {
    Consumer<Place> doubt =
        place -> {
          if (before.isEmpty() || place.compareTo(before.get()) < 0) {
            doubtful.computeIfAbsent(place, key -> new LinkedHashSet<>()).add(selector);
          }
        };
    idle.forEachMeeting(selector, doubt);
    byWitness.forEachMeeting(
        Selector.between(selector.source(), selector.destination()),
        place -> {
          Flow witness = Side.present(entries.get(place)).witness();
          if (witness != null && selector.matches(witness)) {
            doubt.accept(place);
          }
        });
  }

  /** From the last on: whether a policy is needed depends on those behind it that stay. */
  private void judge(NavigableMap<Place, Set<Selector>> doubtful, Set<Place> needed) {
    for (var doubt = doubtful.pollLastEntry(); doubt != null; doubt = doubtful.pollLastEntry()) {
      Place place = doubt.getKey();
      Entry old = Side.present(entries.get(place));
      Entry judged = old.needed() ? judged(old) : judged(old, doubt.getValue());
      if (judged.needed() && judged.priority() == 0) {
        needed.add(place);
      } else if (!judged.needed()) {
        needed.remove(place);
        priorities.remove(place);
        judged = judged.withPriority(0);
      }
      if (judged.equals(old)) {
        continue;
      }
      put(judged);
      if (judged.needed() != old.needed()) {
        addDoubtful(old.outcome().selector(), Optional.of(place), doubtful);
      }
    }
  }

  /** One that was not needed, where only some flows have changed. */
  private Entry judged(Entry entry, Set<Selector> changed) {
    Selector selector = entry.outcome().selector();
    if (changed.contains(selector)) {
      return judged(entry);
    }
    Place cover = entry.witness() == null ? cover(entry) : null;
    if (cover != null) {
      return entry.covered(cover);
    }
    Flow reached = entry.witness();
    for (Selector one : changed) {
      Optional<Selector> region = Region.common(selector, one);
      if (region.isEmpty()) {
        continue;
      }
      Surroundings around = around(entry, region.get());
      Optional<Flow> witness = around.firstFlowThatNeeds(entry.outcome());
      if (witness.isPresent()) {
        return entry.judged(true, witness.get());
      }
      if (reached == null) {
        reached = around.firstFlow().orElse(null);
      }
    }
    Flow before = entry.witness();
    boolean doubtful = before != null && changed.stream().anyMatch(one -> one.matches(before));
    return doubtful ? judged(entry) : entry.judged(false, reached);
  }

  private Entry judged(Entry entry) {
    Selector selector = entry.outcome().selector();
    // A flow is looked up sooner than it is searched for.
    for (Flow candidate : List.of(Region.witness(selector), Region.lastWitness(selector))) {
      if (needs(candidate, entry)) {
        return entry.judged(true, candidate);
      }
    }
    Place cover = cover(entry);
    if (cover != null) {
      return entry.covered(cover);
    }
    Surroundings around = around(entry, selector);
    return around
        .firstFlowThatNeeds(entry.outcome())
        .map(witness -> entry.judged(true, witness))
        .orElseGet(() -> entry.judged(false, around.firstFlow().orElse(null)));
  }

  /** One before an entry that is for all its flows; null if there is none. */
  private @Nullable Place cover(Entry entry) {
    Selector selector = entry.outcome().selector();
    var found = new TreeSet<Place>();
    // Whoever is for all of them is for any one.
    bySelector.forEachMatching(
        Region.witness(selector),
        place -> {
          if (place.compareTo(entry.place()) < 0
              && Region.contains(Side.present(entries.get(place)).outcome().selector(), selector)) {
            found.add(place);
          }
        });
    return found.isEmpty() ? null : found.first();
  }

  /** Whether a flow comes as far as an entry, and would fare otherwise without it. */
  private boolean needs(Flow flow, Entry entry) {
    List<Place> front = new ArrayList<>(1);
    var behind = new TreeSet<Place>();
    bySelector.forEachMatching(
        flow,
        place -> {
          int order = place.compareTo(entry.place());
          if (order < 0) {
            front.add(place);
          } else if (order > 0 && Side.present(entries.get(place)).needed()) {
            behind.add(place);
          }
        });
    if (!front.isEmpty()) {
      return false;
    }
    Optional<Outcome> next =
        behind.isEmpty()
            ? installed(flow).map(composition::of)
            : Optional.of(Side.present(entries.get(behind.first())).outcome());
    return next.map(other -> !other.doesAs(entry.outcome())).orElse(true);
  }

  /**
   * Which others are before and behind an entry.
   *
   * @param among flows of the entry
   * @param behind by precedence; what others have installed comes behind all of ours
   */
  private record Surroundings(Selector among, List<Selector> front, List<Outcome> behind) {
    Optional<Flow> firstFlowThatNeeds(Outcome outcome) {
      return Search.firstFlowThatNeeds(outcome, among, front, behind);
    }

    Optional<Flow> firstFlow() {
      return Search.firstFlow(among, front);
    }
  }

  private Surroundings around(Entry entry, Selector among) {
    List<Selector> front = new ArrayList<>();
    var needed = new TreeMap<Place, Outcome>();
    bySelector.forEachMeeting(
        among,
        place -> {
          Entry other = Side.present(entries.get(place));
          int order = place.compareTo(entry.place());
          if (order < 0) {
            front.add(other.outcome().selector());
          } else if (order > 0 && other.needed()) {
            needed.put(place, other.outcome());
          }
        });
    var behind = ImmutableList.<Outcome>builder().addAll(needed.values());
    installed(among).forEach(behind::add);
    return new Surroundings(among, front, behind.build());
  }

  private List<Outcome> installed(Selector selector) {
    var installed = new TreeMap<Rank, Outcome>();
    here.usersBySelector()
        .forEachMeeting(
            selector,
            rank -> {
              Side.User user = here.user(rank);
              if (user.inBackend()) {
                BackendLimits.seen(user.selector(), limits)
                    .map(composition.of(user.policy())::on)
                    .ifPresent(outcome -> installed.put(rank, outcome));
              }
            });
    return List.copyOf(installed.values());
  }

  /** The first of those that others have installed. */
  private Optional<Policy> installed(Flow flow) {
    var installed = new TreeMap<Rank, Policy>();
    here.usersBySelector()
        .forEachMatching(
            flow,
            rank -> {
              if (here.user(rank).inBackend()) {
                installed.put(rank, here.user(rank).policy());
              }
            });
    return installed.values().stream().findFirst();
  }

  private void renumber(Place place, int priority) {
    put(Side.present(entries.get(place)).withPriority(priority));
  }

  private void put(Entry entry) {
    Entry old = entries.put(entry.place(), entry);
    before.putIfAbsent(entry.place(), Optional.ofNullable(old));
    if (old == null || !old.withPriority(0).equals(entry.withPriority(0))) {
      if (old != null) {
        unlink(old);
      }
      link(entry);
    }
  }

  private void remove(Place place) {
    Entry old = entries.remove(place);
    if (old != null) {
      before.putIfAbsent(place, Optional.of(old));
      unlink(old);
      priorities.remove(place);
      uncover(place);
    }
  }

  /** Those behind that it was for may be reached now. */
  private void uncover(Place place) {
    for (Place behind : ImmutableList.copyOf(covered.getOrDefault(place, Set.of()))) {
      put(Side.present(entries.get(behind)).covered(null));
    }
  }

  private void link(Entry entry) {
    bySelector.add(entry.outcome().selector(), entry.place());
    entry.outcome().asked().forEach(flows -> byOuterFlow.add(flows, entry.place()));
    if (entry.cover() != null) {
      covered.computeIfAbsent(entry.cover(), place -> new TreeSet<>()).add(entry.place());
    } else {
      standing(entry).add(standingSelector(entry), entry.place());
    }
  }

  private void unlink(Entry entry) {
    bySelector.remove(entry.outcome().selector(), entry.place());
    entry.outcome().asked().forEach(flows -> byOuterFlow.remove(flows, entry.place()));
    if (entry.cover() != null) {
      Set<Place> behind = Side.present(covered.get(entry.cover()));
      behind.remove(entry.place());
      if (behind.isEmpty()) {
        covered.remove(entry.cover());
      }
    } else {
      standing(entry).remove(standingSelector(entry), entry.place());
    }
  }

  private SelectorIndex<Place> standing(Entry entry) {
    return entry.needed() ? byWitness : idle;
  }

  private static Selector standingSelector(Entry entry) {
    Flow witness = entry.witness();
    return entry.needed() && witness != null
        ? Selector.between(witness.source(), witness.destination())
        : entry.outcome().selector();
  }

  /** The policies that are where a change has changed something, by precedence. */
  ImmutableList<Policy> after(Done done) {
    return policies(
        done.before().keySet().stream().flatMap(place -> Stream.ofNullable(entries.get(place))));
  }

  /** Those that were. */
  ImmutableList<Policy> before(Done done) {
    return policies(done.before().values().stream().flatMap(Optional::stream));
  }

  /** The first priority, from one to another, of a policy that a change has not touched. */
  OptionalInt nextUntouched(Done done, int first, int last) {
    return priorities.firstBeside(done.before().keySet(), first, last);
  }

  Direction direction() {
    return direction;
  }

  private ImmutableList<Policy> policies(Stream<Entry> some) {
    return some.filter(Entry::needed)
        .sorted(Comparator.comparing(Entry::place))
        .map(entry -> entry.policy(direction))
        .collect(toImmutableList());
  }

  /** By precedence. */
  ImmutableList<MergedPolicy> policies() {
    return inOrder().collect(toImmutableList());
  }

  /** The same, made as they are asked for. */
  Stream<MergedPolicy> inOrder() {
    return entries.values().stream().filter(Entry::needed).map(entry -> entry.merged(direction));
  }

  int count() {
    return priorities.size();
  }

  /** What decides about a flow: a policy of the result, or else one that others have installed. */
  Optional<MergedPolicy> decides(Flow flow) {
    var first = new TreeMap<Place, Entry>();
    bySelector.forEachMatching(
        flow,
        place -> {
          Entry entry = Side.present(entries.get(place));
          if (entry.needed()) {
            first.put(place, entry);
          }
        });
    if (!first.isEmpty()) {
      return Optional.of(first.firstEntry().getValue().merged(direction));
    }
    return installed(flow).map(policy -> new MergedPolicy(policy, composition.of(policy).trace()));
  }

  /** What there is to say now that was not said before the change. */
  ImmutableList<Finding> appeared(Done done) {
    var old = new HashSet<String>();
    done.before().values().stream()
        .flatMap(Optional::stream)
        .filter(entry -> entry.witness() != null)
        .flatMap(entry -> entry.outcome().findings().stream())
        .forEach(finding -> old.add(finding.sentence()));
    done.conflictsBefore().values().stream()
        .flatMap(Optional::stream)
        .forEach(finding -> old.add(finding.sentence()));
    var places = new TreeSet<>(done.before().keySet());
    places.addAll(done.conflictsBefore().keySet());
    return findings(places).stream()
        .filter(finding -> !old.contains(finding.sentence()))
        .collect(toImmutableList());
  }

  ImmutableList<Finding> findings() {
    var places = new TreeSet<>(entries.keySet());
    places.addAll(conflicts.keySet());
    return findings(places);
  }

  /** With flows that meet it. */
  private ImmutableList<Finding> findings(NavigableSet<Place> places) {
    var findings = ImmutableList.<Finding>builder();
    // A route has several policies, the one for any flow last.
    Map<String, Finding> refusals = new LinkedHashMap<>();
    for (Place place : places) {
      Entry entry = entries.get(place);
      if (entry != null && entry.witness() != null) {
        Flow witness = entry.witness();
        entry.outcome().findings().stream()
            .map(finding -> new Finding(finding.kind(), finding.words(), witness))
            .forEach(findings::add);
      }
      Finding conflict = conflicts.get(place);
      if (conflict == null) {
        continue;
      }
      if (place.user().equals(Rank.LAST)) {
        refusals.put(conflict.words(), conflict);
      } else if (place.user().equals(firstUser(conflict.witness()))) {
        // Of the user's policies none comes before it.
        findings.add(conflict);
      }
    }
    return findings.addAll(refusals.values()).build();
  }

  private Rank firstUser(Flow flow) {
    var ranks = new TreeSet<Rank>();
    here.usersBySelector().forEachMatching(flow, ranks::add);
    return ranks.isEmpty() ? Rank.LAST : ranks.first();
  }

  Map<Rank, Side.User> usersByRank() {
    return here.users();
  }

  Iterable<MobilityPolicy> mobility() {
    return here.mobility();
  }
}
