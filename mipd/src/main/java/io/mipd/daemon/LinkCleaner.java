package io.mipd.daemon;

import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Neighbour;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.NdOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes what an interface has from the link it was on before. The kernel keeps all that for as
 * long as it was advertised for, and would go on choosing a router that is out of reach.
 */
final class LinkCleaner {
  private static final Logger log = LoggerFactory.getLogger(LinkCleaner.class);

  /** RFC 4291 section 2.5.6. */
  private static final int LINK_LOCAL_PREFIX_LENGTH = 64;

  private final Rtnetlink netlink;
  private final Map<Integer, Heard> heard = new HashMap<>();

  /** The last router advertisement of an interface. */
  private record Heard(Ipv6Address router, Set<Ipv6Prefix> prefixes) {}

  LinkCleaner(Rtnetlink netlink) {
    this.netlink = netlink;
  }

  void heard(int interfaceIndex, Ipv6Address router, Icmpv6Message.RouterAdvertisement message) {
    Set<Ipv6Prefix> prefixes = new HashSet<>();
    for (NdOption option : message.options()) {
      if (option instanceof NdOption.PrefixInformation prefix) {
        prefixes.add(prefix.prefix());
      }
    }
    heard.put(interfaceIndex, new Heard(router, prefixes));
  }

  /**
   * @param keep the new link's router; what its last advertisement gave stays
   */
  void forget(int interfaceIndex, Ipv6Address keep) throws SystemCallException {
    Heard last = heard.get(interfaceIndex);
    Set<Ipv6Prefix> prefixes =
        last != null && last.router().equals(keep) ? last.prefixes() : Set.of();
    Set<Ipv6Prefix> permanent = new HashSet<>();
    for (InterfaceAddress address : netlink.addresses()) {
      if (address.interfaceIndex() != interfaceIndex || address.address().isLinkLocal()) {
        continue;
      }
      if (address.has(AddressFlag.PERMANENT)) {
        permanent.add(address.prefix());
      } else if (!prefixes.contains(address.prefix())) {
        netlink.removeAddress(interfaceIndex, address.address(), address.prefixLength());
        log.debug("{} forgotten on {}", address.address(), interfaceIndex);
      }
    }
    for (Route route : netlink.routes(Route.MAIN)) {
      if (route.interfaceIndex().isPresent()
          && route.interfaceIndex().getAsInt() == interfaceIndex
          && isOld(route, keep, prefixes, permanent)) {
        netlink.removeRoute(route);
        log.debug("route {} via {} forgotten", route.destination(), route.gateway());
      }
    }
    for (Neighbour neighbour : netlink.neighbours()) {
      if (neighbour.interfaceIndex() == interfaceIndex
          && !neighbour.address().equals(keep)
          && !neighbour.address().isMulticast()
          && (neighbour.state() & (Neighbour.NUD_PERMANENT | Neighbour.NUD_NOARP)) == 0) {
        netlink.removeNeighbour(interfaceIndex, neighbour.address());
      }
    }
  }

  /** Puts a link-local address that failed its detection in force without another one. */
  void retake(int interfaceIndex, Ipv6Address address) throws SystemCallException {
    netlink.removeAddress(interfaceIndex, address, LINK_LOCAL_PREFIX_LENGTH);
    netlink.replaceAddress(
        InterfaceAddress.permanent(
            interfaceIndex, address, LINK_LOCAL_PREFIX_LENGTH, AddressFlag.NODAD));
    log.info("{} on interface {} is ours", address, interfaceIndex);
  }

  /** Learnt from a router advertisement, and not from the new link's. */
  private static boolean isOld(
      Route route, Ipv6Address keep, Set<Ipv6Prefix> prefixes, Set<Ipv6Prefix> permanent) {
    if (route.gateway().isPresent()) {
      return route.protocol() == Route.PROTOCOL_RA && !route.gateway().get().equals(keep);
    }
    return (route.protocol() == Route.PROTOCOL_RA || route.protocol() == Route.PROTOCOL_KERNEL)
        && !route.destination().address().isLinkLocal()
        && !route.destination().address().isMulticast()
        && !route.destination().isHost()
        && !prefixes.contains(route.destination())
        && !permanent.contains(route.destination());
  }
}
