package io.mipd.daemon;

import com.google.common.base.Joiner;
import com.google.common.collect.ImmutableList;

/** Runs one node until it is told to stop. */
final class Daemon {
  private Daemon() {}

  /**
   * @throws SystemLacksException with all that is missing
   */
  static int run(DaemonConfiguration configuration) throws SystemLacksException {
    ImmutableList<Probe.Finding> findings = Probe.engineWorld();
    if (!Probe.works(findings)) {
      throw new SystemLacksException(
          "the " + configuration.world() + " world lacks: " + Joiner.on("; ").join(findings));
    }
    return Main.SYSTEM_LACKS;
  }
}
