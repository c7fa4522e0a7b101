package io.mipd.merger.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlanTest {
  private static final ImmutableList<Ipv6Prefix> PREFIXES =
      ImmutableList.of(
          Ipv6Prefix.ANY,
          Ipv6Prefix.parse("2001:db8::/32"),
          Ipv6Prefix.parse("2001:db8::1"),
          Ipv6Prefix.parse("2001:db8::2"));
  private static final ImmutableList<Ipv6Address> ADDRESSES =
      ImmutableList.of(
          Ipv6Address.parse("2001:db8::1"),
          Ipv6Address.parse("2001:db8::2"),
          Ipv6Address.parse("2001:db8::3"),
          Ipv6Address.parse("2001:dead::1"));

  /** A policy table as every backend has one, that refuses the nth command, or loses its answer. */
  private static final class Table implements XfrmBackend {
    private final Map<Policy.Id, Policy> policies = new LinkedHashMap<>();
    private int refuseAfter = Integer.MAX_VALUE;
    private boolean losesAnswer;
    private Runnable afterEach = () -> {};

    Table(List<Policy> installed) {
      installed.forEach(policy -> policies.put(policy.id(), policy));
    }

    @Override
    public XfrmReply apply(XfrmCommand command) {
      if (refuseAfter-- == 0) {
        if (losesAnswer) {
          carryOut(command);
        }
        return new XfrmReply.Failed(XfrmError.NO_MEMORY, "refused by the test");
      }
      XfrmReply reply = carryOut(command);
      afterEach.run();
      return reply;
    }

    private XfrmReply carryOut(XfrmCommand command) {
      if (command instanceof XfrmCommand.AddPolicy add) {
        return policies.putIfAbsent(add.policy().id(), add.policy()) == null
            ? XfrmReply.DONE
            : new XfrmReply.Failed(XfrmError.EXISTS, "" + add);
      }
      if (command instanceof XfrmCommand.UpdatePolicy update) {
        policies.put(update.policy().id(), update.policy());
        return XfrmReply.DONE;
      }
      if (command instanceof XfrmCommand.DeletePolicy delete) {
        return policies.remove(delete.id()) != null
            ? XfrmReply.DONE
            : new XfrmReply.Failed(XfrmError.NOT_FOUND, "" + delete);
      }
      return new XfrmReply.Failed(XfrmError.INVALID, "not a policy command: " + command);
    }

    @Override
    public Limits limits() {
      return new Limits(5);
    }

    /** What becomes of a flow: it is blocked, or has a bundle; without a policy an empty one. */
    Optional<Bundle> treatment(Flow flow) {
      return policies.values().stream()
          .filter(policy -> policy.selector().matches(flow))
          .min(Comparator.comparingInt(Policy::priority))
          .map(
              policy ->
                  policy.action() == Policy.Action.BLOCK
                      ? Optional.<Bundle>empty()
                      : Optional.of(policy.bundle()))
          .orElse(Optional.of(Bundle.EMPTY));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void leavesNothingInClearOnTheWay(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      ImmutableList<Policy> before = policies(random);
      ImmutableList<Policy> after =
          random.nextBoolean() ? policies(random) : edited(before, random);
      var table = new Table(before);
      for (Plan.Step step : Plan.between(before, after).steps()) {
        assertThat(table.apply(step.command())).isEqualTo(XfrmReply.DONE);
        assertProtected(table, before, after, "seed " + seed + "." + round + ": after " + step);
      }
      assertThat(table.policies).isEqualTo(new Table(after).policies);
    }
  }

  /** The same, told only of what changes. */
  @ParameterizedTest
  @ValueSource(longs = {31, 32, 33, 34})
  void leavesNothingInClearBesideWhatStays(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 1000; round++) {
      ImmutableList<Policy> before = policies(random);
      ImmutableList<Policy> after = edited(before, random);
      ImmutableList<Policy> staying = without(before, without(before, after));
      var table = new Table(before);
      Plan plan = Plan.between(without(before, staying), without(after, staying), among(staying));
      for (Plan.Step step : plan.steps()) {
        assertThat(table.apply(step.command())).isEqualTo(XfrmReply.DONE);
        assertProtected(table, before, after, "seed " + seed + "." + round + ": after " + step);
      }
      assertThat(table.policies).isEqualTo(new Table(after).policies);
    }
  }

  private static ImmutableList<Policy> without(List<Policy> all, List<Policy> others) {
    return all.stream()
        .filter(one -> !others.contains(one))
        .collect(ImmutableList.toImmutableList());
  }

  /** What it is neither before nor after no flow is in between, but blocked. */
  private static void assertProtected(
      Table table, List<Policy> before, List<Policy> after, String when) {
    var start = new Table(before);
    var target = new Table(after);
    for (Flow flow : flows()) {
      assertThat(table.treatment(flow))
          .as("%s, %s", when, flow)
          .isIn(start.treatment(flow), target.treatment(flow), Optional.empty());
    }
  }

  /** Those behind it in its batch are carried out all the same, and then undone. */
  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14})
  void leavesNothingInClearWhenAStepOfABatchFails(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      ImmutableList<Policy> before = policies(random);
      ImmutableList<Policy> after =
          random.nextBoolean() ? policies(random) : edited(before, random);
      Plan plan = Plan.between(before, after);
      for (int failing = 0; failing < plan.steps().size(); failing++) {
        var table = new Table(before);
        String when = "seed " + seed + "." + round + ": step " + failing + " of " + plan;
        table.refuseAfter = failing;
        table.afterEach = () -> assertProtected(table, before, after, when);
        assertThat(Transaction.apply(plan, table))
            .as(when)
            .isInstanceOf(Transaction.Result.RolledBack.class);
      }
    }
  }

  /** Some other priorities, some policies gone, some new: the rest stays as it is. */
  private static ImmutableList<Policy> edited(ImmutableList<Policy> policies, Random random) {
    Map<Policy.Id, Policy> edited = new LinkedHashMap<>();
    for (Policy policy : policies) {
      int priority = random.nextInt(3) > 0 ? policy.priority() : random.nextInt(1000) + 12;
      if (random.nextInt(5) > 0) {
        edited.put(
            policy.id(),
            new Policy(
                policy.selector(), policy.direction(), priority, policy.action(), policy.bundle()));
      }
    }
    for (Policy policy : policies(random)) {
      if (edited.values().stream().noneMatch(one -> one.priority() == policy.priority())) {
        edited.putIfAbsent(policy.id(), policy);
      }
    }
    return edited.values().stream()
        .sorted(Comparator.comparingInt(Policy::priority))
        .collect(ImmutableList.toImmutableList());
  }

  @Test
  void whatIsBehindAStepOfItsKindGoesInTheSameStage() {
    ImmutableList<Policy> many =
        IntStream.range(0, 100)
            .mapToObj(
                i ->
                    Policy.allow(
                        Selector.between(new Ipv6Address(1, i), new Ipv6Address(2, i)),
                        Direction.OUT,
                        i,
                        Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(1)))))
            .collect(ImmutableList.toImmutableList());

    assertThat(Plan.between(ImmutableList.of(), many).stages()).hasSize(1);
    assertThat(Plan.between(many, ImmutableList.of()).stages()).hasSize(1);
  }

  /**
   * All 100,000 step back beside as many that stay, in clear. A look at each of those for each of
   * these would be ten billion.
   */
  @Test
  void takesTimeForEachPolicyAndNotForEachPair() {
    Bundle protection = Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(1)));
    ImmutableList<Policy> before = many(1, 200_000, protection);
    ImmutableList<Policy> after = many(1, 200_001, protection);
    ImmutableList<Policy> staying = many(2, 0, Bundle.EMPTY);

    Plan plan =
        assertTimeoutPreemptively(
            Duration.ofSeconds(20), () -> Plan.between(before, after, among(staying)));
    assertThat(plan.stages()).hasSize(1);
    assertThat(plan.steps()).hasSize(before.size());
  }

  private static Plan.Staying among(List<Policy> staying) {
    var places =
        staying.stream()
            .collect(
                Collectors.groupingBy(
                    Policy::direction,
                    Collectors.mapping(Policy::priority, Collectors.toCollection(TreeSet::new))));
    return (direction, first, last) ->
        !places.getOrDefault(direction, new TreeSet<>()).subSet(first, true, last, true).isEmpty();
  }

  /** 100,000 for a host each, in the order of their priorities. */
  private static ImmutableList<Policy> many(long network, int firstPriority, Bundle bundle) {
    return IntStream.range(0, 100_000)
        .mapToObj(
            i ->
                Policy.allow(
                    Selector.between(new Ipv6Address(network, i), new Ipv6Address(3, 0)),
                    Direction.OUT,
                    firstPriority + i,
                    bundle))
        .collect(ImmutableList.toImmutableList());
  }

  /** Somebody else has taken it away before. */
  @Test
  void whatIsToGoAndIsGoneIsNoFailure() {
    ImmutableList<Policy> before = policies(new Random(5));
    Plan plan = Plan.between(before, ImmutableList.of());
    assertThat(Transaction.apply(plan, new Table(before.subList(0, 1))))
        .isEqualTo(new Transaction.Result.Done());
  }

  @Test
  void isEmptyWhenAllIsAsWanted() {
    ImmutableList<Policy> policies = policies(new Random(5));
    assertThat(Plan.between(policies, policies).steps()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22})
  void leavesThingsAsTheyWereWhenAStepFails(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      ImmutableList<Policy> before = policies(random);
      Plan plan = Plan.between(before, policies(random));
      for (int failing = 0; failing < plan.steps().size(); failing++) {
        var table = new Table(before);
        table.refuseAfter = failing;
        Transaction.Result result = Transaction.apply(plan, table);
        assertThat(result).isInstanceOf(Transaction.Result.RolledBack.class);
        var rolledBack = (Transaction.Result.RolledBack) result;
        assertThat(rolledBack.command()).isEqualTo(plan.steps().get(failing).command());
        assertThat(rolledBack.unrepaired()).isEmpty();
        assertThat(table.policies).isEqualTo(new Table(before).policies);

        var mute = new Table(before);
        mute.refuseAfter = failing;
        mute.losesAnswer = true;
        Transaction.apply(plan, mute);
        assertThat(mute.policies).as("the answer was lost").isEqualTo(table.policies);
      }
    }
  }

  private static ImmutableList<Flow> flows() {
    var flows = ImmutableList.<Flow>builder();
    for (Ipv6Address source : ADDRESSES) {
      for (Ipv6Address destination : ADDRESSES) {
        flows.add(Flow.of(source, destination, IpProtocol.TCP));
      }
    }
    return flows.build();
  }

  private static ImmutableList<Policy> policies(Random random) {
    Map<Policy.Id, Policy> policies = new LinkedHashMap<>();
    List<Integer> priorities = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      priorities.add(i);
    }
    Collections.shuffle(priorities, random);
    int count = random.nextInt(7);
    for (int i = 0; i < count; i++) {
      var selector =
          Selector.between(
              PREFIXES.get(random.nextInt(PREFIXES.size())),
              PREFIXES.get(random.nextInt(PREFIXES.size())));
      int priority = priorities.get(i);
      var policy =
          switch (random.nextInt(3)) {
            case 0 -> Policy.block(selector, Direction.OUT, priority);
            case 1 -> Policy.allow(selector, Direction.OUT, priority, Bundle.EMPTY);
            default ->
                Policy.allow(
                    selector,
                    Direction.OUT,
                    priority,
                    Bundle.of(
                        Template.transport(
                            TransformProtocol.ESP, new ReqId(1 + random.nextInt(3)))));
          };
      policies.putIfAbsent(policy.id(), policy);
    }
    return policies.values().stream()
        .sorted(Comparator.comparingInt(Policy::priority))
        .collect(ImmutableList.toImmutableList());
  }
}
