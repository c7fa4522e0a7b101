package io.mipd.sim.scenario;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.sim.scenario.Cell.Leg;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A way through a plane with cells, and which link it leads to when. Whoever walks keeps a cell
 * until it is left; then the one with the nearest centre is taken of those that cover the place,
 * or, if none does, the first that is entered.
 */
final class Walk {
  /** Seconds behind an edge, at which it is looked who covers the place. */
  private static final double BEYOND = 1e-6;

  private final List<Leg> legs = new ArrayList<>();
  private double time;
  private double x;
  private double y;

  /**
   * A link is taken, or the last one lost.
   *
   * @param at in seconds from the beginning of the run
   */
  record Step(double at, Optional<String> to) {}

  /**
   * @param time in seconds from the beginning of the run
   * @param x in metres
   * @param y in metres
   */
  Walk(double time, double x, double y) {
    this.time = time;
    this.x = x;
    this.y = y;
  }

  /** Stays where it is until a time. */
  void stayUntil(double until) {
    if (until > time) {
      legs.add(new Leg(time, until - time, x, y, 0, 0));
      time = until;
    }
  }

  /**
   * Goes straight to a place.
   *
   * @param speed in metres per second, above 0
   * @return how long it takes, in seconds
   */
  double goTo(double toX, double toY, double speed) {
    checkArgument(speed > 0, "no speed: %s", speed);
    double distance = Math.hypot(toX - x, toY - y);
    if (distance == 0) {
      return 0;
    }
    double lasting = distance / speed;
    legs.add(new Leg(time, lasting, x, y, (toX - x) / lasting, (toY - y) / lasting));
    time += lasting;
    x = toX;
    y = toY;
    return lasting;
  }

  /** Goes no farther than it has come at a time: somebody sends it elsewhere. */
  void breakOffAt(double at) {
    while (!legs.isEmpty() && legs.get(legs.size() - 1).start() >= at) {
      time = legs.get(legs.size() - 1).start();
      x = legs.get(legs.size() - 1).x();
      y = legs.get(legs.size() - 1).y();
      legs.remove(legs.size() - 1);
    }
    if (!legs.isEmpty() && time > at) {
      Leg last = legs.remove(legs.size() - 1);
      double lasting = at - last.start();
      legs.add(new Leg(last.start(), lasting, last.x(), last.y(), last.vx(), last.vy()));
      time = at;
      x = last.xAt(lasting);
      y = last.yAt(lasting);
    }
  }

  /** What it leads to, in the order of time; the first step is where it begins. */
  ImmutableList<Step> steps(ImmutableSortedMap<String, Cell> cells) {
    var steps = ImmutableList.<Step>builder();
    Leg first = legs.isEmpty() ? new Leg(time, 0, x, y, 0, 0) : legs.get(0);
    Optional<String> now = nearest(cells, first.x(), first.y());
    steps.add(new Step(first.start(), now));
    for (Leg leg : legs) {
      for (Optional<Double> edge = edge(cells, now, leg, 0);
          edge.isPresent();
          edge = edge(cells, now, leg, edge.get())) {
        double behind = edge.get() + BEYOND;
        Optional<String> then = nearest(cells, leg.xAt(behind), leg.yAt(behind));
        if (!then.equals(now)) {
          steps.add(new Step(leg.start() + edge.get(), then));
          now = then;
        }
      }
    }
    return steps.build();
  }

  /** When the cell is left, or, without one, the next is entered; seconds from the leg's start. */
  private static Optional<Double> edge(
      ImmutableSortedMap<String, Cell> cells, Optional<String> now, Leg leg, double after) {
    return cells.entrySet().stream()
        .filter(cell -> now.isEmpty() || now.get().equals(cell.getKey()))
        .flatMap(cell -> cell.getValue().crossing(leg, after, now.isEmpty()).stream())
        .min(Comparator.naturalOrder());
  }

  private static Optional<String> nearest(
      ImmutableSortedMap<String, Cell> cells, double x, double y) {
    return cells.entrySet().stream()
        .filter(cell -> cell.getValue().covers(x, y))
        .min(Comparator.comparingDouble(cell -> cell.getValue().distance(x, y)))
        .map(Map.Entry::getKey);
  }
}
