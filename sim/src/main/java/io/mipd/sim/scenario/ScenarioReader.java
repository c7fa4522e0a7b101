package io.mipd.sim.scenario;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSortedMap;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import io.mipd.daemon.ConfigurationException;
import io.mipd.daemon.DuplicateKeys;
import io.mipd.daemon.Includes;
import io.mipd.daemon.Section;
import io.mipd.daemon.UserIpsec;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.sim.link.Line;
import io.mipd.sim.link.LossModel;
import io.mipd.sim.node.RouterAdvertiser;
import io.mipd.sim.scenario.Scenario.Fault;
import io.mipd.sim.scenario.Scenario.FlowKind;
import io.mipd.sim.scenario.Scenario.FlowPlan;
import io.mipd.sim.scenario.Scenario.HomeAgentPlan;
import io.mipd.sim.scenario.Scenario.HostPlan;
import io.mipd.sim.scenario.Scenario.LinkPlan;
import io.mipd.sim.scenario.Scenario.MobileNodePlan;
import io.mipd.sim.scenario.Scenario.Move;
import io.mipd.sim.scenario.Scenario.Observation;
import io.mipd.sim.scenario.Scenario.RouterPlan;
import io.mipd.sim.scenario.Scenario.UserAssociation;
import io.mipd.sim.scenario.Scenario.UserPlan;
import io.mipd.sim.tcp.CongestionControl;
import io.mipd.sim.tcp.TcpSettings;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.NdOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/** Reads a scenario: HOCON, each value checked, each error with file, line, key and remedy. */
public final class ScenarioReader {
  /** Captures of more nodes than these are asked for by name. */
  private static final int CAPTURED_BY_DEFAULT = 24;

  /** Metres, and metres per second. */
  private static final double FARTHEST = 1e7;

  private static final double FASTEST = 1e5;

  private static final Duration LONGEST = Duration.ofDays(2);

  /** Of prefixes that are advertised; longer than any run. */
  private static final Duration VALID = Duration.ofDays(30);

  private static final Duration PREFERRED = Duration.ofDays(7);
  private static final Duration ROUTER_LIFETIME = Duration.ofMinutes(30);

  /** RFC 6275 section 7.5. */
  private static final Duration LEAST_MIN_INTERVAL = Duration.ofMillis(30);

  private static final Duration LEAST_MAX_INTERVAL = Duration.ofMillis(70);
  private static final Duration MOST_INTERVAL = Duration.ofMinutes(30);

  private static final ImmutableMap<String, FlowKind> KINDS =
      ImmutableMap.of(
          "cbr", FlowKind.CBR,
          "echo", FlowKind.ECHO,
          "request", FlowKind.REQUEST,
          "tcp", FlowKind.TCP);

  private static final ImmutableMap<String, CongestionControl.Algorithm> ALGORITHMS =
      ImmutableMap.of(
          "cubic", CongestionControl.Algorithm.CUBIC,
          "newreno", CongestionControl.Algorithm.NEWRENO);

  private static final ImmutableMap<String, Integer> MESSAGES =
      ImmutableMap.of(
          "home-test-init", MobilityMessage.HOME_TEST_INIT,
          "care-of-test-init", MobilityMessage.CARE_OF_TEST_INIT,
          "home-test", MobilityMessage.HOME_TEST,
          "care-of-test", MobilityMessage.CARE_OF_TEST,
          "binding-update", MobilityMessage.BINDING_UPDATE,
          "binding-acknowledgement", MobilityMessage.BINDING_ACKNOWLEDGEMENT,
          "binding-error", MobilityMessage.BINDING_ERROR,
          "binding-refresh-request", MobilityMessage.BINDING_REFRESH_REQUEST);

  private final Section root;
  private ImmutableSortedMap<String, LinkPlan> links = ImmutableSortedMap.of();
  private ImmutableSortedMap<String, Cell> cells = ImmutableSortedMap.of();
  private final Map<String, String> kindsOfNodes = new TreeMap<>();

  private ScenarioReader(Section root) {
    this.root = root;
  }

  /** The text of a file as HOCON, substitutions resolved. */
  public static Config parse(Path file, String text) throws ConfigurationException {
    return resolve(file, parseUnresolved(file, text));
  }

