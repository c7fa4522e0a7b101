package io.mipd.daemon;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlEvent.Kind;
import io.mipd.control.EventLog;
import io.mipd.merger.rule.Finding;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Writes down what an operator wants to know of, from what a core is told and has done. */
final class Chronicle {
  private static final String HOME_ADDRESS = "home-address";
  private static final String CARE_OF_ADDRESS = "care-of-address";

  private final EventLog log;
  private final ImmutableSet<Ipv6Address> homes;
  private final Function<Ipv6Address, Optional<CareOfAddress>> registered;
  private final Map<String, Boolean> links = new HashMap<>();

  /** By which care-of address packets go directly, where they do. */
  private final Map<WishOwner, Ipv6Address> routes = new HashMap<>();

  private final Map<Ipv6Address, CareOfAddress> acknowledged = new HashMap<>();
  private final Map<Ipv6Address, NodeAction.Place> places = new HashMap<>();

  /**
   * @param homes our own home addresses, if we are a mobile node
   * @param registered the care-of address that our home agent has acknowledged for one of them
   */
  Chronicle(
      EventLog log,
      ImmutableSet<Ipv6Address> homes,
      Function<Ipv6Address, Optional<CareOfAddress>> registered) {
    this.log = log;
    this.homes = homes;
    this.registered = registered;
  }

  /** A core has been told something, and what it wanted has been done. */
  void handled(Instant now, NodeEvent event) {
    if (event instanceof NodeEvent.LinkChanged change) {
      link(now, change);
    }
    for (Ipv6Address home : homes) {
      Optional<CareOfAddress> latest = registered.apply(home);
      if (latest.isEmpty()) {
        acknowledged.remove(home);
      } else if (!latest.get().equals(acknowledged.put(home, latest.get()))) {
        log.add(
            now,
            Kind.REGISTRATION,
            "the home agent has acknowledged "
                + latest.get()
                + (homes.size() > 1 ? " for " + home : ""),
            ImmutableMap.of(
                HOME_ADDRESS, home.toString(), CARE_OF_ADDRESS, latest.get().toString()));
      }
    }
  }

  private void link(Instant now, NodeEvent.LinkChanged change) {
    Boolean before = links.put(change.name(), change.up());
    if (before == null || before != change.up()) {
      log.add(
          now,
          Kind.LINK,
          change.name() + (change.up() ? " is up" : " is down"),
          ImmutableMap.of("interface", change.name(), "up", change.up()));
    }
  }

  /** Something that a core wanted is done. */
  void carriedOut(Instant now, NodeAction action) {
    if (action instanceof NodeAction.MoveTunnel move) {
      moved(now, move);
    } else if (action instanceof NodeAction.WantMobility want) {
      route(now, want);
    } else if (action instanceof NodeAction.RememberBinding binding) {
      if (!isOurs(binding.homeAddress().value())) {
        log.add(
            now,
            Kind.REGISTRATION,
            binding.homeAddress()
                + " is registered at "
                + binding.careOf()
                + " for "
                + binding.lifetime().toSeconds()
                + " s",
            ImmutableMap.of(
                HOME_ADDRESS,
                binding.homeAddress().toString(),
                CARE_OF_ADDRESS,
                binding.careOf().toString(),
                "seconds-left",
                binding.lifetime().toSeconds()));
      }
    } else if (action instanceof NodeAction.ForgetBinding forget) {
      log.add(
          now,
          Kind.REGISTRATION,
          "the binding of " + forget.homeAddress() + " has ended",
          ImmutableMap.of(HOME_ADDRESS, forget.homeAddress().toString()));
    } else if (action instanceof NodeAction.PlaceHomeAddress to) {
      placed(now, to);
    } else if (action instanceof NodeAction.HomeAgentsFound found) {
      log.add(
          now,
          Kind.HOME_AGENT,
          "home agents found: " + found.addresses(),
          ImmutableMap.of(
              "home-agents", found.addresses().stream().map(Ipv6Address::toString).toList()));
    } else if (action instanceof NodeAction.HomeAgentFails) {
      log.add(
          now, Kind.HOME_AGENT, "the home agent refuses us or does not answer", ImmutableMap.of());
    } else if (action instanceof NodeAction.Tell tell) {
      log.add(now, Kind.NOTE, tell.words(), ImmutableMap.of());
    }
  }

  private boolean isOurs(Ipv6Address home) {
    return homes.contains(home);
  }

  private void moved(Instant now, NodeAction.MoveTunnel move) {
    Ipv6Address home = move.owner().value();
    if (!move.from().equals(home) && !move.to().equals(home)) {
      log.add(
          now,
          Kind.HANDOVER,
          home + " moves from " + move.from() + " to " + move.to(),
          ImmutableMap.of(
              HOME_ADDRESS,
              home.toString(),
              "from",
              move.from().toString(),
              CARE_OF_ADDRESS,
              move.to().toString()));
    }
  }

  private void route(Instant now, NodeAction.WantMobility want) {
    Optional<Ipv6Address> peer = want.owner().peer().filter(it -> !it.isUnspecified());
    if (peer.isEmpty()) {
      return;
    }
    // What we send has our address as its source.
    Optional<Ipv6Address> careOf =
        want.wish().states().stream()
            .filter(state -> state.id().source().equals(want.owner().address()))
            .map(RouteOptimizationState::careOf)
            .findFirst();
    Optional<Ipv6Address> before = Optional.ofNullable(routes.get(want.owner()));
    if (careOf.equals(before)) {
      return;
    }
    Map<String, Object> facts = new HashMap<>();
    facts.put("peer", peer.get().toString());
    facts.put("local-address", want.owner().address().toString());
    careOf.ifPresent(it -> facts.put(CARE_OF_ADDRESS, it.toString()));
    if (careOf.isPresent()) {
      routes.put(want.owner(), careOf.get());
    } else {
      routes.remove(want.owner());
    }
    log.add(
        now,
        Kind.ROUTE,
        careOf
            .map(it -> "packets to " + peer.get() + " go directly, by care-of address " + it)
            .orElse("packets to " + peer.get() + " go directly no more"),
        ImmutableMap.copyOf(facts));
  }

  private void placed(Instant now, NodeAction.PlaceHomeAddress to) {
    NodeAction.Place before = places.put(to.address().value(), to.place());
    if (to.place() == (before == null ? NodeAction.Place.NOWHERE : before)) {
      return;
    }
    String words =
        switch (to.place()) {
          case HOME -> " is at home";
          case AWAY -> " is reached by the tunnel";
          case NOWHERE -> " is not in use: neither at home nor registered";
        };
    log.add(
        now,
        Kind.REGISTRATION,
        to.address() + words,
        ImmutableMap.of(
            HOME_ADDRESS, to.address().toString(), "place", StatusReport.key(to.place().name())));
  }

  void found(Instant now, Finding finding) {
    log.add(
        now,
        Kind.FINDING,
        finding.words(),
        ImmutableMap.of("finding", StatusReport.key(finding.kind().name())));
  }
}
