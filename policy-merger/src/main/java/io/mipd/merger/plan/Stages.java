package io.mipd.merger.plan;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Steps in as few stages as may be, each behind those before it that have flows in common with it
 * and treat them otherwise: of these none may be missing when it is carried out. One that goes back
 * gives flows to whatever comes before it then, and so is behind all that have flows in common with
 * it. Steps of one stage do not concern each other.
 */
final class Stages {
  private record Placed(Policy policy, int stage) {}

  private final Map<Direction, SelectorIndex<Placed>> placed = new EnumMap<>(Direction.class);
  private final List<List<Plan.Step>> stages = new ArrayList<>();
  private final boolean alike;

  /**
   * @param wanted all that will be added
   */
  Stages(List<Policy> wanted) {
    alike = wanted.stream().map(Treatment::of).distinct().limit(2).count() < 2;
  }

  /**
   * Behind those that have been added already.
   *
   * @param policy what the step puts
   * @param goesBack whether others that are there already come before it from now on
   */
  void add(Policy policy, boolean goesBack, Plan.Step step) {
    int stage = stageOf(policy, goesBack);
    placed(policy).add(policy.selector(), new Placed(policy, stage));
    if (stage == stages.size()) {
      stages.add(new ArrayList<>());
    }
    stages.get(stage).add(step);
  }

  private SelectorIndex<Placed> placed(Policy policy) {
    return placed.computeIfAbsent(policy.direction(), direction -> new SelectorIndex<>());
  }

  private int stageOf(Policy policy, boolean goesBack) {
    if (stages.isEmpty() || (alike && stages.size() == 1 && !goesBack)) {
      return 0;
    }
    var behind = new int[] {-1};
    placed(policy)
        .forEachMeeting(
            policy.selector(),
            other -> {
              if (other.stage() > behind[0]
                  && (goesBack || !Treatment.of(other.policy()).equals(Treatment.of(policy)))) {
                behind[0] = other.stage();
              }
            });
    return behind[0] + 1;
  }

  ImmutableList<List<Plan.Step>> list() {
    return ImmutableList.copyOf(stages);
  }
}
