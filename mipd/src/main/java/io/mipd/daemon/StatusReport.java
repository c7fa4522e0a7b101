package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.host.InstalledPolicies;
import io.mipd.mobility.NodeAction;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What {@code mipd status} tells: maps and lists for JSON. No keys. */
final class StatusReport {
  private static final String ASSOCIATIONS = "associations";
  private static final String POLICIES = "policies";

  private StatusReport() {}

  /**
   * Of the role.
   *
   * @param core what the core says of itself
   */
  record Facts(Map<String, Object> core, Tallies tallies) {}

  /**
   * What is known without asking the core.
   *
   * @param places of our home addresses, in their order
   * @param keys how it stands with those that are negotiated, if some are
   */
  record Tallies(
      ImmutableMap<Ipv6Address, NodeAction.Place> places,
      ImmutableMap<NodeAction.Refusal, Long> refusals,
      long malformed,
      long overflow,
      InstalledPolicies policies,
      Optional<Map<String, Object>> keys) {}

  /**
   * @param bindingCounts by kind
   * @param limit bindings of a kind, associations, and policies that are told at most
   */
  static Map<String, Object> of(
      DaemonConfiguration configuration,
      DaemonConfiguration.WorldChoice choice,
      Duration uptime,
      World world,
      Facts facts,
      Map<String, Object> bindingCounts,
      int limit) {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("role", configuration.role().title());
    report.put("world", choice.toString());
    report.put("pid", ProcessHandle.current().pid());
    report.put("uptime-seconds", uptime.toSeconds());
    report.putAll(facts.core());
    places(facts.tallies().places(), report);
    facts.tallies().keys().ifPresent(keys -> report.put("key-exchange", keys));
    Map<String, Object> counts = new LinkedHashMap<>(bindingCounts);
    World.AssociationCount associations = world.associationCount();
    counts.put(ASSOCIATIONS, associations.all());
    counts.put("expired-associations", associations.expired());
    counts.put(POLICIES, facts.tallies().policies().count());
    if (facts.tallies().policies().asleep() > 0) {
      counts.put("asleep", facts.tallies().policies().asleep());
    }
    report.put("counts", counts);
    report.put(
        ASSOCIATIONS,
        limit == 0
            ? ImmutableList.of()
            : world.associations().stream().limit(limit).map(StatusReport::association).toList());
    report.put(
        POLICIES,
        facts.tallies().policies().merged(limit).stream()
            .map(it -> it.policy().toString())
            .toList());
    report.put("counters", counters(world, facts.tallies()));
    report.put("interfaces", interfaces(world));
    return report;
  }

  private static void places(
      ImmutableMap<Ipv6Address, NodeAction.Place> places, Map<String, Object> report) {
    places.values().stream().findFirst().ifPresent(first -> report.put("place", key(first.name())));
    if (places.size() > 1) {
      Map<String, Object> all = new LinkedHashMap<>();
      places.forEach((home, place) -> all.put(home.toString(), key(place.name())));
      report.put("places", all);
    }
  }

  static Map<String, Object> association(AssociationStatus association) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("source", association.source().toString());
    one.put("destination", association.id().destination().toString());
    one.put("protocol", association.id().protocol().kernelName());
    one.put("spi", association.id().spi().toString());
    one.put("reqid", association.reqId().value());
    one.put("mode", association.mode().kernelName());
    one.put("encryption", association.encryption());
    one.put("integrity", association.integrity());
    one.put("packets", association.packets());
    one.put("bytes", association.octets());
    one.put("expired", association.expired());
    return one;
  }

  private static Map<String, Object> counters(World world, Tallies tallies) {
    Map<String, Object> report = new LinkedHashMap<>(world.counters());
    Map<String, Object> refusals = new LinkedHashMap<>();
    tallies.refusals().forEach((reason, count) -> refusals.put(key(reason.name()), count));
    report.put("refusals", refusals);
    report.put("malformed-messages", tallies.malformed());
    report.put("messages-overflown", tallies.overflow());
    report.put("policy-failures", tallies.policies().failures());
    return report;
  }

  private static List<Object> interfaces(World world) {
    List<Object> all = new ArrayList<>();
    for (Link link : world.network().links()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", link.name());
      one.put("index", link.index());
      one.put("up", link.isRunning());
      List<Object> addresses = new ArrayList<>();
      for (InterfaceAddress address : world.network().addresses().addresses()) {
        if (address.interfaceIndex() == link.index()) {
          addresses.add(
              address.address()
                  + "/"
                  + address.prefixLength()
                  + (address.isUsable() ? "" : " not usable"));
        }
      }
      one.put("addresses", addresses);
      all.add(one);
    }
    return all;
  }

  /** A constant of ours as JSON names it. */
  static String key(String constant) {
    return constant.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
