package io.mipd.mobility.wire;

import io.mipd.xfrm.model.Ipv6Address;
import org.jspecify.annotations.Nullable;

/** The address at which a mobile node is always reached (RFC 6275 section 3.2). */
public record HomeAddress(Ipv6Address value) {
  /** By hand, as hashCode: a start may ask for a hundred thousand before much is compiled. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof HomeAddress it && value.equals(it.value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  @Override
  public String toString() {
    return value.toString();
  }
}
