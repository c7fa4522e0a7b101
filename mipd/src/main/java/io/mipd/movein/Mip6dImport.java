package io.mipd.movein;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Turns a {@code mip6d.conf(5)} and scripts of associations into our configuration and files of
 * keys. What has no equivalent becomes a warning; what would weaken protection an error.
 */
public final class Mip6dImport {
  /** RFC 6275 section 6.1.7: 16 bits of four seconds. */
  private static final int LONGEST_BINDING = 4 * 0xffff;

  /** RFC 6275 section 12, MAX_RR_BINDING_LIFETIME; seconds. */
  private static final int LONGEST_ROUTE = 420;

  /** The old daemon's {@code MnIfPreference}: 1 is best, 10 worst, 0 for never. */
  private static final int WORST_PREFERENCE = 10;

  private static final int USUAL_PREFERENCE = 5;

  /** Known to the old daemon, and said here why it is left out. */
  private static final ImmutableMap<String, String> NO_EQUIVALENT =
      ImmutableMap.<String, String>builder()
          .put("DebugLevel", "set the log's level by MIPD_JAVA_OPTS=-Dmipd.log=DEBUG")
          .put("DebugLogFile", "mipd logs to standard error; its caller keeps that")
          .put(
              "NonVolatileBindingCache",
              "the old daemon ignored it; mipd keeps bindings in state-directory")
          .put("SendMobPfxSols", "mipd solicits prefixes where RFC 6275 section 11.4.2 says so")
          .put("SendMobPfxAdvs", "mipd answers mobile prefix solicitations in any case")
          .put(
              "SendUnsolMobPfxAdvs",
              "mipd tells bound mobile nodes of changes in any case (RFC 6275 section 10.6)")
          .put("InitialBindackTimeoutFirstReg", "mipd waits as RFC 6275 section 11.8 says")
          .put("InitialBindackTimeoutReReg", "mipd waits as RFC 6275 section 11.8 says")
          .put("InitialSolicitTimer", "mipd solicits routers as soon as a link is up")
          .put("LinkName", "the old daemon never used it")
          .put("UseMovementModule", "mipd has its own movement detection")
          .put("UsePolicyModule", "mipd loads no modules")
          .put("TunnelPayloadForceSANego", "mipd keys by files")
          .put("KeyMngMobCapability", "mipd keys by files, so there is no key management to move")
          .put("UseCnBuAck", "mipd asks correspondents for acknowledgements as it needs them")
          .put("MnRouterProbes", "mipd leaves the reachability of routers to the kernel")
          .put("MnRouterProbeTimeout", "mipd leaves the reachability of routers to the kernel")
          .put(
              "MnDiscardHaParamProb",
              "mipd hears Parameter Problems of the home agent as RFC 6275 section 11.3.5 says")
          .put("OptimisticHandoff", "mipd never uses a binding before it is acknowledged")
          .put("MnUseAllInterfaces", "name each interface under interfaces")
          .put("HaAcceptMobRtr", "mipd serves no mobile networks (RFC 3963)")
          .put("MobRtrUseExplicitMode", "mipd serves no mobile networks (RFC 3963)")
          .put("CnBindingPolicySet", "mipd decides by the prefixes under route-optimization.peers")
          .build();

  /**
   * What the files do not say.
   *
   * @param scripts of {@code ip xfrm state add}
   * @param address the home agent's own on its home link, where the configuration has no
   *     IPsecPolicySet
   * @param mobileNodes home addresses to serve beside those that the configuration names
   * @param random for keys, where there is no script
   */
  public record Beside(
      ImmutableList<Path> scripts,
      Optional<Ipv6Address> address,
      ImmutableList<Ipv6Address> mobileNodes,
      Random random) {}

  /**
   * @param files the first is the configuration
   * @param warnings a line each
   */
  public record Result(ImmutableList<OutputFile> files, ImmutableList<String> warnings) {}

  private record Uplink(String name, int preference) {}

  private record PeerRule(Optional<Ipv6Address> peer, boolean use) {}

  private record HomeLink(
      Place place,
      String device,
      Ipv6Address home,
      Ipv6Prefix prefix,
      Optional<Ipv6Address> agent,
      ImmutableList<PeerRule> peers) {}

  private final Path file;
  private final Beside beside;
  private final Warnings warnings = new Warnings();
  private final IpsecRules ipsec = new IpsecRules(warnings);

