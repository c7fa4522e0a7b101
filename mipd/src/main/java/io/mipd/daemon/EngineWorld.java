package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.MobilityPacket;
import io.mipd.host.PeerLearner;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.engine.EngineBackend;
import io.mipd.xfrm.engine.EngineSettings;
import io.mipd.xfrm.engine.EngineSink;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.engine.PoliciesOnDemand;
import io.mipd.xfrm.linux.NftTable;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.linux.SocketFilter;
import io.mipd.xfrm.linux.Sysctl;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.linux.TunDevice;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.SequenceStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine in place of the kernel's IPsec and Mobile IPv6. Inner packets pass the TUN device;
 * outer ones are copied by packet sockets while nftables drops the originals, and leave by raw
 * sockets, each through the interface that has its source.
 */
final class EngineWorld implements World {
  private static final Logger log = LoggerFactory.getLogger(EngineWorld.class);

  /** Inner packets taken in one turn, so that they do not starve what arrives. */
  private static final int TUN_BATCH = 64;

  static final String TABLE_NAME = "mipd";

  private final Setup setup;
  private final Poller poller;
  private final Supplier<Instant> clock;
  private final Upward up;
  private final Rtnetlink netlink;
  private final TunDevice tun;
  private final NftTable dropTable;
  private final AddressBook addresses;
  private final NetworkWatch watch;
  private final Optional<PassedPolicies> passed;
  private final Optional<TunnelledGroups> groups;
  private final PeerLearner peers;
  private final Sink sink = new Sink();
  private final PacketEngine engine;
  private final XfrmBackend backend;
  private final Map<Integer, Integer> mtus = new TreeMap<>();
  private final Map<Integer, PacketSocket> sockets = new TreeMap<>();

  /** Which name the interface had when its sockets were opened: senders are bound by name. */
  private final Map<Integer, String> names = new TreeMap<>();

  private final Map<Integer, RawSender> senders = new TreeMap<>();
  private final @Nullable RawSender routed;
  private @Nullable PacketTap tap;
  private final PacketBuffer[] arrived = new PacketBuffer[PacketSocket.BATCH];
  private final PacketBuffer inner = new PacketBuffer();
  private final PacketBuffer outgoing = new PacketBuffer(2048);
  private OptionalInt homeLink = OptionalInt.empty();
  private long unsent;

  private EngineWorld(
      Setup setup,
      Poller poller,
      Supplier<Instant> clock,
      Rtnetlink netlink,
      UnaryOperator<XfrmBackend> between,
      SequenceStore sequences,
      Upward up)
      throws SystemCallException {
    this.setup = setup;
    this.poller = poller;
    this.clock = clock;
    this.netlink = netlink;
    this.up = up;
    peers = new PeerLearner(clock);
    for (int i = 0; i < arrived.length; i++) {
      arrived[i] = new PacketBuffer();
    }
    tun = TunDevice.open(setup.device());
    addresses = new AddressBook(setup.home(), setup.served(), tun.interfaceIndex());
    engine =
        new PacketEngine(EngineSettings.DEFAULT, sink, addresses, sequences, new SecureRandom());
    backend = between.apply(new EngineBackend(engine));
    routed = setup.router() ? RawSender.anyInterface(UserRoutes.SENT_BY_ENGINE) : null;
    // The engine itself sees the errors about what it has sent.
    watch =
        NetworkWatch.open(
            poller, addresses, up, this::changed, ImmutableSet.of(), /* routes= */ !setup.router());
    passed = PassedPolicies.open(poller, addresses, up::found);
    groups =
        setup.tunnelsGroups()
            ? Optional.of(
                new TunnelledGroups(
                    poller,
                    tun.interfaceIndex(),
                    watch::link,
                    this::homeLinkOfAgent,
                    new GroupsByEngine(),
                    up,
                    setup.router() ? Optional.empty() : setup.home().stream().findFirst()))
            : Optional.empty();
    dropTable =
        NftTable.owned(
            DropTable.FAMILY,
            TABLE_NAME,
            new DropTable(
                        tun.name(),
                        setup.spis(),
                        setup.homeLink().filter(it -> setup.router()).map(HomeLink::agent),
                        setup.homeLink().filter(it -> !setup.router()).map(HomeLink::agent))
                    .body()
                + new ClearTextGuard(
                        tun.name(), setup.user(), setup.homeLink().map(HomeLink::agent))
                    .chain());
  }

