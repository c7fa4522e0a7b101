package io.mipd.xfrm.packet;

import static com.google.common.base.Preconditions.checkArgument;

/** An IEEE 802 address of six octets (RFC 2464 section 6). */
public record LinkLayerAddress(Octets octets) {
  public static final int LENGTH = 6;

  public LinkLayerAddress {
    checkArgument(octets.length() == LENGTH, "not six octets: %s", octets);
  }

  @Override
  public String toString() {
    return octets.toString().replaceAll("(..)(?!$)", "$1:");
  }
}
