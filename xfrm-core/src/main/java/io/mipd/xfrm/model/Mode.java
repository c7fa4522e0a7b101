package io.mipd.xfrm.model;

import java.util.Optional;

/** The mode of a template or an association, as the kernel's {@code XFRM_MODE_*}. */
public enum Mode {
  TRANSPORT(0, "transport"),
  TUNNEL(1, "tunnel"),
  /** Home Address option and type 2 routing header. */
  ROUTE_OPTIMIZATION(2, "ro"),
  /** Never transforms: asks for route optimization by an acquire. */
  IN_TRIGGER(3, "in_trigger"),
  BEET(4, "beet");

  private final int number;
  private final String kernelName;

  Mode(int number, String kernelName) {
    this.number = number;
    this.kernelName = kernelName;
  }

  /** The kernel's number. */
  public int number() {
    return number;
  }

  public static Optional<Mode> ofNumber(int number) {
    for (Mode mode : values()) {
      if (mode.number == number) {
        return Optional.of(mode);
      }
    }
    return Optional.empty();
  }

  /** As {@code ip xfrm} prints it. */
  public String kernelName() {
    return kernelName;
  }
}
