package io.mipd.merger.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.merger.judge.Backend;
import io.mipd.merger.judge.PlainReading;
import io.mipd.merger.judge.Universe;
import io.mipd.merger.judge.Wanted;
import io.mipd.merger.plan.Plan;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.merger.source.MobilityPolicy.Kind;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However a merge has come about, it is as one made at once. */
class StandingMergeTest {
  private static final XfrmBackend.Limits LIMITS = new XfrmBackend.Limits(100);
  private static final int ROOM = 10_000;
  private static final int LITTLE_ROOM = 100;

  /** A merge, what it was told, and what a backend holds that has been told of its changes. */
  private static final class Story {
    final Backend backend;
    final StandingMerge<Integer> merge;
    final TreeMap<Integer, ImmutableList<Wanted>> wishes = new TreeMap<>();
    final Map<Policy.Id, Policy> held = new HashMap<>();
    final int firstPriority;
    ImmutableList<Policy> configured = ImmutableList.of();
    ImmutableList<Policy> inBackend = ImmutableList.of();

    /**
     * @param firstPriority of the user's: in front of those in the backend there is no more room
     */
    Story(int firstPriority, Backend backend) {
      this.firstPriority = firstPriority;
      this.backend = backend;
      merge = new StandingMerge<>(Boundary.limits(backend));
    }

    void step(Universe universe) {
      if (universe.random().nextInt(3) == 0) {
        ImmutableList<Policy> all = universe.userPolicies(firstPriority);
        int middle = universe.random().nextInt(all.size() + 1);
        boolean others = universe.random().nextBoolean();
        configured = others ? all.subList(0, middle) : all;
        inBackend = others ? all.subList(middle, all.size()) : ImmutableList.of();
        apply(() -> merge.users(configured, inBackend));
      } else {
        int owner = universe.random().nextInt(3);
        ImmutableList<Wanted> wish =
            universe.random().nextInt(4) == 0 ? ImmutableList.of() : universe.wanted();
        // Whoever has left comes as the last.
        want(owner, wish);
      }
    }

    private void want(int owner, ImmutableList<Wanted> wish) {
      apply(() -> merge.want(owner, Boundary.mobility(wish)));
      if (wish.isEmpty()) {
        wishes.remove(owner);
      } else {
        wishes.put(owner, wish);
      }
    }

    private void apply(Supplier<Change> step) {
      ImmutableList<Policy> before = merge.policies();
      Change change = step.get();
      assertThat(change.plan()).isEqualTo(Plan.between(before, merge.policies()));
      change.before().forEach(policy -> assertThat(held.remove(policy.id())).isEqualTo(policy));
      change.after().forEach(policy -> assertThat(held.put(policy.id(), policy)).isNull());
    }

    ImmutableList<Policy> user() {
      return ImmutableList.<Policy>builder().addAll(configured).addAll(inBackend).build();
    }

    /** By precedence: standing by standing, and owner by owner within. */
    ImmutableList<Wanted> mobility(List<Integer> owners) {
      var mobility = ImmutableList.<Wanted>builder();
      for (Wanted.Standing standing : Wanted.Standing.values()) {
        for (int owner : owners) {
          wishes.getOrDefault(owner, ImmutableList.of()).stream()
              .filter(one -> one.standing() == standing)
              .forEach(mobility::add);
        }
      }
      return mobility.build();
    }
  }

