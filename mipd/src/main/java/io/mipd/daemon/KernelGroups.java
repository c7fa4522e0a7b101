package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.ListenerDiscovery;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.engine.Segmenter;
import io.mipd.xfrm.linux.FlowSender;
import io.mipd.xfrm.linux.GroupSocket;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.linux.SocketFilter;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How packets for multicast groups pass the tunnels of the kernel.
 *
 * <p>What leaves is given to the kernel as a packet of the home address's: to the home agent's as
 * one for it, to the mobile node's as one from it ({@link FlowSender}), so that the tunnel of that
 * home address is around it.
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
final class KernelGroups implements TunnelledGroups.Way, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KernelGroups.class);

  /** Nobody: an address of the prefix that is to be discarded (RFC 6666). */
  private static final Ipv6Address NOBODY = Ipv6Address.parse("100::");

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
  private final SystemChanges system;
  private final NetworkWatch watch;
  private final KernelLedger ledger;
  private final PlainTunnels tunnels;
  private final int device;
  private final BooleanSupplier disturbed;
  private final World.Upward up;
  private final TunnelledGroups groups;
  private final FlowSender sender = FlowSender.open();
  private final List<GroupSocket> fromStack = new ArrayList<>();
  private final PacketBuffer[] arrived = new PacketBuffer[PacketSocket.BATCH];
  private @Nullable PacketSocket outOfTunnels;
  private @Nullable RawSender toPrograms;

  /** Links where what is said of groups is listened to, and routes lead here. */
  private final Set<Integer> heard = new HashSet<>();

  /**
   * @param device index of the device that has home addresses while they are away
   * @param disturbed whether somebody else may have taken our policies away
   */
  KernelGroups(
      World.Setup setup,
      Poller poller,
      SystemChanges system,
      NetworkWatch watch,
      KernelLedger ledger,
      PlainTunnels tunnels,
      int device,
      BooleanSupplier disturbed,
      World.Upward up)
      throws SystemCallException {
    this.setup = setup;
    this.poller = poller;
    this.system = system;
    this.watch = watch;
    this.ledger = ledger;
    this.tunnels = tunnels;
    this.device = device;
    this.disturbed = disturbed;
    this.up = up;
    groups =
        new TunnelledGroups(
            poller,
            device,
            watch::link,
            this::homeLink,
            this,
            up,
            setup.router() ? Optional.empty() : setup.home().stream().findFirst());
    for (int i = 0; i < arrived.length; i++) {
      arrived[i] = new PacketBuffer();
    }
  }

  private OptionalInt homeLink() {
    return watch.addresses().interfaceOf(agent());
  }

  private Ipv6Address agent() {
    return setup.homeLink().orElseThrow().agent();
  }

  private Optional<Template> tunnelOf(Ipv6Address home) {
    return ledger.tunnelOf(home, agent());
  }

  TunnelledGroups groups() {
    return groups;
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

  /** A link has changed: a home agent is to hear there what comes out of ESP. */
  void changed(Link link, boolean gone) {
    if (!setup.router()
        || link.isLoopback()
        || link.index() == device
        || tunnels.ends(link.index()).isPresent()) {
      return;
    }
    if (gone || !link.isUp()) {
      heard.remove(link.index());
    } else if (heard.add(link.index())) {
      try {
        watch.icmp().join(link.index(), ListenerDiscovery.ALL_ROUTERS_2);
        for (Ipv6Prefix groups : HomePolicies.GROUPS) {
          system.putRoute(
              Route.toThisHost(link.index(), groups, setup.homeLink().orElseThrow().prefix())
                  // Of equal ones the last would replace the others.
                  .withMetric(link.index()));
        }
      } catch (IOException e) {
        // The next that is heard of the link may have what it takes.
        heard.remove(link.index());
        log.warn(
            "{}: what mobile nodes send to groups in ESP is not seen: {}",
            link.name(),
            e.getMessage());
      }
    }
  }

  /** Whose tunnel it is, its packet is taken to be. */
  @Override
  public void send(PacketBuffer packet, Ipv6Address source, Ipv6Address destination) {
    Ipv6Address home = setup.router() ? destination : source;
    if (tunnelOf(home).isEmpty()) {
      return;
    }
    if (packet.segmentation() != PacketBuffer.Segmentation.NONE
        || Segmenter.completeChecksum(packet) != null) {
      log.debug("for a group, and not to be sent as it is: {} octets", packet.length());
      return;
    }
    try {
      sender.send(packet, someone(source), someone(destination));
    } catch (SystemCallException e) {
      log.debug("for a group: {}", e.toString());
    }
  }

  private static Ipv6Address someone(Ipv6Address address) {
    return address.isUnspecified() ? NOBODY : address;
  }

  @Override
  public void putRoute(Route route) throws SystemCallException {
    system.putRoute(route);
  }

  @Override
  public void removeRoute(Route route) throws SystemCallException {
    system.removeRoute(route);
  }

  @Override
  public void flush() {}

  /** The kernel takes off ESP where it arrives; what came by a plain tunnel is sent once more. */
  @Override
  public OptionalInt arrivals(Ipv6Address home) {
    Optional<Template> tunnel = tunnelOf(home);
    if (tunnel.isEmpty()) {
      return OptionalInt.empty();
    }
    return tunnel.get().protocol().isIpsec()
        ? watch.addresses().interfaceOf(tunnel.get().destination())
        : OptionalInt.of(device);
  }

  @Override
  public boolean isAway(Ipv6Address home) {
    return setup.served().contains(home) && tunnelOf(home).isPresent();
  }

  void turn(Instant now) {
    forgetUnmet();
    groups.turn(now);
  }

  /** What is queued may have come before a policy that it should have met; it comes again. */
  private void forgetUnmet() {
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
    groups.close();
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
    sender.close();
  }
}
