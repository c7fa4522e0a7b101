package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What a configuration changes of the one that is in force, and what of that can be had without a
 * restart: rules and lifetimes that only what happens next is measured by.
 *
 * @param changes by key
 * @param then what is in force when what can be applied is
 */
record Reload(ImmutableList<Change> changes, DaemonConfiguration then) {

  private static final ImmutableSet<String> HOME_AGENT =
      ImmutableSet.of(
          "home-agent.maximum-lifetime",
          "home-agent.care-of-addresses",
          "home-agent.further-home-prefixes",
          "home-agent.router-advertisements.valid-lifetime",
          "home-agent.router-advertisements.preferred-lifetime");
  private static final ImmutableSet<String> MOBILE_NODE =
      ImmutableSet.of("mobile-node.lifetime", "mobile-node.interfaces");
  private static final ImmutableSet<String> ROUTE_OPTIMIZATION =
      ImmutableSet.of(
          "mobile-node.route-optimization.peers",
          "mobile-node.route-optimization.maximum-peers",
          "mobile-node.route-optimization.lifetime");

  /** Of what is in no line: the file of keys is the same, and says something else. */
  private static final String CONTENTS = "keys";

  /** What becomes of a change. */
  enum Effect {
    /** It is in force. */
    APPLIED,
    /** It is in force after a restart. */
    RESTART,
    /** It says the same in other words. */
    NONE
  }

  /**
   * @param before as it was written; empty if it was not
   * @param after as it is written; empty if it is not
   */
  record Change(String key, Optional<String> before, Optional<String> after, Effect effect) {
    Map<String, Object> document() {
      Map<String, Object> document = new LinkedHashMap<>();
      document.put("key", key);
      before.ifPresent(it -> document.put("before", it));
      after.ifPresent(it -> document.put("after", it));
      document.put("effect", StatusReport.key(effect.name()));
      return document;
    }
  }

  static Reload of(DaemonConfiguration now, DaemonConfiguration next) {
    ImmutableSet<String> live = live(now.role(), next.role());
    DaemonConfiguration then = now.withRole(role(now.role(), next.role()));
    boolean applies = !then.equals(now);
    boolean restart = !then.withEntries(next.entries()).equals(next);
    var keys = new TreeSet<String>(now.entries().all().keySet());
    keys.addAll(next.entries().all().keySet());
    var changes = ImmutableList.<Change>builder();
    var entries = ImmutableMap.<String, String>builder();
    boolean told = false;
    for (String key : keys) {
      Optional<String> before = Optional.ofNullable(now.entries().all().get(key));
      Optional<String> after = Optional.ofNullable(next.entries().all().get(key));
      boolean isLive = live.stream().anyMatch(it -> key.equals(it) || key.startsWith(it + "["));
      (isLive ? after : before).ifPresent(it -> entries.put(key, it));
      if (!before.equals(after)) {
        Effect effect =
            isLive
                ? applies ? Effect.APPLIED : Effect.NONE
                : restart ? Effect.RESTART : Effect.NONE;
        told |= effect == Effect.RESTART;
        changes.add(new Change(key, before, after, effect));
      }
    }
    if (restart && !told) {
      changes.add(new Change(CONTENTS, Optional.empty(), Optional.empty(), Effect.RESTART));
    }
    ImmutableMap<String, String> inForce = entries.buildOrThrow();
    return new Reload(changes.build(), then.withEntries(new Entries(() -> inForce)));
  }

  private static boolean sameInterfaces(
      DaemonConfiguration.MobileNode now, DaemonConfiguration.MobileNode next) {
    return names(now).equals(names(next));
  }

  private static ImmutableSet<String> names(DaemonConfiguration.MobileNode mobile) {
    return mobile.interfaces().stream()
        .map(DaemonConfiguration.Uplink::name)
        .collect(ImmutableSet.toImmutableSet());
  }

  private static boolean bothOptimize(
      DaemonConfiguration.MobileNode now, DaemonConfiguration.MobileNode next) {
    return now.optimization().isPresent() && next.optimization().isPresent();
  }

  private static ImmutableSet<String> live(
      DaemonConfiguration.Role now, DaemonConfiguration.Role next) {
    var live = ImmutableSet.<String>builder();
    if (now instanceof DaemonConfiguration.HomeAgent
        && next instanceof DaemonConfiguration.HomeAgent) {
      live.addAll(HOME_AGENT);
    } else if (now instanceof DaemonConfiguration.MobileNode mobile
        && next instanceof DaemonConfiguration.MobileNode other) {
      for (String key : MOBILE_NODE) {
        if (sameInterfaces(mobile, other) || !key.endsWith("interfaces")) {
          live.add(key);
        }
      }
      if (bothOptimize(mobile, other)) {
        live.addAll(ROUTE_OPTIMIZATION);
      }
    }
    return live.build();
  }

  /** The role as it is, with what can be had of another. */
  private static DaemonConfiguration.Role role(
      DaemonConfiguration.Role now, DaemonConfiguration.Role next) {
    if (now instanceof DaemonConfiguration.HomeAgent agent
        && next instanceof DaemonConfiguration.HomeAgent other) {
      return new DaemonConfiguration.HomeAgent(
          agent.homeInterface(),
          agent.address(),
          agent.homePrefix(),
          other.furtherPrefixes(),
          other.lifetime(),
          agent.advertisements().with(other.advertisements()),
          agent.virtual(),
          agent.deliveryLeast(),
          agent.deliveryLongest(),
          other.careOfAddresses(),
          agent.multicast(),
          agent.served());
    }
    if (now instanceof DaemonConfiguration.MobileNode mobile
        && next instanceof DaemonConfiguration.MobileNode other) {
      return new DaemonConfiguration.MobileNode(
          mobile.homeAddress(),
          mobile.homePrefix(),
          mobile.homeAgent(),
          other.lifetime(),
          sameInterfaces(mobile, other) ? other.interfaces() : mobile.interfaces(),
          mobile.careOfAddresses(),
          mobile.sourceAddresses(),
          mobile.protection(),
          mobile.furtherHomes(),
          bothOptimize(mobile, other) ? other.optimization() : mobile.optimization(),
          mobile.groupsByTunnel());
    }
    return now;
  }

  boolean needsRestart() {
    return changes.stream().anyMatch(it -> it.effect() == Effect.RESTART);
  }
}
