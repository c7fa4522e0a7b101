package io.mipd.host;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Place;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.engine.EngineBackend;
import io.mipd.xfrm.engine.EngineCounters;
import io.mipd.xfrm.engine.EngineSink;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.SequenceStore;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;

/**
 * A node of Mobile IPv6 in memory: a core, the merger and the packet engine, coupled as the daemon
 * couples them. Octets of packets come in and go out; the rest of an operating system is {@link
 * Surroundings}. The same calls with the same random numbers have the same outcome.
 *
 * <p>Every method that takes a time may be called with the time of the call before, never with an
 * earlier one. One thread.
 */
public final class Host {
  private static final Duration RETRY_INTERVAL = Duration.ofSeconds(1);

  /** Octets that hold each message of ours. */
  private static final int LARGEST_MESSAGE = 2048;

  private final HostSettings settings;
  private final Surroundings around;
  private final HostAddresses addresses;
  private final PacketEngine engine;
  private final XfrmBackend backend;
  private final InstalledPolicies policies;
  private final CoreDriver driver;
  private final PeerLearner peers = new PeerLearner(this::now);
  private final GroupForwarder groups;

  /** Peers whose packets from an address of ours meet the policies. */
  private final Set<Pair> intercepted = new HashSet<>();

  /** Home addresses of others for which we stand in. */
  private final Set<Ipv6Address> proxied = new HashSet<>();

  private final Map<Ipv6Address, Place> places = new LinkedHashMap<>();
  private Optional<Instant> retryAt = Optional.empty();
  private Instant now = Instant.MIN;

  private record Pair(Ipv6Address local, Ipv6Address peer) {}

  /**
   * @param sequences keeps sequence numbers and anti-replay windows
   * @param random for the engine; what the core takes is the core's
   */
  public Host(
      MobilityNode core,
      HostSettings settings,
      SequenceStore sequences,
      RandomGenerator random,
      Surroundings around) {
    this(core, settings, sequences, random, around, UnaryOperator.identity());
  }

  /**
   * Likewise, with somebody between the merger and the engine, who sees what one asks of the other.
   *
   * @param between makes of the engine's backend the one that the merger speaks to
   */
  public Host(
      MobilityNode core,
      HostSettings settings,
      SequenceStore sequences,
      RandomGenerator random,
      Surroundings around,
      UnaryOperator<XfrmBackend> between) {
    this.settings = settings;
    this.around = around;
    addresses = new HostAddresses(settings.home(), settings.served());
    engine = new PacketEngine(settings.engine(), new Sink(), addresses, sequences, random);
    groups = new GroupForwarder(engine::outputToGroup);
    backend = between.apply(new EngineBackend(engine));
    policies = new InstalledPolicies(backend, settings.user());
    engine.setOnDemand(policies);
    policies.mayWait();
    driver =
        new CoreDriver(
            core,
            settings.tunnels(),
            policies,
            new RoutesInUse(engine::routePackets),
            this::perform,
            LoggerFactory.getLogger(Host.class));
    settings.home().forEach(address -> places.put(address, Place.NOWHERE));
  }

  /**
   * Begins: the associations are in force, the core hears of it. Its links and addresses are told
   * by {@link #handle} next.
   *
   * @throws IllegalArgumentException if an association is not possible
   */
  public void start(Instant at) {
    tick(at);
    for (SecurityAssociation association : settings.associations()) {
      if (backend.apply(new XfrmCommand.AddAssociation(association))
          instanceof XfrmReply.Failed failed) {
        throw new IllegalArgumentException(association + ": " + failed.text());
      }
    }
    policies.others(ImmutableList.of());
    driver.handle(at, new NodeEvent.Started());
  }

  /**
   * Something happens that is no packet: {@link NodeEvent.LinkChanged}, {@link
   * NodeEvent.AddressChanged}, {@link NodeEvent.DadFinished}, {@link NodeEvent.ShutdownRequested}.
   */
  public void handle(Instant at, NodeEvent event) {
    tick(at);
    if (event instanceof NodeEvent.AddressChanged change) {
      addresses.changed(change);
      if (change.state() == NodeEvent.AddressState.GONE) {
        engine.forgetLinkMtu(change.address());
      }
    }
    driver.handle(at, event);
    settle();
  }

