package io.mipd.sim.sweep;

import org.apache.commons.math3.distribution.TDistribution;

/**
 * A mean and how sure it is.
 *
 * @param count of values
 * @param halfWidth of the confidence interval around the mean, by Student's t; not a number for a
 *     single value
 */
public record Estimate(int count, double mean, double halfWidth, double least, double most) {
  /** Of the confidence intervals. */
  public static final double CONFIDENCE = 0.95;

  /** Of independent values, one for each seed; at least one. */
  public static Estimate of(double... values) {
    double sum = 0;
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      sum += value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    double mean = sum / values.length;
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    double halfWidth = Double.NaN;
    if (values.length > 1 && least == most) {
      // Not what rounding leaves of it.
      halfWidth = 0;
      mean = least;
    } else if (values.length > 1) {
      double error = Math.sqrt(squares / (values.length - 1) / values.length);
      double quantile =
          new TDistribution(values.length - 1)
              .inverseCumulativeProbability(1 - (1 - CONFIDENCE) / 2);
      halfWidth = quantile * error;
    }
    return new Estimate(values.length, mean, halfWidth, least, most);
  }
}
