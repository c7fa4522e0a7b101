package io.mipd.daemon;

/** The configuration that is in force, as it was read from its file. One thread. */
final class CurrentConfiguration {
  private DaemonConfiguration latest;

  CurrentConfiguration(DaemonConfiguration first) {
    latest = first;
  }

  DaemonConfiguration get() {
    return latest;
  }

  void set(DaemonConfiguration next) {
    latest = next;
  }
}
