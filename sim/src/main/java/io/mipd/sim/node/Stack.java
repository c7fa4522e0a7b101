package io.mipd.sim.node;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.sim.event.EventLog;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.sim.link.Frame;
import io.mipd.sim.link.Interface;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.ExtensionHeader;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Option;
import io.mipd.xfrm.packet.Ipv6Packet;
import io.mipd.xfrm.packet.Ipv6PacketCodec;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * IPv6 of a node: what a kernel does for a host or a router, mobility and IPsec apart. Sends and
 * takes packets, routes, does Neighbor Discovery (RFC 4861) and Duplicate Address Detection (RFC
 * 4862), answers echo requests and makes ICMPv6 errors. Sends no redirects and does not fragment.
 */
public final class Stack implements Interface.Host {
  /** Of what must not have come by a router (RFC 4861 section 7.1). */
  static final int LINK_HOP_LIMIT = 255;

  private static final int HOP_LIMIT = 64;

  /** What fits around a quoted packet (RFC 4443 section 2.4 (c)). */
  private static final int LARGEST_ERROR = 1280;

  private static final int ERROR_HEADER = 8;
  private static final int FIRST_INFORMATIONAL = 128;
  private static final int REDIRECT = 137;

  private static final int NO_ROUTE = 0;
  private static final int ADDRESS_UNREACHABLE = 3;
  private static final int PORT_UNREACHABLE = 4;
  private static final int HOP_LIMIT_EXCEEDED = 0;
  private static final int ERRONEOUS_FIELD = 0;
  private static final int UNRECOGNIZED_NEXT_HEADER = 1;
  private static final int UNRECOGNIZED_OPTION = 2;

  /** Takes packets out of the stack's hands, or leaves them to it. */
  public interface Hook {
    /**
     * @param packet only read, and copied if it is kept
     * @return whether the stack shall do no more with it
     */
    boolean takes(int interfaceIndex, ByteBuf packet);
  }

  /** An application at a UDP port. */
  public interface UdpHandler {
    void received(Ipv6Address source, int sourcePort, Ipv6Address destination, Octets data);
  }

  /** An end of connections at a TCP port. */
  public interface TcpHandler {
    void received(Ipv6Address source, TcpSegment segment);
  }

  private final String name;
  private final boolean router;
  private final int transmits;
  private final EventQueue events;
  private final Randomness randomness;
  private final EventLog log;
  private final Map<Integer, Ipv6Interface> interfaces = new TreeMap<>();
  private final Map<Integer, UdpHandler> ports = new TreeMap<>();
  private final Map<Integer, TcpHandler> tcpPorts = new TreeMap<>();

  /** On no link: as if on a device of the node's own. */
  private final Set<Ipv6Address> unlinked = new LinkedHashSet<>();

  private final Set<Ipv6Address> everywhere = new LinkedHashSet<>();
  private final List<Watcher> watchers = new ArrayList<>();
  private final StackCounters counters = new StackCounters();

  /** The longest prefix first. */
  private final List<Route> routes = new ArrayList<>();

  private Hook arriving = (index, packet) -> false;
  private Hook leaving = (index, packet) -> false;
  private Hook passing = (index, packet) -> false;

  /**
   * @param router whether it passes on packets for others
   * @param transmits DupAddrDetectTransmits of RFC 4862 section 5.1
   */
  public Stack(
      String name,
      boolean router,
      int transmits,
      EventQueue events,
      Randomness randomness,
      EventLog log) {
    this.name = name;
    this.router = router;
    this.transmits = transmits;
    this.events = events;
    this.randomness = randomness;
    this.log = log;
  }

  public String name() {
    return name;
  }

  public boolean isRouter() {
    return router;
  }

  int transmits() {
    return transmits;
  }

  EventQueue events() {
    return events;
  }

  public StackCounters counters() {
    return counters;
  }

  /** Puts words about this node into the log. */
  public void say(String words) {
    log.say(name, words);
  }

  // What it is made of.

  /** Gives it an interface, which has no carrier yet. */
  public void add(Interface device) {
    interfaces.put(
        device.index(),
        new Ipv6Interface(this, device, randomness.of("node " + device.name()), transmits));
    device.setHost(this);
  }