  private String role = "CN";
  private final List<Uplink> uplinks = new ArrayList<>();
  private final List<String> homeInterfaces = new ArrayList<>();
  private final List<HomeLink> homeLinks = new ArrayList<>();
  private final Set<Ipv6Address> allowed = new LinkedHashSet<>();
  private final Set<Ipv6Address> denied = new LinkedHashSet<>();
  private boolean othersAllowed = true;
  private Optional<Ipv6Prefix> servedPrefix = Optional.empty();
  private Optional<Boolean> protects = Optional.empty();
  private boolean optimizes = true;
  private boolean corresponds = true;
  private int longestServed = LONGEST_BINDING;
  private int lifetime = LONGEST_BINDING;
  private int routeLifetime = LONGEST_ROUTE;
  private Optional<Integer> leastInterval = Optional.empty();
  private Optional<Integer> longestInterval = Optional.empty();
  private final List<OutputFile> keyFiles = new ArrayList<>();

  private Mip6dImport(Path file, Beside beside) {
    this.file = file;
    this.beside = beside;
  }

  /**
   * @throws ImportException if the old daemon would refuse it too, or mipd cannot protect as much
   */
  public static Result of(Path file, Beside beside) throws ImportException {
    return new Mip6dImport(file, beside).run();
  }

  private Result run() throws ImportException {
    for (Statement statement : Mip6dReader.statements(file, warnings)) {
      read(statement);
    }
    var associations = ImmutableList.<ScriptedAssociation>builder();
    for (Path script : beside.scripts()) {
      associations.addAll(AssociationScript.read(script, warnings));
    }
    var keys =
        new Keying(
            file, warnings, beside.random(), associations.build(), !beside.scripts().isEmpty());
    OutputFile configuration =
        switch (role) {
          case "HA" -> homeAgent(keys);
          case "MN" -> mobileNode(keys);
          default -> correspondent();
        };
    keys.warnOfUnused();
    return new Result(
        ImmutableList.<OutputFile>builder().add(configuration).addAll(keyFiles).build(),
        warnings.all());
  }

  private void read(Statement statement) throws ImportException {
    Arguments arguments = statement.read();
    switch (statement.name()) {
      case "NodeConfig" -> {
        role = arguments.name("HA, MN or CN");
        if (!ImmutableSet.of("HA", "MN", "CN").contains(role)) {
          throw new ImportException(
              statement.place(), "NodeConfig: \"" + role + "\"; allowed: HA, MN, CN");
        }
      }
      case "Interface" -> network(statement, arguments);
      case "MnHomeLink" -> homeLinks.add(homeLink(statement, arguments));
      case "IPsecPolicySet" -> ipsec.add(statement);
      case "UseMnHaIPsec" -> protects = Optional.of(arguments.flag());
      case "DoRouteOptimizationCN" -> corresponds = arguments.flag();
      case "DoRouteOptimizationMN" -> optimizes = arguments.flag();
      case "HaMaxBindingLife" -> longestServed = lifetime(statement, arguments, LONGEST_BINDING);
      case "MnMaxHaBindingLife" -> lifetime = lifetime(statement, arguments, LONGEST_BINDING);
      case "MnMaxCnBindingLife" -> routeLifetime = lifetime(statement, arguments, LONGEST_ROUTE);
      case "MinMobPfxAdvInterval" -> leastInterval = Optional.of(arguments.number());
      case "MaxMobPfxAdvInterval" -> longestInterval = Optional.of(arguments.number());
      case "DefaultBindingAclPolicy" -> othersAllowed = accepts(statement, arguments);
      case "BindingAclPolicy" -> {
        Ipv6Address home = arguments.address();
        arguments = withoutPrefixes(statement, arguments);
        (accepts(statement, arguments) ? allowed : denied).add(home);
      }
      case "HaServedPrefix" -> servedPrefix = Optional.of(arguments.interfaced().prefix());
      default -> {
        String why = NO_EQUIVALENT.get(statement.name());
        if (why == null) {
          throw new ImportException(
              statement.place(), statement.name() + ": not in mip6d.conf(5): is this one?");
        }
        warnings.add(statement.place(), statement.name(), why);
        return;
      }
    }
    arguments.finish();
  }

  private void network(Statement statement, Arguments arguments) throws ImportException {
    String name = arguments.string();
    String type = role;
    int preference = USUAL_PREFERENCE;
    for (Statement option : statement.block()) {
      Arguments value = option.read();
      switch (option.name()) {
        case "IfType" -> type = value.name("HA, MN or CN");
        case "MnIfPreference" -> preference = value.number();
        case "Tunnel" -> {
          if (value.flag()) {
            warnings.add(option.place(), "Tunnel", "mipd takes tunnel devices as it takes others");
          }
        }
        default ->
            throw new ImportException(option.place(), option.name() + ": unknown in Interface");
      }
      value.finish();
    }
    if (type.equals("HA")) {
      homeInterfaces.add(name);
    } else if (preference == 0) {
      warnings.add(statement.place(), "MnIfPreference 0", name + " is left out");
    } else if (preference > WORST_PREFERENCE) {
      throw new ImportException(
          statement.place(), "MnIfPreference: " + preference + "; allowed: 0 to 10");
    } else {
      uplinks.add(new Uplink(name, WORST_PREFERENCE - preference));
    }
  }

