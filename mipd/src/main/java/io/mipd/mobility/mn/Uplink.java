package io.mipd.mobility.mn;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
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
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * One interface of a mobile node: whether it is up, which routers it hears, which addresses it has.
 * An address counts only if a router that is heard on this very link announces its prefix: after a
 * change of link the kernel still holds the old ones.
 */
final class Uplink {
  /** A router is not taken for silent sooner, however often it speaks. */
  private static final Duration LEAST_PATIENCE = Duration.ofSeconds(1);

  private final int index;
  private int preference;
  private boolean up;

  /** What was announced before the cable was out, until it is known whether the link is another. */
  private Set<Ipv6Prefix> before = Set.of();

  private Optional<LinkLayerAddress> linkLayerAddress = Optional.empty();
  private final Map<Ipv6Address, Router> routers = new LinkedHashMap<>();
  private final Map<Ipv6Address, Address> addresses = new LinkedHashMap<>();

  /** Addresses that others have on this link. */
  private final Set<Ipv6Address> duplicates = new LinkedHashSet<>();

  /** Routers that have spoken since another appeared; present while it is not clear who is left. */
  private Optional<Instant> decideAt = Optional.empty();

  private final Set<Ipv6Address> heardSince = new LinkedHashSet<>();

  /** When a router was heard first there was more on the interface than it announces. */
  private boolean doubtful;

  /** When the cable was out it was not decided whether the link was another already. */
  private boolean mixed;

  /**
   * What a router last said.
   *
   * @param validUntil what it announces, and until when addresses of it are valid
   * @param ownAddresses whole addresses of the router (R flag of RFC 6275 section 7.2)
   * @param until when it is asked whether it is still there
   */
  private record Router(
      ImmutableMap<Ipv6Prefix, Instant> validUntil,
      Set<Ipv6Address> ownAddresses,
      Optional<LinkLayerAddress> address,
      Instant until) {
    Set<Ipv6Prefix> prefixes() {
      return validUntil.keySet();
    }

    boolean sharesWith(Set<Ipv6Prefix> others) {
      Set<Ipv6Prefix> prefixes = prefixes();
      return prefixes.isEmpty() || others.isEmpty() || prefixes.stream().anyMatch(others::contains);
    }
  }

  private record Address(int prefixLength, AddressState state) {
    boolean isUnderDetection() {
      return state == AddressState.TENTATIVE || state == AddressState.OPTIMISTIC;
    }

    boolean isUsable() {
      return state == AddressState.USABLE
          || state == AddressState.OPTIMISTIC
          || state == AddressState.DEPRECATED;
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

  void setPreference(int newPreference) {
    preference = newPreference;
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
      if (!routers.isEmpty()) {
        // Of the next link a router may be heard before it is known that the cable was out: what
        // came together may not belong together, if it was not decided by then.
        before = known();
        mixed = decideAt.isPresent();
      }
      routers.clear();
      duplicates.clear();
      decideAt = Optional.empty();
      doubtful = false;
    }
    up = nowUp;
    return cameUp;
  }

  /**
   * An address has come, changed or gone.
   *
   * @return whether it has turned out to be somebody else's. The kernel takes an autoconfigured one
   *     away when Duplicate Address Detection fails, says no more, and configures it again with the
   *     next router advertisement; it is not to be used on this link any more.
   */
  boolean setAddress(Ipv6Address address, int prefixLength, AddressState state) {
    Address before =
        state == AddressState.GONE
            ? addresses.remove(address)
            : addresses.put(address, new Address(prefixLength, state));
    boolean failed =
        state == AddressState.DUPLICATE
            || (state == AddressState.GONE
                && before != null
                && before.isUnderDetection()
                && isAnnounced(address));
    return failed && up && duplicates.add(address);
  }

  boolean isDuplicate(Ipv6Address address) {
    return duplicates.contains(address);
  }

  Optional<AddressState> stateOf(Ipv6Address address) {
    return Optional.ofNullable(addresses.get(address)).map(Address::state);
  }

  /** All that may be left on the interface. */
  private Set<Ipv6Prefix> known() {
    Set<Ipv6Prefix> all = prefixes();
    all.addAll(before);
    return all;
  }

  private Set<Ipv6Prefix> prefixes() {
    Set<Ipv6Prefix> all = new LinkedHashSet<>();
    routers.values().forEach(router -> all.addAll(router.prefixes()));
    return all;
  }

