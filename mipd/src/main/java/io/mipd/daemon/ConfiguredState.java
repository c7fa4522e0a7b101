package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.host.PolicyInputs;
import io.mipd.merger.explain.KnownAssociation;
import io.mipd.mobility.AnycastAddress;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.RoutePolicies;
import io.mipd.mobility.planner.RouteRoles;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.engine.EngineSettings;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The state that a daemon with a configuration has before anything moves. */
final class ConfiguredState {

  private ConfiguredState() {}

  static PolicyState of(DaemonConfiguration configuration) {
    ImmutableList<PolicyState.Home> homes = homes(configuration);
    Map<WishOwner, MobilityWish> wishes = new LinkedHashMap<>();
    for (PolicyState.Home home : homes) {
      wishes.put(WishOwner.of(home.address()), home.at(Optional.empty()));
    }
    if (configuration.role() instanceof DaemonConfiguration.HomeAgent agent) {
      wishes.put(WishOwner.of(agent.address()), HomePolicies.homeAgentForAnybody(agent.address()));
    }
    if (configuration.role() instanceof DaemonConfiguration.MobileNode mobile
        && mobile.homeAgent().isEmpty()) {
      Ipv6Address anycast = AnycastAddress.homeAgents(mobile.homePrefix());
      wishes.put(WishOwner.of(anycast), HomePolicies.agentSought(anycast));
    }
    Cores.corresponding(configuration)
        .ifPresent(
            local ->
                wishes.put(
                    WishOwner.route(local.address(), Ipv6Address.UNSPECIFIED),
                    RoutePolicies.correspondent(local)));
    wishes.put(WishOwner.of(HomePolicies.LINKS), HomePolicies.links());
    // Where either world may be chosen, what holds in both is told.
    XfrmBackend.Limits limits =
        configuration.world() == DaemonConfiguration.WorldChoice.ENGINE
            ? new XfrmBackend.Limits(EngineSettings.MAX_TEMPLATES)
            : KernelBackend.LIMITS;
    return new PolicyState(
        configuration.world(),
        new PolicyInputs(
            configuration.userIpsec().policies(),
            ImmutableList.of(),
            ImmutableMap.copyOf(wishes),
            limits),
        associations(configuration),
        homes);
  }

  static ImmutableList<PolicyState.Home> homes(DaemonConfiguration configuration) {
    if (configuration.role() instanceof DaemonConfiguration.MobileNode mobile) {
      if (mobile.homeAgent().isEmpty()) {
        return ImmutableList.of();
      }
      return mobile.homes().stream()
          .map(
              one ->
                  new PolicyState.Home(
                      one.address(),
                      mobile.homeAgent().get(),
                      true,
                      Cores.protection(one.protection())
                          .withGroups(
                              Cores.groupsByTunnel(mobile, one)
                                  && configuration.policiesNameGroups()),
                      Cores.roles(configuration, mobile),
                      Optional.empty()))
          .collect(toImmutableList());
    }
    if (!(configuration.role() instanceof DaemonConfiguration.HomeAgent agent)) {
      return ImmutableList.of();
    }
    return agent.served().stream()
        .map(
            one ->
                new PolicyState.Home(
                    one.homeAddress(),
                    agent.address(),
                    false,
                    Cores.protection(one.protection())
                        .withGroups(configuration.policiesNameGroups()),
                    RouteRoles.NONE,
                    Optional.empty()))
        .collect(toImmutableList());
  }

  static ImmutableList<KnownAssociation> associations(DaemonConfiguration configuration) {
    return NodeRole.of(configuration).associations().stream()
        .map(PolicyState::known)
        .collect(toImmutableList());
  }
}
