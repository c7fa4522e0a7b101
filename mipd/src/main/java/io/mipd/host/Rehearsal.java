package io.mipd.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import io.mipd.xfrm.transform.MemorySequenceStore;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Handovers in memory, of a mobile node between two links, with its home agent and a correspondent.
 * A real one is rare, and what is rare a JVM interprets: it takes many times as long as when the
 * same has been done some hundred times before, and that is time without a connection.
 */
public final class Rehearsal {
  private static final Ipv6Prefix HOME_PREFIX = Ipv6Prefix.parse("2001:db8:1::/64");
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final ImmutableList<Ipv6Address> CARE_OF =
      ImmutableList.of(Ipv6Address.parse("2001:db8:a::100"), Ipv6Address.parse("2001:db8:b::100"));
  private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::a");
  private static final LinkLayerAddress LINK_ADDRESS =
      new LinkLayerAddress(Octets.parse("020000000001"));
  private static final String DEVICE = "eth0";
  private static final int INDEX = 2;

  /** No more than MAX_UPDATE_RATE of RFC 6275 section 12 allows. */
  private static final Duration BETWEEN_HANDOVERS = Duration.ofSeconds(2);

  private static final int AES_KEY = 16;
  private static final int SHA256_KEY = 32;

  private final RandomGenerator random;
  private final HomeAssociations associations =
      new HomeAssociations(
          pair(1), Optional.of(pair(2)), Optional.of(pair(3)), Optional.of(pair(4)));
  private final ImmutableList<SecurityAssociation> keyed;
  private final Player agent = new Player();
  private final Player mobile = new Player();
  private final Player peer = new Player();
  private final Host agentHost;
  private final Host mobileHost;
  private final Host peerHost;
  private final CorrespondentNode correspondent;
  private Instant now = Instant.EPOCH;

  /** What a host says, until it is passed on. */
  private static final class Player implements Surroundings {
    private final Deque<byte[]> packets = new ArrayDeque<>();
    private Optional<HomeAddress> toDetect = Optional.empty();

    @Override
    public void transmit(byte[] packet) {
      packets.add(packet);
    }

    @Override
    public void transmit(int interfaceIndex, byte[] packet) {
      // Neighbor Discovery: there are no links.
    }

    @Override
    public void deliver(byte[] packet) {
      packets.add(packet);
    }

    @Override
    public void perform(NodeAction action) {
      if (action instanceof NodeAction.StartDad start) {
        toDetect = Optional.of(start.address());
      }
    }
  }