  private HomeLink homeLink(Statement statement, Arguments arguments) throws ImportException {
    String device = arguments.string();
    Optional<Arguments.Interfaced> home = Optional.empty();
    Optional<Ipv6Prefix> prefix = Optional.empty();
    Optional<Ipv6Address> agent = Optional.empty();
    var peers = ImmutableList.<PeerRule>builder();
    for (Statement option : statement.block()) {
      Arguments value = option.read();
      switch (option.name()) {
        case "HomeAddress" -> {
          if (home.isPresent()) {
            throw new ImportException(option.place(), "HomeAddress: given twice for one link");
          }
          home = Optional.of(value.interfaced());
          value = withoutPrefixes(option, value);
        }
        case "HomePrefix" -> prefix = Optional.of(value.interfaced().prefix());
        case "HomeAgentAddress" ->
            agent = Optional.of(value.address()).filter(it -> !it.equals(Ipv6Address.UNSPECIFIED));
        case "MnRoPolicy" -> peers.add(peerRule(option, value));
        case "UseAltCoa" -> {
          if (!value.flag()) {
            warnings.add(
                option.place(),
                "UseAltCoa",
                "mipd always tells the care-of address in its option (RFC 6275 section 11.7.1)");
          }
        }
        case "IsMobRtr" -> {
          if (value.flag()) {
            warnings.add(option.place(), "IsMobRtr", "mipd serves no mobile networks (RFC 3963)");
          }
        }
        default ->
            throw new ImportException(option.place(), option.name() + ": unknown in MnHomeLink");
      }
      value.finish();
    }
    if (home.isEmpty()) {
      throw new ImportException(statement.place(), "MnHomeLink: no HomeAddress");
    }
    return new HomeLink(
        statement.place(),
        device,
        home.get().address(),
        prefix.orElse(home.get().prefix()),
        agent,
        peers.build());
  }

  private static PeerRule peerRule(Statement statement, Arguments value) throws ImportException {
    String word = value.name("an address, enabled or disabled");
    Optional<Boolean> forAll = Arguments.flag(word);
    if (forAll.isPresent()) {
      return new PeerRule(Optional.empty(), forAll.get());
    }
    Ipv6Address peer =
        Arguments.address(word)
            .orElseThrow(
                () ->
                    new ImportException(
                        statement.place(), "MnRoPolicy: \"" + word + "\" is no address"));
    return new PeerRule(Optional.of(peer), value.flag());
  }

  /** Skips what a mobile router has behind it. */
  private Arguments withoutPrefixes(Statement statement, Arguments arguments)
      throws ImportException {
    int open = -1;
    for (int i = 0; i < statement.arguments().size(); i++) {
      if (statement.arguments().get(i).is("(")) {
        open = i;
      } else if (open >= 0 && statement.arguments().get(i).is(")")) {
        warnings.add(
            statement.place(), statement.name(), "mipd serves no mobile networks (RFC 3963)");
        return new Statement(
                statement.name(),
                statement.place(),
                statement.arguments().subList(i + 1, statement.arguments().size()),
                ImmutableList.of())
            .read();
      }
    }
    if (open >= 0) {
      throw new ImportException(statement.place(), statement.name() + ": ) is missing");
    }
    return arguments;
  }

  private int lifetime(Statement statement, Arguments arguments, int longest)
      throws ImportException {
    int seconds = arguments.number();
    if (seconds > longest) {
      throw new ImportException(
          statement.place(), statement.name() + ": " + seconds + "; allowed: up to " + longest);
    }
    int rounded = Math.max(4, seconds - seconds % 4);
    if (rounded != seconds) {
      warnings.add(
          statement.place(),
          statement.name(),
          rounded + " s: lifetimes are told in steps of 4 s (RFC 6275 section 6.1.7)");
    }
    return rounded;
  }

  /** A status, or allow or deny. */
  private boolean accepts(Statement statement, Arguments arguments) throws ImportException {
    String word = arguments.name("allow, deny or a status");
    Optional<Boolean> flag = Arguments.flag(word);
    if (flag.isPresent()) {
      return flag.get();
    }
    try {
      int status = Integer.parseInt(word);
      if (status >= 128) {
        warnings.add(statement.place(), statement.name(), "mipd refuses with a status of its own");
      }
      return status < 128;
    } catch (NumberFormatException e) {
      throw new ImportException(
          statement.place()
              + ": "
              + statement.name()
              + ": \""
              + word
              + "\"; allowed: allow, deny, or a status",
          e);
    }
  }