  /**
   * The text of a file as HOCON, with substitutions, so that what they refer to can be replaced.
   */
  static Config parseUnresolved(Path file, String text) throws ConfigurationException {
    try {
      // A run keeps its scenario's text, which must be all of it.
      ConfigParseOptions options = Includes.none(file, text).setOriginDescription(file.toString());
      Config config = ConfigFactory.parseString(text, options);
      DuplicateKeys.check(file, text);
      return config;
    } catch (ConfigException e) {
      throw ConfigurationException.syntax(file, e);
    }
  }

  static Config resolve(Path file, Config config) throws ConfigurationException {
    try {
      // Nothing of the machine gets in.
      return config.resolve(ConfigResolveOptions.noSystem());
    } catch (ConfigException e) {
      throw ConfigurationException.syntax(file, e);
    }
  }

  /**
   * Reads a scenario.
   *
   * @param name the words of a command line by which it is run
   * @param file for messages
   * @throws ConfigurationException with file, line, key, what is wrong and what is allowed
   */
  public static Scenario read(String name, Path file, Config config) throws ConfigurationException {
    return new ScenarioReader(new Section(file, config.root(), "")).scenario(name);
  }

  /** Reads a scenario as a file gives it. */
  public static Scenario read(String name, Path file, String text) throws ConfigurationException {
    return read(name, file, parse(file, text));
  }

  private Scenario scenario(String name) throws ConfigurationException {
    String title = root.string("title", "what is simulated, in a few words");
    root.string("description", "", "a text");
    // Whatever other values refer to.
    root.optionalSection("values");
    Duration duration =
        root.duration("duration", Duration.ofMinutes(1), Duration.ofMillis(1), LONGEST);
    int seed = root.integer("seed", 1, 0, Integer.MAX_VALUE);
    links = links();
    cells = cells();
    var routers = ImmutableSortedMap.<String, RouterPlan>naturalOrder();
    var agents = ImmutableSortedMap.<String, HomeAgentPlan>naturalOrder();
    var mobiles = ImmutableSortedMap.<String, MobileNodePlan>naturalOrder();
    var hosts = ImmutableSortedMap.<String, HostPlan>naturalOrder();
    for (Map.Entry<String, Section> entry : root.namedSections("routers").entrySet()) {
      is(entry, "router");
      routers.put(entry.getKey(), router(entry.getValue()));
    }
    for (Map.Entry<String, Section> entry : root.namedSections("home-agents").entrySet()) {
      is(entry, "home agent");
      agents.put(entry.getKey(), homeAgent(entry.getValue()));
    }
    ImmutableSortedMap<String, HomeAgentPlan> allAgents = agents.buildOrThrow();
    for (Map.Entry<String, Section> entry : root.namedSections("mobile-nodes").entrySet()) {
      is(entry, "mobile node");
      mobiles.put(entry.getKey(), mobileNode(entry.getValue(), allAgents));
    }
    for (Map.Entry<String, Section> entry : root.namedSections("hosts").entrySet()) {
      is(entry, "host");
      hosts.put(entry.getKey(), host(entry.getValue()));
    }
    ImmutableSortedMap<String, MobileNodePlan> allMobiles = mobiles.buildOrThrow();
    UserPlan user = userIpsec();
    var moves = ImmutableList.<Move>builder();
    for (Section one : root.optionalSections("movement")) {
      moves.addAll(moves(one, allMobiles));
    }
    var flows = ImmutableList.<FlowPlan>builder();
    for (Section one : root.optionalSections("traffic")) {
      flows.add(flow(one, duration));
    }
    var faults = ImmutableList.<Fault>builder();
    for (Section one : root.optionalSections("faults")) {
      faults.add(fault(one));
    }
    Observation observation = observation();
    root.finish();
    return new Scenario(
        name,
        title,
        duration,
        seed,
        links,
        routers.buildOrThrow(),
        allAgents,
        allMobiles,
        hosts.buildOrThrow(),
        user,
        moves.build(),
        flows.build(),
        faults.build(),
        observation);
  }

  /** A name stands for one node. */
  private void is(Map.Entry<String, Section> entry, String kind) throws ConfigurationException {
    String name = entry.getKey();
    if (!name.matches("[a-z][a-z0-9-]{0,31}")) {
      throw entry
          .getValue()
          .wrong(
              "",
              "not the name of a node: \"" + name + "\"",
              "a small letter, then up to 31 small letters, digits and -");
    }
    String before = kindsOfNodes.putIfAbsent(name, kind);
    if (before != null) {
      throw entry
          .getValue()
          .wrong("", "there is a " + before + " of that name", "a name for each node");
    }
  }