  /**
   * @param random of cryptographic quality, as the cores want it
   */
  public Rehearsal(RandomGenerator random) {
    this.random = random;
    keyed =
        associations.between(
            HOME,
            AGENT,
            (spi, it) ->
                it.encryption(EncryptionAlgorithm.AES_CBC, key(AES_KEY))
                    .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, key(SHA256_KEY)));
    correspondent = new CorrespondentNode(CorrespondentSettings.DEFAULT, random);
    agentHost = agent();
    mobileHost = mobile();
    peerHost =
        host(
            new Node(
                Optional.empty(),
                Optional.empty(),
                Optional.of(new Node.Correspondent(correspondent, Optional.of(Ipv6Prefix.ANY)))),
            HostSettings.PLAIN,
            peer);
  }

  private static HomeAssociations.Pair pair(int number) {
    return new HomeAssociations.Pair(
        new Spi(0x1000 + number), new Spi(0x2000 + number), new ReqId(number));
  }

  private KeyMaterial key(int length) {
    byte[] octets = new byte[length];
    random.nextBytes(octets);
    return KeyMaterial.copyOf(octets);
  }

  private TunnelProtection protection() {
    return new TunnelProtection(
        Optional.of(associations.signalling().reqId()),
        associations.prefixDiscovery().map(HomeAssociations.Pair::reqId),
        associations.returnRoutability().map(HomeAssociations.Pair::reqId),
        associations.payload().map(HomeAssociations.Pair::reqId));
  }

  private Host agent() {
    var settings =
        new HomeAgentSettings(
            DEVICE,
            AGENT,
            HOME_PREFIX,
            Duration.ofMinutes(7),
            Optional.empty(),
            ImmutableMap.of(new HomeAddress(HOME), protection()));
    var core = new HomeAgent(settings, ImmutableList.of(), random);
    return host(
        new Node(Optional.empty(), Optional.of(core), Optional.empty()),
        HostSettings.PLAIN
            .withServed(HOME)
            .withAssociations(keyed, ImmutableMap.of(HOME, associations.tunnels())),
        agent);
  }

  private Host mobile() {
    var settings =
        new MobileNodeSettings(
            new HomeAddress(HOME),
            HOME_PREFIX,
            AGENT,
            Duration.ofMinutes(7),
            ImmutableMap.of(DEVICE, 1),
            protection(),
            Optional.of(
                new RouteOptimizationSettings(
                    ImmutableList.of(),
                    RouteOptimizationSettings.DEFAULT_MAX_PEERS,
                    Duration.ofMinutes(7))),
            /* corresponds= */ false);
    var core = new MobileNode(settings, false, new SequenceNumber(0), random);
    return host(
        new Node(
            Optional.of(new Node.Mobile(core, settings.homeAddress(), settings.policies())),
            Optional.empty(),
            Optional.empty()),
        HostSettings.PLAIN
            .withHome(HOME)
            .withLearning()
            .withAssociations(keyed, ImmutableMap.of(HOME, associations.tunnels())),
        mobile);
  }

  private Host host(Node node, HostSettings settings, Player around) {
    return new Host(node, settings, new MemorySequenceStore(), random, around);
  }

  /**
   * The mobile node registers and moves so often, and both it and the correspondent send.
   *
   * @return whether the correspondent has the binding of the last place
   */
  public boolean play(int handovers) {
    agentHost.start(now);
    peerHost.start(now);
    mobileHost.start(now);
    plug(agentHost, AGENT);
    plug(peerHost, PEER);
    for (int i = 0; i <= handovers; i++) {
      Ipv6Address careOf = CARE_OF.get(i % CARE_OF.size());
      if (i > 0) {
        unplug(CARE_OF.get((i - 1) % CARE_OF.size()));
      }
      plug(mobileHost, careOf);
      advertise(careOf);
      carry();
      pass(Duration.ofSeconds(1));
      agent.toDetect.ifPresent(
          it -> agentHost.handle(now, new NodeEvent.DadFinished(it, /* unique= */ true)));
      agent.toDetect = Optional.empty();
      carry();
      payload();
      pass(BETWEEN_HANDOVERS);
    }
    return correspondent.hasBinding(HOME, CARE_OF.get(handovers % CARE_OF.size()), PEER);
  }

  private void plug(Host host, Ipv6Address address) {
    host.handle(now, new NodeEvent.LinkChanged(INDEX, DEVICE, true, Optional.of(LINK_ADDRESS)));
    host.handle(now, new NodeEvent.AddressChanged(INDEX, address, 64, AddressState.USABLE));
  }

  private void unplug(Ipv6Address careOf) {
    mobileHost.handle(
        now, new NodeEvent.LinkChanged(INDEX, DEVICE, false, Optional.of(LINK_ADDRESS)));
    mobileHost.handle(now, new NodeEvent.AddressChanged(INDEX, careOf, 64, AddressState.GONE));
  }

  private void advertise(Ipv6Address careOf) {
    var advertisement =
        new Icmpv6Message.RouterAdvertisement(
            64,
            false,
            false,
            false,
            0,
            1800,
            0,
            0,
            ImmutableList.of(
                new NdOption.PrefixInformation(
                    64, new Ipv6Address(careOf.high(), 0), true, true, false, 86400, 14400)));
    mobileHost.arrived(
        now, INDEX, MobilityPacket.onLink(advertisement, ROUTER, Ipv6Address.ALL_NODES));
  }

  private void payload() {
    peerHost.send(now, datagram(PEER, HOME));
    mobileHost.send(now, datagram(HOME, PEER));
    carry();
  }

  /** No Next Header: nobody looks into it. */
  private static byte[] datagram(Ipv6Address source, Ipv6Address destination) {
    return ByteBuffer.allocate(Ipv6Fields.HEADER)
        .putInt(0x60000000)
        .putShort((short) 0)
        .put((byte) IpProtocol.NO_NEXT_HEADER)
        .put((byte) 64)
        .putLong(source.high())
        .putLong(source.low())
        .putLong(destination.high())
        .putLong(destination.low())
        .array();
  }

  /** Time goes by, and what is due is done. */
  private void pass(Duration time) {
    now = now.plus(time);
    for (Host host : ImmutableList.of(agentHost, mobileHost, peerHost)) {
      host.turn(now);
    }
    carry();
  }

  /** What was said arrives, until nobody says any more. */
  private void carry() {
    for (Optional<byte[]> said = next(); said.isPresent(); said = next()) {
      byte[] next = said.get();
      Ipv6Address destination = Ipv6Address.read(next, Ipv6Fields.DESTINATION);
      if (destination.equals(AGENT)) {
        agentHost.arrived(now, INDEX, next);
      } else if (destination.equals(PEER)) {
        peerHost.arrived(now, INDEX, next);
      } else if (CARE_OF.contains(destination)) {
        mobileHost.arrived(now, INDEX, next);
      } else if (destination.equals(HOME) && !agentHost.arrived(now, INDEX, next)) {
        agentHost.send(now, next);
      }
    }
  }

  private Optional<byte[]> next() {
    // What the mobile node or the correspondent was delivered is for nobody else.
    mobile.packets.removeIf(it -> Ipv6Address.read(it, Ipv6Fields.DESTINATION).equals(HOME));
    peer.packets.removeIf(it -> Ipv6Address.read(it, Ipv6Fields.DESTINATION).equals(PEER));
    for (Player one : ImmutableList.of(mobile, agent, peer)) {
      byte[] packet = one.packets.poll();
      if (packet != null) {
        return Optional.of(packet);
      }
    }
    return Optional.empty();
  }
}
