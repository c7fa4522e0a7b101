package io.mipd.merger.plan;

import static com.google.common.base.Preconditions.checkNotNull;
import static com.google.common.collect.ImmutableList.toImmutableList;
import static com.google.common.collect.ImmutableMap.toImmutableMap;
import static com.google.common.collect.ImmutableSet.toImmutableSet;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSortedSet;
import com.google.common.collect.Maps;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The steps from the policies that are installed to those that are wanted.
 *
 * <p>At every step a flow has the bundle that it has before, or the one that it has after, or it is
 * blocked; so it neither passes in clear nor lacks a layer of its protection if it does so neither
 * before nor after. First, what passes in clear now and is to change or to go is blocked in place,
 * and so is what would take over flows from another policy meanwhile ({@link Overtaking}); then the
 * wanted policies are put by precedence, each when all that come before it are there; last, what is
 * not wanted goes.
 *
 * <p>That must hold too when some steps fail and those behind them, sent in the same batch, do not.
 * So the steps come in stages: when those before a stage are done, any of its steps may be done
 * without the others.
 *
 * @param stages none of them is empty
 */
public record Plan(ImmutableList<ImmutableList<Step>> stages) {

  /**
   * @param undo leaves things as they were before {@code command}
   */
  public record Step(XfrmCommand command, XfrmCommand undo) {}

  /** All steps in their order. */
  public ImmutableList<Step> steps() {
    return stages.stream().flatMap(ImmutableList::stream).collect(toImmutableList());
  }

  /** The policies that a change leaves as they are. */
  public interface Staying {
    /** None. */
    Staying NONE = (direction, first, last) -> false;

    /** Whether one of a direction has a priority from one to another, both included. */
    boolean isBetween(Direction direction, int first, int last);
  }

  /**
   * @param installed with distinct identities
   * @param wanted by precedence, with distinct identities
   */
  public static Plan between(ImmutableList<Policy> installed, ImmutableList<Policy> wanted) {
    return between(installed, wanted, Staying.NONE);
  }

  /**
   * Likewise, where most stay as they are.
   *
   * @param installed those that change or go
   * @param wanted those that change or are new
   * @param staying the others
   */
  public static Plan between(
      ImmutableList<Policy> installed, ImmutableList<Policy> wanted, Staying staying) {
    ImmutableMap<Policy.Id, Policy> before = byId(installed);
    ImmutableMap<Policy.Id, Policy> after = byId(wanted);
    Places unchanged = Places.of(installed.stream().filter(one -> one.equals(after.get(one.id()))));
    Staying occupied =
        (direction, first, last) ->
            unchanged.isBetween(direction, first, last)
                || staying.isBetween(direction, first, last);
    // Those that only step back to make room do so from the last on, so that they never pass each
    // other.
    ImmutableList<Policy> candidates =
        wanted.reverse().stream()
            .filter(policy -> stepsBack(before.get(policy.id()), policy, occupied))
            .collect(toImmutableList());
    ImmutableSet<Policy> blocked = blockedAtFirst(installed, after, candidates);
    ImmutableList<Policy> stepping =
        candidates.stream()
            .filter(policy -> !blocked.contains(before.get(policy.id())))
            .collect(toImmutableList());
    return new Plan(
        Stream.of(
                Stream.of(blocks(blocked)),
                steps(before, stepping, /* among= */ false, blocked),
                steps(before, toPut(before, wanted, stepping), /* among= */ true, blocked),
                Stream.of(deletions(installed, after, blocked)))
            .flatMap(stages -> stages)
            .filter(stage -> !stage.isEmpty())
            .map(ImmutableList::copyOf)
            .collect(toImmutableList()));
  }

  private static ImmutableMap<Policy.Id, Policy> byId(ImmutableList<Policy> policies) {
    return policies.stream().collect(toImmutableMap(Policy::id, policy -> policy));
  }

  private static ImmutableSet<Policy> blockedAtFirst(
      ImmutableList<Policy> installed,
      ImmutableMap<Policy.Id, Policy> after,
      ImmutableList<Policy> stepping) {
    ImmutableList<Policy> changing =
        installed.stream()
            .filter(policy -> !policy.equals(after.get(policy.id())))
            .collect(toImmutableList());
    ImmutableSet<Policy> overtaking =
        new Overtaking(after, ImmutableSet.copyOf(stepping)).among(changing);
    return changing.stream()
        .filter(policy -> policy.action() == Policy.Action.ALLOW)
        .filter(policy -> policy.bundle().isEmpty() || overtaking.contains(policy))
        .collect(toImmutableSet());
  }