  private ImmutableSortedMap<String, LinkPlan> links() throws ConfigurationException {
    var all = ImmutableSortedMap.<String, LinkPlan>naturalOrder();
    Map<Ipv6Prefix, String> prefixes = new TreeMap<>();
    ImmutableSortedMap<String, Section> sections = root.namedSections("links");
    if (sections.isEmpty()) {
      throw root.wrong("links", "there are none", "an object in braces for each link");
    }
    for (Map.Entry<String, Section> entry : sections.entrySet()) {
      Section one = entry.getValue();
      Ipv6Prefix prefix = one.prefix("prefix");
      if (prefix.length() != 64) {
        throw one.wrong("prefix", "not a prefix of 64 bits: " + prefix, "PREFIX::/64");
      }
      String before = prefixes.putIfAbsent(prefix, entry.getKey());
      if (before != null) {
        throw one.wrong("prefix", "that of link " + before, "a prefix for each link");
      }
      all.put(entry.getKey(), new LinkPlan(prefix, line(one)));
      one.finish();
    }
    return all.buildOrThrow();
  }

  private static Line line(Section one) throws ConfigurationException {
    double rate = one.decimal("rate", 0, 0, 1e12);
    LossModel loss = new LossModel.Uniform(one.decimal("loss", 0, 0, 1));
    Optional<Section> bursts = one.optionalSection("bursts");
    if (bursts.isPresent()) {
      if (one.has("loss")) {
        throw one.wrong("loss", "given together with bursts", "one of the two");
      }
      double least = 1e-9;
      loss =
          new LossModel.GilbertElliott(
              bursts.get().decimal("to-bad", 0.01, least, 1),
              bursts.get().decimal("to-good", 0.25, least, 1),
              bursts.get().decimal("loss-good", 0, 0, 1),
              bursts.get().decimal("loss-bad", 1, 0, 1));
      bursts.get().finish();
    }
    Line.Reordering reordering = Line.Reordering.NONE;
    Optional<Section> late = one.optionalSection("reordering");
    if (late.isPresent()) {
      reordering =
          new Line.Reordering(
              late.get().decimal("probability", 0, 0, 1),
              late.get().duration("extra", Duration.ofMillis(1), Duration.ZERO, LONGEST));
      late.get().finish();
    }
    return new Line(
        one.duration("delay", Duration.ZERO, Duration.ZERO, Duration.ofMinutes(10)),
        rate == 0 ? OptionalLong.empty() : OptionalLong.of(Math.max(1, Math.round(rate))),
        one.integer("queue", Line.IDEAL.queue(), 1, 1_000_000),
        loss,
        reordering,
        one.integer("mtu", Line.IDEAL.mtu(), 1280, 65535));
  }

  private String link(Section section, String key) throws ConfigurationException {
    String allowed = "the name of a link: " + String.join(", ", links.keySet());
    String name = section.string(key, allowed);
    if (!links.containsKey(name)) {
      throw section.wrong(key, "there is no link \"" + name + "\"", allowed);
    }
    return name;
  }

  private ImmutableList<String> linkList(Section section, String key)
      throws ConfigurationException {
    String allowed = "a list of names of links: " + String.join(", ", links.keySet());
    ImmutableList<String> names = section.strings(key, allowed);
    for (String name : names) {
      if (!links.containsKey(name)) {
        throw section.wrong(key, "there is no link \"" + name + "\"", allowed);
      }
    }
    return names;
  }

  private RouterPlan router(Section section) throws ConfigurationException {
    ImmutableList<String> joined = linkList(section, "links");
    if (joined.isEmpty()) {
      throw section.wrong("links", "a router without a link", "a list of names of links");
    }
    var advertises = ImmutableMap.<String, RouterAdvertiser.Settings>builder();
    for (Map.Entry<String, Section> entry : section.namedSections("advertise").entrySet()) {
      if (!joined.contains(entry.getKey())) {
        throw section.wrong("advertise", "not a link of it: " + entry.getKey(), joined.toString());
      }
      advertises.put(entry.getKey(), advertising(entry.getValue(), entry.getKey()));
    }
    ImmutableSet<String> filters = ImmutableSet.copyOf(linkList(section, "filter-sources"));
    section.finish();
    return new RouterPlan(joined, advertises.buildOrThrow(), filters);
  }

