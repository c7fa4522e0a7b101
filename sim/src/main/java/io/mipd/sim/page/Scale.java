package io.mipd.sim.page;

import com.google.common.collect.ImmutableList;

/**
 * Values along an axis, with ticks at round ones.
 *
 * @param least at the axis's beginning
 * @param most at its end; above {@code least}
 * @param step between two ticks
 */
record Scale(double least, double most, double step) {
  private static final int TICKS = 6;

  /** Has room for all from one value to another, and ends on ticks. */
  static Scale of(double from, double to) {
    double span = to > from ? to - from : Math.max(1, Math.abs(to));
    double rough = span / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = power;
    for (double factor : new double[] {1, 2, 5, 10}) {
      step = factor * power;
      if (step >= rough) {
        break;
      }
    }
    double least = Math.floor(from / step) * step;
    double most = Math.ceil((from + span) / step) * step;
    return new Scale(least, most > least ? most : least + step, step);
  }

  /** Where a value is, from 0 to 1. */
  double place(double value) {
    return (value - least) / (most - least);
  }

  ImmutableList<Double> ticks() {
    var ticks = ImmutableList.<Double>builder();
    long count = Math.round((most - least) / step);
    for (long i = 0; i <= count; i++) {
      ticks.add(least + i * step);
    }
    return ticks.build();
  }
}
