package io.mipd.sim.lab;

import java.util.Locale;
import java.util.OptionalLong;

/** One line of the table: a move, when what happened, and what was lost. */
record HandoverRow(
    int number,
    Link from,
    Link to,
    Movement movement,
    FlowRecord.Outcome out,
    FlowRecord.Outcome in) {
  /** The header of {@code handovers.csv}; others rely on it. */
  static final String HEADER =
      "n,from,to,ra_ms,address_ms,bu_ms,ba_ms,payload_out_ms,payload_in_ms,lost_out,lost_in,"
          + "outage_out_ms,outage_in_ms";

  /** A line of {@code handovers.csv}. */
  String toCsv() {
    return String.join(
        ",",
        Integer.toString(number),
        from.toString(),
        to.toString(),
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

  /** Whether all steps happened. */
  boolean isComplete() {
    return movement.router().isPresent()
        && movement.update().isPresent()
        && movement.acknowledgement().isPresent()
        && movement.payloadOut().isPresent()
        && movement.payloadIn().isPresent();
  }

  /** Milliseconds between the new link and a step; empty text if it did not happen. */
  String after(OptionalLong step) {
    return step.isEmpty() ? "" : millis(OptionalLong.of(step.getAsLong() - movement.start()));
  }

  static String millis(OptionalLong nanos) {
    return nanos.isEmpty() ? "" : String.format(Locale.ROOT, "%.1f", nanos.getAsLong() / 1e6);
  }
}
