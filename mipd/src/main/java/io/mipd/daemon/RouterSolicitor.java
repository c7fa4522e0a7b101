package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks for routers (RFC 4861 section 6.3.7) until one answers. Without the random delay of up to a
 * second before the first: a single node that has moved need not spread its question, and a mobile
 * node is told to be quick (RFC 6275 section 11.5.1).
 */
final class RouterSolicitor {
  private static final Logger log = LoggerFactory.getLogger(RouterSolicitor.class);

  /** RFC 4861 section 10. */
  static final Duration RTR_SOLICITATION_INTERVAL = Duration.ofSeconds(4);

  static final int MAX_RTR_SOLICITATIONS = 3;

  private final World world;
  private final Dad.Sender sender;
  private final Map<Integer, Asking> all = new TreeMap<>();

  /**
   * @param sent so far
   */
  private record Asking(int sent, Instant next) {}

  RouterSolicitor(World world, Dad.Sender sender) {
    this.world = world;
    this.sender = sender;
  }

  void start(Instant now, int interfaceIndex) {
    all.remove(interfaceIndex);
    ask(now, interfaceIndex, 0);
  }

  /** A router of the link has spoken. */
  void heard(int interfaceIndex) {
    all.remove(interfaceIndex);
  }

  void turn(Instant now) {
    for (var entry : ImmutableList.copyOf(all.entrySet())) {
      if (!entry.getValue().next().isAfter(now)) {
        ask(now, entry.getKey(), entry.getValue().sent());
      }
    }
  }

  Optional<Instant> nextDeadline() {
    return all.values().stream().map(Asking::next).min(Instant::compareTo);
  }

  private void ask(Instant now, int interfaceIndex, int sent) {
    Optional<Ipv6Address> source = linkLocal(interfaceIndex);
    // RFC 4861 section 4.1: no link-layer address with the unspecified source.
    ImmutableList<NdOption> options =
        source.isEmpty()
            ? ImmutableList.of()
            : world
                .network()
                .link(interfaceIndex)
                .flatMap(Link::address)
                .<ImmutableList<NdOption>>map(
                    mac ->
                        ImmutableList.of(
                            new NdOption.SourceLinkLayerAddress(
                                new LinkLayerAddress(Octets.of(mac.toOctets())))))
                .orElse(ImmutableList.of());
    try {
      sender.send(
          interfaceIndex,
          source.orElse(Ipv6Address.UNSPECIFIED),
          Ipv6Address.ALL_ROUTERS,
          new Icmpv6Message.RouterSolicitation(options));
    } catch (IOException e) {
      log.debug("router solicitation on {}: {}", interfaceIndex, e.toString());
    }
    if (sent + 1 < MAX_RTR_SOLICITATIONS) {
      all.put(interfaceIndex, new Asking(sent + 1, now.plus(RTR_SOLICITATION_INTERVAL)));
    } else {
      all.remove(interfaceIndex);
    }
  }

  /** Not an optimistic one: RFC 4429 section 3.3 forbids it in a router solicitation with SLLAO. */
  private Optional<Ipv6Address> linkLocal(int interfaceIndex) {
    for (InterfaceAddress address : world.network().addresses().addresses()) {
      if (address.interfaceIndex() == interfaceIndex
          && address.address().isLinkLocal()
          && address.isUsable()
          && !address.has(io.mipd.xfrm.netlink.AddressFlag.TENTATIVE)) {
        return Optional.of(address.address());
      }
    }
    return Optional.empty();
  }
}
