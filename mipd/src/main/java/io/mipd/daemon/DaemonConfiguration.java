package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Maps;
import com.google.common.collect.Sets;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import io.mipd.control.ControlSocket;
import io.mipd.host.HomeAssociations;
import io.mipd.http.HttpServer;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.xfrm.linux.KernelInterface;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.ReqId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What a configuration file says, checked.
 *
 * @param stateDirectory what must survive a restart: sequence numbers, bindings
 * @param controlSocket where {@code mipd status} asks
 * @param controlGroup whose members may ask there, too, for what changes nothing
 * @param tunnelDevice name of the device that home addresses are on while they are away
 * @param tunnelMtu its MTU in octets: what fits into an outer packet of 1500
 * @param kernelInterface how the kernel is told of policies, where it is the kernel that transforms
 * @param charonSocket where charon takes commands (vici), for keys that it negotiates
 * @param userIpsec the user's own policies and associations
 * @param http how it serves over HTTP, if it does
 * @param entries what is written, by the full path of its key; no keys of IPsec
 * @param correspondent how it takes registrations of care-of addresses from its peers, if it does
 */
record DaemonConfiguration(
    Path file,
    Path stateDirectory,
    Path controlSocket,
    Optional<String> controlGroup,
    String tunnelDevice,
    int tunnelMtu,
    WorldChoice world,
    KernelInterface kernelInterface,
    Path charonSocket,
    Role role,
    UserIpsec userIpsec,
    Optional<CorrespondentSettings> correspondent,
    Optional<HttpServer.Settings> http,
    Entries entries) {
  /** The same with the home agent that a mobile node has found. */
  DaemonConfiguration withHomeAgent(Ipv6Address address) {
    return role instanceof MobileNode mobile ? withRole(mobile.withHomeAgent(address)) : this;
  }

  DaemonConfiguration withRole(Role newRole) {
    return new DaemonConfiguration(
        file,
        stateDirectory,
        controlSocket,
        controlGroup,
        tunnelDevice,
        tunnelMtu,
        world,
        kernelInterface,
        charonSocket,
        newRole,
        userIpsec,
        correspondent,
        http,
        entries);
  }

  DaemonConfiguration withEntries(Entries newEntries) {
    return new DaemonConfiguration(
        file,
        stateDirectory,
        controlSocket,
        controlGroup,
        tunnelDevice,
        tunnelMtu,
        world,
        kernelInterface,
        charonSocket,
        role,
        userIpsec,
        correspondent,
        http,
        newEntries);
  }

  private static final String CORRESPONDENT = "correspondent";
  private static final String MOBILE_NODES = "mobile-nodes";
  private static final String MULTICAST = "multicast";
  private static final String FURTHER_HOMES = "further-home-addresses";
  private static final String FURTHER_PREFIXES = "further-home-prefixes";

  /** All of them fit into one advertisement. */
  private static final int MAXIMUM_FURTHER_PREFIXES = 15;

  static final Path DEFAULT_STATE_DIRECTORY = Path.of("/var/lib/mipd");
  static final Path DEFAULT_CONTROL_SOCKET = Path.of("/run/mipd/control.sock");

  /** Where Debian's charon listens. */
  static final Path DEFAULT_CHARON_SOCKET = Path.of("/run/charon.vici");

  static final String DEFAULT_TUNNEL_DEVICE = "mipd0";

  /** 1500 less an IPv6 header and ESP with AES-CBC, HMAC-SHA-256-128 and any padding. */
  static final int DEFAULT_TUNNEL_MTU = 1400;

  /** Who transforms packets. */
  enum WorldChoice {
    /** The kernel where it can do all that is needed, else our engine. */
    AUTO,
    KERNEL,
    ENGINE;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final ImmutableMap<String, WorldChoice> WORLDS =
      Maps.uniqueIndex(Arrays.asList(WorldChoice.values()), WorldChoice::toString);

  private static final ImmutableMap<String, KernelInterface> INTERFACES =
      Maps.uniqueIndex(Arrays.asList(KernelInterface.values()), KernelInterface::toString);

  /** What this node is. */
  sealed interface Role {
    /** As the configuration and {@code mipd ready} name it. */
    String title();
  }

  /**
   * @param address where mobile nodes register; on the home interface
   * @param furtherPrefixes of the home link, which home addresses may be of as well
   * @param lifetime that a binding may have at most
   * @param virtual whether nobody else can be on the home link
   * @param deliveryLeast MinMobPfxAdvInterval (RFC 6275 section 13)
   * @param deliveryLongest MaxMobPfxAdvInterval
   * @param careOfAddresses which may be registered; the first rule that fits decides
   * @param multicast whether mobile nodes get the groups that they ask for by the tunnel
   */
  record HomeAgent(
      String homeInterface,
      Ipv6Address address,
      Ipv6Prefix homePrefix,
      ImmutableList<HomePrefix> furtherPrefixes,
      Duration lifetime,
      Advertisements advertisements,
      boolean virtual,
      Duration deliveryLeast,
      Duration deliveryLongest,
      ImmutableList<CareOfRule> careOfAddresses,
      boolean multicast,
      ImmutableList<Served> served)
      implements Role {
    static final String TITLE = "home-agent";

    @Override
    public String title() {
      return TITLE;
    }
  }

  /**
   * The home agent's own router advertisements on the home link (RFC 6275 section 7.4).
   *
   * @param interval between two unsolicited ones, at most
   * @param preference among home agents of the link (RFC 6275 section 7.4)
   * @param valid AdvValidLifetime of the home prefix (RFC 4861 section 6.2.1)
   * @param preferred AdvPreferredLifetime
   */
  record Advertisements(
      boolean enabled,
      Duration interval,
      Duration lifetime,
      int preference,
      Duration valid,
      Duration preferred) {
    /** The same with the lifetimes of another. */
    Advertisements with(Advertisements other) {
      return new Advertisements(
          enabled, interval, lifetime, preference, other.valid(), other.preferred());
    }

    static final Advertisements DEFAULT =
        new Advertisements(
            true,
            Duration.ofSeconds(3),
            Duration.ofSeconds(30),
            0,
            Duration.ofDays(30),
            Duration.ofDays(7));
  }

  /**
   * A prefix of the home link; one that is not valid is configured, but not in use.
   *
   * @param valid AdvValidLifetime (RFC 4861 section 6.2.1)
   * @param preferred AdvPreferredLifetime
   */
  record HomePrefix(Ipv6Prefix prefix, Duration valid, Duration preferred) {}

  /** Whether care-of addresses in the prefix may be registered. */
  record CareOfRule(Ipv6Prefix prefix, boolean allow) {}

  /** A host that is nothing but a correspondent. */
  record CorrespondentNode() implements Role {
    static final String TITLE = "correspondent-node";

    @Override
    public String title() {
      return TITLE;
    }
  }

  /**
   * Route optimization of a mobile node (RFC 6275 section 11.7.2).
   *
   * @param peers which of them; the first whose prefix contains the peer decides, and all others
   *     are optimized
   * @param maximumPeers at a time
   * @param lifetime to ask them for
   */
  record Optimization(ImmutableList<PeerRule> peers, int maximumPeers, Duration lifetime) {}

  /**
   * @param use whether peers in the prefix are optimized
   */
  record PeerRule(Ipv6Prefix prefix, boolean use) {}

  /**
   * Which address programs take that have not bound one.
   *
   * @param prefix of the destinations that this is for
   * @param home the home address; otherwise the care-of address
   */
  record SourceChoice(Ipv6Prefix prefix, boolean home) {}

  /** A mobile node that the home agent serves. */
  record Served(Ipv6Address homeAddress, Optional<Protection> protection) {}

  /** Who configures care-of addresses. */
  enum CareOf {
    /** mipd where the kernel has no optimistic Duplicate Address Detection, else the kernel. */
    AUTO,
    MIPD,
    /** The kernel, or a network manager. */
    KERNEL;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A home address of a mobile node.
   *
   * @param prefix of the home link
   * @param advertisedOnly whether it is used only when, and as long as, the home agent tells the
   *     prefix
   */
  record Home(
      Ipv6Address address,
      Ipv6Prefix prefix,
      Optional<Protection> protection,
      boolean advertisedOnly) {}

  /**
   * @param furtherHomes of the same home agent
   * @param homeAgent empty: to be found by the home prefix
   * @param interfaces that may carry a care-of address, by preference
   * @param lifetime to ask for
   * @param sourceAddresses the first that contains the destination decides; the home address where
   *     none does
   * @param groupsByTunnel whether multicast groups are listened to by the tunnel while away, rather
   *     than on the visited link
   */
  record MobileNode(
      Ipv6Address homeAddress,
      Ipv6Prefix homePrefix,
      Optional<Ipv6Address> homeAgent,
      Duration lifetime,
      ImmutableList<Uplink> interfaces,
      CareOf careOfAddresses,
      ImmutableList<SourceChoice> sourceAddresses,
      Optional<Protection> protection,
      ImmutableList<Home> furtherHomes,
      Optional<Optimization> optimization,
      boolean groupsByTunnel)
      implements Role {
    static final String TITLE = "mobile-node";

    MobileNode withHomeAgent(Ipv6Address address) {
      return new MobileNode(
          homeAddress,
          homePrefix,
          Optional.of(address),
          lifetime,
          interfaces,
          careOfAddresses,
          sourceAddresses,
          protection,
          furtherHomes,
          optimization,
          groupsByTunnel);
    }

    /** All its home addresses, the first one first. */
    ImmutableList<Home> homes() {
      return ImmutableList.<Home>builder()
          .add(new Home(homeAddress, homePrefix, protection, false))
          .addAll(furtherHomes)
          .build();
    }

    @Override
    public String title() {
      return TITLE;
    }
  }

  /**
   * @param preference the usable one with the highest carries the binding
   */
  record Uplink(String name, int preference) {}

  /**
   * Reads and checks a file.
   *
   * @throws ConfigurationException with file, line, key, what is wrong and what is allowed
   */
  static DaemonConfiguration read(Path file) throws ConfigurationException {
    return read(file, basics -> {});
  }

  /**
   * Likewise.
   *
   * @param early is told, as soon as it is known, what can be begun with
   */
  static DaemonConfiguration read(Path file, Consumer<HeadStart.Basics> early)
      throws ConfigurationException {
    return read(file, Section.Reading.UNHEARD, early);
  }

  /**
   * Likewise.
   *
   * @param reading hears of every key that there may be where something is written
   */
  static DaemonConfiguration read(Path file, Section.Reading reading)
      throws ConfigurationException {
    return read(file, reading, basics -> {});
  }

  private static DaemonConfiguration read(
      Path file, Section.Reading reading, Consumer<HeadStart.Basics> early)
      throws ConfigurationException {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw ConfigurationException.unreadable(file, e, "a readable file");
    }
    Section root = root(file, text, reading);
    String title =
        root.choice(
            "role",
            ImmutableMap.of(
                HomeAgent.TITLE,
                HomeAgent.TITLE,
                MobileNode.TITLE,
                MobileNode.TITLE,
                CorrespondentNode.TITLE,
                CorrespondentNode.TITLE,
                "cn",
                CorrespondentNode.TITLE));
    WorldChoice asked = root.choice("world", "auto", WORLDS);
    KernelInterface kernelInterface =
        root.choice("kernel-interface", KernelInterface.NETLINK.toString(), INTERFACES);
    if (asked == WorldChoice.ENGINE && kernelInterface == KernelInterface.PF_KEY) {
      throw root.wrong(
          "kernel-interface",
          "pf-key, and world is engine, which tells the kernel of no policies",
          "netlink, or world = kernel");
    }
    Path state = root.path("state-directory", DEFAULT_STATE_DIRECTORY);
    Path socket = root.path("control-socket", DEFAULT_CONTROL_SOCKET);
    Path charon = root.path("charon-socket", DEFAULT_CHARON_SOCKET);
    Optional<String> group = controlGroup(root);
    String device = root.interfaceName("tunnel-device", DEFAULT_TUNNEL_DEVICE);
    int mtu = root.integer("tunnel-mtu", DEFAULT_TUNNEL_MTU, 1280, 65535);
    early.accept(basics(title, asked, kernelInterface, state));
    Role role =
        switch (title) {
          case HomeAgent.TITLE -> homeAgent(root.section(title));
          case MobileNode.TITLE -> mobileNode(root.section(title));
          default -> new CorrespondentNode();
        };
    boolean tunnelsGroups = isMulticastTunnelled(role);
    if (tunnelsGroups && isNegotiated(role)) {
      throw root.wrong(
          title + "." + MULTICAST,
          "through the tunnel, and keying is ike: what the two ends of the tunnel say of groups"
              + " is in no traffic selectors that are negotiated",
          "keys of a file, or no multicast through the tunnel");
    }
    if (tunnelsGroups && kernelInterface == KernelInterface.PF_KEY) {
      throw root.wrong(
          "kernel-interface",
          "pf-key, and multicast is through the tunnel, which takes netlink or the engine world",
          "netlink, or no multicast through the tunnel");
    }
    // In the kernel's there is more that it cannot (docs/linux.md).
    WorldChoice world = tunnelsGroups && asked == WorldChoice.AUTO ? WorldChoice.ENGINE : asked;
    if (world == WorldChoice.ENGINE && isNegotiated(role)) {
      throw root.wrong(
          "world",
          "engine, and keying is ike: charon gives its associations to the kernel",
          "kernel or auto");
    }
    Optional<CorrespondentSettings> correspondent =
        correspondent(root.optionalSection(CORRESPONDENT));
    if (role instanceof CorrespondentNode) {
      if (correspondent.isEmpty() && root.has(CORRESPONDENT)) {
        throw root.wrong(CORRESPONDENT, "off, and this node is nothing else", "enabled = on");
      }
      correspondent = Optional.of(correspondent.orElse(CorrespondentSettings.DEFAULT));
    }
    Optional<HttpServer.Settings> http = HttpSection.read(root.optionalSection("http"));
    Optional<Section> user = root.optionalSection("user-ipsec");
    root.finish();
    UserIpsec userIpsec =
        user.isPresent() ? UserIpsec.read(user.get(), protections(role)) : UserIpsec.NONE;
    return new DaemonConfiguration(
        file,
        state,
        socket,
        group,
        device,
        mtu,
        world,
        kernelInterface,
        charon,
        role,
        userIpsec,
        correspondent,
        http,
        root.entries());
  }

  private static HeadStart.Basics basics(
      String title, WorldChoice world, KernelInterface kernelInterface, Path state) {
    return new HeadStart.Basics(title.equals(HomeAgent.TITLE), world, kernelInterface, state);
  }

  /** What this begins with. */
  HeadStart.Basics basics() {
    return basics(role.title(), world, kernelInterface, stateDirectory);
  }

  private static Section root(Path file, String text, Section.Reading reading)
      throws ConfigurationException {
    ConfigParseOptions options = Includes.files(file, text);
    Optional<PlainList> plain = PlainList.find(text);
    if (plain.isPresent()) {
      String rest = plain.get().rest();
      try {
        ConfigObject object = ConfigFactory.parseString(rest, options).resolve().root();
        DuplicateKeys.check(file, rest);
        return new Section(file, object, "", reading, plain);
      } catch (ConfigException e) {
        // What is wrong is told as it is of any file.
      }
    }
    ConfigObject object;
    try {
      object = ConfigFactory.parseFile(file.toAbsolutePath().toFile(), options).resolve().root();
    } catch (ConfigException e) {
      throw ConfigurationException.syntax(file, e);
    }
    DuplicateKeys.check(file, text);
    return new Section(file, object, "", reading);
  }

  private static Optional<String> controlGroup(Section root) throws ConfigurationException {
    if (!root.has("control-group")) {
      return Optional.empty();
    }
    String allowed = "the name of a group of this system";
    String name = root.string("control-group", allowed);
    if (!ControlSocket.isGroup(name)) {
      throw root.wrong("control-group", "there is no group \"" + name + "\"", allowed);
    }
    return Optional.of(name);
  }

  private static Optional<CorrespondentSettings> correspondent(Optional<Section> given)
      throws ConfigurationException {
    if (given.isEmpty()) {
      return Optional.empty();
    }
    Section section = given.get();
    boolean enabled = section.flag("enabled", true);
    var result =
        new CorrespondentSettings(
            routeLifetime(section, "maximum-lifetime"),
            section.integer(
                "maximum-bindings", CorrespondentSettings.DEFAULT.maximumBindings(), 1, 1_000_000),
            section.integer(
                "maximum-bindings-of-prefix",
                CorrespondentSettings.DEFAULT.maximumBindingsOfPrefix(),
                1,
                1_000_000));
    section.finish();
    return enabled ? Optional.of(result) : Optional.empty();
  }

  /** RFC 6275 section 12: no longer than MAX_RR_BINDING_LIFETIME. */
  private static Duration routeLifetime(Section section, String key) throws ConfigurationException {
    return section.duration(
        key,
        ProtocolConstants.MAX_RR_BINDING_LIFETIME,
        Duration.ofSeconds(4),
        ProtocolConstants.MAX_RR_BINDING_LIFETIME);
  }

  private static Optional<Optimization> optimization(Section mobile) throws ConfigurationException {
    Optional<Section> given = mobile.optionalSection("route-optimization");
    if (given.isEmpty()) {
      return Optional.empty();
    }
    Section section = given.get();
    boolean enabled = section.flag("enabled", true);
    var rules = ImmutableList.<PeerRule>builder();
    for (Section one : section.optionalSections("peers")) {
      rules.add(new PeerRule(one.prefix("prefix"), one.flag("use", true)));
      one.finish();
    }
    var result =
        new Optimization(
            rules.build(),
            section.integer("maximum-peers", 256, 1, 100_000),
            routeLifetime(section, "lifetime"));
    section.finish();
    return enabled ? Optional.of(result) : Optional.empty();
  }

  /** Whether a key manager makes some of its associations. */
  static boolean isNegotiated(Role role) {
    return role instanceof HomeAgent agent
        ? agent.served().stream()
            .anyMatch(one -> one.protection().filter(NegotiatedKeys.class::isInstance).isPresent())
        : role instanceof MobileNode mobile
            && mobile.protection().filter(NegotiatedKeys.class::isInstance).isPresent();
  }

  /** Whether policies are to name the multicast groups for which packets pass the tunnels. */
  boolean policiesNameGroups() {
    return world == WorldChoice.KERNEL && isMulticastTunnelled(role);
  }

  /** Whether packets for multicast groups go through the tunnels with mobile nodes. */
  static boolean isMulticastTunnelled(Role role) {
    return role instanceof HomeAgent agent
        ? agent.multicast()
        : role instanceof MobileNode mobile && mobile.groupsByTunnel();
  }

  private static ImmutableList<Protection> protections(Role role) {
    Stream<Optional<Protection>> all = Stream.empty();
    if (role instanceof HomeAgent agent) {
      all = agent.served().stream().map(Served::protection);
    } else if (role instanceof MobileNode mobile) {
      all = mobile.homes().stream().map(Home::protection);
    }
    return all.flatMap(Optional::stream).collect(toImmutableList());
  }

  private static HomeAgent homeAgent(Section section) throws ConfigurationException {
    String homeInterface = section.interfaceName("home-interface");
    Ipv6Address address = section.globalAddress("address");
    Ipv6Prefix prefix = homePrefix(section, "address", address);
    ImmutableList<HomePrefix> furtherPrefixes = furtherPrefixes(section, prefix);
    Duration lifetime = bindingLifetime(section, "maximum-lifetime", Duration.ofMinutes(7));
    Advertisements advertisements = Advertisements.DEFAULT;
    Optional<Section> given = section.optionalSection("router-advertisements");
    if (given.isPresent()) {
      advertisements = advertisements(given.get());
    }
    boolean virtual =
        section.choice(
            "home-link", "physical", ImmutableMap.of("physical", false, "virtual", true));
    Duration least = Duration.ofMinutes(10);
    Duration longest = Duration.ofDays(1);
    Optional<Section> delivery = section.optionalSection("prefix-advertisements");
    if (delivery.isPresent()) {
      least = delivery.get().duration("minimum-interval", least, Duration.ofSeconds(1), longest);
      longest = delivery.get().duration("maximum-interval", longest, least, Duration.ofDays(30));
      delivery.get().finish();
    }
    var rules = ImmutableList.<CareOfRule>builder();
    for (Section one : section.optionalSections("care-of-addresses")) {
      rules.add(new CareOfRule(one.prefix("prefix"), one.flag("allow", true)));
      one.finish();
    }
    boolean multicast =
        section.choice(MULTICAST, "off", ImmutableMap.of("off", false, "tunnel", true));
    ImmutableList<Served> served =
        section.elements(
            MOBILE_NODES,
            one -> {
              var read = new Served(one.globalAddress("home-address"), protection(one));
              one.finish();
              return read;
            });
    Set<Ipv6Address> homes = Sets.newHashSetWithExpectedSize(served.size());
    Map<Object, Ipv6Address> identities = new HashMap<>();
    for (int i = 0; i < served.size(); i++) {
      Ipv6Address home = served.get(i).homeAddress();
      boolean isOfHomeLink =
          prefix.contains(home)
              || furtherPrefixes.stream().anyMatch(it -> it.prefix().contains(home));
      if (!isOfHomeLink || home.equals(address) || !homes.add(home)) {
        throw section
            .element(MOBILE_NODES, i)
            .wrong(
                "home-address",
                home + " is " + (homes.contains(home) ? "there twice" : "not a home address here"),
                "an address of "
                    + prefix
                    + (furtherPrefixes.isEmpty() ? "" : ", or of one of the further-home-prefixes,")
                    + " that is not the home agent's, once");
      }
      Optional<Protection> protection = served.get(i).protection();
      if (protection.isPresent()) {
        if (protection.get() instanceof NegotiatedKeys negotiated) {
          // Who the peer is decides which home address is his (RFC 4877 section 4.1).
          boolean taken = identities.put(negotiated.remoteIdentity(), home) != null;
          for (ReqId reqId : negotiated.associations().values()) {
            taken |= identities.put(reqId, home) != null;
          }
          if (taken) {
            throw section
                .element(MOBILE_NODES, i)
                .wrong(
                    "protection",
                    "remote-identity " + negotiated.remoteIdentity() + " or a reqid is used twice",
                    "every identity and every reqid once");
          }
        }
        for (HomeAssociations.Pair pair : protection.get().pairs()) {
          // Associations towards the home agent share its address: their SPIs must differ. Request
          // ids tie a home address to its own associations, so they are never shared either.
          Ipv6Address other = identities.put(pair.toHomeAgent(), home);
          Ipv6Address same = identities.put(pair.reqId(), home);
          if (other != null || same != null) {
            throw section
                .element(MOBILE_NODES, i)
                .wrong(
                    "protection",
                    "SPI " + pair.toHomeAgent() + " or its reqid is used twice",
                    "every to-home-agent SPI and every reqid once");
          }
        }
      }
    }
    section.finish();
    return new HomeAgent(
        homeInterface,
        address,
        prefix,
        furtherPrefixes,
        lifetime,
        advertisements,
        virtual,
        least,
        longest,
        rules.build(),
        multicast,
        served);
  }

  private static ImmutableList<HomePrefix> furtherPrefixes(Section agent, Ipv6Prefix first)
      throws ConfigurationException {
    var further = ImmutableList.<HomePrefix>builder();
    Set<Ipv6Prefix> all = new HashSet<>(Set.of(first));
    for (Section one : agent.optionalSections(FURTHER_PREFIXES)) {
      Ipv6Prefix prefix = one.prefix("prefix");
      if (all.stream()
          .anyMatch(it -> it.contains(prefix.address()) || prefix.contains(it.address()))) {
        throw one.wrong(
            "prefix", prefix + " overlaps another home prefix", "each home prefix once");
      }
      if (all.size() > MAXIMUM_FURTHER_PREFIXES) {
        throw agent.wrong(
            FURTHER_PREFIXES,
            "more than " + MAXIMUM_FURTHER_PREFIXES,
            "at most " + MAXIMUM_FURTHER_PREFIXES);
      }
      all.add(prefix);
      Duration valid = validLifetime(one);
      further.add(new HomePrefix(prefix, valid, preferredLifetime(one, valid)));
      one.finish();
    }
    return further.build();
  }

  private static Duration validLifetime(Section section) throws ConfigurationException {
    return section.duration(
        "valid-lifetime", Advertisements.DEFAULT.valid(), Duration.ZERO, Duration.ofDays(36_500));
  }

  private static Duration preferredLifetime(Section section, Duration valid)
      throws ConfigurationException {
    return section.duration(
        "preferred-lifetime",
        valid.compareTo(Advertisements.DEFAULT.preferred()) < 0
            ? valid
            : Advertisements.DEFAULT.preferred(),
        Duration.ZERO,
        valid);
  }

  private static Advertisements advertisements(Section section) throws ConfigurationException {
    Duration valid = validLifetime(section);
    Duration preferred = preferredLifetime(section, valid);
    var result =
        new Advertisements(
            section.flag("enabled", true),
            section.duration(
                "interval", Duration.ofSeconds(3), Duration.ofMillis(70), Duration.ofSeconds(1800)),
            section.duration(
                "lifetime", Duration.ofSeconds(30), Duration.ZERO, Duration.ofSeconds(9000)),
            section.integer("preference", 0, -32768, 32767),
            valid,
            preferred);
    section.finish();
    return result;
  }

  private static MobileNode mobileNode(Section section) throws ConfigurationException {
    Ipv6Address home = section.globalAddress("home-address");
    Ipv6Prefix prefix = homePrefix(section, "home-address", home);
    Optional<Ipv6Address> agent =
        section.has("home-agent")
            ? Optional.of(section.globalAddress("home-agent"))
            : Optional.empty();
    if (agent.equals(Optional.of(home))) {
      throw section.wrong("home-agent", "the same as home-address", "the home agent's own address");
    }
    Duration lifetime = bindingLifetime(section, "lifetime", Duration.ofMinutes(7));
    var uplinks = ImmutableList.<Uplink>builder();
    Set<String> names = new HashSet<>();
    for (Section one : section.sections("interfaces")) {
      String name = one.interfaceName("name");
      if (!names.add(name)) {
        throw one.wrong("name", name + " is there twice", "each interface once");
      }
      uplinks.add(new Uplink(name, one.integer("preference", 0, 0, 1000)));
      one.finish();
    }
    CareOf careOf =
        section.choice(
            "care-of-addresses",
            "auto",
            ImmutableMap.of("auto", CareOf.AUTO, "mipd", CareOf.MIPD, "kernel", CareOf.KERNEL));
    ImmutableList<SourceChoice> sources = sourceAddresses(section);
    Optional<Protection> protection = protection(section);
    ImmutableList<Home> further =
        furtherHomes(section, new Home(home, prefix, protection, false), agent);
    Optional<Optimization> optimization = optimization(section);
    boolean groupsByTunnel =
        section.choice(MULTICAST, "local", ImmutableMap.of("local", false, "home-tunnel", true));
    section.finish();
    return new MobileNode(
        home,
        prefix,
        agent,
        lifetime,
        uplinks.build(),
        careOf,
        sources,
        protection,
        further,
        optimization,
        groupsByTunnel);
  }

  private static ImmutableList<Home> furtherHomes(
      Section mobile, Home first, Optional<Ipv6Address> agent) throws ConfigurationException {
    var further = ImmutableList.<Home>builder();
    Set<Ipv6Address> addresses = new HashSet<>(Set.of(first.address()));
    agent.ifPresent(addresses::add);
    Set<Object> identities = new HashSet<>();
    first
        .protection()
        .ifPresent(
            it -> {
              it.pairs().forEach(pair -> isNew(identities, pair));
              identities.addAll(it.tunnel().reqIds());
            });
    int count = 0;
    for (Section one : mobile.optionalSections(FURTHER_HOMES)) {
      boolean advertisedOnly =
          one.choice("when", "always", ImmutableMap.of("always", false, "advertised", true));
      // The interface identifier stays as it is when a prefix comes (RFC 4862 section 5.5.3).
      Ipv6Address home =
          advertisedOnly && !one.has("home-address")
              ? first.address().withPrefix(one.prefix("home-prefix"))
              : one.globalAddress("home-address");
      if (!addresses.add(home)) {
        throw one.wrong(
            "home-address",
            home + " is there already",
            "each home address once, and not the home agent's own");
      }
      if (++count > HomePlace.MAXIMUM_ADDRESSES - 1) {
        throw mobile.wrong(
            FURTHER_HOMES,
            "more than " + (HomePlace.MAXIMUM_ADDRESSES - 1),
            "at most " + (HomePlace.MAXIMUM_ADDRESSES - 1));
      }
      Ipv6Prefix prefix =
          one.has("home-prefix") || !first.prefix().contains(home)
              ? homePrefix(one, "home-address", home)
              : first.prefix();
      Optional<Protection> protection = protection(one);
      if (protection.isPresent() && !(protection.get() instanceof ConfiguredKeys)) {
        throw one.wrong(
            "protection.keying",
            "ike, which the first home address alone can have",
            "keys of a file for further home addresses");
      }
      for (HomeAssociations.Pair pair :
          protection.map(Protection::pairs).orElse(ImmutableList.of())) {
        // The tunnels of all home addresses end at the same care-of address: their SPIs must
        // differ.
        if (!isNew(identities, pair)) {
          throw one.wrong(
              "protection",
              "SPI "
                  + pair.toHomeAgent()
                  + " or "
                  + pair.toMobileNode()
                  + " or reqid "
                  + pair.reqId().value()
                  + " is another home address's, too",
              "every SPI and every reqid once");
        }
      }
      one.finish();
      further.add(new Home(home, prefix, protection, advertisedOnly));
    }
    return further.build();
  }

  /** Whether nobody has its SPIs and its request id yet; then it has them. */
  private static boolean isNew(Set<Object> identities, HomeAssociations.Pair pair) {
    return identities.add("to the home agent " + pair.toHomeAgent())
        && identities.add("to the mobile node " + pair.toMobileNode())
        && identities.add(pair.reqId());
  }

  private static ImmutableList<SourceChoice> sourceAddresses(Section mobile)
      throws ConfigurationException {
    var choices = ImmutableList.<SourceChoice>builder();
    int count = 0;
    for (Section one : mobile.optionalSections("source-addresses")) {
      if (++count > HomePlace.MAXIMUM_CHOICES) {
        throw mobile.wrong(
            "source-addresses",
            "more than " + HomePlace.MAXIMUM_CHOICES,
            "at most " + HomePlace.MAXIMUM_CHOICES);
      }
      choices.add(
          new SourceChoice(
              one.prefix("prefix"),
              one.choice("use", ImmutableMap.of("home-address", true, "care-of-address", false))));
      one.finish();
    }
    return choices.build();
  }

  private static Optional<Protection> protection(Section section) throws ConfigurationException {
    if (!section.flag("ipsec", true)) {
      if (section.has("protection")) {
        throw section.wrong(
            "protection", "given although ipsec is off", "ipsec on, or no protection");
      }
      return Optional.empty();
    }
    return Optional.of(Protection.read(section.section("protection")));
  }

  private static Ipv6Prefix homePrefix(Section section, String key, Ipv6Address inside)
      throws ConfigurationException {
    Ipv6Prefix prefix = section.prefix("home-prefix");
    if (!prefix.contains(inside)) {
      throw section.wrong(
          "home-prefix", key + " " + inside + " is not in it", "the prefix of the home link");
    }
    return prefix;
  }

  /** A binding's lifetime is 16 bits of four seconds (RFC 6275 section 6.1.7). */
  private static Duration bindingLifetime(Section section, String key, Duration byDefault)
      throws ConfigurationException {
    return section.duration(key, byDefault, Duration.ofSeconds(4), Duration.ofSeconds(4L * 0xffff));
  }
}
