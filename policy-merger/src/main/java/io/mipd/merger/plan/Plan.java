package io.mipd.merger.plan;

import static com.google.common.base.Preconditions.checkNotNull;
import static com.google.common.collect.ImmutableList.toImmutableList;
import static com.google.common.collect.ImmutableMap.toImmutableMap;

import com.google.common.base.Suppliers;
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
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The steps from the policies that are installed to those that are wanted.
 *
 * <p>At no step does a flow pass in clear that is protected before and after. First, what passes in
 * clear now and is to change or to go is blocked in place; then the wanted policies are put by
 * precedence, each when all that come before it are there; last, what is not wanted goes. Between
 * two steps a flow is therefore decided by a policy of the old set, or by its own of the new, or it
 * is blocked.
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

  /**
   * @param installed with distinct identities
   * @param wanted by precedence, with distinct identities
   */
  public static Plan between(ImmutableList<Policy> installed, ImmutableList<Policy> wanted) {
    return between(installed, wanted, ImmutableList::of);
  }

  /**
   * Likewise, where most stay as they are.
   *
   * @param installed those that change or go
   * @param wanted those that change or are new
   * @param staying the others; only asked for where it matters
   */
  public static Plan between(
      ImmutableList<Policy> installed,
      ImmutableList<Policy> wanted,
      Supplier<ImmutableList<Policy>> staying) {
    ImmutableMap<Policy.Id, Policy> before = byId(installed);
    ImmutableMap<Policy.Id, Policy> after = byId(wanted);
    Supplier<Clear> clear =
        Suppliers.memoize(
            () ->
                Clear.among(
                    Stream.concat(
                        installed.stream().filter(one -> one.equals(after.get(one.id()))),
                        staying.get().stream())));
    // Those that only step back to make room do so from the last on, so that they never pass each
    // other.
    ImmutableList<Policy> stepping =
        wanted.reverse().stream()
            .filter(policy -> stepsBack(before.get(policy.id()), policy, clear))
            .collect(toImmutableList());
    return new Plan(
        Stream.of(
                Stream.of(blocks(installed, after)),
                Stream.of(stepping.stream().map(policy -> update(before, policy)).toList()),
                puts(before, wanted, ImmutableSet.copyOf(stepping)).stream(),
                Stream.of(deletions(installed, after)))
            .flatMap(stages -> stages)
            .filter(stage -> !stage.isEmpty())
            .map(ImmutableList::copyOf)
            .collect(toImmutableList()));
  }

  private static ImmutableMap<Policy.Id, Policy> byId(ImmutableList<Policy> policies) {
    return policies.stream().collect(toImmutableMap(Policy::id, policy -> policy));
  }

  private static List<Step> blocks(
      ImmutableList<Policy> installed, ImmutableMap<Policy.Id, Policy> after) {
    List<Step> steps = new ArrayList<>();
    for (Policy policy : installed) {
      if (isInClear(policy) && !policy.equals(after.get(policy.id()))) {
        steps.add(
            new Step(
                new XfrmCommand.UpdatePolicy(blocked(policy)),
                new XfrmCommand.UpdatePolicy(policy)));
      }
    }
    return steps;
  }

  /**
   * Whether nothing changes but the priority, and it may be late before its turn comes.
   *
   * @param clear what stays: it would come before one that steps behind it, and what is wanted
   *     between the two may not be there yet
   */
  private static boolean stepsBack(@Nullable Policy old, Policy policy, Supplier<Clear> clear) {
    return old != null
        && old.priority() < policy.priority()
        && old.action() == policy.action()
        && old.bundle().equals(policy.bundle())
        && !isInClear(old)
        && !clear.get().isBetween(old, policy);
  }

  /** The priorities of policies that pass their flows in clear. */
  private record Clear(ImmutableMap<Direction, ImmutableSortedSet<Integer>> priorities) {
    static Clear among(Stream<Policy> policies) {
      Map<Direction, List<Integer>> priorities = new EnumMap<>(Direction.class);
      policies
          .filter(Plan::isInClear)
          .forEach(
              policy ->
                  priorities
                      .computeIfAbsent(policy.direction(), direction -> new ArrayList<>())
                      .add(policy.priority()));
      return new Clear(
          ImmutableMap.copyOf(Maps.transformValues(priorities, ImmutableSortedSet::copyOf)));
    }

    /** Whether one of them has a priority from that of {@code old} to that of {@code policy}. */
    boolean isBetween(Policy old, Policy policy) {
      Integer next =
          priorities.getOrDefault(old.direction(), ImmutableSortedSet.of()).ceiling(old.priority());
      return next != null && next <= policy.priority();
    }
  }

  /**
   * In the order of precedence. What lets more pass, in clear or by the policy behind it, begins a
   * stage of its own: it needs those before it.
   */
  private static List<List<Step>> puts(
      ImmutableMap<Policy.Id, Policy> before,
      ImmutableList<Policy> wanted,
      ImmutableSet<Policy> stepping) {
    List<List<Step>> stages = new ArrayList<>();
    List<Step> stage = new ArrayList<>();
    boolean opening = false;
    for (Policy policy : wanted) {
      Policy old = before.get(policy.id());
      if (stepping.contains(policy) || policy.equals(old)) {
        continue;
      }
      boolean opens = isInClear(policy) || (old != null && old.priority() < policy.priority());
      if (opens && !opening) {
        stages.add(stage);
        stage = new ArrayList<>();
      }
      opening = opens;
      stage.add(
          old == null
              ? new Step(
                  new XfrmCommand.AddPolicy(policy), new XfrmCommand.DeletePolicy(policy.id()))
              : update(before, policy));
    }
    stages.add(stage);
    return stages;
  }

  private static Step update(ImmutableMap<Policy.Id, Policy> before, Policy policy) {
    Policy old = checkNotNull(before.get(policy.id()));
    return new Step(
        new XfrmCommand.UpdatePolicy(policy), new XfrmCommand.UpdatePolicy(blocked(old)));
  }

  private static List<Step> deletions(
      ImmutableList<Policy> installed, ImmutableMap<Policy.Id, Policy> after) {
    List<Step> steps = new ArrayList<>();
    for (Policy policy : installed) {
      if (!after.containsKey(policy.id())) {
        steps.add(
            new Step(
                new XfrmCommand.DeletePolicy(policy.id()),
                new XfrmCommand.UpdatePolicy(blocked(policy))));
      }
    }
    return steps;
  }

  /** What the first steps have made of a policy by the time that a later step is undone. */
  private static Policy blocked(Policy policy) {
    return isInClear(policy)
        ? Policy.block(policy.selector(), policy.direction(), policy.priority())
        : policy;
  }

  private static boolean isInClear(Policy policy) {
    return policy.action() == Policy.Action.ALLOW && policy.bundle().isEmpty();
  }
}
