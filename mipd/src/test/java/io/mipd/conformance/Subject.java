package io.mipd.conformance;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.HomeAssociations;
import io.mipd.host.Host;
import io.mipd.host.HostSettings;
import io.mipd.host.Surroundings;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.ha.AccessList;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.ha.HomeAgentSettings.PrefixDelivery;
import io.mipd.mobility.mn.HomeAgentDiscovery;
import io.mipd.mobility.mn.MessageRates;
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
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.Octets;
import io.mipd.xfrm.transform.MemorySequenceStore;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/** Cores with the engine, and a virtual clock. */
final class Subject extends Tested implements Surroundings {
  static final int ETH0 = 2;
  static final int ETH1 = 3;

  private static final Ipv6Address HOME = address("H");
  private static final Ipv6Address OTHER_HOME = address("H2");
  private static final Ipv6Address NEW_HOME = address("N");
  private static final Ipv6Address PEER = address("P");
  private static final ReqId USERS = new ReqId(0x4001);
  private static final Ipv6Address AGENT = address("A");
  private static final Ipv6Prefix HOME_PREFIX = Ipv6Prefix.parse("2001:db8:1::/64");
  private static final Ipv6Prefix NEW_PREFIX = Ipv6Prefix.parse("2001:db8:9::/64");
  private static final Duration LIFETIME = Duration.ofMinutes(7);
  private static final LinkLayerAddress MAC = new LinkLayerAddress(Octets.parse("020000000100"));

  /** Where a mobile node's sequence numbers go on. */
  private static final SequenceNumber STORED = new SequenceNumber(65533);

  private final Host host;
  private final Optional<HomeAgent> agent;
  private final Optional<CorrespondentNode> correspondent;
  private final boolean router;
  private final Set<Ipv6Address> own = new LinkedHashSet<>();
  private Instant now = Instant.EPOCH;

  private Subject(
      Optional<HomeAgent> agent,
      Optional<CorrespondentNode> correspondent,
      MobilityNode core,
      HostSettings settings) {
    this.agent = agent;
    this.correspondent = correspondent;
    router = agent.isPresent();
    own.addAll(settings.home());
    host = new Host(core, settings, new MemorySequenceStore(), new Random(1), this);
  }

  static boolean isKind(String name) {
    return switch (name) {
      case "cn",
          "cn small",
          "cn esp",
          "cn ah",
          "mn esp",
          "mn ah",
          "ha",
          "ha plain",
          "ha advertising",
          "ha advertising fast",
          "ha telling",
          "ha of two prefixes",
          "ha of an old prefix",
          "ha multicast",
          "ha plain multicast",
          "mn multicast",
          "mn plain multicast",
          "mn",
          "mn to be renumbered",
          "mn plain",
          "mn cn",
          "mn both",
          "mn seeking" ->
          true;
      default -> false;
    };
  }

