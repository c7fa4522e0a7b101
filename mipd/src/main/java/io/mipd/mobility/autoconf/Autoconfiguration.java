package io.mipd.mobility.autoconf;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborSolicitation;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * Stateless address autoconfiguration (RFC 4862 section 5.5) with Duplicate Address Detection
 * (section 5.4), optimistic where that is allowed (RFC 4429). Addresses are formed from the
 * modified EUI-64 of the interface; there is no second try with another identifier after a
 * collision. Routers, routes and the link's parameters are somebody else's business.
 *
 * <p>A core: events and a time in, actions and the next deadline out.
 */
public final class Autoconfiguration {
  private final ImmutableSet<Ipv6Address> reserved;
  private final RandomGenerator random;
  private final Map<Integer, AutoconfLink> links = new TreeMap<>();

  /**
   * @param reserved addresses that are never formed: a home address has a place of its own
   */
  public Autoconfiguration(ImmutableSet<Ipv6Address> reserved, RandomGenerator random) {
    this.reserved = reserved;
    this.random = random;
  }

  public ImmutableList<AutoconfAction> handle(Instant now, AutoconfEvent event) {
    List<AutoconfAction> actions = new ArrayList<>();
    if (event instanceof AutoconfEvent.LinkUp up) {
      link(up.interfaceIndex()).up(up);
    } else if (event instanceof AutoconfEvent.LinkDown down) {
      link(down.interfaceIndex()).down(actions);
    } else if (event instanceof AutoconfEvent.LinkForgotten forgotten) {
      link(forgotten.interfaceIndex()).forget(forgotten.keep(), actions);
    } else if (event instanceof AutoconfEvent.Heard heard) {
      heard(now, link(heard.interfaceIndex()), heard, actions);
    } else if (event instanceof AutoconfEvent.AddressPresent present) {
      link(present.interfaceIndex()).present(present.address(), present.autoconfigured());
    } else if (event instanceof AutoconfEvent.AddressAbsent absent) {
      link(absent.interfaceIndex()).absent(absent.address());
    }
    for (AutoconfLink link : links.values()) {
      link.deadlines(now, actions);
    }
    return ImmutableList.copyOf(actions);
  }

  public Optional<Instant> nextDeadline() {
    return links.values().stream()
        .flatMap(link -> link.nextDeadline().stream())
        .min(Instant::compareTo);
  }

  private AutoconfLink link(int interfaceIndex) {
    return links.computeIfAbsent(
        interfaceIndex, index -> new AutoconfLink(index, reserved, random));
  }

  private static void heard(
      Instant now, AutoconfLink link, AutoconfEvent.Heard heard, List<AutoconfAction> actions) {
    if (!link.isUp()) {
      return;
    }
    if (heard.message() instanceof RouterAdvertisement advertisement) {
      // RFC 4861 section 6.1.2.
      if (heard.source().isLinkLocal()) {
        link.advertised(
            now, heard.source(), heard.destination().isMulticast(), advertisement, actions);
      }
    } else if (heard.message() instanceof NeighborSolicitation solicitation) {
      link.solicited(heard.source(), heard.destination(), solicitation, actions);
    } else if (heard.message() instanceof NeighborAdvertisement advertisement) {
      link.advertised(heard.destination(), advertisement, actions);
    }
  }
}
