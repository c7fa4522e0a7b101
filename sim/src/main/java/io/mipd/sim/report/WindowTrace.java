package io.mipd.sim.report;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A connection's congestion window over time, in octets: whenever it falls, else now and then. */
public final class WindowTrace {
  private static final long SPACING_NANOS = 10_000_000;

  private record Point(long nanos, long window, long threshold, long acknowledged) {}

  private final List<Point> points = new ArrayList<>();
  private long window;

  /**
   * How it is.
   *
   * @param nanos of virtual time, not before the last
   */
  public void point(long nanos, double newWindow, double threshold, long acknowledged) {
    long before = window;
    window = Math.round(newWindow);
    if (points.isEmpty()
        || window < before
        || nanos - points.get(points.size() - 1).nanos() >= SPACING_NANOS) {
      points.add(new Point(nanos, window, Math.round(threshold), acknowledged));
    }
  }

  /**
   * A table; the threshold is empty as long as there is none.
   *
   * @param beginning that times are told from, in nanoseconds
   */
  public void write(Path file, long beginning) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("time_ns,window,threshold,acknowledged\n");
      for (Point point : points) {
        out.write(
            (point.nanos() - beginning)
                + ","
                + point.window()
                + ","
                + (point.threshold() >= Integer.MAX_VALUE ? "" : point.threshold())
                + ","
                + point.acknowledged()
                + "\n");
      }
    }
  }
}