  /**
   *
   *
   * <ul>
   *   <li>{@code cn}: a correspondent with the address P; {@code cn small} has room for one binding
   *   <li>{@code ha}: the home agent A of H and H2, correspondent as well; {@code ha plain} without
   *       ESP for payload; {@code ha advertising} with Router Advertisements of its own; {@code ha
   *       of two prefixes} serves H and N, {@code ha of an old prefix} as well, but the prefix of H
   *       is valid no more
   *   <li>{@code mn}: the mobile node H, which optimizes routes, with its cables out; {@code mn
   *       plain} without ESP for payload, {@code mn cn} correspondent as well; {@code mn both} with
   *       both H and H2; {@code mn to be renumbered} with H, and with N as soon as its prefix is
   *       told; {@code mn seeking} a home agent; {@code mn multicast} listens to groups by the
   *       tunnel, {@code ha multicast} asks for it
   * </ul>
   */
  static Subject of(String kind) {
    Subject subject =
        switch (kind) {
          case "cn" -> correspondent(CorrespondentSettings.DEFAULT);
          case "cn esp" -> secured(TransformProtocol.ESP);
          case "cn ah" -> secured(TransformProtocol.AH);
          case "mn esp" -> mobile(protection(1), false, Optional.of(TransformProtocol.ESP));
          case "mn ah" -> mobile(protection(1), false, Optional.of(TransformProtocol.AH));
          case "cn small" ->
              correspondent(
                  new CorrespondentSettings(
                      LIFETIME, /* maximumBindings= */ 1, /* maximumBindingsOfPrefix= */ 1));
          case "ha" -> agent(protection(1), /* multicast= */ false);
          case "ha plain" -> agent(plain(1), /* multicast= */ false);
          case "ha advertising" ->
              agent(advertising(Duration.ofSeconds(3)), PrefixDelivery.DEFAULT);
          case "ha advertising fast" ->
              agent(advertising(Duration.ofMillis(70)), PrefixDelivery.DEFAULT);
          case "ha telling" ->
              agent(
                  Optional.empty(),
                  new PrefixDelivery(Duration.ofSeconds(10), Duration.ofSeconds(30)));
          case "mn" -> mobile(protection(1), false, Optional.empty());
          case "mn plain" -> mobile(plain(1), false, Optional.empty());
          case "mn cn" -> mobile(protection(1), true, Optional.empty());
          case "ha of two prefixes" -> ofTwoPrefixes(HomeAgentSettings.PrefixLifetimes.DEFAULT);
          case "ha of an old prefix" ->
              ofTwoPrefixes(new HomeAgentSettings.PrefixLifetimes(Duration.ZERO, Duration.ZERO));
          case "mn both" ->
              homes(
                  settings(HOME, ImmutableSet.of(OTHER_HOME), protection(1), false),
                  settings(OTHER_HOME, ImmutableSet.of(HOME), protection(2), false));
          case "mn to be renumbered" ->
              homes(settings(HOME, ImmutableSet.of(NEW_HOME), protection(1), false), renumbered());
          case "ha multicast" -> agent(protection(1), true);
          case "ha plain multicast" -> agent(plain(1), true);
          case "mn multicast" -> listening(protection(1));
          case "mn plain multicast" -> listening(plain(1));
          case "mn seeking" -> seeking();
          default -> throw new IllegalArgumentException("no such node: " + kind);
        };
    subject.host.start(subject.now);
    if (kind.startsWith("cn") || kind.startsWith("ha")) {
      subject.link(ETH0, true);
      subject.address(ETH0, address(kind.startsWith("cn") ? "P" : "A"), AddressState.USABLE);
    }
    return subject;
  }

  static Ipv6Address address(String name) {
    return Ipv6Address.read(Names.octets(name), 0);
  }

  private static CorrespondentNode correspondentCore() {
    return new CorrespondentNode(CorrespondentSettings.DEFAULT, new Random(2));
  }

  private static Subject correspondent(CorrespondentSettings settings) {
    return correspondent(settings, HostSettings.PLAIN);
  }

  private static Subject secured(TransformProtocol protocol) {
    return correspondent(
        CorrespondentSettings.DEFAULT,
        HostSettings.PLAIN
            .withUser(users(protocol, PEER, HOME))
            .withAssociations(usersAssociations(protocol), ImmutableMap.of()));
  }

  private static Subject correspondent(CorrespondentSettings settings, HostSettings host) {
    var core = new CorrespondentNode(settings, new Random(2));
    return new Subject(
        Optional.empty(),
        Optional.of(core),
        new Node(
            Optional.empty(),
            Optional.empty(),
            Optional.of(new Node.Correspondent(core, Optional.of(Ipv6Prefix.ANY)))),
        host);
  }

  private static Optional<HomeAgentSettings.Advertising> advertising(Duration interval) {
    return Optional.of(
        new HomeAgentSettings.Advertising(interval, Duration.ofMinutes(30), /* preference= */ 0));
  }

  private static Subject agent(TunnelProtection ofHome, boolean multicast) {
    return agent(ofHome, Optional.empty(), PrefixDelivery.DEFAULT, multicast);
  }

  private static Subject agent(
      Optional<HomeAgentSettings.Advertising> advertising, PrefixDelivery delivery) {
    return agent(protection(1), advertising, delivery, /* multicast= */ false);
  }

