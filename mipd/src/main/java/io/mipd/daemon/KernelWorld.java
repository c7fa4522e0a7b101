package io.mipd.daemon;

import com.google.common.base.CaseFormat;
import com.google.common.base.CharMatcher;
import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.KernelInterface;
import io.mipd.xfrm.linux.KernelSequences;
import io.mipd.xfrm.linux.MobilitySocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.linux.UnmarkedAssociations;
import io.mipd.xfrm.linux.UnmarkedPolicies;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.MacAddress;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.transform.Discard;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Linux kernel's own IPsec and Mobile IPv6: policies and states by netlink, messages by a raw
 * socket, home addresses on a device that swallows what no policy transforms.
 *
 * <p>The raw socket does not tell which association a message came through. But it gets only what
 * the {@code in} policy for the flow has let through, and {@link KernelLedger#demanded} knows what
 * that policy demands. The socket is opened when the first policies are in force, and what was
 * queued when somebody else had changed them is not believed.
 */
final class KernelWorld implements World {
  private static final Logger log = LoggerFactory.getLogger(KernelWorld.class);

  private static final Path XFRM_STATISTICS = Path.of("/proc/net/xfrm_stat");

  private static final Duration REPAIR_INTERVAL = Duration.ofSeconds(1);
  private static final Duration RESUME_INTERVAL = Duration.ofSeconds(1);

  private final Setup setup;
  private final Poller poller;
  private final Supplier<Instant> clock;
  private final Upward up;
  private final SystemChanges system;
  private final KernelBackend kernel;
  private final KernelLedger ledger;
  private final KernelSequences sequences;
  private final OthersPolicies others;
  private final NetworkWatch watch;
  private final CareOfRoutes routes;
  private final Link device;
  private final @Nullable KernelGroups groups;

  /** Links where the home addresses' solicited-node groups are joined. */
  private final Set<Integer> joined = new HashSet<>();

  private final List<TunnelWatch> tunnels = new ArrayList<>();
  private @Nullable MobilitySocket mobility;
  private @Nullable MobilitySocket discovery;
  private @Nullable KernelTap tap;
  private OptionalInt homeLink = OptionalInt.empty();
  private long sent;
  private long distrusted;
  private long repairs;

  /** Somebody else has changed what is ours: what is queued may have passed without it. */
  private boolean disturbed;

  /** Others have changed policies: they are to be read again. */
  private boolean othersDisturbed;

  /** Not before then. */
  private Instant readOthersAt = Instant.MIN;

  /** What is queued has not met a policy of ours that has come since. */
  private boolean unmet;

  /** Not before then is it tried again. */
  private Instant repairAt = Instant.MIN;

  /** Likewise for associations that were taken out. */
  private Instant resumeAt = Instant.MIN;

  private KernelWorld(
      Setup setup,
      Poller poller,
      Supplier<Instant> clock,
      Upward up,
      SystemChanges system,
      KernelBackend kernel,
      UnaryOperator<XfrmBackend> between,
      KernelSequences.Ledgers ledgers,
      Link device)
      throws IOException {
    this.setup = setup;
    this.poller = poller;
    this.clock = clock;
    this.up = up;
    this.system = system;
    this.kernel = kernel;
    sequences = new KernelSequences(kernel, ledgers);
    this.device = device;
    others = system.others(kernel);
    PlainTunnels plain = new PlainTunnels(system, setup);
    ledger =
        new KernelLedger(
            kernel,
            between.apply(kernel),
            sequences,
            plain,
            setup.negotiated(),
            setup.tunnelsGroups());
    routes = new CareOfRoutes(system, setup.interfaces(), setup.home());
    watch =
        NetworkWatch.open(
            poller,
            new AddressBook(setup.home(), setup.served(), device.index()),
            up,
            this::changed,
            ImmutableSet.of(Icmpv6Message.DESTINATION_UNREACHABLE, Icmpv6Message.PARAMETER_PROBLEM),
            /* routes= */ !setup.router());
    poller.add(kernel.fd(), this::takeNotices);
    groups =
        setup.tunnelsGroups()
            ? new KernelGroups(
                setup, poller, system, watch, ledger, plain, device.index(), this::isDisturbed, up)
            : null;
  }

  @Override
  public Optional<TunnelledGroups> groups() {
    return Optional.ofNullable(groups).map(KernelGroups::groups);
  }

  /**
   * Sets it all up; policies and states of a predecessor that was killed stay in force until the
   * first wishes replace them.
   *
   * @param by how the kernel is told of policies and associations
   * @param between makes of the kernel what the books are kept with
   * @throws IOException if something cannot be had; what was put into the system by then is in the
   *     journal
   */
  static KernelWorld open(
      Setup setup,
      KernelInterface by,
      Poller poller,
      Supplier<Instant> clock,
      SystemChanges system,
      UnaryOperator<XfrmBackend> between,
      KernelSequences.Ledgers ledgers,
      Upward up)
      throws IOException {
    system.xfrmIsUsed();
    Link device = system.putDevice(setup.device(), setup.deviceMtu());
    KernelBackend kernel =
        KernelBackend.open(by, system.unmarkedPolicies(), system.unmarkedAssociations());
    KernelWorld world = null;
    try {
      world = new KernelWorld(setup, poller, clock, up, system, kernel, between, ledgers, device);
      world.start();
      return world;
    } catch (IOException | RuntimeException e) {
      // What a predecessor has left in the kernel stays as it is.
      if (world != null) {
        world.letGo();
      }
      kernel.close();
      throw e;
    }
  }

  private void start() throws IOException {
    others.read();
    ledger.adopt();
    for (Ipv6Address address : setup.home()) {
      system.putAddress(device, ofHome(address));
    }
  }

  private void changed(RtnetlinkNotice notice) {
    routes.changed(notice);
    if (notice instanceof RtnetlinkNotice.LinkNotice change) {
      if (groups != null) {
        groups.changed(change.link(), change.gone());
      }
      if (change.gone()) {
        joined.remove(change.link().index());
      } else if (setup.interfaces().contains(change.link().name())) {
        join(change.link());
      }
    }
  }

  /** The home agent asks for us here when we come home, before the address is on the link. */
  private void join(Link link) {
    if (!joined.add(link.index())) {
      return;
    }
    try {
      for (Ipv6Address address : setup.home()) {
        watch.icmp().join(link.index(), address.solicitedNodeMulticast());
      }
    } catch (SystemCallException e) {
      joined.remove(link.index());
      log.warn("{}: {}", link.name(), e.getMessage());
    }
  }

  private InterfaceAddress ofHome(Ipv6Address address) {
    return InterfaceAddress.permanent(
        device.index(), address, Ipv6Address.BITS, AddressFlag.NODAD, AddressFlag.HOMEADDRESS);
  }

  @Override
  public void preferHome(Ipv6Address home, boolean preferred) throws IOException {
    system.putAddress(device, ofHome(home).preferred(preferred));
  }

  @Override
  public void establish(ImmutableList<SecurityAssociation> associations) throws IOException {
    ledger.establish(
        associations.stream()
            .map(this::forGroups)
            .map(kernel::asTold)
            .collect(ImmutableList.toImmutableList()));
  }

  /**
   * Where packets for groups pass the tunnel of payload, its associations have no selector: Linux
   * compares it with the group, or with the link-local source of what is said of groups. What they
   * are for the policies say that demand their request id, and what none of these is about Linux
   * refuses that has come out of a tunnel.
   */
  private SecurityAssociation forGroups(SecurityAssociation association) {
    return setup.tunnelsGroups()
            && association.mode() == Mode.TUNNEL
            && association.selector().protocol() == IpProtocol.ANY
        ? association.toBuilder().selector(Selector.ANY).build()
        : association;
  }

  /** The first policies are in force by now, so that what reaches the socket has met them. */
  @Override
  public void begin() throws IOException {
    ledger.hasNewInbound();
    mobility = MobilitySocket.open();
    poller.add(mobility.fd(), this::takeMessages);
    discovery =
        MobilitySocket.openIcmpv6(
            ImmutableSet.of(
                Icmpv6Message.MOBILE_PREFIX_SOLICITATION,
                Icmpv6Message.MOBILE_PREFIX_ADVERTISEMENT));
    poller.add(discovery.fd(), this::takeMessages);
    if (setup.learning()) {
      for (Ipv6Address home : setup.home()) {
        tunnels.add(new TunnelWatch(home, poller, clock, this::tunnelled));
      }
    }
    if (groups != null) {
      groups.begin();
    }
    watch.begin();
  }

  @Override
  public void dropLeftovers() throws IOException {
    ledger.dropSurvivors();
  }

  @Override
  public XfrmBackend backend() {
    return ledger;
  }

  @Override
  public ImmutableList<Policy> others() {
    return others.policies();
  }

  @Override
  public void othersMerged() {
    try {
      others.stepBack();
      ledger.othersChanged();
    } catch (IOException e) {
      othersDisturbed = true;
      readOthersAt = readOthersAt.plus(REPAIR_INTERVAL);
      log.error("policies of others are still before ours: {}", e.getMessage());
    }
  }

  @Override
  public NetworkWatch network() {
    return watch;
  }

  /** The kernel asks the policies of all that it sends. */
  @Override
  public boolean needsRoutes() {
    return false;
  }

  @Override
  public int homeDevice() {
    return device.index();
  }

  /**
   * The home address is not on the home link yet, and its own table leads to a device that
   * swallows; the home agent is to be reached none the less (RFC 6275 section 11.5.5).
   */
  @Override
  public void homeLinkIs(int interfaceIndex) throws IOException {
    leaveHomeLink();
    for (Ipv6Address home : setup.home()) {
      system.putRoute(toHomeAgent(home, interfaceIndex));
    }
    homeLink = OptionalInt.of(interfaceIndex);
  }

  private void leaveHomeLink() throws IOException {
    if (homeLink.isPresent()) {
      for (Ipv6Address home : setup.home()) {
        system.removeRoute(toHomeAgent(home, homeLink.getAsInt()));
      }
      homeLink = OptionalInt.empty();
    }
  }

  private Route toHomeAgent(Ipv6Address home, int interfaceIndex) {
    Ipv6Address agent = setup.homeLink().orElseThrow().agent();
    return Route.via(interfaceIndex, Ipv6Prefix.host(agent))
        .withTable(HomePlace.table(setup.home(), home));
  }

  @Override
  public void send(
      MobilityMessage message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf)
      throws IOException {
    if (mobility == null) {
      throw new IOException("a message before the policies are in force");
    }
    ByteBuf octets = Unpooled.buffer(64);
    MobilityCodec.encode(message, source, destination, octets);
    send(
        mobility,
        octets,
        source,
        destination,
        careOf.map(
            one ->
                stateFor(
                    message instanceof MobilityMessage.BindingUpdate,
                    source,
                    destination,
                    one.value())));
  }

  @Override
  public void send(
      Icmpv6Message message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf)
      throws IOException {
    if (discovery == null) {
      throw new IOException("a message before the policies are in force");
    }
    ByteBuf octets = Unpooled.buffer(64);
    Icmpv6Codec.encode(message, source, destination, octets);
    send(
        discovery,
        octets,
        source,
        destination,
        careOf.map(
            one ->
                stateFor(
                    message instanceof Icmpv6Message.MobilePrefixSolicitation,
                    source,
                    destination,
                    one.value())));
  }

  private void send(
      MobilitySocket socket,
      ByteBuf octets,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<RouteOptimizationState> state)
      throws IOException {
    if (state.isEmpty()) {
      socket.send(source, destination, octets);
    } else {
      sendBy(socket, octets, state.get());
    }
    sent++;
  }

  /**
   * @param ours whether the care-of address is the sender's, as in Binding Updates and Mobile
   *     Prefix Solicitations; in all else it is the receiver's (RFC 6275 section 6.1)
   */
  private static RouteOptimizationState stateFor(
      boolean ours, Ipv6Address source, Ipv6Address destination, Ipv6Address careOf) {
    return ours
        ? RouteOptimizationState.homeAddressOption(source, destination, careOf)
        : RouteOptimizationState.routingHeader(source, destination, careOf);
  }

  /**
   * The kernel takes the care-of address from its state, so that the state is lent for a moment.
   */
  private void sendBy(MobilitySocket socket, ByteBuf octets, RouteOptimizationState state)
      throws IOException {
    Optional<RouteOptimizationState> wished = ledger.state(state.id());
    boolean lend = !wished.equals(Optional.of(state));
    if (lend) {
      require(kernel.apply(new XfrmCommand.PutRouteOptimization(state)));
    }
    try {
      socket.send(state.id().source(), state.id().destination(), octets);
    } finally {
      if (lend) {
        takeBack(state.id(), wished);
      }
    }
  }

  private void takeBack(RouteOptimizationState.Id lent, Optional<RouteOptimizationState> wished) {
    XfrmReply reply =
        kernel.apply(
            wished.isPresent()
                ? new XfrmCommand.PutRouteOptimization(wished.get())
                : new XfrmCommand.DeleteRouteOptimization(lent));
    if (reply instanceof XfrmReply.Failed failed) {
      log.error("{}: {}", lent, failed.text());
      disturbed = true;
    }
  }

  private static void require(XfrmReply reply) throws IOException {
    if (reply instanceof XfrmReply.Failed failed) {
      throw new IOException(failed.text());
    }
  }

  /** Messages that wait until it is known what somebody else has changed. */
  private final List<Received> waiting = new ArrayList<>();

  private record Received(boolean prefixes, ByteBuf message, Arrival arrival) {}

  private void takeMessages() {
    if (mobility == null || discovery == null || !waiting.isEmpty()) {
      // Those behind wait in the socket's own queue.
      return;
    }
    if (ledger.hasNewInbound()) {
      // What is queued may have come before the policy that it should have met.
      unmet = true;
      disturbed = true;
      return;
    }
    List<Received> batch = new ArrayList<>();
    try {
      mobility.receive(
          (interfaceIndex, source, destination, careOf, routingHeader, message) ->
              batch.add(
                  new Received(
                      false,
                      message.copy(),
                      new Arrival(
                          source,
                          destination,
                          careOf,
                          routingHeader,
                          ledger.demanded(Flow.of(source, destination, IpProtocol.MOBILITY)),
                          interfaceIndex))));
      discovery.receive(
          (interfaceIndex, source, destination, careOf, routingHeader, message) ->
              batch.add(
                  new Received(
                      true,
                      message.copy(),
                      new Arrival(
                          source,
                          destination,
                          careOf,
                          routingHeader,
                          ledger.demanded(flowOf(source, destination, message)),
                          interfaceIndex))));
    } catch (SystemCallException e) {
      log.debug("mobility sockets: {}", e.toString());
    }
    // Whoever took our policies away before one of these came is heard of before it is believed.
    takeNotices();
    if (disturbed) {
      waiting.addAll(batch);
    } else {
      hand(batch);
    }
  }

  private static Flow flowOf(Ipv6Address source, Ipv6Address destination, ByteBuf icmpv6) {
    int at = icmpv6.readerIndex();
    return icmpv6.readableBytes() < 2
        ? Flow.of(source, destination, IpProtocol.ICMPV6)
        : Flow.icmpv6(
            source, destination, icmpv6.getUnsignedByte(at), icmpv6.getUnsignedByte(at + 1));
  }

  private void hand(List<Received> batch) {
    for (Received one : batch) {
      if (one.prefixes()) {
        up.prefixDiscovery(one.message(), one.arrival());
      } else {
        up.mobility(one.message(), one.arrival());
      }
      up.settle();
    }
  }

  /**
   * What comes out of a tunnel of the user's looks the same as what comes out of mobility's, and so
   * does a packet without any that a host on the link has sent to the home address: but what the
   * home agent sends is brought by a router.
   */
  private void tunnelled(
      Ipv6Address peer, Ipv6Address home, int interfaceIndex, Optional<MacAddress> sender) {
    boolean usersTunnel =
        Stream.concat(setup.user().stream(), others.policies().stream())
            .anyMatch(
                policy ->
                    policy.direction() == Direction.IN
                        && policy.selector().source().contains(peer)
                        && policy.selector().destination().contains(home)
                        && policy.bundle().templates().stream().anyMatch(Template::isTunnel));
    up.tunnelled(
        peer,
        home,
        !usersTunnel && sender.map(it -> system.isRouter(interfaceIndex, it)).orElse(true));
  }

  /** Whether policies or associations may not be as we wish, by all that the kernel has told. */
  private boolean isDisturbed() {
    takeNotices();
    return disturbed;
  }

  private void takeNotices() {
    try {
      kernel.receive(this::noticed);
    } catch (SystemCallException e) {
      // Whatever it was going to tell: everything is read and compared again.
      log.error("xfrm notices: {}", e.getMessage());
      disturbed = true;
    }
  }

  private void noticed(XfrmNotice notice) {
    if (notice instanceof XfrmNotice.SequencesMoved moved) {
      tell(sequences.on(moved));
      return;
    }
    if (notice instanceof XfrmNotice.Resync) {
      log.warn("the kernel's notices were lost; everything is read again");
      tell(sequences.resynchronise());
    }
    othersDisturbed |=
        notice instanceof XfrmNotice.PoliciesChanged || notice instanceof XfrmNotice.Resync;
    disturbed |=
        (notice instanceof XfrmNotice.Expire expire && expire.hard())
            || notice instanceof XfrmNotice.PoliciesChanged
            || notice instanceof XfrmNotice.AssociationsChanged
            || notice instanceof XfrmNotice.Resync;
    up.notice(notice);
  }

  private static void tell(XfrmReply reply) {
    if (reply instanceof XfrmReply.Failed failed) {
      log.error("{}", failed.text());
    }
  }

  @Override
  public void turn(Instant now) {
    followOthers(now);
    resume(now);
    repair(now);
    tunnels.forEach(one -> one.turn(now));
    if (groups != null) {
      groups.turn(now);
    }
  }

  /** Associations whose sequence numbers could not be reserved come back when they can be. */
  private void resume(Instant now) {
    if (!sequences.hasSuspended() || now.isBefore(resumeAt)) {
      return;
    }
    for (AssociationId id : sequences.resume()) {
      log.info("{}: sequence numbers can be reserved again, it is back", id);
    }
    resumeAt = now.plus(RESUME_INTERVAL);
  }

  /** Puts back what others have taken; what was queued meanwhile is thrown away. */
  private void repair(Instant now) {
    if (!disturbed) {
      repairAt = Instant.MIN;
      return;
    }
    if (now.isBefore(repairAt)) {
      return;
    }
    try {
      KernelLedger.Repair repair = ledger.repair();
      for (String what : repair.done()) {
        repairs++;
        log.warn("changed by somebody else, put back: {}", what);
      }
      for (String problem : repair.problems()) {
        log.error("changed by somebody else, and not put back yet: {}", problem);
      }
      disturbed = !repair.problems().isEmpty();
      repairAt = now.plus(REPAIR_INTERVAL);
      List<Received> batch = ImmutableList.copyOf(waiting);
      waiting.clear();
      if (repair.wasNeeded() || unmet) {
        unmet = false;
        distrusted += batch.size() + discardMessages();
        if (groups != null) {
          groups.discard();
        }
      } else {
        hand(batch);
      }
    } catch (IOException e) {
      repairAt = now.plus(REPAIR_INTERVAL);
      log.error("what somebody else has changed cannot be put back yet: {}", e.getMessage());
    }
  }

  /** At once, unless it takes all our time. */
  private void followOthers(Instant now) {
    if (!othersDisturbed || now.isBefore(readOthersAt)) {
      return;
    }
    othersDisturbed = false;
    long start = System.nanoTime();
    try {
      if (others.read()) {
        up.othersChanged();
      }
      readOthersAt = now.plusNanos(2 * (System.nanoTime() - start));
    } catch (IOException e) {
      othersDisturbed = true;
      readOthersAt = now.plus(REPAIR_INTERVAL);
      log.error("others' policies cannot be followed yet: {}", e.getMessage());
    }
  }

  private int discardMessages() throws SystemCallException {
    return mobility == null || discovery == null ? 0 : discard(mobility) + discard(discovery);
  }

  private static int discard(MobilitySocket socket) throws SystemCallException {
    int total = 0;
    int count;
    do {
      count = socket.receive((index, source, destination, careOf, header, message) -> {});
      total += count;
    } while (count == MobilitySocket.BATCH);
    return total;
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return Stream.concat(
            Stream.of(
                disturbed ? repairAt : Instant.MAX,
                othersDisturbed ? readOthersAt : Instant.MAX,
                sequences.hasSuspended() ? resumeAt : Instant.MAX),
            Stream.concat(
                groups().flatMap(TunnelledGroups::nextDeadline).stream(),
                tunnels.stream().flatMap(one -> one.nextDeadline().stream())))
        .filter(at -> at.isBefore(Instant.MAX))
        .min(Comparator.naturalOrder());
  }

  @Override
  public ImmutableList<AssociationStatus> associations() {
    try {
      return kernel.ownAssociations().stream()
          .flatMap(one -> status(one).stream())
          .collect(ImmutableList.toImmutableList());
    } catch (SystemCallException e) {
      log.warn("associations: {}", e.getMessage());
      return ImmutableList.of();
    }
  }

  /** Asked of the kernel: those that are negotiated are in no book of ours. */
  @Override
  public AssociationCount associationCount() {
    ImmutableList<AssociationStatus> all = associations();
    long expired = all.stream().filter(AssociationStatus::expired).count();
    return new AssociationCount(all.size(), (int) expired);
  }

  @Override
  public ImmutableMap<RouteOptimizationState.Id, Long> routePackets() {
    try {
      var packets = ImmutableMap.<RouteOptimizationState.Id, Long>builder();
      for (KernelAssociation one : kernel.ownAssociations()) {
        one.routeOptimizationId().ifPresent(id -> packets.put(id, one.info().use().packets()));
      }
      return packets.buildKeepingLast();
    } catch (SystemCallException e) {
      log.debug("states: {}", e.toString());
      return ImmutableMap.of();
    }
  }

  private Optional<AssociationStatus> status(KernelAssociation association) {
    return association
        .association(kernel.ours())
        .map(
            one ->
                new AssociationStatus(
                    one.id(),
                    one.source(),
                    one.mode(),
                    one.reqId(),
                    one.encryption().kernelName(),
                    one.integrity().kernelName(),
                    association.info().use().packets(),
                    association.info().use().bytes(),
                    false));
  }

  @Override
  public Map<String, Object> counters() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("discards", discards());
    report.put("sent", sent);
    report.put("distrusted", distrusted);
    report.put("repairs", repairs);
    report.put("notices-lost", kernel.overruns());
    report.put("pf-key-requests", kernel.pfKeyRequests());
    return report;
  }

  /**
   * What the kernel counts of errors ({@code /proc/net/xfrm_stat}), named as our engine does, and
   * what it leaves to us to count.
   */
  private Map<String, Object> discards() {
    Map<String, Object> counts = new LinkedHashMap<>();
    if (groups != null && groups.tooBig() != 0) {
      counts.put(StatusReport.key(Discard.OUT_TOO_BIG.name()), groups.tooBig());
    }
    try {
      for (String line : Files.readAllLines(XFRM_STATISTICS)) {
        List<String> words =
            Splitter.on(CharMatcher.whitespace()).omitEmptyStrings().splitToList(line);
        if (words.size() == 2 && !words.get(1).equals("0")) {
          counts.put(discard(words.get(0)), Long.parseLong(words.get(1)));
        }
      }
    } catch (IOException e) {
      log.debug("without CONFIG_XFRM_STATISTICS the kernel does not count: {}", e.toString());
    }
    return counts;
  }

  /** {@code XfrmInTmplMismatch} as {@code in-template-mismatch}. */
  private static String discard(String name) {
    String words =
        CaseFormat.UPPER_CAMEL.to(CaseFormat.LOWER_HYPHEN, name.substring("Xfrm".length()));
    return words
        .replace("tmpl", "template")
        .replace("-pol-", "-policy-")
        .replaceAll("pols$", "policies");
  }

  /** Sequence numbers are stored; then all of ours goes, policies first. */
  @Override
  public void close() {
    letGo();
    for (String problem : ledger.close()) {
      log.warn("{}", problem);
    }
    kernel.close();
  }

  private void letGo() {
    endTap();
    poller.remove(kernel.fd());
    if (mobility != null) {
      poller.remove(mobility.fd());
      mobility.close();
    }
    if (discovery != null) {
      poller.remove(discovery.fd());
      discovery.close();
    }
    tunnels.forEach(TunnelWatch::close);
    if (groups != null) {
      groups.close();
    }
    watch.close();
  }

  @Override
  public void tap(Optional<PacketTap> wanted) throws IOException {
    endTap();
    if (wanted.isPresent()) {
      tap = KernelTap.start(wanted.get());
    }
  }

  private void endTap() {
    if (tap != null) {
      tap.close();
      tap = null;
    }
  }

  /**
   * Removes all that the kernel has of a daemon that is dead.
   *
   * @param unmarkedPolicies which are its own although they bear no mark
   * @param unmarkedAssociations likewise
   * @return what was removed, in words
   */
  static ImmutableList<String> removeAll(
      UnmarkedPolicies unmarkedPolicies, UnmarkedAssociations unmarkedAssociations)
      throws SystemCallException {
    try (KernelBackend kernel =
        KernelBackend.open(KernelInterface.NETLINK, unmarkedPolicies, unmarkedAssociations)) {
      int policies = kernel.policies().size();
      int states = kernel.ownAssociations().size();
      if (kernel.apply(new XfrmCommand.Flush()) instanceof XfrmReply.Failed failed) {
        throw new SystemCallException("xfrm", "flush", "EIO", failed.text());
      }
      return ImmutableList.of(policies + " xfrm policies and " + states + " xfrm states");
    }
  }
}