  public void watch(Watcher watcher) {
    watchers.add(watcher);
  }

  /** Tells somebody who has just begun to watch what there is: links, and their addresses. */
  public void tell(Watcher watcher) {
    for (Ipv6Interface one : interfaces.values()) {
      watcher.carrierChanged(one.index(), one.device().hasCarrier());
      one.addresses()
          .forEach(
              (address, own) ->
                  watcher.addressChanged(one.index(), address, own.prefixLength(), own.state()));
    }
  }

  /** Sees what arrives for this node or to be passed on, before all else. */
  public void hookArriving(Hook hook) {
    arriving = hook;
  }

  /** Sees what this node sends; {@link #transmit} goes past it. */
  public void hookLeaving(Hook hook) {
    leaving = hook;
  }

  /** Sees what is to be passed on. */
  public void hookPassing(Hook hook) {
    passing = hook;
  }

  /** The interface of that number, which must exist. */
  Ipv6Interface on(int interfaceIndex) {
    Ipv6Interface one = interfaces.get(interfaceIndex);
    checkArgument(one != null, "%s has no interface %s", name, interfaceIndex);
    return one;
  }

  /**
   * Adds an address by hand; it is used when Duplicate Address Detection has ended.
   *
   * @param prefix that is on the link, with the address
   */
  public void addAddress(int interfaceIndex, Ipv6Address address, Ipv6Prefix prefix) {
    on(interfaceIndex).addChecked(address, prefix.length());
    addRoute(new Route(prefix, interfaceIndex, Optional.empty()));
  }

  /** Puts an address onto an interface in a state that somebody else answers for. */
  public void setAddress(
      int interfaceIndex, Ipv6Address address, int prefixLength, AddressState state) {
    on(interfaceIndex).set(address, prefixLength, state);
  }

  /**
   * Takes an address away.
   *
   * @param last {@link AddressState#GONE} or {@link AddressState#DUPLICATE}, for who watches
   */
  public void removeAddress(int interfaceIndex, Ipv6Address address, AddressState last) {
    on(interfaceIndex).remove(address, last);
  }

  /**
   * Has the node have an address on no link, or have it no more: nobody is told of it there, and it
   * is taken from wherever it comes.
   */
  public void setUnlinked(Ipv6Address address, boolean on) {
    if (on) {
      unlinked.add(address);
    } else {
      unlinked.remove(address);
    }
  }

  /** Answers on a link for an address of somebody who is away, or stops doing so. */
  public void proxy(int interfaceIndex, Ipv6Address address, boolean on) {
    on(interfaceIndex).proxy(address, on);
  }

  /** A neighbour's link-layer address is known for other reasons than Neighbor Discovery. */
  public void knowNeighbor(int interfaceIndex, Ipv6Address neighbor, LinkLayerAddress address) {
    on(interfaceIndex).neighbors().know(neighbor, address);
  }

  /** Octets of the largest packet of an interface's link. */
  public int mtu(int interfaceIndex) {
    return on(interfaceIndex).device().mtu();
  }

  /** The interface of that number, which must exist. */
  public Interface device(int interfaceIndex) {
    return on(interfaceIndex).device();
  }

  /** Neighbours that are kept at present, of all interfaces. */
  public int neighbors() {
    return interfaces.values().stream().mapToInt(it -> it.neighbors().size()).sum();
  }

  public void join(int interfaceIndex, Ipv6Address group) {
    on(interfaceIndex).join(group);
  }

  /** Joins a group on all interfaces, those that are added later too; for good. */
  public void joinEverywhere(Ipv6Address group) {
    everywhere.add(group);
  }

  boolean isJoinedEverywhere(Ipv6Address group) {
    return everywhere.contains(group);
  }

  public void leave(int interfaceIndex, Ipv6Address group) {
    on(interfaceIndex).leave(group);
  }

  public void addRoute(Route route) {
    int at = 0;
    while (at < routes.size() && routes.get(at).prefix().length() >= route.prefix().length()) {
      at++;
    }
    routes.add(at, route);
  }

