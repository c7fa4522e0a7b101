package io.mipd.sim.run;

import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.Measures;
import io.mipd.sim.scenario.Scenario.FlowPlan;
import java.util.Locale;

/** Traffic from one node to another, from when it begins. */
abstract class Flow {
  final int number;
  final FlowPlan plan;
  final SimNode from;
  final SimNode to;

  /** When each of its parts was sent and arrived. */
  final FlowRecord record = new FlowRecord();

  /** Packets that came under its name and were none of its. */
  long foreign;

  Flow(int number, FlowPlan plan, SimNode from, SimNode to) {
    this.number = number;
    this.plan = plan;
    this.from = from;
    this.to = to;
  }

  final FlowPlan plan() {
    return plan;
  }

  final SimNode from() {
    return from;
  }

  final SimNode to() {
    return to;
  }

  final FlowRecord record() {
    return record;
  }

  /** Its port at both ends. */
  final int port() {
    return port(number);
  }

  final long foreign() {
    return foreign;
  }

  /** Plans what it does. */
  abstract void begin();

  /** Puts what has become of it. */
  abstract void measure(Measures into);

  /** Such as {@code cbr mn>cn}. */
  final String name() {
    return plan.kind().name().toLowerCase(Locale.ROOT) + " " + from.name() + ">" + to.name();
  }

  /** The port of the flow of that number; those 40,000 apart share one. */
  static int port(int number) {
    return 20_000 + number % 40_000;
  }
}
