package io.mipd.sim.run;

import io.mipd.sim.report.FlowRecord;
import io.mipd.sim.report.Measures;
import io.mipd.sim.scenario.Scenario.FlowPlan;
import java.util.Locale;

/** Traffic from one node to another, from when it begins. */
interface Flow {
  FlowPlan plan();

  SimNode from();

  SimNode to();

  /** When each of its parts was sent and arrived. */
  FlowRecord record();

  /** Its port at both ends. */
  int port();

  /** Packets that came under its name and were none of its. */
  long foreign();

  /** Plans what it does. */
  void begin();

  /** Puts what has become of it. */
  void measure(Measures into);

  /** Such as {@code cbr mn>cn}. */
  default String name() {
    return plan().kind().name().toLowerCase(Locale.ROOT) + " " + from().name() + ">" + to().name();
  }

  /** The port of the flow of that number. */
  static int port(int number) {
    return 20_000 + number % 40_000;
  }
}
