package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.engine.Segmenter;
import io.mipd.xfrm.linux.GroupSocket;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.linux.SocketFilter;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What comes out of the tunnels of the kernel for multicast groups.
 *
 * <p>What comes out of ESP is for the interface that the ESP packet came by. A packet socket there
 * does not tell it from what somebody on that link has sent in clear. So it is taken from raw
 * sockets, which get only what the {@code in} policies let through. At a home agent routes of type
 * {@code local} lead to them also what nobody there has joined; at a mobile node the stack hands
 * payload to programs itself. What comes out of a plain tunnel is for the tunnel's device, and a
 * packet socket shows it all. A mobile node joins nothing there, for Linux would tell the home
 * agent of it, who has perhaps not asked (RFC 6275 section 11.3.4): it sends what came once more,
 * into the device that swallows, and who has joined it there gets it as what this host has sent.
 */
final class KernelGroupArrivals implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KernelGroupArrivals.class);

  /** ICMPv6 types of what the ends of a tunnel say of groups. */
  private static final ImmutableSet<Integer> SAID =
      ImmutableSet.of(
          Icmpv6Message.LISTENER_QUERY,
          Icmpv6Message.LISTENER_REPORT,
          Icmpv6Message.LISTENER_DONE,
          Icmpv6Message.LISTENER_REPORT_2);

  /** Likewise, and of what a mobile node may send to a group. */
  private static final ImmutableSet<Integer> SENT =
      ImmutableSet.<Integer>builder().addAll(SAID).add(Icmpv6Message.ECHO_REQUEST).build();

  /** Octets that have the two ports of a datagram, or type and code of an ICMPv6 message. */
  private static final int PORTS = 4;

  /** Octets of the Hop-by-Hop Options header before a message about groups. */
  private static final int ROUTER_ALERT = 8;

  private final World.Setup setup;
  private final Poller poller;
  private final KernelLedger ledger;
  private final PlainTunnels tunnels;
  private final BooleanSupplier disturbed;
  private final World.Upward up;
  private final TunnelledGroups groups;
  private final List<GroupSocket> fromStack = new ArrayList<>();
  private final PacketBuffer[] arrived = new PacketBuffer[PacketSocket.BATCH];
  private @Nullable PacketSocket outOfTunnels;
  private @Nullable RawSender toPrograms;

  /**
   * @param disturbed whether somebody else may have taken our policies away
   * @param groups takes the payload
   */
  KernelGroupArrivals(
      World.Setup setup,
      Poller poller,
      KernelLedger ledger,
      PlainTunnels tunnels,
      BooleanSupplier disturbed,
      World.Upward up,
      TunnelledGroups groups) {
    this.setup = setup;
    this.poller = poller;
    this.ledger = ledger;
    this.tunnels = tunnels;
    this.disturbed = disturbed;
    this.up = up;
    this.groups = groups;
    for (int i = 0; i < arrived.length; i++) {
      arrived[i] = new PacketBuffer();
    }
  }

  /** The first policies are in force by now, so that what reaches the sockets has met them. */
  void begin() throws SystemCallException {
    listen(GroupSocket.icmpv6(setup.router() ? SENT : SAID));
    if (setup.router()) {
      listen(GroupSocket.udp(SocketFilter.toGlobalGroups()));
    } else {
      toPrograms = RawSender.open(setup.device(), 0);
    }
    PacketSocket socket = PacketSocket.openForGroupsOutOfTunnels();
    outOfTunnels = socket;
    poller.add(socket.fd(), () -> takeOutOfTunnels(socket));
  }

  private void listen(GroupSocket socket) throws SystemCallException {
    fromStack.add(socket);
    poller.add(socket.fd(), () -> takeFromStack(socket));
  }

  /** What is queued may have come before a policy that it should have met; it comes again. */
  void forgetUnmet() {
    if (ledger.hasNewInboundOfHosts()) {
      discard();
    }
  }

  /** Leaves unseen what has come out of ESP and is queued. */
  void discard() {
    try {
      for (GroupSocket one : fromStack) {
        one.discard();
      }
    } catch (SystemCallException e) {
      log.debug("groups: {}", e.toString());
    }
  }

  private Optional<Template> tunnelOf(Ipv6Address home) {
    return ledger.tunnelOf(home, setup.homeLink().orElseThrow().agent());
  }

  private void takeFromStack(GroupSocket socket) {
    forgetUnmet();
    try {
      socket.receive(this::fromStack);
    } catch (SystemCallException e) {
      log.debug("groups: {}", e.toString());
    }
    up.settle();
  }

  private void fromStack(int interfaceIndex, PacketBuffer packet) {
    // Whoever took our policies away before it came is heard of before it is believed.
    if (disturbed.getAsBoolean()) {
      return;
    }
    Optional<Flow> flow = flowOf(packet);
    SecurityPath path = flow.map(ledger::demandedOfGroup).orElse(SecurityPath.EMPTY);
    if (!path.isProtected()) {
      return;
    }
    Ipv6Address source = flow.get().source();
    Optional<ByteBuf> said = said(packet);
    if (said.isPresent()) {
      hand(said.get(), source, flow.get().destination(), path, interfaceIndex);
    } else if (setup.router()
        && tunnelOf(source).filter(it -> it.protocol().isIpsec()).isPresent()) {
      groups.fromTunnel(packet);
    }
  }

  /** Of a datagram from a socket; empty if it is cut off. */
  private static Optional<Flow> flowOf(PacketBuffer packet) {
    if (packet.length() < Ipv6Fields.HEADER + PORTS) {
      return Optional.empty();
    }
    Ipv6Address source = address(packet, Ipv6Fields.SOURCE);
    Ipv6Address group = address(packet, Ipv6Fields.DESTINATION);
    ByteBuf datagram =
        Unpooled.wrappedBuffer(packet.array(), packet.start() + Ipv6Fields.HEADER, PORTS);
    int protocol = packet.array()[packet.start() + Ipv6Fields.NEXT_HEADER] & 0xff;
    return Optional.of(
        protocol == IpProtocol.ICMPV6
            ? Flow.icmpv6(source, group, datagram.getUnsignedByte(0), datagram.getUnsignedByte(1))
            : Flow.withPorts(
                source,
                group,
                protocol,
                datagram.getUnsignedShort(0),
                datagram.getUnsignedShort(2)));
  }

  private void takeOutOfTunnels(PacketSocket socket) {
    try {
      int count = socket.receive(arrived);
      for (int i = 0; i < count; i++) {
        PacketBuffer packet = arrived[i];
        if (PacketEngine.isWhole(packet)) {
          tunnels.ends(packet.interfaceIndex()).ifPresent(ends -> outOfTunnel(packet, ends));
        }
      }
    } catch (SystemCallException e) {
      log.debug("groups: {}", e.toString());
    }
    up.settle();
  }

  /** RFC 6275 section 10.4.5: by its tunnel a mobile node speaks for its home address only. */
  private void outOfTunnel(PacketBuffer packet, PlainTunnels.Ends ends) {
    Ipv6Address source = address(packet, Ipv6Fields.SOURCE);
    Optional<ByteBuf> said = said(packet);
    if (said.isPresent()) {
      var step =
          new SecurityPath.Step(
              TransformProtocol.IPV6, Mode.TUNNEL, ends.remote(), ends.local(), ReqId.ANY, Spi.ANY);
      hand(
          said.get(),
          source,
          address(packet, Ipv6Fields.DESTINATION),
          new SecurityPath(ImmutableList.of(step)),
          packet.interfaceIndex());
    } else if (toPrograms != null) {
      send(packet, toPrograms);
    } else if (tunnelOf(source)
        .filter(it -> it.protocol() == TransformProtocol.IPV6)
        .filter(it -> it.source().equals(ends.remote()))
        .isPresent()) {
      groups.fromTunnel(packet);
    }
  }

  private static void send(PacketBuffer packet, RawSender by) {
    Ipv6Address group = address(packet, Ipv6Fields.DESTINATION);
    if (!group.isGlobalMulticast() || Segmenter.completeChecksum(packet) != null) {
      return;
    }
    try {
      by.add(packet);
      by.flush();
    } catch (SystemCallException e) {
      log.debug("group {}: {}", group, e.toString());
    }
  }

  /** A message about groups came by a tunnel: to a mobile node as if to its home address. */
  private void hand(
      ByteBuf message,
      Ipv6Address source,
      Ipv6Address group,
      SecurityPath path,
      int interfaceIndex) {
    Ipv6Address to = setup.home().stream().findFirst().orElse(group);
    up.listener(
        message, group, new Arrival(source, to, Optional.empty(), false, path, interfaceIndex));
  }

  private static Ipv6Address address(PacketBuffer packet, int at) {
    return Ipv6Address.read(packet.array(), packet.start() + at);
  }

  /**
   * The message about groups in a packet, if it is one: with hop limit 1 (RFC 2710 section 3, RFC
   * 3810 section 5), and behind the Router Alert option if that has not been taken off.
   */
  private static Optional<ByteBuf> said(PacketBuffer packet) {
    byte[] octets = packet.array();
    int at = packet.start();
    int next = octets[at + Ipv6Fields.NEXT_HEADER] & 0xff;
    int message = at + Ipv6Fields.HEADER;
    if (next == IpProtocol.HOP_BY_HOP && message + ROUTER_ALERT < packet.end()) {
      next = octets[message + 1] == 0 ? octets[message] & 0xff : next;
      message += ROUTER_ALERT;
    }
    return octets[at + Ipv6Fields.HOP_LIMIT] == 1
            && next == IpProtocol.ICMPV6
            && message < packet.end()
            && SAID.contains(octets[message] & 0xff)
        ? Optional.of(Unpooled.wrappedBuffer(octets, message, packet.end() - message))
        : Optional.empty();
  }

  @Override
  public void close() {
    for (GroupSocket socket : fromStack) {
      poller.remove(socket.fd());
      socket.close();
    }
    if (outOfTunnels != null) {
      poller.remove(outOfTunnels.fd());
      outOfTunnels.close();
    }
    if (toPrograms != null) {
      toPrograms.close();
    }
  }
}
