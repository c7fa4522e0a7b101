package io.mipd.merger.rule;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
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
  private static final XfrmBackend.Limits LIMITS = new XfrmBackend.Limits(100);

  /** What a backend cannot apply is blocked. */
  private static final XfrmBackend.Limits TIGHT = new XfrmBackend.Limits(2);

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
  void agreesWithAPlainReadingOnEveryRegionAndHoldsNothingThatCouldGo(int hundreds) {
    for (int seed = hundreds * 300; seed < (hundreds + 1) * 300; seed++) {
      var universe = new Universe(seed);
      ImmutableList<Policy> user = universe.userPolicies();
      ImmutableList<MobilityPolicy> mobility = universe.mobilityPolicies();
      XfrmBackend.Limits limits = seed % 4 == 0 ? TIGHT : LIMITS;
      Merged merged = PolicyMerger.merge(user, mobility, limits);
      List<Policy> policies =
          merged.policies().stream().filter(it -> it.direction() == universe.direction()).toList();
      Set<Policy> missed = new HashSet<>(policies);
      ImmutableList<MobilityPolicy> admitted = PlainReading.admitted(user, mobility);
      for (Flow flow : Universe.regions(selectors(user, mobility))) {
        List<Policy> matching =
            policies.stream().filter(it -> it.selector().matches(flow)).toList();
        PlainReading reading = PlainReading.of(user, admitted, universe.direction(), flow);
        PlainReading expected =
            reading.bundle().templates().size() > limits.maxTemplates()
                ? PlainReading.BLOCKED
                : reading;
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

  static List<Selector> selectors(List<Policy> user, List<MobilityPolicy> mobility) {
    var selectors = new ArrayList<Selector>();
    user.forEach(policy -> selectors.add(policy.selector()));
    mobility.forEach(policy -> selectors.add(policy.selector()));
    return selectors;
  }

  @Test
  void isAFunctionOfItsInputs() {
    var universe = new Universe(99);
    ImmutableList<Policy> user = universe.userPolicies();
    ImmutableList<MobilityPolicy> mobility = universe.mobilityPolicies();
    assertThat(PolicyMerger.merge(user, mobility, LIMITS))
        .isEqualTo(PolicyMerger.merge(user, mobility, LIMITS));
  }
}
