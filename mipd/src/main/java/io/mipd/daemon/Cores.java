package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;
import static com.google.common.collect.ImmutableSet.toImmutableSet;

import com.google.common.collect.Comparators;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.binding.CorrespondentBinding;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.ha.AccessList;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.mn.HomeAgentDiscovery;
import io.mipd.mobility.mn.MessageRates;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.mn.RouteOptimizationSettings;
import io.mipd.mobility.mn.RouteStatus;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.planner.RouteRoles;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The cores of the roles, made from configuration and from what an earlier daemon has stored. */
final class Cores {
  private Cores() {}

  /**
   * @param wall what {@code now} is by the wall clock
   */
  static NodeShell.Core homeAgent(
      DaemonConfiguration.HomeAgent agent,
      NodeRole role,
      BindingStore store,
      Instant now,
      Instant wall) {
    var served =
        ImmutableMap.<HomeAddress, TunnelProtection>builderWithExpectedSize(agent.served().size());
    for (DaemonConfiguration.Served one : agent.served()) {
      served.put(
          new HomeAddress(one.homeAddress()),
          protection(one.protection()).withGroups(role.configuration.policiesNameGroups()));
    }
    DaemonConfiguration.Advertisements own = agent.advertisements();
    var settings =
        new HomeAgentSettings(
            agent.homeInterface(),
            agent.address(),
            agent.homePrefix(),
            agent.lifetime(),
            own.enabled() && !agent.virtual()
                ? Optional.of(
                    new HomeAgentSettings.Advertising(
                        own.interval(), own.lifetime(), own.preference()))
                : Optional.empty(),
            lifetimes(agent),
            furtherPrefixes(agent),
            new HomeAgentSettings.PrefixDelivery(agent.deliveryLeast(), agent.deliveryLongest()),
            accessList(agent),
            agent.virtual(),
            agent.multicast(),
            served.buildOrThrow());
    // How much the core's clock is ahead of the wall clock.
    Duration ahead = Duration.between(wall, now);
    HomeLinkState heard = store.homeLink().later(ahead);
    var restored = ImmutableList.<HomeBinding>builder();
    var ended = ImmutableMap.<HomeAddress, SequenceNumber>builder();
    restore(store, now, ahead, agent.lifetime(), restored, ended);
    var core =
        new HomeAgent(
            now, settings, restored.build(), ended.buildOrThrow(), heard, new SecureRandom());
    Optional<Node.Correspondent> correspondent = correspondent(role.configuration);
    var node = new Node(ImmutableList.of(), Optional.of(core), correspondent);
    return new NodeShell.Core(
        node,
        role.tunnels(),
        role.configuration.userIpsec().policies(),
        (at, limit) -> with(report(core, at, limit), correspondent, at, limit),
        new NodeShell.Roles(
            ImmutableMap.of(), Optional.of(core), correspondent.map(Node.Correspondent::core)));
  }

  private static HomeAgentSettings.PrefixLifetimes lifetimes(DaemonConfiguration.HomeAgent agent) {
    return new HomeAgentSettings.PrefixLifetimes(
        agent.advertisements().valid(), agent.advertisements().preferred());
  }

  private static ImmutableList<HomeAgentSettings.HomePrefix> furtherPrefixes(
      DaemonConfiguration.HomeAgent agent) {
    return agent.furtherPrefixes().stream()
        .map(
            it ->
                new HomeAgentSettings.HomePrefix(
                    it.prefix(), new HomeAgentSettings.PrefixLifetimes(it.valid(), it.preferred())))
        .collect(toImmutableList());
  }

  private static AccessList accessList(DaemonConfiguration.HomeAgent agent) {
    return new AccessList(
        agent.careOfAddresses().stream()
            .map(it -> new AccessList.Rule(it.prefix(), it.allow()))
            .collect(toImmutableList()));
  }

  /** Has the cores go by what of a configuration they can take over. */
  static void adopt(NodeShell.Roles roles, DaemonConfiguration configuration) {
    if (configuration.role() instanceof DaemonConfiguration.HomeAgent agent) {
      roles
          .agent()
          .ifPresent(
              core ->
                  core.adopt(
                      agent.lifetime(),
                      lifetimes(agent),
                      furtherPrefixes(agent),
                      accessList(agent)));
    } else if (configuration.role() instanceof DaemonConfiguration.MobileNode mobile) {
      roles
          .mobiles()
          .values()
          .forEach(
              core ->
                  core.adopt(
                      mobile.lifetime(),
                      interfaces(mobile),
                      mobile.optimization().map(Cores::optimization)));
    }
  }

  /** Nothing but a correspondent. */
  static NodeShell.Core correspondentNode(NodeRole role) {
    Optional<Node.Correspondent> correspondent = correspondent(role.configuration);
    var node = new Node(ImmutableList.of(), Optional.empty(), correspondent);
    return new NodeShell.Core(
        node,
        role.tunnels(),
        role.configuration.userIpsec().policies(),
        (at, limit) -> with(Map.of(), correspondent, at, limit),
        new NodeShell.Roles(
            ImmutableMap.of(), Optional.empty(), correspondent.map(Node.Correspondent::core)));
  }