  private static List<Step> blocks(ImmutableSet<Policy> policies) {
    return policies.stream()
        .map(
            policy ->
                new Step(
                    new XfrmCommand.UpdatePolicy(block(policy)),
                    new XfrmCommand.UpdatePolicy(policy)))
        .toList();
  }

  /**
   * Whether nothing changes but the priority, and it may be late before its turn comes.
   *
   * @param occupied by what stays: it would come before one that steps behind it, and what is
   *     wanted between the two may not be there yet
   */
  private static boolean stepsBack(@Nullable Policy old, Policy policy, Staying occupied) {
    return old != null
        && old.priority() < policy.priority()
        && old.action() == policy.action()
        && old.bundle().equals(policy.bundle())
        && !isInClear(old)
        && !occupied.isBetween(old.direction(), old.priority(), policy.priority());
  }

  /** The priorities of policies. */
  private record Places(ImmutableMap<Direction, ImmutableSortedSet<Integer>> priorities)
      implements Staying {
    static Places of(Stream<Policy> policies) {
      Map<Direction, List<Integer>> priorities = new EnumMap<>(Direction.class);
      policies.forEach(
          policy ->
              priorities
                  .computeIfAbsent(policy.direction(), direction -> new ArrayList<>())
                  .add(policy.priority()));
      return new Places(
          ImmutableMap.copyOf(Maps.transformValues(priorities, ImmutableSortedSet::copyOf)));
    }

    @Override
    public boolean isBetween(Direction direction, int first, int last) {
      Integer next = priorities.getOrDefault(direction, ImmutableSortedSet.of()).ceiling(first);
      return next != null && next <= last;
    }
  }

  private static ImmutableList<Policy> toPut(
      ImmutableMap<Policy.Id, Policy> before,
      ImmutableList<Policy> wanted,
      ImmutableList<Policy> stepping) {
    var stepped = ImmutableSet.copyOf(stepping);
    return wanted.stream()
        .filter(policy -> !policy.equals(before.get(policy.id())))
        .filter(policy -> !stepped.contains(policy))
        .collect(toImmutableList());
  }

  /**
   * @param among whether one that goes back may go behind others of these
   */
  private static Stream<List<Step>> steps(
      ImmutableMap<Policy.Id, Policy> before,
      ImmutableList<Policy> inOrder,
      boolean among,
      ImmutableSet<Policy> blocked) {
    var stages = new Stages();
    for (Policy policy : inOrder) {
      Policy old = before.get(policy.id());
      stages.add(
          policy,
          among && old != null && old.priority() < policy.priority(),
          before.containsKey(policy.id())
              ? update(before, policy, blocked)
              : new Step(
                  new XfrmCommand.AddPolicy(policy), new XfrmCommand.DeletePolicy(policy.id())));
    }
    return stages.list().stream();
  }

  private static Step update(
      ImmutableMap<Policy.Id, Policy> before, Policy policy, ImmutableSet<Policy> blocked) {
    Policy old = checkNotNull(before.get(policy.id()));
    return new Step(
        new XfrmCommand.UpdatePolicy(policy),
        new XfrmCommand.UpdatePolicy(meanwhile(old, blocked)));
  }

  private static List<Step> deletions(
      ImmutableList<Policy> installed,
      ImmutableMap<Policy.Id, Policy> after,
      ImmutableSet<Policy> blocked) {
    List<Step> steps = new ArrayList<>();
    for (Policy policy : installed) {
      if (!after.containsKey(policy.id())) {
        steps.add(
            new Step(
                new XfrmCommand.DeletePolicy(policy.id()),
                new XfrmCommand.UpdatePolicy(meanwhile(policy, blocked))));
      }
    }
    return steps;
  }

  /** What the first steps have made of a policy by the time that a later step is undone. */
  private static Policy meanwhile(Policy policy, ImmutableSet<Policy> blocked) {
    return blocked.contains(policy) ? block(policy) : policy;
  }

  private static Policy block(Policy policy) {
    return Policy.block(policy.selector(), policy.direction(), policy.priority());
  }

  private static boolean isInClear(Policy policy) {
    return policy.action() == Policy.Action.ALLOW && policy.bundle().isEmpty();
  }
}
