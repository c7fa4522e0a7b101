package io.mipd.merger.plan;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Policy;
import java.util.ArrayList;
import java.util.List;

/**
 * Steps in as few stages as may be, each behind those before it that have flows in common with it
 * and treat them otherwise: of these none may be missing when it is carried out. One that goes back
 * gives flows to whatever comes before it then, and so is behind all that have flows in common with
 * it. Steps of one stage do not concern each other.
 */
final class Stages {
  private record Stage(List<Plan.Step> steps, TreatedPolicies policies) {}

  private final List<Stage> stages = new ArrayList<>();

  /**
   * Behind those that have been added already.
   *
   * @param policy what the step puts
   * @param goesBack whether others that are there already come before it from now on
   */
  void add(Policy policy, boolean goesBack, Plan.Step step) {
    int number = stages.size();
    while (number > 0 && !concerns(stages.get(number - 1).policies(), policy, goesBack)) {
      number--;
    }
    if (number == stages.size()) {
      stages.add(new Stage(new ArrayList<>(), new TreatedPolicies()));
    }
    Stage stage = stages.get(number);
    stage.steps().add(step);
    stage.policies().add(policy);
  }

  private static boolean concerns(TreatedPolicies before, Policy policy, boolean goesBack) {
    return goesBack ? before.anyMeets(policy) : before.anyConflicts(policy, other -> true);
  }

  ImmutableList<List<Plan.Step>> list() {
    return stages.stream().map(Stage::steps).collect(toImmutableList());
  }
}