  /** Of many owners at once: as one after the other, and undone to where it was. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void manyAtOnceAreAsOneByOne(int hundreds) {
    for (int seed = hundreds * 100; seed < (hundreds + 1) * 100; seed++) {
      var universe = new Universe(seed);
      var oneByOne = new StandingMerge<Integer>(LIMITS);
      var atOnce = new StandingMerge<Integer>(LIMITS);
      ImmutableList<Policy> user = universe.userPolicies();
      ImmutableList<MobilityPolicy> first = Boundary.mobility(universe.wanted());
      for (StandingMerge<Integer> merge : List.of(oneByOne, atOnce)) {
        merge.users(user, ImmutableList.of());
        merge.want(1, first);
      }
      var wanted = ImmutableMap.<Integer, ImmutableList<MobilityPolicy>>builder();
      for (int owner = 0; owner < 4; owner++) {
        wanted.put(owner, Boundary.mobility(universe.wanted()));
      }
      ImmutableMap<Integer, ImmutableList<MobilityPolicy>> all = wanted.buildOrThrow();

      ImmutableList<Policy> before = atOnce.policies();
      Change undone = atOnce.want(all);
      undone.undo();
      assertThat(atOnce.policies()).as("seed %s", seed).isEqualTo(before);

      all.forEach(oneByOne::want);
      Change change = atOnce.want(all);
      assertThat(treatments(atOnce)).as("seed %s", seed).isEqualTo(treatments(oneByOne));
      assertThat(findings(atOnce.merged())).isEqualTo(findings(oneByOne.merged()));
      assertThat(atOnce.policies()).containsAll(change.after());
    }
  }

  /** By precedence, whatever their priorities are. */
  private static List<Policy> treatments(StandingMerge<Integer> merge) {
    return merge.policies().stream()
        .map(it -> new Policy(it.selector(), it.direction(), 1, it.action(), it.bundle()))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void isTheSameHoweverItHasComeAbout(int hundreds) {
    for (int seed = hundreds * 50; seed < (hundreds + 1) * 50; seed++) {
      var universe = new Universe(seed);
      // Every other time with so little room that those in the way have to make some.
      var story =
          new Story(
              seed % 2 == 0 ? ROOM : LITTLE_ROOM,
              seed % 4 < 2 ? Backend.LINUX : Backend.WITHOUT_LIMITS);
      var owners = new ArrayList<Integer>();
      for (int step = 0; step < 12; step++) {
        story.step(universe);
        owners.removeIf(owner -> !story.wishes.containsKey(owner));
        story.wishes.keySet().stream()
            .filter(owner -> !owners.contains(owner))
            .forEach(owners::add);
        assertThat(story.held.values()).containsExactlyInAnyOrderElementsOf(story.merge.policies());
        ImmutableList<Wanted> mobility = story.mobility(owners);
        assertRightAndMinimal(seed + "." + step, story, mobility, universe.direction());
        assertThat(findings(story.merge.merged()))
            .isEqualTo(
                findings(
                    PolicyMerger.merge(
                        story.user(),
                        Boundary.mobility(mobility),
                        Boundary.limits(story.backend))));
      }
    }
  }

  private static Set<String> findings(Merged merged) {
    var words = new HashSet<String>();
    merged.findings().forEach(finding -> words.add(finding.kind() + " " + finding.words()));
    return words;
  }

  private static void assertRightAndMinimal(
      String seed, Story story, ImmutableList<Wanted> mobility, Direction direction) {
    assertThat(story.held.values())
        .as("%s: the backend's own bits", seed)
        .allMatch(policy -> story.backend.canBear(policy.selector().mark()));
    Set<Policy> missed = new HashSet<>(story.held.values());
    missed.removeIf(policy -> policy.direction() != direction);
    List<Policy> all =
        Stream.concat(story.held.values().stream(), story.inBackend.stream())
            .filter(policy -> policy.direction() == direction)
            .sorted(Comparator.comparingInt(Policy::priority))
            .toList();
    assertThat(all.stream().map(policy -> policy.direction() + "" + policy.priority()))
        .doesNotHaveDuplicates();
    ImmutableList<Flow> flows =
        Universe.regions(EquivalenceTest.selectors(story.user(), mobility), story.backend);
    ImmutableList<PlainReading> readings =
        PlainReading.of(story.backend, story.user(), mobility, direction, flows);
    for (int i = 0; i < flows.size(); i++) {
      Flow flow = flows.get(i);
      PlainReading expected = readings.get(i);
      List<Policy> matching = all.stream().filter(it -> it.selector().matches(flow)).toList();
      assertThat(PlainReading.of(matching))
          .as("%s flow %s%nuser %s%nmobility %s", seed, flow, story.user(), mobility)
          .isEqualTo(expected);
      if (!matching.isEmpty()
          && !PlainReading.of(matching.subList(1, matching.size())).equals(expected)) {
        missed.remove(matching.get(0));
      }
    }
    assertThat(missed).as("%s: nobody would miss these", seed).isEmpty();
  }

  @Test
  void undoesAChangeAsIfItHadNotBeen() {
    for (int seed = 0; seed < 100; seed++) {
      var universe = new Universe(seed);
      var story = new Story(ROOM, Backend.LINUX);
      for (int step = 0; step < 6; step++) {
        story.step(universe);
        ImmutableList<MergedPolicy> before = story.merge.merged().all();
        Set<String> findings = findings(story.merge.merged());
        Change change =
            universe.random().nextBoolean()
                ? story.merge.want(
                    universe.random().nextInt(4), Boundary.mobility(universe.wanted()))
                : story.merge.users(universe.userPolicies(), story.inBackend);
        change.undo();
        assertThat(story.merge.merged().all()).as("seed %s.%s", seed, step).isEqualTo(before);
        assertThat(findings(story.merge.merged())).isEqualTo(findings);
      }
    }
  }

  private static Ipv6Address home(int number) {
    return new Ipv6Address(0x2001_0db8_0001_0000L, 0x1000 + number);
  }

  private static ImmutableList<MobilityPolicy> tunnel(int number, int careOf) {
    return ImmutableList.of(
        new MobilityPolicy(
            Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(home(number))),
            Direction.OUT,
            Kind.PAYLOAD,
            Policy.Action.ALLOW,
            Bundle.of(
                Template.tunnel(
                    TransformProtocol.ESP,
                    home(0),
                    new Ipv6Address(0x2001_0db8_000a_0000L, careOf),
                    new ReqId(number))),
            "tunnel to " + number));
  }

