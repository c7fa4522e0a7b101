package io.mipd.proof;

import org.junit.jupiter.api.Test;

/** On our engine: between any two commands. */
class MoveUnderTrafficTest extends MoveUnderTraffic {
  @Override
  World open() {
    return new EngineWorld();
  }

  /**
   * Not on Linux, where a packet between two commands may leave an acquire's state that MIGRATE
   * takes for the one to be moved; what mipd does about it has tests with the kernel's ledger.
   */
  @Test
  void whatTheHomeAgentTunnels() throws Exception {
    tunnelledByTheHomeAgent();
  }
}
