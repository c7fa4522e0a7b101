package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
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

  static NodeShell.Core homeAgent(
      DaemonConfiguration.HomeAgent agent, NodeRole role, BindingStore store, Instant now) {
    var served = ImmutableMap.<HomeAddress, TunnelProtection>builder();
    for (DaemonConfiguration.Served one : agent.served()) {
      served.put(new HomeAddress(one.homeAddress()), protection(one.protection()));
    }
    DaemonConfiguration.Advertisements own = agent.advertisements();
    var settings =
        new HomeAgentSettings(
            agent.homeInterface(),
            agent.address(),
            agent.homePrefix(),
            agent.lifetime(),
            own.enabled()
                ? Optional.of(
                    new HomeAgentSettings.Advertising(
                        own.interval(), own.lifetime(), own.preference()))
                : Optional.empty(),
            served.buildOrThrow());
    var core = new HomeAgent(settings, restored(store, now), ended(store), new SecureRandom());
    return new NodeShell.Core(core, role.tunnels(), at -> report(core, at));
  }

  /** Bindings whose time by the wall clock is not over; the core counts by its own clock. */
  private static ImmutableList<HomeBinding> restored(BindingStore store, Instant now) {
    Instant wallClock = Instant.now();
    return store.entries().stream()
        .flatMap(
            entry ->
                entry.binding().stream()
                    .filter(binding -> binding.expiry().isAfter(wallClock))
                    .map(
                        binding ->
                            new HomeBinding(
                                entry.homeAddress(),
                                binding.careOf(),
                                entry.sequence(),
                                binding.flags(),
                                now.plus(binding.left(wallClock)))))
        .collect(toImmutableList());
  }

  private static ImmutableMap<HomeAddress, SequenceNumber> ended(BindingStore store) {
    return store.entries().stream()
        .filter(entry -> entry.binding().isEmpty())
        .collect(
            ImmutableMap.toImmutableMap(
                BindingStore.Entry::homeAddress, BindingStore.Entry::sequence));
  }

  private static Map<String, Object> report(HomeAgent core, Instant now) {
    List<Object> all = new ArrayList<>();
    for (HomeBinding binding : core.bindings()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("home-address", binding.homeAddress().toString());
      one.put("care-of-address", binding.careOf().toString());
      one.put("sequence", binding.sequence().value());
      one.put("seconds-left", Duration.between(now, binding.expiry()).toSeconds());
      all.add(one);
    }
    return Map.of("bindings", all);
  }

  static NodeShell.Core mobileNode(
      DaemonConfiguration.MobileNode mobile, NodeRole role, BindingStore store) {
    var home = new HomeAddress(mobile.homeAddress());
    var interfaces = ImmutableMap.<String, Integer>builder();
    for (DaemonConfiguration.Uplink uplink : mobile.interfaces()) {
      interfaces.put(uplink.name(), uplink.preference());
    }
    var settings =
        new MobileNodeSettings(
            home,
            mobile.homePrefix(),
            mobile.homeAgent(),
            mobile.lifetime(),
            interfaces.buildOrThrow(),
            protection(mobile.protection()));
    Optional<BindingStore.Entry> stored = store.entry(home);
    var core =
        new MobileNode(
            settings,
            stored.flatMap(BindingStore.Entry::binding).isPresent(),
            stored.map(BindingStore.Entry::sequence).orElse(new SequenceNumber(0)));
    return new NodeShell.Core(core, role.tunnels(), at -> report(core, settings));
  }

  private static Map<String, Object> report(MobileNode core, MobileNodeSettings settings) {
    Map<String, Object> registration = new LinkedHashMap<>();
    registration.put("home-address", settings.homeAddress().toString());
    registration.put("home-agent", settings.homeAgent().toString());
    registration.put("at-home", core.isAtHome());
    core.registeredCareOf()
        .ifPresent(careOf -> registration.put("care-of-address", careOf.toString()));
    return Map.of("registration", registration);
  }

  private static TunnelProtection protection(Optional<Protection> protection) {
    return protection
        .map(
            one ->
                new TunnelProtection(
                    Optional.of(one.signalling().reqId()),
                    one.prefixDiscovery().map(Protection.Pair::reqId),
                    one.returnRoutability().map(Protection.Pair::reqId),
                    one.payload().map(Protection.Pair::reqId)))
        .orElse(TunnelProtection.NONE);
  }
}