  private static final Policy FOR_ANY =
      Policy.allow(
          Selector.ANY,
          Direction.OUT,
          500,
          Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(9))));

  @Test
  void whatAChangeDoesNotTouchKeepsItsPriority() {
    var merge = new StandingMerge<Integer>(LIMITS);
    merge.users(ImmutableList.of(FOR_ANY), ImmutableList.of());
    long changed = 0;
    for (int owner = 1; owner <= 2000; owner++) {
      changed += merge.want(owner, tunnel(owner, owner)).before().size();
    }
    // Each comes between the one before and the policy for any.
    assertThat(changed).isLessThan(20);
    var numbers = new HashMap<Policy.Id, Integer>();
    merge.policies().forEach(policy -> numbers.put(policy.id(), policy.priority()));
    for (int owner = 1; owner <= 2000; owner += 100) {
      Change change = merge.want(owner, tunnel(owner, owner + 5000));
      assertThat(change.after()).hasSize(1);
      assertThat(change.before()).hasSize(1);
    }
    merge
        .policies()
        .forEach(policy -> assertThat(numbers).containsEntry(policy.id(), policy.priority()));
  }

  /**
   * One more comes in front of 50,000 that have no room between them: all step back. A look at each
   * of those for each of them would be a billion and more.
   */
  @Test
  void aPlanTakesTimeForEachPolicyAndNotForEachPair() {
    int count = 50_000;
    ImmutableList<Policy> all =
        IntStream.rangeClosed(0, count)
            .mapToObj(
                i ->
                    Policy.allow(
                        Selector.between(home(i), home(-1)), Direction.OUT, i, FOR_ANY.bundle()))
            .collect(ImmutableList.toImmutableList());
    ImmutableList<Policy> others =
        ImmutableList.of(
            Policy.block(Selector.between(home(-2), home(-3)), Direction.OUT, count + 100));
    var merge = new StandingMerge<Integer>(LIMITS);
    merge.users(all.subList(1, all.size()), others);
    Change change = merge.users(all, others);
    assertThat(change.before()).hasSize(count);
    Plan plan = assertTimeoutPreemptively(Duration.ofSeconds(20), change::plan);
    assertThat(plan.steps()).hasSize(count + 1);
    assertThat(plan.stages()).hasSize(2);
  }

  @Test
  void keepsInFrontOfWhatOthersHaveInstalled() {
    var merge = new StandingMerge<Integer>(LIMITS);
    for (int owner = 1; owner <= 400; owner++) {
      merge.want(owner, tunnel(owner, owner));
    }
    merge.users(ImmutableList.of(), ImmutableList.of(FOR_ANY));
    assertThat(merge.policies()).hasSize(400).allMatch(policy -> policy.priority() < 500);
    assertThat(merge.policies().stream().map(Policy::priority)).doesNotHaveDuplicates();
    for (int owner = 401; owner <= 499; owner++) {
      merge.want(owner, tunnel(owner, owner));
    }
    assertThat(merge.policies()).hasSize(499).allMatch(policy -> policy.priority() < 500);
    assertThatThrownBy(() -> merge.want(500, tunnel(500, 500)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no room");
  }

  /** Whoever is added last among equals is looked at last, and nobody else changes. */
  @Test
  void oneMoreOfTheSamePriorityTouchesNobodyElse() {
    List<Policy> installed = new ArrayList<>();
    var merge = new StandingMerge<Integer>(LIMITS);
    merge.want(1, tunnel(1, 1));
    int changed = 0;
    for (int i = 0; i < 500; i++) {
      installed.add(
          Policy.allow(
              Selector.between(home(2000 + i), home(1)), Direction.OUT, 70_000, FOR_ANY.bundle()));
      Change change = merge.users(ImmutableList.of(), ImmutableList.copyOf(installed));
      changed += change.before().size();
      assertThat(change.after()).hasSize(change.before().size() + 1);
    }
    // Now and then there is no room between two, and some of those around move on.
    assertThat(changed).isLessThan(500);
    installed.remove(7);
    Change change = merge.users(ImmutableList.of(), ImmutableList.copyOf(installed));
    assertThat(change.before()).hasSize(1);
    assertThat(change.after()).isEmpty();
  }

  /** Mobility's own policy is for nobody any more, which is seen without trying every piece. */
  @Test
  void manyPoliciesInFrontOfOneForAll() {
    List<Policy> configured = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      configured.add(
          Policy.allow(
              Selector.between(home(2000 + i), home(1)), Direction.OUT, i, FOR_ANY.bundle()));
    }
    configured.add(
        Policy.allow(
            Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(home(1))),
            Direction.OUT,
            9000,
            FOR_ANY.bundle()));
    var merge = new StandingMerge<Integer>(LIMITS);
    merge.users(ImmutableList.copyOf(configured), ImmutableList.of());
    merge.want(1, tunnel(1, 1));
    // What the user has for all does as those before it do.
    assertThat(merge.policies()).hasSize(1);
  }

  @Test
  void leavesToTheUsersOwnPolicyWhatMobilityHasNoPartIn() {
    var merge = new StandingMerge<Integer>(LIMITS);
    Policy toHome =
        Policy.allow(
            Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.parse("2001:db8:1::/64")),
            Direction.OUT,
            500,
            FOR_ANY.bundle());
    merge.users(ImmutableList.of(), ImmutableList.of(toHome));
    assertThat(merge.policies()).isEmpty();
    merge.want(1, tunnel(1, 1));
    assertThat(merge.policies()).hasSize(1);
    assertThat(merge.policies().get(0).bundle().templates()).hasSize(2);
    merge.want(1, ImmutableList.of());
    assertThat(merge.policies()).isEmpty();
  }

  @Test
  void leavesToTheUsersOwnPolicyWhatOnlyMarksOfNobodyTellApart() {
    var merge = new StandingMerge<Integer>(Boundary.limits(Backend.LINUX));
    Policy marked =
        Policy.allow(
            Selector.ANY.withMark(new Mark(1, 0xc000_0001)), Direction.OUT, 500, FOR_ANY.bundle());
    merge.users(ImmutableList.of(), ImmutableList.of(marked));
    assertThat(merge.policies()).isEmpty();
  }
}