  /**
   * @param octets that the link of this source address carries, at least 1280; without it the
   *     engine's default
   */
  public void setLinkMtu(Ipv6Address outerSource, int octets) {
    engine.setLinkMtu(outerSource, octets);
  }

  /**
   * A packet has arrived by a link, for this node: to an address or a group of its, or a packet
   * that it is to route.
   *
   * @return whether that is all of it; if not, it goes on as in any node without Mobile IPv6. What
   *     is for a home address that is proxied goes to {@link #send}; the core has heard of Neighbor
   *     Discovery and home agent address discovery
   */
  public boolean arrived(Instant at, int interfaceIndex, byte[] octets) {
    tick(at);
    PacketBuffer packet = packet(octets);
    packet.setInterfaceIndex(interfaceIndex);
    boolean taken = engine.claims(packet);
    if (taken) {
      engine.input(packet);
    } else if (octets.length >= Ipv6Fields.HEADER
        && Ipv6Address.read(octets, Ipv6Fields.DESTINATION).isMulticast()) {
      groups.forward(packet);
    }
    if (!taken
        && octets.length > Ipv6Fields.HEADER
        && (octets[Ipv6Fields.NEXT_HEADER] & 0xff) == IpProtocol.ICMPV6) {
      driver
          .icmpv6(
              interfaceIndex,
              Ipv6Address.read(octets, Ipv6Fields.SOURCE),
              Ipv6Address.read(octets, Ipv6Fields.DESTINATION),
              octets[Ipv6Fields.HOP_LIMIT] & 0xff,
              Unpooled.wrappedBuffer(octets, Ipv6Fields.HEADER, octets.length - Ipv6Fields.HEADER))
          .ifPresent(event -> driver.handle(now, event));
    }
    settle();
    return taken;
  }

  /**
   * A packet leaves: of an application, or one to be routed on. It meets the policies if they may
   * be about it, else it is transmitted as it is.
   */
  public void send(Instant at, byte[] octets) {
    tick(at);
    if (octets.length < Ipv6Fields.HEADER) {
      return;
    }
    Ipv6Address source = Ipv6Address.read(octets, Ipv6Fields.SOURCE);
    Ipv6Address destination = Ipv6Address.read(octets, Ipv6Fields.DESTINATION);
    Place place = places.get(source);
    // Away from home nothing of the home address goes but by a policy.
    boolean away = place != null && place != Place.HOME;
    if (away || isForEngine(source, destination)) {
      engine.output(packet(octets));
      settle();
    } else {
      around.transmit(octets.clone());
    }
  }

  /** A new one: there may be very many of us, and none keeps what it needs for a moment. */
  private static PacketBuffer packet(byte[] octets) {
    var packet = new PacketBuffer(octets.length);
    packet.set(octets, 0, octets.length);
    return packet;
  }

  /** What the daemon has routes for: peers, served home addresses, the user's policies. */
  private boolean isForEngine(Ipv6Address source, Ipv6Address destination) {
    return proxied.contains(destination)
        || intercepted.contains(new Pair(source, destination))
        || settings.user().stream().anyMatch(policy -> isAbout(policy, source, destination));
  }

  private boolean isAbout(Policy policy, Ipv6Address source, Ipv6Address destination) {
    return policy.direction() == Direction.OUT
        && !policy.bundle().isEmpty()
        && policy.selector().source().contains(source)
        && policy.selector().destination().contains(destination);
  }

  /** Does what is due. */
  public void turn(Instant at) {
    tick(at);
    settle();
    driver.turn(at);
    if (retryAt.isPresent() && !at.isBefore(retryAt.get())) {
      retryAt = Optional.empty();
      policies.retry();
    }
    settle();
  }

  /** When {@link #turn} is due if nothing happens before; empty for never. */
  public Optional<Instant> nextDeadline() {
    return Stream.of(driver.nextDeadline(), engine.nextDeadline(), retryAt)
        .flatMap(Optional::stream)
        .min(Instant::compareTo);
  }

