package io.mipd.sim.event;

/** Takes down in words what happens, with the virtual time of it. */
public interface EventLog {
  /** A log that nobody reads. */
  EventLog NONE = (node, words) -> {};

  /**
   * @param node where it happens
   */
  void say(String node, String words);
}