  /** Has it advertise on an interface. */
  public void advertise(int interfaceIndex, RouterAdvertiser.Settings settings) {
    checkArgument(router, "%s is no router", name);
    Ipv6Interface one = on(interfaceIndex);
    one.setAdvertiser(
        new RouterAdvertiser(
            settings,
            one.device().address(),
            randomness.of("advertisements of " + one.device().name())));
  }

  /** Has it drop what comes in by an interface with a source of another prefix. */
  public void filterSources(int interfaceIndex, Ipv6Prefix prefix) {
    on(interfaceIndex).setSourceFilter(prefix);
  }

  /** Has an application receive what is sent to a port. */
  public void bind(int port, UdpHandler handler) {
    checkArgument(ports.put(port, handler) == null, "port %s is taken", port);
  }

  /** Has an end of a connection receive what is sent to a port. */
  public void bindTcp(int port, TcpHandler handler) {
    checkArgument(tcpPorts.put(port, handler) == null, "TCP port %s is taken", port);
  }

  /** Asks for routers, at once. */
  public void solicitRouters(int interfaceIndex) {
    on(interfaceIndex).solicitor().beginAtOnce();
  }

  /** The interface is on another link: all that it knows of the old one goes. */
  public void forgetLink(int interfaceIndex, Ipv6Address keep) {
    on(interfaceIndex).forget(keep);
  }

  /** The interface that has an address, whatever its state. */
  public Optional<Integer> interfaceOf(Ipv6Address address) {
    return interfaces.values().stream()
        .filter(it -> it.own(address).isPresent())
        .map(Ipv6Interface::index)
        .findFirst();
  }

  /** Whether packets to an address are for this node. */
  public boolean isOurs(Ipv6Address address) {
    if (unlinked.contains(address)) {
      return true;
    }
    for (Ipv6Interface one : interfaces.values()) {
      if (one.isOurs(address)) {
        return true;
      }
    }
    return false;
  }

  // Out.

  /** A whole packet with a message of ICMPv6. */
  ByteBuf packet(Ipv6Address source, Ipv6Address destination, int hopLimit, Icmpv6Message message) {
    ByteBuf payload = Unpooled.buffer();
    Icmpv6Codec.encode(message, source, destination, payload);
    return packet(
        source,
        destination,
        hopLimit,
        IpProtocol.ICMPV6,
        Octets.read(payload, payload.readableBytes()));
  }

  private static ByteBuf packet(
      Ipv6Address source, Ipv6Address destination, int hopLimit, int protocol, Octets payload) {
    ByteBuf out = Unpooled.buffer(Ipv6Header.LENGTH + payload.length());
    Ipv6PacketCodec.encode(
        new Ipv6Packet(0, 0, hopLimit, source, destination, ImmutableList.of(), protocol, payload),
        out);
    return out;
  }

  /** Sends a message on a link with hop limit 255; the source may be unspecified. */
  public void sendOnLink(
      int interfaceIndex, Ipv6Address source, Ipv6Address destination, Icmpv6Message message) {
    on(interfaceIndex).send(source, destination, message);
  }

  /** Likewise, to a neighbour whose link-layer address need not be asked for. */
  public void sendOnLink(
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      LinkLayerAddress neighbor,
      Icmpv6Message message) {
    on(interfaceIndex).send(neighbor, packet(source, destination, LINK_HOP_LIMIT, message));
  }

  /** Sends a packet of Neighbor Discovery that is ready for the wire on one link. */
  public void transmitOnLink(int interfaceIndex, ByteBuf packet) {
    on(interfaceIndex).transmit(Ipv6Header.destination(packet), packet);
  }

  /** Sends a message of ICMPv6 to wherever it is routed. */
  public void send(Ipv6Address source, Ipv6Address destination, Icmpv6Message message) {
    send(packet(source, destination, HOP_LIMIT, message));
  }

  /**
   * Sends a UDP datagram.
   *
   * @param data what does not fit into a packet of the link is not sent, and counted
   */
  public void sendUdp(
      Ipv6Address source, int sourcePort, Ipv6Address destination, int port, Octets data) {
    Octets payload = new UdpDatagram(sourcePort, port, data).encode(source, destination);
    send(packet(source, destination, HOP_LIMIT, IpProtocol.UDP, payload));
  }

