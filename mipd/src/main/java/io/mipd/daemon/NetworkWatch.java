package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.linux.IcmpSocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.RtnetlinkMonitor;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** This node's interfaces, addresses and Neighbor Discovery, which the kernel keeps. */
final class NetworkWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NetworkWatch.class);

  private static final ImmutableSet<Integer> MESSAGES =
      ImmutableSet.of(
          Icmpv6Message.ROUTER_SOLICITATION,
          Icmpv6Message.ROUTER_ADVERTISEMENT,
          Icmpv6Message.NEIGHBOR_SOLICITATION,
          Icmpv6Message.NEIGHBOR_ADVERTISEMENT,
          Icmpv6Message.HOME_AGENT_DISCOVERY_REQUEST,
          Icmpv6Message.HOME_AGENT_DISCOVERY_REPLY);

  private final Poller poller;
  private final AddressBook addresses;
  private final World.Upward up;
  private final Consumer<RtnetlinkNotice> world;
  private final RtnetlinkMonitor monitor;
  private final IcmpSocket icmp;
  private final Map<Integer, Link> links = new TreeMap<>();

  /** Interfaces on whose link no router has spoken since it has come up. */
  private final Set<Integer> unheard = new HashSet<>();

  private NetworkWatch(
      Poller poller,
      AddressBook addresses,
      World.Upward up,
      Consumer<RtnetlinkNotice> world,
      RtnetlinkMonitor monitor,
      IcmpSocket icmp) {
    this.poller = poller;
    this.addresses = addresses;
    this.up = up;
    this.world = world;
    this.monitor = monitor;
    this.icmp = icmp;
  }

  /**
   * @param world is told of a change when it is in the books and before {@code up} is
   * @param errors the ICMPv6 errors that {@code up} is to be told of
   * @param routes whether changes of routes are told; a home agent, which makes two for each
   *     binding, has no use for them
   */
  static NetworkWatch open(
      Poller poller,
      AddressBook addresses,
      World.Upward up,
      Consumer<RtnetlinkNotice> world,
      ImmutableSet<Integer> errors,
      boolean routes)
      throws SystemCallException {
    var monitor =
        RtnetlinkMonitor.open(
            routes ? ImmutableSet.of(RtnetlinkMonitor.Also.ROUTES) : ImmutableSet.of());
    IcmpSocket icmp;
    try {
      icmp = IcmpSocket.open(ImmutableSet.copyOf(Sets.union(MESSAGES, errors)));
    } catch (SystemCallException e) {
      monitor.close();
      throw e;
    }
    var watch = new NetworkWatch(poller, addresses, up, world, monitor, icmp);
    poller.add(icmp.fd(), watch::takeIcmp);
    poller.add(monitor.fd(), watch::takeChanges);
    return watch;
  }

  /** Tells everything that is there. */
  void begin() {
    takeChanges();
  }

  IcmpSocket icmp() {
    return icmp;
  }

  AddressBook addresses() {
    return addresses;
  }

  Optional<Link> link(int index) {
    return Optional.ofNullable(links.get(index));
  }

  ImmutableList<Link> links() {
    return ImmutableList.copyOf(links.values());
  }

  /**
   * Takes what waits to be read of where we are: that a link has come up, and what a router has
   * said there since, which is here before the kernel has made a route of it. Whoever calls this
   * before he sends does not send by a new link what has its source on the last.
   */
  void catchUp() {
    takeChanges();
    if (!unheard.isEmpty()) {
      takeMessages();
      // The kernel has made an address of what the router has said.
      takeChanges();
    }
  }

  private void takeIcmp() {
    // What a router says counts for the link that it is heard on, so the link comes first.
    takeChanges();
    takeMessages();
  }

  private void takeMessages() {
    try {
      icmp.receive(this::received);
    } catch (SystemCallException e) {
      log.debug("ICMPv6 socket: {}", e.toString());
    }
  }

  private void received(
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      int hopLimit,
      ByteBuf message) {
    int type = message.isReadable() ? message.getUnsignedByte(message.readerIndex()) : 0;
    if (MESSAGES.contains(type)) {
      up.icmpv6(interfaceIndex, source, destination, hopLimit, message);
      if (type == Icmpv6Message.ROUTER_ADVERTISEMENT) {
        unheard.remove(interfaceIndex);
      }
      return;
    }
    FailedPacket.read(ByteBufUtil.getBytes(message))
        .filter(FailedPacket::isOfMobility)
        .ifPresent(up::failed);
    up.settle();
  }

  private void takeChanges() {
    try {
      monitor.receive(this::changed);
    } catch (SystemCallException e) {
      up.broken("rtnetlink: " + e.getMessage());
    }
  }

  /** As if the kernel had said it: of an address that we configure ourselves. */
  void tell(RtnetlinkNotice notice) {
    changed(notice);
  }

  private void changed(RtnetlinkNotice notice) {
    if (notice instanceof RtnetlinkNotice.LinkNotice change) {
      Link link = change.link();
      if (link.isRunning()
          && link(link.index()).filter(before -> !before.isRunning()).isPresent()) {
        // What waits to be read is of the link that was here before; now, while that is known to
        // be out, nobody takes it for a router's word about the next one.
        takeMessages();
        unheard.add(link.index());
      }
      if (change.gone()) {
        links.remove(link.index());
        unheard.remove(link.index());
      } else {
        links.put(link.index(), link);
      }
    } else if (notice instanceof RtnetlinkNotice.AddressNotice change) {
      if (change.gone()) {
        addresses.remove(change.address());
      } else {
        addresses.put(change.address());
      }
    }
    world.accept(notice);
    up.interfaceChanged(notice);
  }

  @Override
  public void close() {
    poller.remove(monitor.fd());
    poller.remove(icmp.fd());
    icmp.close();
    monitor.close();
  }
}
