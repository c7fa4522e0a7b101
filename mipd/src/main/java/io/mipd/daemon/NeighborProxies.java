package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SocketFilter;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.MacAddress;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers Neighbor Solicitations for home addresses, as a proxy (RFC 4861 section 7.2.8, RFC 6275
 * section 10.4.1), in place of the kernel. The kernel's proxies are sixteen lists, and the
 * multicast groups that it joins for them another, which are gone through for each that is added:
 * what is nothing for a thousand takes minutes for a hundred thousand.
 *
 * <p>Solicitations are copied by a packet socket that has the interface take all multicast; no
 * group is joined, so that a switch that passes groups only to those who have joined them must take
 * the home agent for a router.
 */
final class NeighborProxies implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NeighborProxies.class);

  /** What no router has passed on (RFC 4861 section 7.1.1). */
  private static final int LINK_HOP_LIMIT = 255;

  private final Poller poller;
  private final NetworkWatch network;
  private final Ipv6Address source;
  private final Map<Ipv6Address, Integer> interfaces = new HashMap<>();
  private final Map<Integer, PacketSocket> sockets = new TreeMap<>();
  private final PacketBuffer[] arrived = new PacketBuffer[PacketSocket.BATCH];

  /**
   * @param source the address that it answers from
   */
  NeighborProxies(Poller poller, NetworkWatch network, Ipv6Address source) {
    this.poller = poller;
    this.network = network;
    this.source = source;
    for (int i = 0; i < arrived.length; i++) {
      arrived[i] = new PacketBuffer();
    }
  }

  /**
   * Answers for these addresses on the link from now on.
   *
   * @throws IOException if it cannot hear or answer there
   */
  void add(Link link, List<Ipv6Address> addresses) throws IOException {
    if (link.address().isEmpty()) {
      throw new IOException(link.name() + " has no link-layer address to answer with");
    }
    if (!sockets.containsKey(link.index())) {
      PacketSocket socket =
          PacketSocket.openForAllGroups(
              link.index(), SocketFilter.icmpv6(Icmpv6Message.NEIGHBOR_SOLICITATION));
      sockets.put(link.index(), socket);
      poller.add(socket.fd(), () -> take(socket));
    }
    addresses.forEach(address -> interfaces.put(address, link.index()));
  }

  void remove(Ipv6Address address) {
    interfaces.remove(address);
  }

  private void take(PacketSocket socket) {
    try {
      int count = socket.receive(arrived);
      for (int i = 0; i < count; i++) {
        received(socket.interfaceIndex(), arrived[i]);
      }
    } catch (SystemCallException e) {
      log.debug("solicitations on interface {}: {}", socket.interfaceIndex(), e.toString());
    }
  }

  private void received(int interfaceIndex, PacketBuffer packet) {
    byte[] octets = packet.array();
    int start = packet.start();
    if (packet.length() < Ipv6Fields.HEADER
        || (octets[start + Ipv6Fields.HOP_LIMIT] & 0xff) != LINK_HOP_LIMIT) {
      return;
    }
    Ipv6Address asker = Ipv6Address.read(octets, start + Ipv6Fields.SOURCE);
    Ipv6Address to = Ipv6Address.read(octets, start + Ipv6Fields.DESTINATION);
    try {
      Icmpv6Message message =
          Icmpv6Codec.decode(
              Unpooled.wrappedBuffer(
                  octets, start + Ipv6Fields.HEADER, packet.length() - Ipv6Fields.HEADER),
              asker,
              to);
      if (message instanceof Icmpv6Message.NeighborSolicitation solicitation
          && Integer.valueOf(interfaceIndex).equals(interfaces.get(solicitation.target()))) {
        answer(interfaceIndex, solicitation.target(), asker);
      }
    } catch (MalformedPacketException e) {
      log.debug("solicitation from {}: {}", asker, e.toString());
    }
  }

  /** Not overriding, for who is at home himself comes first (RFC 4861 section 7.2.8). */
  private void answer(int interfaceIndex, Ipv6Address target, Ipv6Address asker) {
    Optional<MacAddress> mac = network.link(interfaceIndex).flatMap(Link::address);
    if (mac.isEmpty()) {
      return;
    }
    // Who has no address yet is about to take this one (section 7.2.4).
    boolean detection = asker.isUnspecified();
    Ipv6Address destination = detection ? Ipv6Address.ALL_NODES : asker;
    var answer =
        new Icmpv6Message.NeighborAdvertisement(
            /* router= */ false,
            /* solicited= */ !detection,
            /* override= */ false,
            target,
            ImmutableList.of(
                new NdOption.TargetLinkLayerAddress(
                    new LinkLayerAddress(Octets.of(mac.get().toOctets())))));
    ByteBuf out = Unpooled.buffer(Ipv6Fields.HEADER);
    Icmpv6Codec.encode(answer, source, destination, out);
    try {
      network.icmp().send(interfaceIndex, source, destination, out);
    } catch (SystemCallException e) {
      log.debug("advertisement of {} to {}: {}", target, destination, e.toString());
    }
  }

  @Override
  public void close() {
    for (PacketSocket socket : sockets.values()) {
      poller.remove(socket.fd());
      socket.close();
    }
    sockets.clear();
    interfaces.clear();
  }
}
