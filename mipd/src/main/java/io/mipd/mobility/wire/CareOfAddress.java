package io.mipd.mobility.wire;

import io.mipd.xfrm.model.Ipv6Address;

/** The address of a mobile node on the link where it is now (RFC 6275 section 3.2). */
public record CareOfAddress(Ipv6Address value) {
  @Override
  public String toString() {
    return value.toString();
  }
}