  /**
   * Sets it all up; nothing is passed before policies say so.
   *
   * @param between makes of the engine what is told of policies and associations
   * @throws SystemCallException if something cannot be had; nothing stays behind then
   */
  static EngineWorld open(
      Setup setup,
      Poller poller,
      Supplier<Instant> clock,
      Rtnetlink netlink,
      UnaryOperator<XfrmBackend> between,
      SequenceStore sequences,
      Upward up)
      throws SystemCallException {
    // Of a predecessor whose table the kernel did not take along.
    NftTable.remove(DropTable.FAMILY, TABLE_NAME);
    var world = new EngineWorld(setup, poller, clock, netlink, between, sequences, up);
    try {
      world.start();
      return world;
    } catch (SystemCallException | RuntimeException e) {
      world.close();
      throw e;
    }
  }

  private void start() throws SystemCallException {
    engine.tick(clock.get());
    String conf = "net/ipv6/conf/" + tun.name() + "/";
    // Neither a link-local address nor router solicitations, which would only meet the engine.
    Sysctl.write(conf + "addr_gen_mode", "1");
    Sysctl.write(conf + "accept_ra", "0");
    netlink.setMtu(tun.interfaceIndex(), setup.deviceMtu());
    netlink.setUp(tun.interfaceIndex(), true);
    for (Ipv6Address address : setup.home()) {
      preferHome(address, true);
    }
    poller.add(tun.fd(), this::takeInner);
  }

  @Override
  public void preferHome(Ipv6Address home, boolean preferred) throws SystemCallException {
    netlink.replaceAddress(
        InterfaceAddress.permanent(tun.interfaceIndex(), home, Ipv6Address.BITS, AddressFlag.NODAD)
            .preferred(preferred));
  }

  @Override
  public void establish(ImmutableList<SecurityAssociation> associations) throws IOException {
    for (SecurityAssociation association : associations) {
      if (backend.apply(new XfrmCommand.AddAssociation(association))
          instanceof XfrmReply.Failed failed) {
        throw new IOException(association + ": " + failed.text());
      }
    }
  }

  @Override
  public XfrmBackend backend() {
    return backend;
  }

  @Override
  public boolean askOnDemand(PoliciesOnDemand source) {
    engine.setOnDemand(source);
    return true;
  }

  @Override
  public Optional<TunnelledGroups> groups() {
    return groups;
  }

  @Override
  public NetworkWatch network() {
    return watch;
  }

  @Override
  public boolean needsRoutes() {
    return true;
  }

  @Override
  public int homeDevice() {
    return tun.interfaceIndex();
  }

  @Override
  public Map<String, Object> counters() {
    Map<String, Object> report = new LinkedHashMap<>();
    engine
        .counters()
        .traffic()
        .forEach((kind, count) -> report.put(StatusReport.key(kind.name()), count));
    Map<String, Object> discards = new LinkedHashMap<>();
    engine
        .counters()
        .discards()
        .forEach((reason, count) -> discards.put(StatusReport.key(reason.name()), count));
    report.put("discards", discards);
    report.put("sent", sent());
    report.put("not-sent", unsent());
    report.put("copies-lost", dropped());
    return report;
  }

  @Override
  public ImmutableList<AssociationStatus> associations() {
    return engine.associations();
  }

  @Override
  public AssociationCount associationCount() {
    return new AssociationCount(engine.associationCount(), engine.expiredAssociationCount());
  }

  /** Packets for which there was no way out. */
  private long unsent() {
    long sum = unsent;
    for (RawSender sender : senders.values()) {
      sum += sender.refused();
    }
    return routed == null ? sum : sum + routed.refused();
  }

  private long sent() {
    long sum = 0;
    for (RawSender sender : senders.values()) {
      sum += sender.sent();
    }
    return routed == null ? sum : sum + routed.sent();
  }

  /** Copies lost because we were too slow. */
  private long dropped() {
    long sum = 0;
    for (PacketSocket socket : sockets.values()) {
      sum += socket.dropped();
    }
    return sum;
  }

  @Override
  public ImmutableMap<RouteOptimizationState.Id, Long> routePackets() {
    return engine.routePackets();
  }

  @Override
  public void homeLinkIs(int interfaceIndex) {
    homeLink = OptionalInt.of(interfaceIndex);
    sink.forgetWay();
  }

  @Override
  public void send(
      MobilityMessage message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf) {
    MobilityPacket.write(message, source, destination, outgoing);
    output(careOf);
    if (message instanceof MobilityMessage.BindingUpdate) {
      // Not behind the merge of the policies that come next: until it has arrived nothing reaches
      // the mobile node.
      flush();
    }
  }