  // What comes out.

  private Hocon begin(String ourRole) {
    return new Hocon()
        .comment("From " + file.getFileName() + ". The samples explain every key.")
        .put("role", ourRole)
        .put("world", "auto")
        .put("state-directory", "/var/lib/mipd")
        .put("control-socket", "/run/mipd/control.sock")
        .gap();
  }

  private void correspondent(Hocon out) {
    if (corresponds) {
      out.gap().open("correspondent").put("enabled", true).close();
    }
  }

  private OutputFile correspondent() {
    Hocon out = begin("correspondent-node");
    if (!corresponds) {
      warnings.add(
          file
              + ": DoRouteOptimizationCN disabled: a correspondent that optimizes no route needs no"
              + " daemon; this one answers");
    }
    return OutputFile.configuration("correspondent.conf", out.toString());
  }

  private OutputFile homeAgent(Keying keys) throws ImportException {
    if (homeInterfaces.isEmpty()) {
      throw new ImportException(file + ": no Interface: which is the home link's?");
    }
    for (String other : homeInterfaces.subList(1, homeInterfaces.size())) {
      warnings.add(file + ": Interface \"" + other + "\": left out: a mipd serves one home link");
    }
    Ipv6Address address = agentAddress();
    Ipv6Prefix prefix = servedPrefix.orElse(Ipv6Prefix.of(address, 64));
    if (!prefix.contains(address)) {
      throw new ImportException(
          file + ": HaServedPrefix " + prefix + " does not contain the home agent's " + address);
    }
    Set<Ipv6Address> homes = new LinkedHashSet<>(beside.mobileNodes());
    ipsec.all().keySet().forEach(ends -> homes.add(ends.home()));
    homes.addAll(allowed);
    homes.removeAll(denied);
    if (homes.isEmpty()) {
      throw new ImportException(
          file
              + ": names no home address, and mipd serves those that it is told: give"
              + " --mobile-node ADDRESS for each");
    }
    if (othersAllowed) {
      warnings.add(
          file
              + ": DefaultBindingAclPolicy allow: mipd serves the named home addresses and no"
              + " others: "
              + homes);
    }
    Hocon out = begin("home-agent").open("home-agent");
    out.quote("home-interface", homeInterfaces.get(0));
    out.quote("address", address).quote("home-prefix", prefix);
    out.putSeconds("maximum-lifetime", longestServed);
    out.comment("As before, another daemon sends them: radvd, say.");
    out.open("router-advertisements").put("enabled", false).close();
    prefixAdvertisements(out);
    out.openList("mobile-nodes");
    int number = 0;
    for (Ipv6Address home : homes) {
      if (!prefix.contains(home)) {
        throw new ImportException(file + ": " + home + " is not in the home prefix " + prefix);
      }
      number++;
      out.openItem().quote("home-address", home);
      protection(out, keys, home, Optional.of(address), "mobile-node-" + number + ".keys");
      out.close();
    }
    out.closeList().close();
    correspondent(out);
    return OutputFile.configuration("home-agent.conf", out.toString());
  }

  private Ipv6Address agentAddress() throws ImportException {
    Set<Ipv6Address> agents = new LinkedHashSet<>();
    beside.address().ifPresent(agents::add);
    ipsec.all().keySet().forEach(ends -> agents.add(ends.agent()));
    if (agents.isEmpty()) {
      throw new ImportException(
          file
              + ": does not say the home agent's address on its home link: give --address ADDRESS");
    }
    if (agents.size() > 1) {
      throw new ImportException(
          file + ": more than one address of the home agent: " + agents + "; a mipd has one");
    }
    return agents.iterator().next();
  }

  private void prefixAdvertisements(Hocon out) {
    if (leastInterval.isEmpty() && longestInterval.isEmpty()) {
      return;
    }
    int longest = Math.min(longestInterval.orElse(86_400), 30 * 86_400);
    int least = Math.min(Math.max(leastInterval.orElse(600), 1), Math.min(longest, 86_400));
    out.open("prefix-advertisements")
        .putSeconds("minimum-interval", least)
        .putSeconds("maximum-interval", longest)
        .close();
  }

