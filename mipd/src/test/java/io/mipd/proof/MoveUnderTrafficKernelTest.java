package io.mipd.proof;

import org.junit.jupiter.api.Tag;

/** On Linux: whenever it may be. */
@Tag("kernel")
class MoveUnderTrafficKernelTest extends MoveUnderTraffic {
  @Override
  World open() {
    return new KernelWorld();
  }
}