  /** Sends a segment of TCP; what does not fit is not sent, and counted. */
  public void sendTcp(Ipv6Address source, Ipv6Address destination, TcpSegment segment) {
    Octets payload = segment.encode(source, destination);
    send(packet(source, destination, HOP_LIMIT, IpProtocol.TCP, payload));
  }

  /** Sends a packet of this node's own. */
  public void send(ByteBuf packet) {
    if (!leaving.takes(0, packet)) {
      transmit(packet);
    }
  }

  /**
   * Sends a packet that is ready for the wire. A host's leaves by the interface of its source, and
   * not by any other.
   */
  public void transmit(ByteBuf packet) {
    watchers.forEach(watcher -> watcher.leaving(packet));
    Ipv6Address destination = Ipv6Header.destination(packet);
    if (isOurs(destination)) {
      // Not within the call that sends it: the answer may come before the question is noted.
      events.at(events.now(), () -> deliver(0, packet));
      return;
    }
    Optional<Ipv6Interface> by = wayOut(Ipv6Header.source(packet));
    if (!send(by, destination, packet)) {
      counters.noRoute++;
    }
  }

  private Optional<Ipv6Interface> wayOut(Ipv6Address source) {
    return router ? Optional.empty() : interfaceOf(source).map(this::on);
  }

  /** Returns whether there was a way. */
  private boolean send(Optional<Ipv6Interface> by, Ipv6Address destination, ByteBuf packet) {
    for (Route route : routes) {
      if (route.prefix().contains(destination)
          && (by.isEmpty() || by.get().index() == route.interfaceIndex())
          && on(route.interfaceIndex()).device().hasCarrier()) {
        on(route.interfaceIndex()).transmit(route.nextHop().orElse(destination), packet);
        return true;
      }
    }
    if (router) {
      return false;
    }
    for (Ipv6Interface one : by.isPresent() ? List.of(by.get()) : interfaces.values()) {
      Optional<Ipv6Address> nextHop = one.nextHop(destination);
      if (nextHop.isPresent() && one.device().hasCarrier()) {
        one.transmit(nextHop.get(), packet);
        return true;
      }
    }
    return false;
  }

  // In.

  @Override
  public boolean isMember(Interface device, Ipv6Address group) {
    return on(device.index()).isMember(group);
  }

  @Override
  public void received(Interface device, Frame frame) {
    ByteBuf packet = frame.packet();
    if (!Ipv6Header.isWhole(packet)) {
      counters.malformed++;
      return;
    }
    Ipv6Interface one = on(device.index());
    Ipv6Address destination = Ipv6Header.destination(packet);
    if (destination.isMulticast()) {
      if (one.isMember(destination)) {
        take(device.index(), packet);
      }
      return;
    }
    if (!one.admits(Ipv6Header.source(packet))) {
      counters.sourceFiltered++;
      return;
    }
    if (!arriving.takes(device.index(), packet)) {
      take(device.index(), packet);
    }
  }

  /**
   * Takes a packet, as if it had just arrived and nobody but the stack wanted it: for this node, or
   * to be passed on.
   */
  public void take(int interfaceIndex, ByteBuf packet) {
    Ipv6Address destination = Ipv6Header.destination(packet);
    if (destination.isMulticast() || isOurs(destination)) {
      deliver(interfaceIndex, packet);
    } else if (router) {
      pass(interfaceIndex, packet);
    } else {
      counters.notForUs++;
    }
  }