  private static Subject agent(
      TunnelProtection ofHome,
      Optional<HomeAgentSettings.Advertising> advertising,
      PrefixDelivery delivery,
      boolean multicast) {
    return agent(
        OTHER_HOME,
        new HomeAgentSettings(
            "eth0",
            AGENT,
            HOME_PREFIX,
            LIFETIME,
            advertising,
            HomeAgentSettings.PrefixLifetimes.DEFAULT,
            ImmutableList.of(),
            delivery,
            AccessList.EVERYWHERE,
            /* virtual= */ false,
            multicast,
            ImmutableMap.of(
                new HomeAddress(HOME), ofHome, new HomeAddress(OTHER_HOME), protection(2))));
  }

  private static Subject ofTwoPrefixes(HomeAgentSettings.PrefixLifetimes ofFirst) {
    return agent(
        NEW_HOME,
        new HomeAgentSettings(
            "eth0",
            AGENT,
            HOME_PREFIX,
            LIFETIME,
            advertising(Duration.ofSeconds(3)),
            ofFirst,
            ImmutableList.of(
                new HomeAgentSettings.HomePrefix(
                    NEW_PREFIX, HomeAgentSettings.PrefixLifetimes.DEFAULT)),
            PrefixDelivery.DEFAULT,
            AccessList.EVERYWHERE,
            /* virtual= */ false,
            /* multicast= */ false,
            ImmutableMap.of(
                new HomeAddress(HOME), protection(1), new HomeAddress(NEW_HOME), protection(2))));
  }

  /**
   * @param second that is served beside H
   */
  private static Subject agent(Ipv6Address second, HomeAgentSettings settings) {
    var core = new HomeAgent(settings, ImmutableList.of(), new Random(3));
    var cn = correspondentCore();
    return new Subject(
        Optional.of(core),
        Optional.of(cn),
        new Node(
            Optional.empty(),
            Optional.of(core),
            Optional.of(new Node.Correspondent(cn, Optional.of(Ipv6Prefix.host(AGENT))))),
        HostSettings.PLAIN
            .withServed(HOME, second)
            .withAssociations(
                ImmutableList.<SecurityAssociation>builder()
                    .addAll(between(HOME, 1))
                    .addAll(between(second, 2))
                    .build(),
                ImmutableMap.of(
                    HOME, associations(1).tunnels(), second, associations(2).tunnels())));
  }

  private static Subject mobile(
      TunnelProtection protection, boolean corresponds, Optional<TransformProtocol> user) {
    return mobile(settings(HOME, ImmutableSet.of(), protection, corresponds), user);
  }

  private static Subject listening(TunnelProtection protection) {
    MobileNodeSettings one = settings(HOME, ImmutableSet.of(), protection, false);
    return mobile(
        new MobileNodeSettings(
            one.homeAddress(),
            one.siblings(),
            one.homePrefix(),
            one.homeAgent(),
            one.lifetime(),
            one.interfaces(),
            one.protection(),
            one.routeOptimization(),
            one.corresponds(),
            one.advertisedOnly(),
            /* groupsByTunnel= */ true),
        Optional.empty());
  }

  private static Subject mobile(MobileNodeSettings settings, Optional<TransformProtocol> user) {
    var core = new MobileNode(settings, false, STORED, new Random(4));
    Optional<CorrespondentNode> cn =
        settings.corresponds() ? Optional.of(correspondentCore()) : Optional.empty();
    return new Subject(
        Optional.empty(),
        cn,
        new Node(
            Optional.of(new Node.Mobile(core, settings.homeAddress(), settings.policies())),
            Optional.empty(),
            cn.map(it -> new Node.Correspondent(it, Optional.empty()))),
        HostSettings.PLAIN
            .withHome(HOME)
            .withLearning()
            .withUser(user.map(it -> users(it, HOME, PEER)).orElse(ImmutableList.of()))
            .withAssociations(
                ImmutableList.<SecurityAssociation>builder()
                    .addAll(between(HOME, 1))
                    .addAll(user.map(Subject::usersAssociations).orElse(ImmutableList.of()))
                    .build(),
                ImmutableMap.of(HOME, associations(1).tunnels())));
  }

  private static MobileNodeSettings settings(
      Ipv6Address home,
      ImmutableSet<Ipv6Address> siblings,
      TunnelProtection protection,
      boolean corresponds) {
    return new MobileNodeSettings(
        new HomeAddress(home),
        siblings,
        HOME_PREFIX,
        AGENT,
        LIFETIME,
        ImmutableMap.of("eth0", 10, "eth1", 5),
        protection,
        Optional.of(
            new RouteOptimizationSettings(
                ImmutableList.of(), RouteOptimizationSettings.DEFAULT_MAX_PEERS, LIFETIME)),
        corresponds,
        /* advertisedOnly= */ false,
        /* groupsByTunnel= */ false);
  }

