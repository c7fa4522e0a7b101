package io.mipd.mobility;

import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who wishes: a home registration, or the route between two addresses.
 *
 * @param address the home address of the registration, or our end of the route
 * @param peer the other end of the route; empty for a registration
 */
public record WishOwner(Ipv6Address address, Optional<Ipv6Address> peer) {
  public static WishOwner of(Ipv6Address address) {
    return new WishOwner(address, Optional.empty());
  }

  public static WishOwner of(HomeAddress address) {
    return of(address.value());
  }

  public static WishOwner route(Ipv6Address local, Ipv6Address peer) {
    return new WishOwner(local, Optional.of(peer));
  }

  /** By hand, as hashCode: a start may ask for a hundred thousand before much is compiled. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof WishOwner it && address.equals(it.address) && peer.equals(it.peer);
  }

  @Override
  public int hashCode() {
    return 31 * address.hashCode() + peer.hashCode();
  }

  @Override
  public String toString() {
    return address + peer.map(other -> " with " + other).orElse("");
  }
}
