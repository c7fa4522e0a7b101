package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * A security parameters index. Zero never appears on the wire and 1 to 255 are reserved (RFC 4303
 * section 2.1); in a template zero stands for any.
 */
public record Spi(int value) {
  public static final Spi ANY = new Spi(0);

  /** An index that an association may have: 256 or above, as 32 unsigned bits. */
  public static Spi ofAssociation(long value) {
    checkArgument(
        value >= 256 && value <= 0xffff_ffffL, "not an SPI from 256 to 4294967295: %s", value);
    return new Spi((int) value);
  }

  public boolean isAny() {
    return value == 0;
  }

  @Override
  public String toString() {
    return String.format("0x%08x", value);
  }
}
