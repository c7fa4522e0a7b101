package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Leaves out what no flow can reach, and what the policies behind it would do just as well. */
final class Redundancy {
  private Redundancy() {}

  static ImmutableList<Outcome> without(List<Outcome> byPrecedence) {
    List<Outcome> reachable = new ArrayList<>();
    Set<Selector> seen = new HashSet<>();
    for (Outcome candidate : byPrecedence) {
      if (seen.add(candidate.selector())
          && reachable.stream().noneMatch(o -> hides(o, candidate))) {
        reachable.add(candidate);
      }
    }
    // From the end: whether a policy is needed depends on those behind it that stay.
    List<Outcome> needed = new ArrayList<>();
    for (int i = reachable.size() - 1; i >= 0; i--) {
      if (!doneBehind(reachable.get(i), needed)) {
        needed.add(0, reachable.get(i));
      }
    }
    return ImmutableList.copyOf(needed);
  }

  private static boolean hides(Outcome earlier, Outcome later) {
    return Region.contains(earlier.selector(), later.selector());
  }

  private static boolean doneBehind(Outcome candidate, List<Outcome> behind) {
    for (Outcome next : behind) {
      if (Region.common(candidate.selector(), next.selector()).isEmpty()) {
        continue;
      }
      if (!next.doesAs(candidate)) {
        return false;
      }
      if (Region.contains(next.selector(), candidate.selector())) {
        return true;
      }
    }
    return false;
  }
}