  private void pass(int interfaceIndex, ByteBuf packet) {
    Ipv6Address source = Ipv6Header.source(packet);
    Ipv6Address destination = Ipv6Header.destination(packet);
    if (destination.isLinkLocal() || source.isLinkLocal() || source.isUnspecified()) {
      counters.noRoute++;
      return;
    }
    int hopLimit = Ipv6Header.hopLimit(packet);
    if (hopLimit <= 1) {
      counters.hopLimitExceeded++;
      error(packet, Icmpv6Message.TIME_EXCEEDED, HOP_LIMIT_EXCEEDED, 0);
      return;
    }
    ByteBuf next = Ipv6Header.withHopLimit(packet, hopLimit - 1);
    if (passing.takes(interfaceIndex, next)) {
      return;
    }
    if (send(Optional.empty(), destination, next)) {
      counters.forwarded++;
    } else {
      counters.noRoute++;
      error(packet, Icmpv6Message.DESTINATION_UNREACHABLE, NO_ROUTE, 0);
    }
  }

  /**
   * Has a packet reach whom it is for at this node.
   *
   * @param interfaceIndex by which it came; 0 if it is the node's own
   */
  public void deliver(int interfaceIndex, ByteBuf octets) {
    Ipv6Packet packet;
    try {
      packet = Ipv6PacketCodec.decode(octets.duplicate());
    } catch (MalformedPacketException e) {
      counters.malformed++;
      return;
    }
    if (refusesHeaders(packet, octets)) {
      return;
    }
    counters.delivered++;
    watchers.forEach(
        watcher ->
            watcher.delivered(
                /* source= */ packet.source(), /* destination= */ packet.destination()));
    switch (packet.protocol()) {
      case IpProtocol.ICMPV6 -> icmpv6(interfaceIndex, packet);
      case IpProtocol.UDP -> udp(packet, octets);
      case IpProtocol.TCP -> tcp(packet);
      case IpProtocol.NO_NEXT_HEADER -> {
        // RFC 8200 section 4.7: nothing follows.
      }
      default ->
          error(
              octets, Icmpv6Message.PARAMETER_PROBLEM, UNRECOGNIZED_NEXT_HEADER, Ipv6Header.LENGTH);
    }
  }

  /** What a node without mobility says to its extension headers (RFC 8200 sections 4.2, 4.4). */
  private boolean refusesHeaders(Ipv6Packet packet, ByteBuf octets) {
    for (ExtensionHeader header : packet.extensions()) {
      if (header instanceof ExtensionHeader.DestinationOptions options
          && options.options().stream().anyMatch(Ipv6Option.HomeAddressOption.class::isInstance)) {
        error(octets, Icmpv6Message.PARAMETER_PROBLEM, UNRECOGNIZED_OPTION, Ipv6Header.LENGTH + 2);
        return true;
      }
      if (header instanceof ExtensionHeader.Type2Routing routing && routing.segmentsLeft() > 0) {
        error(octets, Icmpv6Message.PARAMETER_PROBLEM, ERRONEOUS_FIELD, Ipv6Header.LENGTH + 2);
        return true;
      }
    }
    return false;
  }

  private void icmpv6(int interfaceIndex, Ipv6Packet packet) {
    Icmpv6Message message;
    try {
      message =
          Icmpv6Codec.decode(
              Unpooled.wrappedBuffer(packet.payload().toArray()),
              packet.source(),
              packet.destination());
    } catch (MalformedPacketException e) {
      counters.malformed++;
      return;
    }
    boolean discovery =
        message.type() >= Icmpv6Message.ROUTER_SOLICITATION && message.type() <= REDIRECT;
    if (discovery && (packet.hopLimit() != LINK_HOP_LIMIT || interfaceIndex == 0)) {
      counters.malformed++;
      return;
    }
    if (discovery) {
      on(interfaceIndex).received(packet.source(), packet.destination(), message);
    } else if (message instanceof Icmpv6Message.EchoRequest request
        && isOurs(packet.destination())) {
      send(
          /* source= */ packet.destination(),
          /* destination= */ packet.source(),
          new Icmpv6Message.EchoReply(request.identifier(), request.sequence(), request.data()));
    }
    for (Watcher watcher : watchers) {
      watcher.icmpv6(
          interfaceIndex, packet.source(), packet.destination(), packet.hopLimit(), message);
    }
  }

