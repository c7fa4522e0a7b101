package io.mipd.merger.rule;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.judge.Backend;
import io.mipd.merger.judge.PlainReading;
import io.mipd.merger.judge.Universe;
import io.mipd.merger.judge.Wanted;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The merged policies do to every flow what a plain reading of the rule does. */
class EquivalenceTest {
  /** What a backend cannot apply is blocked. */
  private static final ImmutableList<Backend> BACKENDS =
      ImmutableList.of(Backend.SHORT, Backend.LINUX, Backend.WITHOUT_LIMITS, Backend.LINUX);

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
  void agreesWithAPlainReadingOnEveryRegionAndHoldsNothingThatCouldGo(int hundreds) {
    for (int seed = hundreds * 300; seed < (hundreds + 1) * 300; seed++) {
      var universe = new Universe(seed);
      ImmutableList<Policy> user = universe.userPolicies();
      ImmutableList<Wanted> mobility = universe.wanted();
      Backend backend = BACKENDS.get(seed % BACKENDS.size());
      Merged merged = merged(user, mobility, backend);
      assertThat(merged.policies())
          .as("seed %s: the backend's own bits", seed)
          .allMatch(policy -> backend.canBear(policy.selector().mark()));
      List<Policy> policies =
          merged.policies().stream().filter(it -> it.direction() == universe.direction()).toList();
      Set<Policy> missed = new HashSet<>(policies);
      ImmutableList<Flow> flows = Universe.regions(selectors(user, mobility), backend);
      ImmutableList<PlainReading> readings =
          PlainReading.of(backend, user, mobility, universe.direction(), flows);
      for (int i = 0; i < flows.size(); i++) {
        Flow flow = flows.get(i);
        PlainReading expected = readings.get(i);
        List<Policy> matching =
            policies.stream().filter(it -> it.selector().matches(flow)).toList();
        assertThat(PlainReading.of(matching))
            .as("seed %s flow %s%nuser %s%nmobility %s", seed, flow, user, mobility)
            .isEqualTo(expected);
        if (!matching.isEmpty()
            && !PlainReading.of(matching.subList(1, matching.size())).equals(expected)) {
          missed.remove(matching.get(0));
        }
      }
      assertThat(missed).as("seed %s: nobody would miss these", seed).isEmpty();
    }
  }

  private static Merged merged(
      ImmutableList<Policy> user, ImmutableList<Wanted> mobility, Backend backend) {
    return PolicyMerger.merge(user, Boundary.mobility(mobility), Boundary.limits(backend));
  }

  static List<Selector> selectors(List<Policy> user, List<Wanted> mobility) {
    var selectors = new ArrayList<Selector>();
    user.forEach(policy -> selectors.add(policy.selector()));
    mobility.forEach(policy -> selectors.add(policy.selector()));
    return selectors;
  }

  @Test
  void isAFunctionOfItsInputs() {
    var universe = new Universe(99);
    ImmutableList<Policy> user = universe.userPolicies();
    ImmutableList<Wanted> mobility = universe.wanted();
    assertThat(merged(user, mobility, Backend.LINUX))
        .isEqualTo(merged(user, mobility, Backend.LINUX));
  }
}
