package io.mipd.mobility.wire;

import io.mipd.xfrm.model.Ipv6Address;

/** The address at which a mobile node is always reached (RFC 6275 section 3.2). */
public record HomeAddress(Ipv6Address value) {
  @Override
  public String toString() {
    return value.toString();
  }
}