  private RouterAdvertiser.Settings advertising(Section section, String link)
      throws ConfigurationException {
    Duration most =
        section.duration("max-interval", Duration.ofMillis(70), LEAST_MAX_INTERVAL, MOST_INTERVAL);
    Duration least =
        section.duration("min-interval", third(most), LEAST_MIN_INTERVAL, MOST_INTERVAL);
    if (least.compareTo(most) > 0) {
      throw section.wrong("min-interval", "above max-interval", "at most that");
    }
    Duration between =
        section.duration(
            "min-delay-between-ras",
            most.compareTo(ProtocolConstants.MIN_DELAY_BETWEEN_RAS) < 0
                ? LEAST_MIN_INTERVAL
                : ProtocolConstants.MIN_DELAY_BETWEEN_RAS,
            LEAST_MIN_INTERVAL,
            MOST_INTERVAL);
    Duration answer =
        section.duration(
            "answer-within",
            ProtocolConstants.MAX_RA_DELAY_TIME,
            Duration.ZERO,
            ProtocolConstants.MAX_RA_DELAY_TIME);
    boolean unicast = section.flag("unicast-answers", false);
    boolean option = section.flag("interval-option", true);
    Duration lifetime =
        section.duration(
            "lifetime", ROUTER_LIFETIME, Duration.ofSeconds(1), Duration.ofSeconds(65535));
    section.finish();
    LinkPlan plan = links.get(link);
    return new RouterAdvertiser.Settings(
        least,
        most,
        between,
        answer,
        unicast,
        lifetime,
        option,
        ImmutableList.of(
            new NdOption.PrefixInformation(
                64,
                plan == null ? Ipv6Address.UNSPECIFIED : plan.prefix().address(),
                true,
                true,
                false,
                VALID.toSeconds(),
                PREFERRED.toSeconds())));
  }

  /** RFC 4861 section 6.2.1, with the limit of RFC 6275 section 7.5. */
  private static Duration third(Duration most) {
    Duration third = most.dividedBy(3);
    return third.compareTo(LEAST_MIN_INTERVAL) < 0 ? LEAST_MIN_INTERVAL : third;
  }

  private HomeAgentPlan homeAgent(Section section) throws ConfigurationException {
    String home = link(section, "home-link");
    ImmutableList<String> joined = linkList(section, "links");
    if (!joined.contains(home)) {
      throw section.wrong("links", "the home link is not among them", "with " + home);
    }
    Ipv6Address address = addressOn(section, "address", home);
    Duration lifetime =
        section.duration(
            "maximum-lifetime",
            Duration.ofMinutes(7),
            Duration.ofSeconds(4),
            Duration.ofSeconds(262140));
    Duration advertisement =
        section.duration(
            "advertisement-interval", Duration.ofMillis(100), LEAST_MAX_INTERVAL, MOST_INTERVAL);
    boolean corresponds = section.flag("correspondent", false);
    Duration processing = processing(section);
    section.finish();
    return new HomeAgentPlan(
        home, joined, address, lifetime, advertisement, corresponds, processing);
  }

  private Ipv6Address addressOn(Section section, String key, String link)
      throws ConfigurationException {
    Ipv6Address address = section.globalAddress(key);
    LinkPlan plan = links.get(link);
    if (plan != null && !plan.prefix().contains(address)) {
      throw section.wrong(
          key, "not of link " + link + ": " + address, "an address in " + plan.prefix());
    }
    return address;
  }