  @Override
  public void send(
      Icmpv6Message message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf) {
    MobilityPacket.write(message, source, destination, outgoing);
    output(careOf);
  }

  private void output(Optional<CareOfAddress> careOf) {
    engine.tick(clock.get());
    if (careOf.isPresent()) {
      engine.output(outgoing, careOf.get().value());
    } else {
      engine.output(outgoing);
    }
  }

  @Override
  public void turn(Instant now) {
    Optional<Instant> due = engine.nextDeadline();
    if (due.isPresent() && !due.get().isAfter(now)) {
      engine.tick(now);
    }
    passed.ifPresent(one -> one.turn(now));
    groups.ifPresent(one -> one.turn(now));
    flush();
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return Stream.of(
            engine.nextDeadline(),
            passed.flatMap(PassedPolicies::nextDeadline),
            groups.flatMap(TunnelledGroups::nextDeadline))
        .flatMap(Optional::stream)
        .min(Comparator.naturalOrder());
  }

  /** The engine has what arrived before the kernel's stack, so that it comes by the TUN device. */
  private final class GroupsByEngine implements TunnelledGroups.Way {
    @Override
    public void send(PacketBuffer packet, Ipv6Address source, Ipv6Address destination) {
      engine.outputToGroup(packet, source, destination);
    }

    @Override
    public void flush() {
      EngineWorld.this.flush();
    }

    @Override
    public OptionalInt arrivals(Ipv6Address home) {
      return OptionalInt.of(tun.interfaceIndex());
    }

    @Override
    public boolean isAway(Ipv6Address home) {
      return false;
    }

    /** It goes with our device. */
    @Override
    public void putRoute(Route route) throws SystemCallException {
      netlink.replaceRoute(route);
    }

    @Override
    public void removeRoute(Route route) throws SystemCallException {
      netlink.removeRoute(route);
    }
  }

  private OptionalInt homeLinkOfAgent() {
    return setup
        .homeLink()
        .map(it -> addresses.interfaceOf(it.agent()))
        .orElseGet(OptionalInt::empty);
  }

  @Override
  public void tap(Optional<PacketTap> newTap) {
    tap = newTap.orElse(null);
  }

  private void tapped(String where, boolean inbound, PacketBuffer packet) {
    if (tap != null) {
      tap.packet(where, inbound, ByteBuffer.wrap(packet.array(), packet.start(), packet.length()));
    }
  }

  private void takeInner() {
    if (!setup.router()) {
      watch.catchUp();
    }
    engine.tick(clock.get());
    try {
      for (int i = 0; i < TUN_BATCH && tun.read(inner); i++) {
        tapped(setup.device(), /* inbound= */ false, inner);
        engine.output(inner);
      }
    } catch (SystemCallException e) {
      up.broken("the TUN device is gone: " + e.getMessage());
    }
    flush();
  }

  private void takeOuter(PacketSocket socket) {
    engine.tick(clock.get());
    try {
      int count = socket.receive(arrived);
      for (int i = 0; i < count; i++) {
        PacketBuffer packet = arrived[i];
        if (engine.claims(packet)) {
          tapped(PacketTap.OUTER, /* inbound= */ true, packet);
          engine.input(packet);
          // What follows a Binding Update in the same batch may rely on it.
          up.settle();
        } else if (addresses.isForUs(packet) && DropTable.drops(packet)) {
          // The kernel did not get it, and it is not ours after all: through the TUN device.
          tun.write(packet);
        }
      }
    } catch (SystemCallException e) {
      log.debug("packet socket of interface {}: {}", socket.interfaceIndex(), e.toString());
    }
    flush();
  }

  @Override
  public void begin() {
    watch.begin();
  }

  private void changed(RtnetlinkNotice notice) {
    sink.forgetWay();
    if (notice instanceof RtnetlinkNotice.LinkNotice change) {
      linkChanged(change.link(), change.gone());
    } else if (notice instanceof RtnetlinkNotice.AddressNotice change) {
      if (change.gone()) {
        engine.forgetLinkMtu(change.address().address());
      }
      passed.ifPresent(PassedPolicies::disturb);
    }
    if (!(notice instanceof RtnetlinkNotice.RouteNotice)) {
      tellMtus();
    }
  }

