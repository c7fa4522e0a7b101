package io.mipd.sim.report;

import java.util.Locale;
import java.util.OptionalLong;

/**
 * One line of the table: a move, when what happened, and what was lost.
 *
 * @param from name of the link before
 * @param to name of the link after it
 */
public record HandoverRow(
    int number,
    String from,
    String to,
    Movement movement,
    FlowRecord.Outcome out,
    FlowRecord.Outcome in) {
  /** The header of {@code handovers.csv}; others rely on it. */
  public static final String HEADER =
      "n,from,to,ra_ms,address_ms,bu_ms,ba_ms,payload_out_ms,payload_in_ms,lost_out,lost_in,"
          + "outage_out_ms,outage_in_ms";

  /** A line of {@code handovers.csv}. */
  public String toCsv() {
    return String.join(
        ",",
        Integer.toString(number),
        from,
        to,
        after(movement.router()),
        after(movement.address()),
        after(movement.update()),
        after(movement.acknowledgement()),
        after(movement.payloadOut()),
        after(movement.payloadIn()),
        Integer.toString(out.lost()),
        Integer.toString(in.lost()),
        millis(out.longestGapNanos()),
        millis(in.longestGapNanos()));
  }

  /** The header of {@code routes.csv}. */
  static final String ROUTE_HEADER = "n,from,to,direct_out_ms,direct_in_ms";

  /** A line of {@code routes.csv}. */
  public String toRouteCsv() {
    return String.join(
        ",",
        Integer.toString(number),
        from,
        to,
        after(movement.directOut()),
        after(movement.directIn()));
  }

  /** Whether both ends came to use the direct way. */
  public boolean isDirect() {
    return movement.directOut().isPresent() && movement.directIn().isPresent();
  }

  /** Whether all steps happened. */
  public boolean isComplete() {
    return movement.router().isPresent()
        && movement.update().isPresent()
        && movement.acknowledgement().isPresent()
        && movement.payloadOut().isPresent()
        && movement.payloadIn().isPresent();
  }

  /** Milliseconds between the new link and a step; empty text if it did not happen. */
  public String after(OptionalLong step) {
    return step.isEmpty() ? "" : millis(OptionalLong.of(step.getAsLong() - movement.start()));
  }

  public static String millis(OptionalLong nanos) {
    return nanos.isEmpty() ? "" : String.format(Locale.ROOT, "%.1f", nanos.getAsLong() / 1e6);
  }
}