  private MobileNodePlan mobileNode(
      Section section, ImmutableSortedMap<String, HomeAgentPlan> agents)
      throws ConfigurationException {
    String allowed = "the name of a home agent: " + String.join(", ", agents.keySet());
    String agent = section.string("home-agent", allowed);
    HomeAgentPlan plan = agents.get(agent);
    if (plan == null) {
      throw section.wrong("home-agent", "there is none of that name: \"" + agent + "\"", allowed);
    }
    int count = section.integer("count", 1, 1, 1_000_000);
    Ipv6Address home = addressOn(section, "home-address", plan.homeLink());
    if (home.equals(plan.address())) {
      throw section.wrong("home-address", "it is the home agent's address", "another one");
    }
    Optional<String> link = Optional.of(plan.homeLink());
    if (section.has("link")) {
      link =
          section.string("link", "the name of a link, or none").equals("none")
              ? Optional.empty()
              : Optional.of(link(section, "link"));
    }
    Duration lifetime =
        section.duration(
            "lifetime", Duration.ofMinutes(7), Duration.ofSeconds(4), Duration.ofSeconds(262140));
    boolean optimizes = section.flag("route-optimization", false);
    boolean corresponds = section.flag("correspondent", false);
    boolean ipsec = section.flag("ipsec", true);
    boolean payload = section.flag("payload-ipsec", ipsec);
    if (payload && !ipsec) {
      throw section.wrong("payload-ipsec", "on although ipsec is off", "off");
    }
    int transmits = section.integer("dad-transmits", 1, 0, 10);
    boolean optimistic = section.flag("optimistic-dad", true);
    Duration processing = processing(section);
    section.finish();
    return new MobileNodePlan(
        count,
        agent,
        home,
        link,
        lifetime,
        optimizes,
        corresponds,
        ipsec,
        payload,
        transmits,
        optimistic,
        processing);
  }

  private HostPlan host(Section section) throws ConfigurationException {
    String link = link(section, "link");
    Ipv6Address address = addressOn(section, "address", link);
    boolean corresponds = section.flag("correspondent", true);
    Duration processing = processing(section);
    section.finish();
    return new HostPlan(link, address, corresponds, processing);
  }

  private static Duration processing(Section section) throws ConfigurationException {
    return section.duration("processing", Duration.ZERO, Duration.ZERO, Duration.ofSeconds(1));
  }

  private UserPlan userIpsec() throws ConfigurationException {
    var byNode = ImmutableSortedMap.<String, ImmutableList<Policy>>naturalOrder();
    var associations = ImmutableList.<UserAssociation>builder();
    Optional<Section> section = root.optionalSection("user-ipsec");
    if (section.isPresent()) {
      for (Map.Entry<String, Section> entry : section.get().namedSections("policies").entrySet()) {
        node(section.get(), "policies", entry.getKey());
        List<Policy> policies = new ArrayList<>();
        for (Section one : entry.getValue().sections("list")) {
          policies.addAll(UserIpsec.policies(one, Set.of()));
        }
        entry.getValue().finish();
        byNode.put(entry.getKey(), ImmutableList.copyOf(policies));
      }
      for (Section one : section.get().optionalSections("associations")) {
        associations.add(association(one));
      }
      section.get().finish();
    }
    return new UserPlan(byNode.buildOrThrow(), associations.build());
  }

  private static UserAssociation association(Section one) throws ConfigurationException {
    var association =
        new UserAssociation(
            one.globalAddress("src"),
            one.globalAddress("dst"),
            one.choice(
                "proto",
                "esp",
                ImmutableMap.of("esp", TransformProtocol.ESP, "ah", TransformProtocol.AH)),
            one.choice(
                "mode",
                "transport",
                ImmutableMap.of("transport", Mode.TRANSPORT, "tunnel", Mode.TUNNEL)),
            one.spi("spi"),
            new ReqId(one.integer("reqid", 1, 1, 0xffff)));
    one.finish();
    return association;
  }

  private String node(Section section, String key, String name) throws ConfigurationException {
    if (!kindsOfNodes.containsKey(name)) {
      throw section.wrong(
          key,
          "there is no node \"" + name + "\"",
          "the name of a node: " + String.join(", ", kindsOfNodes.keySet()));
    }
    return name;
  }

  private String nodeAt(Section section, String key) throws ConfigurationException {
    return node(
        section,
        key,
        section.string(key, "the name of a node: " + String.join(", ", kindsOfNodes.keySet())));
  }