  private static Optional<Node.Correspondent> correspondent(DaemonConfiguration configuration) {
    return configuration
        .correspondent()
        .map(
            it ->
                new Node.Correspondent(
                    new CorrespondentNode(it, new SecureRandom()), corresponding(configuration)));
  }

  /** The addresses that a correspondent speaks for by policies of its own. */
  static Optional<Ipv6Prefix> corresponding(DaemonConfiguration configuration) {
    if (configuration.correspondent().isEmpty()
        || configuration.role() instanceof DaemonConfiguration.MobileNode) {
      // A mobile node's home registration has them.
      return Optional.empty();
    }
    return Optional.of(
        configuration.role() instanceof DaemonConfiguration.HomeAgent agent
            ? Ipv6Prefix.host(agent.address())
            : Ipv6Prefix.ANY);
  }

  static RouteRoles roles(
      DaemonConfiguration configuration, DaemonConfiguration.MobileNode mobile) {
    return new RouteRoles(
        mobile.optimization().isPresent(), configuration.correspondent().isPresent());
  }

  private static Map<String, Object> with(
      Map<String, Object> report,
      Optional<Node.Correspondent> correspondent,
      Instant now,
      int limit) {
    if (correspondent.isEmpty()) {
      return report;
    }
    List<Object> all = new ArrayList<>();
    for (CorrespondentBinding binding : correspondent.get().core().bindings(limit)) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("local-address", binding.local().toString());
      one.put("home-address", binding.homeAddress().toString());
      one.put("care-of-address", binding.careOf().toString());
      one.put("sequence", binding.sequence().value());
      one.put("seconds-left", Duration.between(now, binding.expiry()).toSeconds());
      all.add(one);
    }
    Map<String, Object> both = new LinkedHashMap<>(report);
    both.put("correspondent-bindings", all);
    return both;
  }

  /**
   * Bindings whose time by the wall clock is not over, and the last sequence numbers of the others;
   * the core counts by its own clock.
   *
   * @param longest that is left of any of them, whatever has become of the wall clock
   */
  static void restore(
      BindingStore store,
      Instant now,
      Duration ahead,
      Duration longest,
      ImmutableList.Builder<HomeBinding> restored,
      ImmutableMap.Builder<HomeAddress, SequenceNumber> ended) {
    for (BindingStore.Entry entry : store.entries()) {
      if (entry.binding().isEmpty()) {
        ended.put(entry.homeAddress(), entry.sequence());
        continue;
      }
      BindingStore.StoredBinding binding = entry.binding().get();
      Instant expiry = Comparators.min(binding.expiry().plus(ahead), now.plus(longest));
      if (expiry.isAfter(now)) {
        restored.add(
            new HomeBinding(
                entry.homeAddress(), binding.careOf(), entry.sequence(), binding.flags(), expiry));
      } else {
        ended.put(entry.homeAddress(), entry.sequence());
      }
    }
  }

  private static Map<String, Object> report(HomeAgent core, Instant now, int limit) {
    List<Object> all = new ArrayList<>();
    for (HomeBinding binding : core.bindings(limit)) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("home-address", binding.homeAddress().toString());
      one.put("care-of-address", binding.careOf().toString());
      one.put("sequence", binding.sequence().value());
      one.put("seconds-left", Duration.between(now, binding.expiry()).toSeconds());
      all.add(one);
    }
    return Map.of(
        "bindings",
        all,
        "draining",
        core.isDraining(),
        "maximum-lifetime-seconds",
        core.maximumLifetime().toSeconds());
  }

  static NodeShell.Core mobileNode(
      DaemonConfiguration.MobileNode mobile, NodeRole role, BindingStore store) {
    var rates = new MessageRates();
    ImmutableList<Node.Mobile> all =
        mobile.homes().stream()
            .map(home -> mobile(mobile, home, role, store, rates))
            .collect(toImmutableList());
    Optional<Node.Correspondent> correspondent = correspondent(role.configuration);
    var node = new Node(all, Optional.empty(), correspondent);
    return new NodeShell.Core(
        node,
        role.tunnels(),
        role.configuration.userIpsec().policies(),
        (at, limit) -> with(report(all, mobile, at), correspondent, at, limit),
        new NodeShell.Roles(
            all.stream()
                .collect(ImmutableMap.toImmutableMap(it -> it.home().value(), Node.Mobile::core)),
            Optional.empty(),
            correspondent.map(Node.Correspondent::core)));
  }

  private static Node.Mobile mobile(
      DaemonConfiguration.MobileNode mobile,
      DaemonConfiguration.Home one,
      NodeRole role,
      BindingStore store,
      MessageRates rates) {
    var home = new HomeAddress(one.address());
    var settings =
        new MobileNodeSettings(
            home,
            mobile.homes().stream()
                .map(DaemonConfiguration.Home::address)
                .filter(it -> !it.equals(one.address()))
                .collect(toImmutableSet()),
            one.prefix(),
            mobile.homeAgent().orElseThrow(),
            mobile.lifetime(),
            interfaces(mobile),
            protection(one.protection())
                .withGroups(groupsByTunnel(mobile, one) && role.configuration.policiesNameGroups()),
            mobile.optimization().map(Cores::optimization),
            role.configuration.correspondent().isPresent(),
            one.advertisedOnly(),
            groupsByTunnel(mobile, one));
    Optional<BindingStore.Entry> stored = store.entry(home);
    var core =
        new MobileNode(
            settings,
            stored.flatMap(BindingStore.Entry::binding).isPresent(),
            stored.map(BindingStore.Entry::sequence).orElse(new SequenceNumber(0)),
            rates,
            new SecureRandom());
    return new Node.Mobile(core, home, settings.policies());
  }

  private static ImmutableMap<String, Integer> interfaces(DaemonConfiguration.MobileNode mobile) {
    return mobile.interfaces().stream()
        .collect(
            ImmutableMap.toImmutableMap(
                DaemonConfiguration.Uplink::name, DaemonConfiguration.Uplink::preference));
  }

  /** A mobile node that does not know its home agent. */
  static NodeShell.Core discovery(DaemonConfiguration.MobileNode mobile, NodeRole role) {
    return new NodeShell.Core(
        new HomeAgentDiscovery(
            new HomeAddress(mobile.homeAddress()),
            mobile.homePrefix(),
            interfaces(mobile),
            new SecureRandom()),
        role.tunnels(),
        role.configuration.userIpsec().policies(),
        (at, limit) -> Map.of("discovery", mobile.homePrefix().toString()),
        new NodeShell.Roles(ImmutableMap.of(), Optional.empty(), Optional.empty()));
  }

  /** Whether the node is a mobile node that seeks a direct route to a peer. */
  static boolean optimizes(DaemonConfiguration configuration, Ipv6Address peer) {
    return configuration.role() instanceof DaemonConfiguration.MobileNode mobile
        && mobile.optimization().filter(it -> optimization(it).allows(peer)).isPresent();
  }

  static RouteOptimizationSettings optimization(DaemonConfiguration.Optimization optimization) {
    return new RouteOptimizationSettings(
        optimization.peers().stream()
            .map(
                it ->
                    new RouteOptimizationSettings.Rule(
                        it.prefix(),
                        it.use()
                            ? RouteOptimizationSettings.Choice.USE
                            : RouteOptimizationSettings.Choice.AVOID))
            .collect(toImmutableList()),
        optimization.maximumPeers(),
        optimization.lifetime());
  }

  private static Map<String, Object> report(
      ImmutableList<Node.Mobile> all, DaemonConfiguration.MobileNode mobile, Instant now) {
    Map<String, Object> report = new LinkedHashMap<>();
    Ipv6Address agent = mobile.homeAgent().orElseThrow();
    report.put("registration", registration(all.get(0), agent, now));
    if (all.size() > 1) {
      report.put(
          "further-registrations",
          all.stream().skip(1).map(it -> registration(it, agent, now)).toList());
    }
    if (mobile.optimization().isPresent()) {
      report.put(
          "routes",
          all.stream()
              .flatMap(it -> it.core().routes(now).stream().map(one -> route(it.home(), one)))
              .toList());
    }
    return report;
  }

  private static Map<String, Object> registration(
      Node.Mobile mobile, Ipv6Address agent, Instant now) {
    MobileNode core = mobile.core();
    Map<String, Object> registration = new LinkedHashMap<>();
    registration.put("home-address", mobile.home().toString());
    registration.put("home-agent", agent.toString());
    registration.put("at-home", core.isAtHome());
    registration.put("dismissed", core.isDismissed());
    registration.put("valid", core.isValid(now));
    registration.put("preferred", core.isPreferred(now));
    core.registeredCareOf()
        .ifPresent(careOf -> registration.put("care-of-address", careOf.toString()));
    core.registeredUntil()
        .ifPresent(
            until -> registration.put("seconds-left", Duration.between(now, until).toSeconds()));
    registration.put("lifetime-seconds", core.lifetime().toSeconds());
    return registration;
  }

  static Map<String, Object> route(HomeAddress home, RouteStatus route) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("home-address", home.toString());
    one.put("peer", route.peer().toString());
    one.put("state", StatusReport.key(route.state().name()));
    route.careOf().ifPresent(careOf -> one.put("care-of-address", careOf.toString()));
    one.put("sequence", route.sequence().value());
    one.put("seconds-left", route.left().toSeconds());
    return one;
  }

  /** Groups come to one of the home addresses. */
  static boolean groupsByTunnel(
      DaemonConfiguration.MobileNode mobile, DaemonConfiguration.Home home) {
    return mobile.groupsByTunnel() && home.address().equals(mobile.homeAddress());
  }

  static TunnelProtection protection(Optional<Protection> protection) {
    return protection.map(Protection::tunnel).orElse(TunnelProtection.NONE);
  }
}
