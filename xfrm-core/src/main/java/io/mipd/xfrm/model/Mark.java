package io.mipd.xfrm.model;

/**
 * A firewall mark of a policy or an association ({@code xfrm_mark}): matches when the bits under
 * the mask are those of the value. {@code mark 0 mask 0}, the default, matches every packet.
 */
public record Mark(int value, int mask) {
  public static final Mark ANY = new Mark(0, 0);

  public boolean isAny() {
    return mask == 0 && value == 0;
  }

  public boolean matches(int mark) {
    return (mark & mask) == value;
  }

  /** Whether there is a mark that both match. */
  public boolean overlaps(Mark other) {
    return ((value ^ other.value) & mask & other.mask) == 0;
  }

  /** Matches what both match; they have no bits of the mask in common. */
  public Mark and(Mark other) {
    return new Mark(value | other.value, mask | other.mask);
  }

  /** Whether the bits under the mask of {@code other} are asked for, and as {@code other} does. */
  public boolean includes(Mark other) {
    return (mask & other.mask) == other.mask && (value & other.mask) == other.value;
  }

  /** What {@link #and} added to it. */
  public Mark without(Mark other) {
    return new Mark(value & ~other.mask, mask & ~other.mask);
  }

  @Override
  public String toString() {
    return "0x" + Integer.toHexString(value) + "/0x" + Integer.toHexString(mask);
  }
}