  /** One step, or the same one again and again. */
  private ImmutableList<Move> moves(
      Section section, ImmutableSortedMap<String, MobileNodePlan> mobiles)
      throws ConfigurationException {
    String node = nodeAt(section, "node");
    MobileNodePlan plan = mobiles.get(node);
    if (plan == null) {
      throw section.wrong(
          "node",
          "it does not move: " + node,
          "a mobile node: " + String.join(", ", mobiles.keySet()));
    }
    if (section.has("waypoints") || section.has("trace")) {
      return walks(section, node, plan.count());
    }
    section.string("at", "when, from the beginning, such as 10s");
    Duration at = section.duration("at", Duration.ZERO, Duration.ZERO, LONGEST);
    ImmutableList<String> links = linkList(section, "along");
    Optional<String> to =
        section.has("to") && !section.string("to", "").equals("none")
            ? Optional.of(link(section, "to"))
            : Optional.empty();
    if (links.isEmpty() == !section.has("to")) {
      throw section.wrong("to", "either to or along", "to = LINK, or along = [LINK, LINK]");
    }
    Duration attaching =
        section.duration("attach-delay", Duration.ZERO, Duration.ZERO, Duration.ofMinutes(10));
    Duration spread = section.duration("spread", Duration.ZERO, Duration.ZERO, LONGEST);
    int times = section.integer("times", links.isEmpty() ? 1 : links.size(), 1, 1_000_000);
    Duration every =
        section.duration("every", Duration.ofSeconds(10), Duration.ofMillis(1), LONGEST);
    section.finish();
    var moves = ImmutableList.<Move>builder();
    for (int i = 0; i < times; i++) {
      moves.add(
          new Move(
              node,
              at.plus(every.multipliedBy(i)),
              links.isEmpty() ? to : Optional.of(links.get(i % links.size())),
              attaching,
              spread));
    }
    return moves.build();
  }

  private ImmutableSortedMap<String, Cell> cells() throws ConfigurationException {
    var all = ImmutableSortedMap.<String, Cell>naturalOrder();
    for (Map.Entry<String, Section> entry : root.namedSections("cells").entrySet()) {
      Section one = entry.getValue();
      if (!links.containsKey(entry.getKey())) {
        throw root.wrong(
            "cells",
            "there is no link \"" + entry.getKey() + "\"",
            "the name of a link: " + String.join(", ", links.keySet()));
      }
      all.put(
          entry.getKey(),
          new Cell(
              one.decimal("x", 0, -FARTHEST, FARTHEST),
              one.decimal("y", 0, -FARTHEST, FARTHEST),
              one.decimal("radius", 100, 1e-3, FARTHEST)));
      one.finish();
    }
    return all.buildOrThrow();
  }

  /** Through cells, by places to go to or by a movement file. */
  private ImmutableList<Move> walks(Section section, String node, int count)
      throws ConfigurationException {
    if (cells.isEmpty()) {
      throw section.wrong("", "a walk, and there are no cells", "cells.LINK { x, y, radius }");
    }
    Duration attaching =
        section.duration("attach-delay", Duration.ZERO, Duration.ZERO, Duration.ofMinutes(10));
    var moves = ImmutableList.<Move>builder();
    if (section.has("trace")) {
      int first = section.integer("first", 0, 0, Integer.MAX_VALUE - count);
      ImmutableSortedMap<Integer, Walk> walks = Ns2Trace.read(section.path("trace"));
      for (int i = 0; i < count; i++) {
        Walk walk = walks.get(first + i);
        if (walk == null) {
          throw section.wrong(
              "trace", "nothing about $node_(" + (first + i) + ")", "nodes " + walks.keySet());
        }
        moves.addAll(along(count == 1 ? node : node + "-" + (i + 1), walk, attaching));
      }
    } else {
      Duration start = section.duration("at", Duration.ZERO, Duration.ZERO, LONGEST);
      moves.addAll(along(node, walk(section, start), attaching));
    }
    section.finish();
    return moves.build();
  }

  private static Walk walk(Section section, Duration start) throws ConfigurationException {
    double seconds = start.toNanos() / 1e9;
    Optional<Walk> walk = Optional.empty();
    for (Section point : section.sections("waypoints")) {
      double x = point.decimal("x", 0, -FARTHEST, FARTHEST);
      double y = point.decimal("y", 0, -FARTHEST, FARTHEST);
      double speed = point.decimal("speed", 1, 1e-3, FASTEST);
      Duration pause = point.duration("pause", Duration.ZERO, Duration.ZERO, LONGEST);
      point.finish();
      if (walk.isEmpty()) {
        walk = Optional.of(new Walk(seconds, x, y));
      } else {
        double duration = walk.get().goTo(x, y, speed);
        seconds += duration;
      }
      seconds += pause.toNanos() / 1e9;
      walk.get().stayUntil(seconds);
    }
    return walk.orElseThrow(
        () -> section.wrong("waypoints", "there are none", "a list of { x, y, speed, pause }"));
  }

