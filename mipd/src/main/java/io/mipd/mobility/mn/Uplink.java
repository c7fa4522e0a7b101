package io.mipd.mobility.mn;

import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One interface of a mobile node: whether it is up, which routers it hears, which addresses it has.
 * An address counts only if a router that is heard on this very link announces its prefix: after a
 * change of link the kernel still holds the old ones.
 */
final class Uplink {
  private final int index;
  private final int preference;
  private boolean up;
  private boolean heardBefore;
  private Optional<LinkLayerAddress> linkLayerAddress = Optional.empty();
  private final Map<Ipv6Address, Router> routers = new LinkedHashMap<>();
  private final Map<Ipv6Address, Address> addresses = new LinkedHashMap<>();

  /** What a router last said, and until when it is believed. */
  private record Router(
      Set<Ipv6Prefix> prefixes, Optional<LinkLayerAddress> address, Instant until) {}

  private record Address(int prefixLength, AddressState state) {
    boolean isUsable() {
      return state == AddressState.USABLE || state == AddressState.OPTIMISTIC;
    }
  }

  Uplink(int index, int preference) {
    this.index = index;
    this.preference = preference;
  }

  int index() {
    return index;
  }

  int preference() {
    return preference;
  }

  boolean isUp() {
    return up;
  }

  Optional<LinkLayerAddress> linkLayerAddress() {
    return linkLayerAddress;
  }

  /** Returns whether it has come up: what was heard before may be of another link. */
  boolean setUp(boolean nowUp, Optional<LinkLayerAddress> address) {
    linkLayerAddress = address;
    boolean cameUp = nowUp && !up;
    if (nowUp != up) {
      routers.clear();
    }
    up = nowUp;
    return cameUp;
  }

  void setAddress(Ipv6Address address, int prefixLength, AddressState state) {
    if (state == AddressState.GONE) {
      addresses.remove(address);
    } else {
      addresses.put(address, new Address(prefixLength, state));
    }
  }

  Optional<AddressState> stateOf(Ipv6Address address) {
    return Optional.ofNullable(addresses.get(address)).map(Address::state);
  }

  /**
   * A router has spoken.
   *
   * @return whether this is the first of a link that follows another, so that what is left of the
   *     other must go
   */
  boolean heard(Instant now, Ipv6Address source, RouterAdvertisement advertisement) {
    Set<Ipv6Prefix> prefixes = new LinkedHashSet<>();
    Optional<LinkLayerAddress> address = Optional.empty();
    Duration believed = Duration.ofSeconds(Math.max(1, advertisement.routerLifetime()));
    for (NdOption option : advertisement.options()) {
      if (option instanceof NdOption.PrefixInformation prefix) {
        if (prefix.validLifetime() > 0) {
          prefixes.add(prefix.prefix());
        }
      } else if (option instanceof NdOption.SourceLinkLayerAddress it) {
        address = Optional.of(it.address());
      } else if (option instanceof NdOption.AdvertisementInterval interval) {
        // RFC 6275 section 7.3: the receiver may reckon with it to find that the router is gone.
        Duration missed =
            interval.asDuration().multipliedBy(ProtocolConstants.MISSED_ADVERTISEMENTS);
        believed = missed.compareTo(believed) < 0 && !missed.isZero() ? missed : believed;
      }
    }
    boolean follows = routers.isEmpty() && heardBefore;
    routers.put(source, new Router(prefixes, address, now.plus(believed)));
    heardBefore = true;
    return follows;
  }

  /** When the first router is no longer believed. */
  Optional<Instant> nextDeadline() {
    return routers.values().stream().map(Router::until).min(Instant::compareTo);
  }

  /** Forgets routers that have been silent too long; returns whether there were any. */
  boolean expireRouters(Instant now) {
    return routers.values().removeIf(router -> !now.isBefore(router.until()));
  }

  boolean announces(Ipv6Prefix prefix) {
    return up && routers.values().stream().anyMatch(it -> it.prefixes().contains(prefix));
  }

  /** The link-layer address of the router that announces a prefix. */
  Optional<LinkLayerAddress> routerOf(Ipv6Prefix prefix) {
    return routers.values().stream()
        .filter(it -> it.prefixes().contains(prefix))
        .flatMap(it -> it.address().stream())
        .findFirst();
  }

  boolean mayUse(Ipv6Address address) {
    Address known = addresses.get(address);
    return up
        && known != null
        && known.isUsable()
        && address.isGlobalUnicast()
        && announces(Ipv6Prefix.of(address, known.prefixLength()));
  }

  /** An address that can be a care-of address now. */
  Optional<CareOfAddress> careOf(Ipv6Prefix homePrefix, Ipv6Address home) {
    return addresses.keySet().stream()
        .filter(this::mayUse)
        .filter(address -> !address.equals(home) && !homePrefix.contains(address))
        .findFirst()
        .map(CareOfAddress::new);
  }
}