  /**
   * A router has spoken. If it cannot be of the link that we were on, what is left of that must go.
   * A new router beside others, with other prefixes, does not tell by itself whether the link is
   * another (RFC 6275 section 11.5.1): all are asked, and those that stay silent are gone.
   */
  ImmutableList<NodeAction> heard(
      Instant now, Ipv6Address source, RouterAdvertisement advertisement) {
    Router router = read(now, advertisement);
    if (decideAt.isPresent()) {
      heardSince.add(source);
    }
    Set<Ipv6Prefix> others = prefixes();
    Router known = routers.put(source, router);
    boolean first = known == null && routers.size() == 1;
    if (first) {
      boolean follows = !router.sharesWith(before);
      boolean started = before.isEmpty();
      // Without an address nothing of the link is in use, and what is there may be left of another
      // link, from a life of ours that ended there.
      if (follows
          || (started && addresses.keySet().stream().noneMatch(it -> it.isGlobalUnicast()))) {
        before = Set.of();
        return forget(source);
      }
      // The link may have changed while nobody looked; or there is another router.
      doubtful =
          (started || mixed)
              && !(router.prefixes().containsAll(before) && isEveryAddressAnnounced());
      if (doubtful) {
        return askAll(now, source);
      }
      before = Set.of();
      return ImmutableList.of();
    }
    if (known != null && !router.sharesWith(known.prefixes())) {
      // The same link-local address on another link, or the link has been renumbered.
      before = Set.of();
      routers.clear();
      routers.put(source, router);
      decideAt = Optional.empty();
      doubtful = false;
      return forget(source);
    }
    boolean stranger = known == null && !router.sharesWith(others);
    return stranger && decideAt.isEmpty() ? askAll(now, source) : ImmutableList.of();
  }

  private ImmutableList<NodeAction> askAll(Instant now, Ipv6Address heard) {
    heardSince.clear();
    heardSince.add(heard);
    decideAt = Optional.of(now.plus(ProtocolConstants.RETRANS_TIMER));
    return ImmutableList.of(new NodeAction.SolicitRouters(index));
  }

  private boolean isEveryAddressAnnounced() {
    return addresses.keySet().stream()
        .filter(Ipv6Address::isGlobalUnicast)
        .allMatch(this::isAnnounced);
  }

  private boolean isAnnounced(Ipv6Address address) {
    return routers.values().stream()
        .anyMatch(
            router ->
                // With no prefix at all, addresses are given out by other means (DHCPv6).
                router.prefixes().isEmpty()
                    || router.prefixes().stream().anyMatch(it -> it.contains(address)));
  }

  private ImmutableList<NodeAction> forget(Ipv6Address keep) {
    duplicates.clear();
    return ImmutableList.of(new NodeAction.ForgetLink(index, keep));
  }

  private static Router read(Instant now, RouterAdvertisement advertisement) {
    Map<Ipv6Prefix, Instant> prefixes = new LinkedHashMap<>();
    Set<Ipv6Address> own = new LinkedHashSet<>();
    Optional<LinkLayerAddress> address = Optional.empty();
    Duration believed = Duration.ofSeconds(advertisement.routerLifetime());
    Duration valid = Duration.ZERO;
    Optional<Duration> missed = Optional.empty();
    for (NdOption option : advertisement.options()) {
      if (option instanceof NdOption.PrefixInformation prefix) {
        if (prefix.validLifetime() > 0) {
          Duration lifetime = Duration.ofSeconds(prefix.validLifetime());
          prefixes.put(
              prefix.prefix(),
              prefix.validLifetime() == NdOption.PrefixInformation.INFINITE
                  ? Instant.MAX
                  : now.plus(lifetime));
          valid = lifetime.compareTo(valid) > 0 ? lifetime : valid;
        }
        if (prefix.routerAddress()) {
          own.add(prefix.address());
        }
      } else if (option instanceof NdOption.SourceLinkLayerAddress it) {
        address = Optional.of(it.address());
      } else if (option instanceof NdOption.AdvertisementInterval interval) {
        // RFC 6275 section 7.3: the receiver may reckon with it to find that the router is gone.
        missed =
            Optional.of(interval.asDuration().multipliedBy(ProtocolConstants.MISSED_ADVERTISEMENTS))
                .filter(it -> !it.isZero());
      }
    }
    if (believed.isZero()) {
      // No default router, but its prefixes are as good as any.
      believed = valid;
    }
    if (missed.isPresent() && missed.get().compareTo(believed) < 0) {
      believed = missed.get();
    }
    if (believed.compareTo(LEAST_PATIENCE) < 0) {
      believed = LEAST_PATIENCE;
    }
    return new Router(ImmutableMap.copyOf(prefixes), own, address, now.plus(believed));
  }

  Optional<Instant> nextDeadline() {
    return decideAt.isPresent()
        ? decideAt
        : routers.values().stream().map(Router::until).min(Instant::compareTo);
  }

