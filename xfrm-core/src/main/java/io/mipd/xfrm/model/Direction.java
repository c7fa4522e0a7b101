package io.mipd.xfrm.model;

import java.util.Optional;

/** Which way the packets of a policy go, in the kernel's words and numbers. */
public enum Direction {
  /** Arrived, for this host. */
  IN(0, "in"),
  /** Made by this host, or leaving it after being forwarded. */
  OUT(1, "out"),
  /** Arrived, to be forwarded. */
  FWD(2, "fwd");

  private final int number;
  private final String kernelName;

  Direction(int number, String kernelName) {
    this.number = number;
    this.kernelName = kernelName;
  }

  /** The kernel's {@code XFRM_POLICY_*}. */
  public int number() {
    return number;
  }

  public static Optional<Direction> ofNumber(int number) {
    for (Direction direction : values()) {
      if (direction.number == number) {
        return Optional.of(direction);
      }
    }
    return Optional.empty();
  }

  public String kernelName() {
    return kernelName;
  }
}