  private void udp(Ipv6Packet packet, ByteBuf octets) {
    Optional<UdpDatagram> datagram =
        UdpDatagram.decode(packet.source(), packet.destination(), packet.payload());
    if (datagram.isEmpty()) {
      counters.malformed++;
      return;
    }
    UdpHandler handler = ports.get(datagram.get().destinationPort());
    if (handler == null) {
      error(octets, Icmpv6Message.DESTINATION_UNREACHABLE, PORT_UNREACHABLE, 0);
      return;
    }
    handler.received(
        packet.source(), datagram.get().sourcePort(), packet.destination(), datagram.get().data());
  }

  /** To a port that nobody has nothing is answered: no reset. */
  private void tcp(Ipv6Packet packet) {
    Optional<TcpSegment> segment =
        TcpSegment.decode(packet.source(), packet.destination(), packet.payload());
    if (segment.isEmpty()) {
      counters.malformed++;
      return;
    }
    TcpHandler handler = tcpPorts.get(segment.get().destinationPort());
    if (handler != null) {
      handler.received(packet.source(), segment.get());
    }
  }

  // Errors.

  void tooBig(Ipv6Interface by, ByteBuf packet) {
    counters.tooBig++;
    error(packet, Icmpv6Message.PACKET_TOO_BIG, 0, by.device().mtu());
  }

  void addressUnreachable(ByteBuf packet) {
    error(packet, Icmpv6Message.DESTINATION_UNREACHABLE, ADDRESS_UNREACHABLE, 0);
  }

  /** RFC 4443 section 2.4 (e): about what no error is sent. */
  private void error(ByteBuf about, int type, int code, long value) {
    Ipv6Address sender = Ipv6Header.source(about);
    Ipv6Address receiver = Ipv6Header.destination(about);
    boolean toMany = receiver.isMulticast() && type != Icmpv6Message.PACKET_TOO_BIG;
    if (toMany || sender.isUnspecified() || sender.isMulticast() || isErrorItself(about)) {
      return;
    }
    Optional<Ipv6Address> source = isOurs(receiver) ? Optional.of(receiver) : errorSource(sender);
    if (source.isEmpty()) {
      return;
    }
    int quoted = Math.min(about.readableBytes(), LARGEST_ERROR - Ipv6Header.LENGTH - ERROR_HEADER);
    ByteBuf error =
        packet(
            source.get(),
            sender,
            HOP_LIMIT,
            new Icmpv6Message.ErrorMessage(
                type, code, value, Octets.read(about.duplicate(), quoted)));
    // In its own time, as all that a node does on behalf of others.
    events.at(events.now(), () -> send(error));
  }

  private static boolean isErrorItself(ByteBuf packet) {
    try {
      Ipv6Packet whole = Ipv6PacketCodec.decode(packet.duplicate());
      return whole.protocol() == IpProtocol.ICMPV6
          && (whole.payload().length() == 0
              || whole.payload().at(0) < FIRST_INFORMATIONAL
              || whole.payload().at(0) == REDIRECT);
    } catch (MalformedPacketException e) {
      return true;
    }
  }

  /** RFC 4443 section 2.2: an address that the error would be sent from. */
  private Optional<Ipv6Address> errorSource(Ipv6Address towards) {
    List<Ipv6Address> candidates = new ArrayList<>();
    for (Ipv6Interface one : interfaces.values()) {
      one.addresses()
          .forEach(
              (address, own) -> {
                if (own.isSafe() && address.isLinkLocal() == towards.isLinkLocal()) {
                  candidates.add(address);
                }
              });
    }
    return candidates.stream().findFirst();
  }

  // What its interfaces tell.

  @Override
  public void carrierChanged(Interface device, boolean carrier) {
    say(device.device() + ": carrier " + (carrier ? "up" : "down"));
    if (!carrier) {
      on(device.index()).carrierDown();
    }
    // Before any address of the link: who hears of an address knows its link.
    watchers.forEach(watcher -> watcher.carrierChanged(device.index(), carrier));
    if (carrier) {
      on(device.index()).carrierUp();
    }
  }

  void addressChanged(Ipv6Interface on, Ipv6Address address, Ipv6Interface.Own own) {
    say(on.device().device() + ": address " + address + " " + own.state());
    watchers.forEach(
        watcher -> watcher.addressChanged(on.index(), address, own.prefixLength(), own.state()));
  }
}
