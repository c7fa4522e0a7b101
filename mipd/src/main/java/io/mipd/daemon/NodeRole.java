package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.HomeAssociations;
import io.mipd.mobility.autoconf.Autoconfiguration;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.linux.Sysctl;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.netlink.Link;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a configured role wants of the world around its core. */
abstract class NodeRole {
  private static final Logger log = LoggerFactory.getLogger(NodeRole.class);

  final DaemonConfiguration configuration;

  private NodeRole(DaemonConfiguration configuration) {
    this.configuration = configuration;
  }

  static NodeRole of(DaemonConfiguration configuration) {
    if (configuration.role() instanceof DaemonConfiguration.HomeAgent agent) {
      return new HomeAgentRole(configuration, agent);
    } else if (configuration.role() instanceof DaemonConfiguration.MobileNode mobile) {
      return new MobileNodeRole(configuration, mobile);
    }
    return new CorrespondentRole(configuration);
  }

  /**
   * @throws SystemLacksException if the system is not as the role needs it
   */
  abstract void check(Rtnetlink netlink) throws SystemLacksException, IOException;

  /** Home addresses whose packets a dead predecessor's guard keeps dropping until we are ready. */
  abstract ImmutableSet<Ipv6Address> guarded();

  abstract void setSysctls(SystemChanges system) throws IOException;

  abstract World.Setup setup();

  /** Those with the home agent, and the user's. */
  final ImmutableList<SecurityAssociation> associations() {
    return ImmutableList.<SecurityAssociation>builder()
        .addAll(homeAssociations())
        .addAll(configuration.userIpsec().associations())
        .build();
  }

  abstract ImmutableList<SecurityAssociation> homeAssociations();

  /**
   * Where its bindings are kept.
   *
   * @param ahead has read a home agent's
   * @param decided called by any thread when something has become durable, or failed to
   */
  BindingStore bindings(Path stateDirectory, HeadStart ahead, Runnable decided)
      throws SystemLacksException, IOException {
    return DurableBindingStore.ofMobileNode(stateDirectory, decided);
  }

  /**
   * Home addresses that a predecessor has left bound at us.
   *
   * @param wall when the core begins, by the wall clock: it has the same bindings
   */
  ImmutableSet<Ipv6Address> bound(BindingStore bindings, Instant wall) {
    return ImmutableSet.of();
  }

  /**
   * @param wall what {@code now} is by the wall clock
   */
  abstract NodeShell.Core core(BindingStore bindings, Instant now, Instant wall);

  /** The places of our home addresses, in their order. */
  ImmutableMap<Ipv6Address, HomePlace> places(SystemChanges system, World world)
      throws IOException {
    return ImmutableMap.of();
  }

  abstract Optional<HomeProxies> proxies(
      SystemChanges system, World world, RestoredRoutes routes, Poller poller);

  /** Which routes lead packets for bound peers to a world that needs them. */
  abstract PeerRoutes.Kind peerRoutes();

  final Optional<PeerRoutes> peers(SystemChanges system, World world) {
    return world.needsRoutes() && configuration.correspondent().isPresent()
        ? Optional.of(new PeerRoutes(system, world.homeDevice(), peerRoutes(), setup().home()))
        : Optional.empty();
  }

  /** Leads what the user's policies transform to a world that needs to be led to. */
  final void routeUsers(SystemChanges system, World world) throws IOException {
    if (world.needsRoutes()) {
      UserRoutes.put(
          system,
          world.homeDevice(),
          peerRoutes(),
          setup().home(),
          configuration.userIpsec().policies());
    }
  }

  /** Who configures our addresses; empty for the kernel. */
  abstract Optional<CareOfAddresses> careOf(SystemChanges system, Rtnetlink netlink, World world);

  /** Request ids of the tunnels of each home address. */
  final ImmutableMap<Ipv6Address, ImmutableList<ReqId>> tunnels() {
    Map<Ipv6Address, ImmutableList<ReqId>> all = new LinkedHashMap<>();
    for (var entry : protections().entrySet()) {
      var tunnels = ImmutableList.<ReqId>builder();
      entry.getValue().tunnel().returnRoutability().ifPresent(tunnels::add);
      entry.getValue().tunnel().payload().ifPresent(tunnels::add);
      all.put(entry.getKey(), tunnels.build());
    }
    return ImmutableMap.copyOf(all);
  }

  /** Likewise, of associations that a key manager makes. */
  final ImmutableSet<ReqId> negotiated() {
    return negotiations().values().stream()
        .flatMap(one -> one.associations().values().stream())
        .collect(ImmutableSet.toImmutableSet());
  }

