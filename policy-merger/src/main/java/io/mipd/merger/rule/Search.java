package io.mipd.merger.rule;

import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Looks for flows that come as far as an outcome, piece by piece of its selector. */
final class Search {
  private final List<Selector> front;
  private final List<Flow> found = new ArrayList<>(1);

  /** Those that take most first: what is left for the others to cut up is less. */
  private Search(List<Selector> front) {
    this.front =
        front.stream()
            .sorted(Comparator.comparingInt(it -> it.source().length() + it.destination().length()))
            .toList();
  }

  /** A flow that {@code selector} selects and none of {@code front}; empty if there is none. */
  static Optional<Flow> firstFlow(Selector selector, List<Selector> front) {
    var search = new Search(front);
    search.leaves(Remainder.of(selector), 0, search::found);
    return search.found.stream().findFirst();
  }

  /**
   * A flow that {@code outcome} is the first for and that would fare otherwise without it; empty if
   * there is none.
   *
   * @param among what is searched, all or some of the outcome's flows
   * @param behind by precedence
   */
  static Optional<Flow> firstFlowThatNeeds(
      Outcome outcome, Selector among, List<Selector> front, List<Outcome> behind) {
    var search = new Search(front);
    search.leaves(
        Remainder.of(among), 0, piece -> search.faresOtherwise(outcome, piece, behind, 0));
    return search.found.stream().findFirst();
  }

  private boolean found(Remainder piece) {
    return found.add(piece.witness());
  }

  /** Shows the pieces that those in front leave, until one is taken. */
  private boolean leaves(Remainder piece, int first, Predicate<Remainder> taken) {
    for (int i = first; i < front.size(); i++) {
      Selector other = front.get(i);
      if (piece.meets(other)) {
        int next = i + 1;
        return !piece.liesIn(other) && piece.anyWithout(other, part -> leaves(part, next, taken));
      }
    }
    return taken.test(piece);
  }

  private boolean faresOtherwise(
      Outcome outcome, Remainder piece, List<Outcome> behind, int first) {
    for (int i = first; i < behind.size(); i++) {
      Outcome other = behind.get(i);
      if (!piece.meets(other.selector())) {
        continue;
      }
      if (!other.doesAs(outcome)) {
        return found(piece.within(other.selector()));
      }
      int next = i + 1;
      return !piece.liesIn(other.selector())
          && piece.anyWithout(
              other.selector(), part -> faresOtherwise(outcome, part, behind, next));
    }
    return found(piece);
  }
}
