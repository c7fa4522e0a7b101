package io.mipd.sim.scenario;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Optional;

/**
 * Where a link can be had by radio: a disc.
 *
 * @param x of its centre, in metres
 * @param y likewise
 * @param radius in metres, above 0
 */
record Cell(double x, double y, double radius) {
  Cell {
    checkArgument(radius > 0, "no radius: %s", radius);
  }

  double distance(double atX, double atY) {
    return Math.hypot(atX - x, atY - y);
  }

  boolean covers(double atX, double atY) {
    return distance(atX, atY) <= radius;
  }

  /** When somebody on a leg crosses its edge, inwards or outwards; seconds from the leg's start. */
  Optional<Double> crossing(Leg leg, double after, boolean inwards) {
    // |p + v t - c| = r, a square equation in t.
    double px = leg.x() - x;
    double py = leg.y() - y;
    double a = leg.vx() * leg.vx() + leg.vy() * leg.vy();
    double b = 2 * (px * leg.vx() + py * leg.vy());
    double c = px * px + py * py - radius * radius;
    double root = b * b - 4 * a * c;
    if (a == 0 || root <= 0) {
      return Optional.empty();
    }
    double at = (-b + (inwards ? -1 : 1) * Math.sqrt(root)) / (2 * a);
    return at > after && at <= leg.lasting() ? Optional.of(at) : Optional.empty();
  }

  /**
   * A way straight on.
   *
   * @param start in seconds from the beginning of the run
   * @param lasting in seconds
   * @param x where it begins, in metres
   * @param vx in metres per second
   */
  record Leg(double start, double lasting, double x, double y, double vx, double vy) {
    double xAt(double seconds) {
      return x + vx * seconds;
    }

    double yAt(double seconds) {
      return y + vy * seconds;
    }
  }
}
