package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * A port of a selector, value and mask as in Linux's {@code xfrm_selector}: matches a port whose
 * bits under the mask are those of the value.
 */
public record PortMatch(int value, int mask) {
  public static final PortMatch ANY = new PortMatch(0, 0);

  public PortMatch {
    checkArgument(value >= 0 && value <= 0xffff, "not a port: %s", value);
    checkArgument(mask >= 0 && mask <= 0xffff, "not a port mask: %s", mask);
    checkArgument((value & ~mask) == 0, "value %s has bits outside mask %s", value, mask);
  }

  public static PortMatch exactly(int port) {
    return new PortMatch(port, 0xffff);
  }

  public boolean isAny() {
    return mask == 0;
  }

  /** A port that cannot be seen matches only "any" (OPAQUE, RFC 4301 section 4.4.1.1). */
  public boolean matches(int port) {
    return mask == 0 || (port >= 0 && (port & mask) == value);
  }

  public boolean contains(PortMatch other) {
    return (mask & ~other.mask) == 0 && (other.value & mask) == value;
  }

  public boolean overlaps(PortMatch other) {
    int common = mask & other.mask;
    return (value & common) == (other.value & common);
  }

  @Override
  public String toString() {
    return isAny()
        ? "any"
        : mask == 0xffff ? Integer.toString(value) : value + "/0x" + Integer.toHexString(mask);
  }
}
