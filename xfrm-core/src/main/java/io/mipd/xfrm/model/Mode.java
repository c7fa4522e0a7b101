package io.mipd.xfrm.model;

/** The mode of a template or an association, in the order of the kernel's {@code XFRM_MODE_*}. */
public enum Mode {
  TRANSPORT("transport"),
  TUNNEL("tunnel"),
  /** Home Address option and type 2 routing header. */
  ROUTE_OPTIMIZATION("ro"),
  /** Never transforms: asks for route optimization by an acquire. */
  IN_TRIGGER("in_trigger"),
  BEET("beet");

  private final String kernelName;

  Mode(String kernelName) {
    this.kernelName = kernelName;
  }

  /** As {@code ip xfrm} prints it. */
  public String kernelName() {
    return kernelName;
  }
}