  /**
   * The raw sockets do not fragment, so the engine must know what its links carry. A mobile node's
   * packets leave by the link of their source. A router's leave by any, so that the smallest
   * decides.
   */
  private void tellMtus() {
    int least = Integer.MAX_VALUE;
    for (Link link : watch.links()) {
      if (link.isRunning() && !link.isLoopback()) {
        least = Math.min(least, mtus.getOrDefault(link.index(), link.mtu()));
      }
    }
    for (InterfaceAddress address : addresses.addresses()) {
      Optional<Link> link = watch.link(address.interfaceIndex());
      if (link.isPresent() && !link.get().isLoopback()) {
        int own = mtus.getOrDefault(link.get().index(), link.get().mtu());
        engine.setLinkMtu(address.address(), setup.router() ? Math.min(own, least) : own);
      }
    }
  }

  /** What a router advertised may be less than the device can (RFC 4861 section 4.6.4). */
  private static int mtuOf(Link link) {
    try {
      int advertised =
          Sysctl.read("net/ipv6/conf/" + link.name() + "/mtu").map(Integer::parseInt).orElse(0);
      return advertised > 0 ? Math.min(advertised, link.mtu()) : link.mtu();
    } catch (SystemCallException | NumberFormatException e) {
      return link.mtu();
    }
  }

  private void linkChanged(Link link, boolean gone) {
    if (link.index() == tun.interfaceIndex()) {
      if (gone) {
        up.broken("the TUN device was removed");
      }
      return;
    }
    if (gone) {
      mtus.remove(link.index());
      closeSockets(link.index());
      return;
    }
    mtus.put(link.index(), mtuOf(link));
    if (!link.name().equals(names.getOrDefault(link.index(), link.name()))) {
      closeSockets(link.index());
    }
    boolean ours =
        setup.interfaces().isEmpty()
            ? !link.isLoopback()
            : setup.interfaces().contains(link.name());
    if (ours && !sockets.containsKey(link.index())) {
      openSockets(link);
    }
  }

  private void openSockets(Link link) {
    try {
      PacketSocket socket = PacketSocket.open(link.index(), Filters.outer());
      sockets.put(link.index(), socket);
      names.put(link.index(), link.name());
      poller.add(socket.fd(), () -> takeOuter(socket));
      if (!setup.router()) {
        senders.put(link.index(), RawSender.open(link.name(), 0));
        // The home agent asks for us here when we come home, before the address is on the link.
        for (Ipv6Address address : setup.home()) {
          watch.icmp().join(link.index(), address.solicitedNodeMulticast());
        }
      }
      log.debug("sockets on {} ({})", link.name(), link.index());
    } catch (SystemCallException e) {
      log.warn("no sockets on {}: {}", link.name(), e.getMessage());
      closeSockets(link.index());
    }
  }

  private void closeSockets(int index) {
    names.remove(index);
    PacketSocket socket = sockets.remove(index);
    if (socket != null) {
      poller.remove(socket.fd());
      socket.close();
    }
    RawSender sender = senders.remove(index);
    if (sender != null) {
      sender.close();
    }
  }

  private void flush() {
    if (routed != null) {
      flush(routed);
    }
    for (RawSender sender : senders.values()) {
      flush(sender);
    }
  }

  private static void flush(RawSender sender) {
    try {
      sender.flush();
    } catch (SystemCallException e) {
      log.debug("raw socket: {}", e.toString());
    }
  }

  /** What the engine hands over. */
  private final class Sink implements EngineSink {
    private Ipv6Address lastSource = Ipv6Address.UNSPECIFIED;
    private @Nullable RawSender lastSender;

    /** To be called when interfaces or addresses have changed. */
    void forgetWay() {
      lastSender = null;
    }

    @Override
    public void transmit(PacketBuffer packet) {
      tapped(PacketTap.OUTER, /* inbound= */ false, packet);
      RawSender sender = routed == null ? bySource(packet) : routed;
      if (sender == null) {
        unsent++;
        return;
      }
      try {
        sender.add(packet);
      } catch (SystemCallException e) {
        unsent++;
        log.debug("raw socket: {}", e.toString());
      }
    }

    /** The kernel does not route by the header's source, so the interface is chosen here. */
    private @Nullable RawSender bySource(PacketBuffer packet) {
      int at = packet.start() + Ipv6Fields.SOURCE;
      RawSender sender = lastSender;
      if (sender != null && lastSource.isAt(packet.array(), at) && senders.containsValue(sender)) {
        return sender;
      }
      Ipv6Address source = Ipv6Address.read(packet.array(), at);
      OptionalInt index = wayOut(source);
      sender = index.isPresent() ? senders.get(index.getAsInt()) : null;
      lastSource = source;
      lastSender = sender;
      return sender;
    }

