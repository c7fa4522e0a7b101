package io.mipd.merger.plan;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
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

  /** A policy table as every backend has one, that refuses the nth command. */
  private static final class Table implements XfrmBackend {
    private final Map<Policy.Id, Policy> policies = new LinkedHashMap<>();
    private int refuseAfter = Integer.MAX_VALUE;

    Table(List<Policy> installed) {
      installed.forEach(policy -> policies.put(policy.id(), policy));
    }

    @Override
    public XfrmReply apply(XfrmCommand command) {
      if (refuseAfter-- == 0) {
        return new XfrmReply.Failed(XfrmError.NO_MEMORY, "refused by the test");
      }
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

    /** Whether the flow passes without protection: by an empty bundle, or by no policy. */
    boolean passesInClear(Flow flow) {
      return policies.values().stream()
          .filter(policy -> policy.selector().matches(flow))
          .min(Comparator.comparingInt(Policy::priority))
          .map(policy -> policy.action() == Policy.Action.ALLOW && policy.bundle().isEmpty())
          .orElse(true);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void leavesNothingInClearOnTheWay(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      ImmutableList<Policy> before = policies(random);
      ImmutableList<Policy> after = policies(random);
      var table = new Table(before);
      var target = new Table(after);
      var start = new Table(before);
      for (Plan.Step step : Plan.between(before, after).steps()) {
        assertThat(table.apply(step.command())).isEqualTo(XfrmReply.DONE);
        for (Flow flow : flows()) {
          if (!start.passesInClear(flow) && !target.passesInClear(flow)) {
            assertThat(table.passesInClear(flow))
                .as("seed %s.%s: %s after %s", seed, round, flow, step)
                .isFalse();
          }
        }
      }
      assertThat(table.policies).isEqualTo(target.policies);
    }
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