  /** Asks when a router has been silent for too long; forgets those that do not answer. */
  ImmutableList<NodeAction> deadlines(Instant now) {
    if (decideAt.isPresent() && !now.isBefore(decideAt.get())) {
      decideAt = Optional.empty();
      return decide();
    }
    if (decideAt.isEmpty()
        && routers.values().stream().anyMatch(router -> !now.isBefore(router.until()))) {
      heardSince.clear();
      routers.forEach(
          (source, router) -> {
            if (now.isBefore(router.until())) {
              heardSince.add(source);
            }
          });
      decideAt = Optional.of(now.plus(ProtocolConstants.RETRANS_TIMER));
      return ImmutableList.of(new NodeAction.SolicitRouters(index));
    }
    return ImmutableList.of();
  }

  private ImmutableList<NodeAction> decide() {
    Set<Ipv6Prefix> all = known();
    routers.keySet().retainAll(heardSince);
    boolean leftOver = doubtful && !isEveryAddressAnnounced();
    doubtful = false;
    before = routers.isEmpty() ? all : Set.of();
    if (routers.isEmpty()) {
      return ImmutableList.of();
    }
    return leftOver || !prefixes().containsAll(all)
        ? forget(routers.keySet().iterator().next())
        : ImmutableList.of();
  }

  /** The routers that are heard here. */
  ImmutableList<RouterStatus> routers(Instant now, Ipv6Prefix homePrefix) {
    var all = ImmutableList.<RouterStatus>builder();
    routers.forEach(
        (source, router) -> {
          Duration left = Duration.between(now, router.until());
          all.add(
              new RouterStatus(
                  index,
                  source,
                  router.address(),
                  ImmutableSet.copyOf(router.prefixes()),
                  ImmutableSet.copyOf(router.ownAddresses()),
                  router.prefixes().contains(homePrefix),
                  left.isNegative() ? Duration.ZERO : left));
        });
    return all.build();
  }

  boolean announces(Ipv6Prefix prefix) {
    return up && routers.values().stream().anyMatch(it -> it.prefixes().contains(prefix));
  }

  /** Whether a prefix is announced that the address is of. */
  boolean announcesPrefixOf(Ipv6Address address) {
    return up
        && routers.values().stream()
            .flatMap(it -> it.prefixes().stream())
            .anyMatch(it -> it.contains(address));
  }

  /** The link-layer address of the router that says that it has this address. */
  Optional<LinkLayerAddress> linkLayerAddressOf(Ipv6Address router) {
    return routers.values().stream()
        .filter(it -> it.ownAddresses().contains(router))
        .flatMap(it -> it.address().stream())
        .findFirst();
  }

  /** Our link-local addresses here, whatever their state. */
  ImmutableList<Ipv6Address> linkLocals() {
    return addresses.keySet().stream()
        .filter(Ipv6Address::isLinkLocal)
        .collect(ImmutableList.toImmutableList());
  }

  /** Whether our link-local address here has the interface identifier of that address. */
  boolean hasLinkLocalOf(Ipv6Address address) {
    return addresses.keySet().stream()
        .anyMatch(it -> it.isLinkLocal() && it.low() == address.low());
  }

  boolean mayUse(Ipv6Address address) {
    Address known = addresses.get(address);
    return up
        && known != null
        && known.isUsable()
        && !duplicates.contains(address)
        && address.isGlobalUnicast()
        && isAnnounced(address);
  }

  /**
   * Until when an address is valid, as the routers here have told last; empty for ever, or if none
   * has told.
   */
  Optional<Instant> validUntil(Ipv6Address address) {
    return routers.values().stream()
        .flatMap(router -> router.validUntil().entrySet().stream())
        .filter(it -> it.getKey().contains(address))
        .map(Map.Entry::getValue)
        .max(Instant::compareTo)
        .filter(it -> it.isBefore(Instant.MAX));
  }

  /** Whether new connections should not use it any more (RFC 4862 section 5.5.4). */
  boolean isDeprecated(Ipv6Address address) {
    return stateOf(address).equals(Optional.of(AddressState.DEPRECATED));
  }

  /**
   * An address that can be a care-of address now; a deprecated one only where there is no other.
   *
   * @param isOfHome which addresses can not: home addresses, and others of the home link
   */
  Optional<CareOfAddress> careOf(Predicate<Ipv6Address> isOfHome) {
    return addresses.keySet().stream()
        .filter(this::mayUse)
        .filter(isOfHome.negate())
        .min(Comparator.comparing(this::isDeprecated))
        .map(CareOfAddress::new);
  }
}