    /**
     * A home address leaves by the home link, also before it is put there: a Binding Update that
     * ends the binding does (RFC 6275 section 11.5.5).
     */
    private OptionalInt wayOut(Ipv6Address source) {
      OptionalInt index = addresses.interfaceOf(source);
      if (index.isPresent() || !setup.home().contains(source)) {
        return index;
      }
      return homeLink.isPresent()
          ? homeLink
          : setup
              .homeLink()
              .map(it -> addresses.interfaceIn(it.prefix()))
              .orElseGet(OptionalInt::empty);
    }

    @Override
    public void deliver(PacketBuffer packet) {
      tapped(setup.device(), /* inbound= */ true, packet);
      if (groups.isPresent() && setup.router() && isForGroup(packet)) {
        groups.get().fromTunnel(packet);
        return;
      }
      try {
        tun.write(packet);
      } catch (SystemCallException e) {
        log.debug("TUN device: {}", e.toString());
      }
    }

    private static boolean isForGroup(PacketBuffer packet) {
      return packet.array()[packet.start() + Ipv6Fields.DESTINATION] == (byte) 0xff;
    }

    @Override
    public void listener(PacketBuffer packet, Ipv6Address group, Arrival arrival) {
      up.listener(MobilityPacket.message(packet), group, arrival);
    }

    @Override
    public void mobility(PacketBuffer packet, Arrival arrival) {
      up.mobility(MobilityPacket.message(packet), arrival);
    }

    @Override
    public void prefixDiscovery(PacketBuffer packet, Arrival arrival) {
      up.prefixDiscovery(MobilityPacket.message(packet), arrival);
    }

    @Override
    public void tunnelled(Ipv6Address source, Ipv6Address homeAddress) {
      if (setup.learning() && peers.isNews(source, homeAddress)) {
        up.tunnelled(source, homeAddress, /* sure= */ true);
      }
    }

    @Override
    public void failed(FailedPacket packet) {
      up.failed(packet);
    }

    @Override
    public void notice(XfrmNotice notice) {
      up.notice(notice);
    }
  }

  /** Takes back all of it; routes and rules of others may lead into the device no more. */
  @Override
  public void close() {
    poller.remove(tun.fd());
    for (Integer index : ImmutableList.copyOf(sockets.keySet())) {
      closeSockets(index);
    }
    if (routed != null) {
      routed.close();
    }
    passed.ifPresent(PassedPolicies::close);
    groups.ifPresent(TunnelledGroups::close);
    watch.close();
    tun.close();
    dropTable.close();
    backend.apply(new XfrmCommand.Flush());
  }

  /** Which arriving packets the packet sockets copy. */
  static final class Filters {
    private static final int FIRST_OCTET_OF_PAYLOAD = 40;
    private static final int ICMPV6 = 58;

    /** The least ICMPv6 type that is no error message (RFC 4443 section 2.1). */
    private static final int INFORMATIONAL = 128;

    private static final int LOAD_OCTET = 0x30;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int JUMP_IF_NOT_LESS = 0x35;
    private static final int RETURN = 0x06;

    private Filters() {}

    /**
     * IPv6-in-IPv6, routing header, fragment, ESP, AH, destination options, Mobility Header; and
     * ICMPv6 errors, which may quote an outer packet of ours.
     */
    static SocketFilter outer() {
      int[] headers = {41, 43, 44, 50, 51, 60, 135};
      var program = ImmutableList.<SocketFilter.Instruction>builder();
      program.add(
          new SocketFilter.Instruction(
              LOAD_OCTET, 0, 0, SocketFilter.NETWORK_HEADER + Ipv6Fields.NEXT_HEADER));
      for (int i = 0; i < headers.length; i++) {
        // To the last instruction: over the other headers and the four that follow them.
        program.add(
            new SocketFilter.Instruction(JUMP_IF_EQUAL, headers.length - i + 3, 0, headers[i]));
      }
      program.add(new SocketFilter.Instruction(JUMP_IF_EQUAL, 0, 2, ICMPV6));
      program.add(
          new SocketFilter.Instruction(
              LOAD_OCTET, 0, 0, SocketFilter.NETWORK_HEADER + FIRST_OCTET_OF_PAYLOAD));
      program.add(new SocketFilter.Instruction(JUMP_IF_NOT_LESS, 0, 1, INFORMATIONAL));
      program.add(new SocketFilter.Instruction(RETURN, 0, 0, 0));
      program.add(new SocketFilter.Instruction(RETURN, 0, 0, -1));
      return new SocketFilter(program.build());
    }
  }
}
