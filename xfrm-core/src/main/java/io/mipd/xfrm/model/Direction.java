package io.mipd.xfrm.model;

/** Which way the packets of a policy go, in the kernel's words and numbers. */
public enum Direction {
  /** Arrived, for this host. */
  IN,
  /** Made by this host, or leaving it after being forwarded. */
  OUT,
  /** Arrived, to be forwarded. */
  FWD;

  public String kernelName() {
    return switch (this) {
      case IN -> "in";
      case OUT -> "out";
      case FWD -> "fwd";
    };
  }
}
