package io.mipd.daemon;

/** Runs one node until it is told to stop. */
final class Daemon {
  private Daemon() {}

  static int run(DaemonConfiguration configuration) throws SystemLacksException {
    throw new SystemLacksException(
        "the " + configuration.world() + " world is not part of this build");
  }
}