  private void tick(Instant at) {
    now = at;
    engine.tick(at);
  }

  private Instant now() {
    return now;
  }

  private void settle() {
    driver.settle(now);
    if (!policies.isBehind()) {
      retryAt = Optional.empty();
    } else if (retryAt.isEmpty()) {
      retryAt = Optional.of(now.plus(RETRY_INTERVAL));
    }
  }

  private void perform(NodeAction action) {
    if (action instanceof NodeAction.SendMessage send) {
      var message = new PacketBuffer(LARGEST_MESSAGE);
      MobilityPacket.write(send.message(), send.source(), send.destination(), message);
      output(message, send.careOf());
    } else if (action instanceof NodeAction.SendDiscovery send) {
      var message = new PacketBuffer(LARGEST_MESSAGE);
      MobilityPacket.write(send.message(), send.source(), send.destination(), message);
      output(message, send.careOf());
    } else if (action instanceof NodeAction.SendIcmpv6 send) {
      around.transmit(
          send.interfaceIndex(),
          MobilityPacket.onLink(send.message(), send.source(), send.destination()));
    } else if (action instanceof NodeAction.SendListenerMessage send) {
      groups.send(send);
    } else if (action instanceof NodeAction.InterceptPeer intercept) {
      var pair = new Pair(intercept.local(), intercept.peer());
      if (intercept.on()) {
        intercepted.add(pair);
      } else {
        intercepted.remove(pair);
      }
    } else {
      if (action instanceof NodeAction.Proxy proxy) {
        if (proxy.on()) {
          proxied.add(proxy.address().value());
        } else {
          proxied.remove(proxy.address().value());
        }
      } else if (action instanceof NodeAction.PlaceHomeAddress place) {
        places.put(place.address().value(), place.place());
      } else if (action instanceof NodeAction.Subscribe subscribe) {
        groups.subscribe(subscribe);
      }
      around.perform(action);
    }
  }

  private void output(PacketBuffer message, Optional<CareOfAddress> careOf) {
    if (careOf.isPresent()) {
      engine.output(message, careOf.get().value());
    } else {
      engine.output(message);
    }
  }

  /** What is in force. */
  public InstalledPolicies policies() {
    return policies;
  }

  /** The associations as they stand; no keys. */
  public ImmutableList<AssociationStatus> associations() {
    return engine.associations();
  }

  /** What the engine has counted. */
  public EngineCounters counters() {
    return engine.counters();
  }

  /** What the core has refused, and what was malformed. */
  public CoreDriver driver() {
    return driver;
  }

  /** Where the packets of a home address of ours go. */
  public Place place(Ipv6Address home) {
    return places.getOrDefault(home, Place.NOWHERE);
  }

  /** What the engine hands over. */
  private final class Sink implements EngineSink {
    @Override
    public void transmit(PacketBuffer outer) {
      around.transmit(outer.toOctets());
    }

    @Override
    public void deliver(PacketBuffer inner) {
      around.deliver(inner.toOctets());
      groups.forward(inner);
    }

    @Override
    public void mobility(PacketBuffer inner, Arrival arrival) {
      driver.mobility(MobilityPacket.message(inner), arrival);
    }

    @Override
    public void prefixDiscovery(PacketBuffer inner, Arrival arrival) {
      driver.prefixDiscovery(MobilityPacket.message(inner), arrival);
    }

    @Override
    public void listener(PacketBuffer inner, Ipv6Address group, Arrival arrival) {
      driver.listener(MobilityPacket.message(inner), group, arrival);
    }

    @Override
    public void tunnelled(Ipv6Address source, Ipv6Address homeAddress) {
      if (settings.learning() && peers.isNews(source, homeAddress)) {
        driver.tunnelled(source, homeAddress, /* sure= */ true);
      }
    }

    @Override
    public void failed(FailedPacket failed) {
      driver.failed(failed);
    }

    @Override
    public void notice(XfrmNotice notice) {
      driver.notice(notice);
    }
  }
}