  private ImmutableList<Move> along(String node, Walk walk, Duration attaching) {
    return walk.steps(cells).stream()
        .map(
            step ->
                new Move(
                    node,
                    Duration.ofNanos(Math.round(step.at() * 1e9)),
                    step.to(),
                    attaching,
                    Duration.ZERO))
        .collect(ImmutableList.toImmutableList());
  }

  private FlowPlan flow(Section section, Duration duration) throws ConfigurationException {
    FlowKind kind = section.choice("kind", KINDS);
    String from = nodeAt(section, "from");
    String to = nodeAt(section, "to");
    Duration start = section.duration("start", Duration.ofSeconds(3), Duration.ZERO, LONGEST);
    Duration stop = section.duration("stop", duration, start, LONGEST);
    if (kind == FlowKind.TCP) {
      TcpSettings tcp = connection(section);
      section.finish();
      return new FlowPlan(kind, from, to, Duration.ZERO, 0, 0, start, stop, Optional.of(tcp));
    }
    Duration interval =
        section.duration(
            "interval", Duration.ofMillis(10), Duration.ofNanos(1000), Duration.ofHours(1));
    int size = section.integer("size", 100, 16, 60000);
    int answer = section.integer("answer", size, 16, 60000);
    section.finish();
    return new FlowPlan(kind, from, to, interval, size, answer, start, stop, Optional.empty());
  }

  private static TcpSettings connection(Section section) throws ConfigurationException {
    return new TcpSettings(
        section.choice("congestion-control", "cubic", ALGORITHMS),
        section.integer("segment", 1220, 100, 9000),
        section.integer("initial-window", 10, 1, 1000),
        section.duration(
            "least-timeout", Duration.ofSeconds(1), Duration.ofMillis(1), Duration.ofSeconds(60)),
        section.has("octets")
            ? OptionalLong.of(section.integer("octets", 1, 1, Integer.MAX_VALUE))
            : OptionalLong.empty());
  }

  private Fault fault(Section section) throws ConfigurationException {
    String kinds = "crash, partition, loss, repeat, forgery";
    String kind = section.string("kind", kinds);
    section.string("at", "when, from the beginning, such as 10s");
    Duration at = section.duration("at", Duration.ZERO, Duration.ZERO, LONGEST);
    Fault fault;
    switch (kind) {
      case "crash" -> fault = new Fault.Crash(at, nodeAt(section, "node"), lasting(section));
      case "partition" -> fault = new Fault.Partition(at, link(section, "link"), lasting(section));
      case "loss" ->
          fault =
              new Fault.Loss(
                  at,
                  nodeAt(section, "from"),
                  section.choice("message", MESSAGES),
                  section.integer("count", 1, 1, 1_000_000));
      case "repeat" ->
          fault =
              new Fault.Repeat(
                  at,
                  nodeAt(section, "from"),
                  section.has("message")
                      ? OptionalInt.of(section.choice("message", MESSAGES))
                      : OptionalInt.empty(),
                  section.integer("count", 1, 1, 1_000_000),
                  section.duration("after", Duration.ZERO, Duration.ZERO, LONGEST));
      case "forgery" ->
          fault =
              new Fault.Forgery(
                  at, nodeAt(section, "from"), section.integer("count", 1, 1, 1_000_000));
      default -> throw section.wrong("kind", "unknown: \"" + kind + "\"", kinds);
    }
    section.finish();
    return fault;
  }

  private static Duration lasting(Section section) throws ConfigurationException {
    return section.duration("for", Duration.ofSeconds(5), Duration.ofMillis(1), LONGEST);
  }

  private Observation observation() throws ConfigurationException {
    Optional<Section> section = root.optionalSection("observe");
    ImmutableSet<String> byDefault =
        kindsOfNodes.size() <= CAPTURED_BY_DEFAULT
            ? ImmutableSet.copyOf(kindsOfNodes.keySet())
            : ImmutableSet.of();
    if (section.isEmpty()) {
      return new Observation(byDefault, true);
    }
    Section one = section.get();
    ImmutableSet<String> captures = byDefault;
    if (one.has("captures")) {
      ImmutableList<String> names = one.strings("captures", "a list of names of nodes");
      for (String name : names) {
        node(one, "captures", name);
      }
      captures = ImmutableSet.copyOf(names);
    }
    boolean handovers = one.flag("handovers", true);
    one.finish();
    return new Observation(captures, handovers);
  }
}