  private OutputFile mobileNode(Keying keys) throws ImportException {
    if (homeLinks.isEmpty()) {
      throw new ImportException(file + ": no MnHomeLink");
    }
    HomeLink link = homeLinks.get(0);
    for (HomeLink other : homeLinks.subList(1, homeLinks.size())) {
      warnings.add(
          other.place(), "MnHomeLink", other.home() + " is left out: a mipd has one home address");
    }
    if (!link.prefix().contains(link.home())) {
      throw new ImportException(
          link.place(), "HomePrefix " + link.prefix() + " does not contain " + link.home());
    }
    Optional<Ipv6Address> agent =
        link.agent().or(() -> ipsec.of(link.home()).map(IpsecRules.Ends::agent));
    Hocon out = begin("mobile-node").open("mobile-node");
    out.quote("home-address", link.home()).quote("home-prefix", link.prefix());
    agent.ifPresent(it -> out.quote("home-agent", it));
    out.putSeconds("lifetime", lifetime);
    out.openList("interfaces");
    uplinksOf(link)
        .forEach(
            (name, preference) ->
                out.item("{ name = " + Hocon.quoted(name) + ", preference = " + preference + " }"));
    out.closeList();
    routeOptimization(out, link);
    protection(out, keys, link.home(), agent, "mobile-node.keys");
    out.close();
    correspondent(out);
    return OutputFile.configuration("mobile-node.conf", out.toString());
  }

  /** The home link's interface is among them: there the mobile node comes home. */
  private Map<String, Integer> uplinksOf(HomeLink link) {
    Map<String, Integer> all = new LinkedHashMap<>();
    uplinks.forEach(uplink -> all.putIfAbsent(uplink.name(), uplink.preference()));
    all.putIfAbsent(link.device(), WORST_PREFERENCE - USUAL_PREFERENCE);
    return all;
  }

  private void routeOptimization(Hocon out, HomeLink link) {
    boolean anyway = link.peers().stream().anyMatch(PeerRule::use);
    if (!optimizes && !anyway) {
      return;
    }
    out.open("route-optimization").put("enabled", true);
    out.putSeconds("lifetime", routeLifetime);
    if (!optimizes || !link.peers().isEmpty()) {
      out.openList("peers");
      for (PeerRule rule : link.peers()) {
        out.item(
            "{ prefix = "
                + Hocon.quoted("" + rule.peer().map(Ipv6Prefix::host).orElse(Ipv6Prefix.ANY))
                + ", use = "
                + (rule.use() ? "on" : "off")
                + " }");
      }
      if (!optimizes) {
        out.item("{ prefix = \"::/0\", use = off }");
      }
      out.closeList();
    }
    out.close();
  }

  private void protection(
      Hocon out, Keying keys, Ipv6Address home, Optional<Ipv6Address> agent, String keyFile)
      throws ImportException {
    Optional<Map<Use, IpsecRules.Rule>> rules =
        ipsec
            .of(home)
            .filter(ends -> agent.isEmpty() || ends.agent().equals(agent.get()))
            .map(ipsec.all()::get);
    // Its default differs among releases of the old daemon: a set is there to be used.
    boolean wanted = protects.orElse(rules.isPresent());
    if (!wanted || rules.isEmpty()) {
      if (rules.isPresent()) {
        warnings.add(
            file + ": UseMnHaIPsec disabled: the IPsecPolicySet of " + home + " is unused");
      } else if (wanted) {
        throw new ImportException(
            file
                + ": UseMnHaIPsec enabled, and no IPsecPolicySet for "
                + home
                + (agent.isPresent() ? " and " + agent.get() : ""));
      }
      warnings.add(file + ": " + home + ": signalling and payload without protection, as before");
      out.put("ipsec", false);
      return;
    }
    if (!rules.get().containsKey(Use.SIGNALLING)) {
      throw new ImportException(
          file
              + ": "
              + home
              + ": no IPsecPolicy HomeRegBinding: mipd protects Binding Updates wherever it protects"
              + " anything (RFC 6275 section 5.1)");
    }
    out.put("ipsec", true).open("protection").put("keys", keyFile);
    Keying.Keyed keyed = keys.of(home, agent, rules.get());
    out.put("encryption", keyed.encryption()).put("integrity", keyed.integrity());
    keyed
        .pairs()
        .forEach(
            (use, pair) ->
                out.item(
                    String.format(
                        "%s { to-home-agent = 0x%x, to-mobile-node = 0x%x, reqid = %d }",
                        use.key(),
                        Integer.toUnsignedLong(pair.toHomeAgent().value()),
                        Integer.toUnsignedLong(pair.toMobileNode().value()),
                        pair.reqId())));
    out.close();
    keyFiles.add(OutputFile.keys(keyFile, keyed.text()));
  }
}
