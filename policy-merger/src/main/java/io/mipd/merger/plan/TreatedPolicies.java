package io.mipd.merger.plan;

import static com.google.common.base.Preconditions.checkNotNull;

import io.mipd.merger.index.SelectorIndex;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Policies by their selectors and by what becomes of their flows. Most that have flows in common
 * with many others let them pass, as those others do; so these are kept apart and passed over
 * together.
 */
final class TreatedPolicies {
  private record Kind(Direction direction, Policy.Action action, boolean hasTemplates) {
    static Kind of(Policy policy) {
      return new Kind(policy.direction(), policy.action(), !policy.bundle().isEmpty());
    }
  }

  private static final class Group {
    private final SelectorIndex<Policy> policies = new SelectorIndex<>();
    private final Treatment first;
    private boolean alike = true;

    Group(Treatment first) {
      this.first = first;
    }

    void add(Policy policy) {
      alike = alike && Treatment.of(policy).equals(first);
      policies.add(policy.selector(), policy);
    }

    void remove(Policy policy) {
      policies.remove(policy.selector(), policy);
    }

    boolean anyConflicts(Policy policy, Predicate<Policy> taken) {
      return !(alike && Treatment.of(policy).equals(first))
          && policies.anyMeeting(
              policy.selector(), other -> Treatment.conflicts(other, policy) && taken.test(other));
    }
  }

  private final Map<Kind, Group> groups = new HashMap<>();

  void add(Policy policy) {
    groups.computeIfAbsent(Kind.of(policy), kind -> new Group(Treatment.of(policy))).add(policy);
  }

  /** One that has been added. */
  void remove(Policy policy) {
    checkNotNull(groups.get(Kind.of(policy))).remove(policy);
  }

  /** Whether one has flows in common with a policy. */
  boolean anyMeets(Policy policy) {
    return groups(policy.direction())
        .anyMatch(group -> group.policies.anyMeeting(policy.selector(), other -> true));
  }

  /** Whether one that has flows in common with a policy, and treats them otherwise, is taken. */
  boolean anyConflicts(Policy policy, Predicate<Policy> taken) {
    return groups(policy.direction()).anyMatch(group -> group.anyConflicts(policy, taken));
  }

  private Stream<Group> groups(Direction direction) {
    return groups.entrySet().stream()
        .filter(group -> group.getKey().direction() == direction)
        .map(Map.Entry::getValue);
  }
}
