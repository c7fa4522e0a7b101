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

  @Override
  public String toString() {
    return "0x" + Integer.toHexString(value) + "/0x" + Integer.toHexString(mask);
  }
}