  private static MobileNodeSettings renumbered() {
    MobileNodeSettings old = settings(HOME, ImmutableSet.of(), protection(2), false);
    return new MobileNodeSettings(
        new HomeAddress(NEW_HOME),
        ImmutableSet.of(HOME),
        NEW_PREFIX,
        old.homeAgent(),
        old.lifetime(),
        old.interfaces(),
        old.protection(),
        old.routeOptimization(),
        old.corresponds(),
        /* advertisedOnly= */ true,
        /* groupsByTunnel= */ false);
  }

  private static Subject homes(MobileNodeSettings first, MobileNodeSettings second) {
    Ipv6Address other = second.homeAddress().value();
    var rates = new MessageRates();
    var random = new Random(4);
    return new Subject(
        Optional.empty(),
        Optional.empty(),
        new Node(
            Stream.of(first, second)
                .map(
                    it ->
                        new Node.Mobile(
                            new MobileNode(it, false, STORED, rates, random),
                            it.homeAddress(),
                            it.policies()))
                .collect(ImmutableList.toImmutableList()),
            Optional.empty(),
            Optional.empty()),
        HostSettings.PLAIN
            .withHome(HOME, other)
            .withLearning()
            .withAssociations(
                ImmutableList.<SecurityAssociation>builder()
                    .addAll(between(HOME, 1))
                    .addAll(between(other, 2))
                    .build(),
                ImmutableMap.of(
                    HOME, associations(1).tunnels(), other, associations(2).tunnels())));
  }

  /** What a user wants for UDP between H and P, at the end that {@code local} is of. */
  private static ImmutableList<Policy> users(
      TransformProtocol protocol, Ipv6Address local, Ipv6Address peer) {
    Selector out = Selector.between(local, peer).withProtocol(IpProtocol.UDP);
    Bundle bundle = Bundle.of(Template.transport(protocol, USERS));
    return ImmutableList.of(
        Policy.allow(out, Direction.OUT, 1, bundle),
        Policy.allow(out.reversed(), Direction.IN, 1, bundle));
  }

  /** SPI 4001 from H to P, 4002 from P to H. */
  private static ImmutableList<SecurityAssociation> usersAssociations(TransformProtocol protocol) {
    return ImmutableList.of(
        users(protocol, 0x4001, HOME, PEER), users(protocol, 0x4002, PEER, HOME));
  }