  /** What is negotiated with the other end, by home address. */
  final ImmutableMap<Ipv6Address, NegotiatedKeys> negotiations() {
    var all = ImmutableMap.<Ipv6Address, NegotiatedKeys>builder();
    protections()
        .forEach(
            (home, protection) -> {
              if (protection instanceof NegotiatedKeys negotiated) {
                all.put(home, negotiated);
              }
            });
    return all.buildOrThrow();
  }

  /** Who has the associations negotiated, if some are. */
  final Optional<KeyExchange> keyExchange(NodeShell.Core core) {
    ImmutableMap<Ipv6Address, NegotiatedKeys> negotiations = negotiations();
    Optional<Ipv6Address> agent = setup().homeLink().map(World.HomeLink::agent);
    return negotiations.isEmpty() || agent.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new KeyExchange(
                negotiations,
                agent.get(),
                core.roles().agent().isPresent(),
                () -> core.roles().mobile().map(MobileNode::keyManagementMoves).orElse(false)));
  }

  /** By home address. */
  abstract ImmutableMap<Ipv6Address, Protection> protections();

  /**
   * SPIs of the associations that end here, wherever they begin.
   *
   * @param ours our addresses that do not change: what a user's association sends from them ends
   *     elsewhere
   */
  final ImmutableSet<Spi> inboundSpis(boolean atHomeAgent, Set<Ipv6Address> ours) {
    var spis = ImmutableSet.<Spi>builder();
    for (SecurityAssociation association : configuration.userIpsec().associations()) {
      if (!ours.contains(association.source())) {
        spis.add(association.id().spi());
      }
    }
    for (Protection protection : protections().values()) {
      for (HomeAssociations.Pair pair : protection.pairs()) {
        spis.add(atHomeAgent ? pair.toHomeAgent() : pair.toMobileNode());
      }
    }
    return spis.build();
  }

  /** The home agent. */
  private static final class HomeAgentRole extends NodeRole {
    private final DaemonConfiguration.HomeAgent agent;
    private final ImmutableSet<Ipv6Address> served;
    private final ImmutableMap<Ipv6Address, Protection> protections;

    HomeAgentRole(DaemonConfiguration configuration, DaemonConfiguration.HomeAgent agent) {
      super(configuration);
      this.agent = agent;
      var homes = ImmutableSet.<Ipv6Address>builderWithExpectedSize(agent.served().size());
      Map<Ipv6Address, Protection> all = new LinkedHashMap<>();
      for (DaemonConfiguration.Served one : agent.served()) {
        homes.add(one.homeAddress());
        one.protection().ifPresent(it -> all.put(one.homeAddress(), it));
      }
      served = homes.build();
      protections = ImmutableMap.copyOf(all);
    }

    @Override
    void check(Rtnetlink netlink) throws SystemLacksException, IOException {
      Link link = existing(netlink, agent.homeInterface());
      if (netlink.addresses().stream()
          .noneMatch(
              one ->
                  one.interfaceIndex() == link.index() && one.address().equals(agent.address()))) {
        throw new SystemLacksException(
            agent.homeInterface()
                + " has no address "
                + agent.address()
                + ": ip addr add "
                + agent.address()
                + "/64 dev "
                + agent.homeInterface());
      }
      String forwarding = "net/ipv6/conf/" + agent.homeInterface() + "/forwarding";
      if (!Sysctl.read(forwarding).equals(Optional.of("1"))) {
        throw new SystemLacksException(
            "a home agent is a router, and IPv6 forwarding is off: sysctl"
                + " net.ipv6.conf.all.forwarding=1");
      }
    }

    @Override
    ImmutableSet<Ipv6Address> guarded() {
      return served;
    }

    @Override
    void setSysctls(SystemChanges system) throws IOException {
      system.setSysctl("net/ipv6/conf/" + agent.homeInterface() + "/proxy_ndp", "1");
      // What comes for a proxied address: a solicitation is answered, and whoever sends to a
      // link-local one is told that it is unreachable (RFC 6275 section 10.4.2). The kernel looks
      // at this parameter alone there.
      system.setSysctl("net/ipv6/conf/all/proxy_ndp", "1");
    }

    @Override
    World.Setup setup() {
      return new World.Setup(
          configuration.tunnelDevice(),
          configuration.tunnelMtu(),
          true,
          ImmutableSet.of(),
          ImmutableSet.of(),
          guarded(),
          Optional.of(new World.HomeLink(agent.address(), agent.homePrefix())),
          /* learning= */ false,
          inboundSpis(true, Set.of(agent.address())),
          configuration.userIpsec().policies(),
          DaemonConfiguration.isMulticastTunnelled(configuration.role()),
          negotiated());
    }

    @Override
    ImmutableMap<Ipv6Address, Protection> protections() {
      return protections;
    }

    @Override
    ImmutableList<SecurityAssociation> homeAssociations() {
      var all = ImmutableList.<SecurityAssociation>builder();
      protections().forEach((home, one) -> all.addAll(one.associations(home, agent.address())));
      return all.build();
    }

    @Override
    BindingStore bindings(Path stateDirectory, HeadStart ahead, Runnable decided)
        throws SystemLacksException, IOException {
      return ahead.bindings(decided).orElseThrow();
    }

    @Override
    ImmutableSet<Ipv6Address> bound(BindingStore bindings, Instant wall) {
      ImmutableList<BindingStore.Entry> entries = bindings.entries();
      var bound = ImmutableSet.<Ipv6Address>builderWithExpectedSize(entries.size());
      for (BindingStore.Entry entry : entries) {
        Ipv6Address home = entry.homeAddress().value();
        if (entry.binding().isPresent()
            && entry.binding().get().expiry().isAfter(wall)
            && served.contains(home)) {
          bound.add(home);
        }
      }
      return bound.build();
    }

    @Override
    NodeShell.Core core(BindingStore bindings, Instant now, Instant wall) {
      return Cores.homeAgent(agent, this, bindings, now, wall);
    }

    @Override
    PeerRoutes.Kind peerRoutes() {
      return PeerRoutes.Kind.ROUTER;
    }

    @Override
    Optional<HomeProxies> proxies(
        SystemChanges system, World world, RestoredRoutes routes, Poller poller) {
      var beyond = new NeighborProxies(poller, world.network(), agent.address());
      return Optional.of(new HomeProxies(system, world.homeDevice(), routes, beyond));
    }

    @Override
    Optional<CareOfAddresses> careOf(SystemChanges system, Rtnetlink netlink, World world) {
      return Optional.empty();
    }
  }

  /** The mobile node. */
  private static final class MobileNodeRole extends NodeRole {
    private final DaemonConfiguration.MobileNode mobile;

    MobileNodeRole(DaemonConfiguration configuration, DaemonConfiguration.MobileNode mobile) {
      super(configuration);
      this.mobile = mobile;
    }

    @Override
    void check(Rtnetlink netlink) throws SystemLacksException, IOException {
      boolean any = false;
      for (DaemonConfiguration.Uplink uplink : mobile.interfaces()) {
        if (netlink.link(uplink.name()).isPresent()) {
          any = true;
        } else {
          log.warn("there is no interface {} yet", uplink.name());
        }
      }
      if (!any) {
        throw new SystemLacksException(
            "there is none of the interfaces " + mobile.interfaces() + ": see ip link");
      }
      if (isOwn(mobile.careOfAddresses()) && !netlink.link("lo").map(Link::isUp).orElse(false)) {
        throw new SystemLacksException(
            "care-of addresses of our own need the loopback device: ip link set lo up");
      }
    }

    @Override
    ImmutableSet<Ipv6Address> guarded() {
      return mobile.homes().stream()
          .map(DaemonConfiguration.Home::address)
          .collect(ImmutableSet.toImmutableSet());
    }

    @Override
    void setSysctls(SystemChanges system) throws IOException {
      boolean own = isOwn(mobile.careOfAddresses());
      log.info(
          "care-of addresses are configured by {} (care-of-addresses = {})",
          own ? "mipd" : "the kernel",
          mobile.careOfAddresses());
      for (DaemonConfiguration.Uplink uplink : mobile.interfaces()) {
        String conf = "net/ipv6/conf/" + uplink.name() + "/";
        boolean forwards = Sysctl.read(conf + "forwarding").equals(Optional.of("1"));
        system.setSysctl(conf + "accept_ra", forwards ? "2" : "1");
        // Routers, routes on the link, MTU and timers are the kernel's in any case.
        system.setSysctl(conf + "autoconf", own ? "0" : "1");
        if (!own) {
          // RFC 4429: an address is used while it is being checked.
          system.setSysctl(conf + "optimistic_dad", "1");
          system.setSysctl(conf + "use_optimistic", "1");
        }
      }
    }

    @Override
    World.Setup setup() {
      return new World.Setup(
          configuration.tunnelDevice(),
          configuration.tunnelMtu(),
          false,
          names(),
          mobile.homeAgent().isPresent() ? guarded() : ImmutableSet.of(),
          ImmutableSet.of(),
          mobile.homeAgent().map(it -> new World.HomeLink(it, mobile.homePrefix())),
          mobile.optimization().isPresent(),
          inboundSpis(false, guarded()),
          configuration.userIpsec().policies(),
          DaemonConfiguration.isMulticastTunnelled(configuration.role()),
          negotiated());
    }

    @Override
    ImmutableMap<Ipv6Address, Protection> protections() {
      var all = ImmutableMap.<Ipv6Address, Protection>builder();
      for (DaemonConfiguration.Home home : mobile.homes()) {
        home.protection().ifPresent(one -> all.put(home.address(), one));
      }
      return all.buildOrThrow();
    }

    @Override
    ImmutableList<SecurityAssociation> homeAssociations() {
      var all = ImmutableList.<SecurityAssociation>builder();
      mobile
          .homeAgent()
          .ifPresent(
              it -> protections().forEach((home, one) -> all.addAll(one.associations(home, it))));
      return all.build();
    }

    @Override
    NodeShell.Core core(BindingStore bindings, Instant now, Instant wall) {
      return mobile.homeAgent().isPresent()
          ? Cores.mobileNode(mobile, this, bindings)
          : Cores.discovery(mobile, this);
    }

    @Override
    PeerRoutes.Kind peerRoutes() {
      return PeerRoutes.Kind.MOBILE_NODE;
    }

    @Override
    ImmutableMap<Ipv6Address, HomePlace> places(SystemChanges system, World world)
        throws IOException {
      if (mobile.homeAgent().isEmpty()) {
        return ImmutableMap.of();
      }
      var all = ImmutableMap.<Ipv6Address, HomePlace>builder();
      for (DaemonConfiguration.Home home : mobile.homes()) {
        int table = HomePlace.table(guarded(), home.address());
        var place = new HomePlace(system, home.address(), home.prefix(), table, world.homeDevice());
        place.begin(mobile.sourceAddresses());
        all.put(home.address(), place);
      }
      return all.buildOrThrow();
    }

    @Override
    Optional<HomeProxies> proxies(
        SystemChanges system, World world, RestoredRoutes routes, Poller poller) {
      return Optional.empty();
    }

    @Override
    Optional<CareOfAddresses> careOf(SystemChanges system, Rtnetlink netlink, World world) {
      if (!isOwn(mobile.careOfAddresses())) {
        return Optional.empty();
      }
      return Optional.of(
          new CareOfAddresses(
              names(),
              new Autoconfiguration(guarded(), new SecureRandom()),
              system,
              netlink,
              world.network().icmp(),
              world.network()::tell));
    }

    private ImmutableSet<String> names() {
      return mobile.interfaces().stream()
          .map(DaemonConfiguration.Uplink::name)
          .collect(ImmutableSet.toImmutableSet());
    }

    /** Whether we configure care-of addresses ourselves. */
    private static boolean isOwn(DaemonConfiguration.CareOf wanted) {
      return switch (wanted) {
        case MIPD -> true;
        case KERNEL -> false;
        case AUTO -> !kernelIsOptimistic();
      };
    }

    private static boolean kernelIsOptimistic() {
      try {
        return Sysctl.read("net/ipv6/conf/default/optimistic_dad").isPresent();
      } catch (SystemCallException e) {
        log.debug("{}", e.toString());
        return false;
      }
    }
  }

  /** Nothing but a correspondent. */
  private static final class CorrespondentRole extends NodeRole {
    CorrespondentRole(DaemonConfiguration configuration) {
      super(configuration);
    }

    @Override
    void check(Rtnetlink netlink) {
      // Any host will do.
    }

    @Override
    ImmutableSet<Ipv6Address> guarded() {
      return ImmutableSet.of();
    }

    @Override
    void setSysctls(SystemChanges system) {
      // As they are.
    }

    @Override
    World.Setup setup() {
      return new World.Setup(
          configuration.tunnelDevice(),
          configuration.tunnelMtu(),
          false,
          ImmutableSet.of(),
          ImmutableSet.of(),
          ImmutableSet.of(),
          Optional.empty(),
          /* learning= */ false,
          inboundSpis(false, Set.of()),
          configuration.userIpsec().policies(),
          DaemonConfiguration.isMulticastTunnelled(configuration.role()),
          negotiated());
    }

    @Override
    ImmutableMap<Ipv6Address, Protection> protections() {
      return ImmutableMap.of();
    }

    @Override
    ImmutableList<SecurityAssociation> homeAssociations() {
      return ImmutableList.of();
    }

    @Override
    NodeShell.Core core(BindingStore bindings, Instant now, Instant wall) {
      return Cores.correspondentNode(this);
    }

    @Override
    PeerRoutes.Kind peerRoutes() {
      return PeerRoutes.Kind.HOST;
    }

    @Override
    Optional<HomeProxies> proxies(
        SystemChanges system, World world, RestoredRoutes routes, Poller poller) {
      return Optional.empty();
    }

    @Override
    Optional<CareOfAddresses> careOf(SystemChanges system, Rtnetlink netlink, World world) {
      return Optional.empty();
    }
  }

  static Link existing(Rtnetlink netlink, String name)
      throws SystemLacksException, SystemCallException {
    Optional<Link> link = netlink.link(name);
    if (link.isEmpty()) {
      throw new SystemLacksException("there is no interface " + name + ": see ip link");
    }
    return link.get();
  }
}