  private static SecurityAssociation users(
      TransformProtocol protocol, int spi, Ipv6Address source, Ipv6Address destination) {
    var id = new AssociationId(destination, protocol, new Spi(spi));
    return SecurityAssociation.builder(id, source, Mode.TRANSPORT)
        .reqId(USERS)
        .encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY)
        .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KeyMaterial.parseHex(Secrets.ipsecKey()))
        .build();
  }

  private static Subject seeking() {
    return new Subject(
        Optional.empty(),
        Optional.empty(),
        new HomeAgentDiscovery(
            new HomeAddress(HOME), HOME_PREFIX, ImmutableMap.of("eth0", 10), new Random(4)),
        HostSettings.PLAIN);
  }

  /**
   * SPIs N001 and N002 for signalling, N101 and N102 for prefix discovery, N201 and N202 for return
   * routability, N301 and N302 for payload; the first of each towards the home agent.
   */
  private static HomeAssociations associations(int n) {
    return new HomeAssociations(
        pair(n << 12),
        Optional.of(pair(n << 12 | 0x100)),
        Optional.of(pair(n << 12 | 0x200)),
        Optional.of(pair(n << 12 | 0x300)));
  }

  private static HomeAssociations.Pair pair(int first) {
    return new HomeAssociations.Pair(new Spi(first + 1), new Spi(first + 2), new ReqId(first + 1));
  }

  private static TunnelProtection protection(int n) {
    HomeAssociations all = associations(n);
    return new TunnelProtection(
        Optional.of(all.signalling().reqId()),
        all.prefixDiscovery().map(HomeAssociations.Pair::reqId),
        all.returnRoutability().map(HomeAssociations.Pair::reqId),
        all.payload().map(HomeAssociations.Pair::reqId));
  }

  private static TunnelProtection plain(int n) {
    TunnelProtection all = protection(n);
    return new TunnelProtection(
        all.signalling(), all.prefixDiscovery(), all.returnRoutability(), Optional.empty());
  }

  private static ImmutableList<SecurityAssociation> between(Ipv6Address home, int n) {
    return associations(n)
        .between(
            home,
            AGENT,
            (spi, it) ->
                it.encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY)
                    .integrity(
                        IntegrityAlgorithm.HMAC_SHA1_96, KeyMaterial.parseHex(Secrets.ipsecKey())));
  }

  // What happens to it.

  @Override
  void link(int index, boolean up) {
    host.handle(
        now, new NodeEvent.LinkChanged(index, "eth" + (index - ETH0), up, Optional.of(MAC)));
  }

  @Override
  void address(int index, Ipv6Address address, AddressState state) {
    if (state == AddressState.GONE) {
      own.remove(address);
    } else {
      own.add(address);
    }
    host.handle(now, new NodeEvent.AddressChanged(index, address, 64, state));
  }

  @Override
  void detected(Ipv6Address address, boolean unique) {
    if (!detections.remove(address)) {
      throw new AssertionError("no detection is under way for " + address);
    }
    host.handle(now, new NodeEvent.DadFinished(new HomeAddress(address), unique));
  }

  @Override
  void listens(ImmutableSet<Ipv6Address> groups) {
    host.handle(now, new NodeEvent.GroupsJoined(groups));
  }

  @Override
  void shutDown() {
    host.handle(now, new NodeEvent.ShutdownRequested());
  }

  /** What is not the engine's goes on as in any host or router. */
  @Override
  void arrives(int index, byte[] packet) {
    if (host.arrived(now, index, packet)) {
      return;
    }
    Ipv6Address destination = Ipv6Address.read(packet, 24);
    if (own.contains(destination)) {
      if (packet[6] == PacketMaker.UDP) {
        delivered.add(packet);
      }
    } else if (router && proxied.contains(destination)) {
      host.send(now, packet);
    }
  }

  @Override
  void sends(byte[] packet) {
    host.send(now, packet);
  }

  @Override
  void passes(Duration time) {
    Instant end = now.plus(time);
    for (Optional<Instant> due = host.nextDeadline();
        due.isPresent() && !due.get().isAfter(end);
        due = host.nextDeadline()) {
      now = due.get().isAfter(now) ? due.get() : now;
      host.turn(now);
    }
    now = end;
  }

  // What is to be seen of it.

  @Override
  void settle() {}

  @Override
  Optional<Ipv6Address> boundTo(Ipv6Address home) {
    return Stream.concat(
            agent.stream()
                .flatMap(it -> it.bindings().stream())
                .filter(it -> it.homeAddress().value().equals(home))
                .map(it -> it.careOf().value()),
            correspondent.stream()
                .flatMap(it -> it.bindings().stream())
                .filter(it -> it.homeAddress().value().equals(home))
                .map(it -> it.careOf().value()))
        .findFirst();
  }

  @Override
  NodeAction.Place place() {
    return host.place(HOME);
  }

  @Override
  public void transmit(byte[] packet) {
    sent.add(packet);
  }

  @Override
  public void transmit(int interfaceIndex, byte[] packet) {
    sent.add(packet);
  }

  @Override
  public void deliver(byte[] packet) {
    delivered.add(packet);
  }

  @Override
  public void perform(NodeAction action) {
    performed.add(action);
    if (action instanceof NodeAction.StartDad dad) {
      detections.add(dad.address().value());
    } else if (action instanceof NodeAction.JoinAnycast join) {
      joined.add(join.address());
    } else if (action instanceof NodeAction.Subscribe subscribe && subscribe.on()) {
      joined.add(subscribe.group());
    } else if (action instanceof NodeAction.Subscribe subscribe) {
      joined.remove(subscribe.group());
    } else if (action instanceof NodeAction.Proxy proxy && proxy.on()) {
      proxied.add(proxy.address().value());
    } else if (action instanceof NodeAction.Proxy proxy) {
      proxied.remove(proxy.address().value());
    }
  }
}
