package io.mipd.mobility.ha;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.ListenerDiscovery;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.binding.DeadlineQueue;
import io.mipd.mobility.planner.Tunnel;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.packet.Icmpv6Message.GroupRecord;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerDone;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerQuery;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerReport;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerReport2;
import io.mipd.xfrm.packet.Icmpv6Message.OfListeners;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A querier of Multicast Listener Discovery on each tunnel (RFC 6275 section 10.4.3): asks the
 * mobile nodes that are bound, and knows to which groups they listen. A tunnel has one listener, so
 * that what it leaves is left at once, and nobody else is to be asked. Groups of less than global
 * scope are none of the tunnel's business (section 10.4.2). Sources are not told apart: the mobile
 * node's own stack does.
 */
final class GroupMembership {
  /** More groups of one mobile node are not taken; for each the home link is listened to. */
  static final int MAXIMUM_GROUPS = 64;

  /** At a time: after a restart all that are bound are to be asked. */
  private static final int MOST_QUERIES = 100;

  /**
   * What is sent right behind a Binding Acknowledgement comes before the tunnel is there, at a
   * mobile node that has its kernel make it. So who says nothing is asked again after this time,
   * after twice this time, and so on.
   */
  private static final Duration FIRST_WAIT = Duration.ofSeconds(2);

  /** How often, after the first time. */
  private static final int MOST_SOON = 3;

  /** In milliseconds; below 32768 it is written as it is (RFC 3810 section 5.1.3). */
  private static final ListenerQuery GENERAL_QUERY =
      new ListenerQuery(
          (int) ListenerDiscovery.QUERY_RESPONSE_INTERVAL.toMillis(),
          Ipv6Address.UNSPECIFIED,
          Optional.of(
              new ListenerQuery.Querier(
                  ListenerDiscovery.ROBUSTNESS,
                  (int) ListenerDiscovery.QUERY_INTERVAL.toSeconds())));

  private final Ipv6Address agent;
  private final Map<HomeAddress, Listener> listeners = new LinkedHashMap<>();
  private final Map<Ipv6Address, Set<Listener>> byCareOf = new LinkedHashMap<>();
  private final DeadlineQueue<HomeAddress> queries = new DeadlineQueue<>();
  private final DeadlineQueue<Membership> ends = new DeadlineQueue<>();

  private record Membership(HomeAddress home, Ipv6Address group) {}

  private static final class Listener {
    final HomeAddress home;
    CareOfAddress careOf;
    Template tunnel;

    /** Of those that are sent soon one after the other (RFC 3810 section 9.7). */
    int startupQueries = ListenerDiscovery.ROBUSTNESS;

    /** How often it is asked again soon, unless it says something. */
    int soon;

    final Set<Ipv6Address> groups = new LinkedHashSet<>();

    Listener(HomeAddress home, CareOfAddress careOf, Template tunnel) {
      this.home = home;
      this.careOf = careOf;
      this.tunnel = tunnel;
    }
  }

  GroupMembership(Ipv6Address agent) {
    this.agent = agent;
  }

  /**
   * A binding is in force, or has moved.
   *
   * @param tunnel of the home address
   */
  void bound(Instant now, HomeAddress home, CareOfAddress careOf, Tunnel tunnel) {
    // The mobile node's end of it: what leaves there comes in here.
    Template in = tunnel.payloadOut();
    Listener known = listeners.get(home);
    if (known == null) {
      known = new Listener(home, careOf, in);
      known.soon = MOST_SOON;
      listeners.put(home, known);
    } else if (!known.careOf.equals(careOf)) {
      forgetCareOf(known);
      known.careOf = careOf;
      known.soon = MOST_SOON;
    }
    known.tunnel = in;
    byCareOf.computeIfAbsent(careOf.value(), address -> new LinkedHashSet<>()).add(known);
    // Who registers may have been started again, and says nothing before he is asked.
    queries.put(home, now);
  }

  void unbound(HomeAddress home, int interfaceIndex, List<NodeAction> actions) {
    Listener gone = listeners.remove(home);
    if (gone == null) {
      return;
    }
    forgetCareOf(gone);
    queries.remove(home);
    for (Ipv6Address group : gone.groups) {
      ends.remove(new Membership(home, group));
      actions.add(new NodeAction.Subscribe(interfaceIndex, home, group, false));
    }
  }

  private void forgetCareOf(Listener it) {
    Set<Listener> there = byCareOf.get(it.careOf.value());
    if (there != null && there.remove(it) && there.isEmpty()) {
      byCareOf.remove(it.careOf.value());
    }
  }

  /** The groups that a mobile node listens to. */
  ImmutableSet<Ipv6Address> groups(HomeAddress home) {
    Listener it = listeners.get(home);
    return it == null ? ImmutableSet.of() : ImmutableSet.copyOf(it.groups);
  }

  /**
   * A message came by some tunnel.
   *
   * @return whether it is one that a mobile node may send, by a tunnel of ours
   */
  boolean arrived(
      Instant now,
      OfListeners message,
      Arrival arrival,
      int interfaceIndex,
      List<NodeAction> actions) {
    // RFC 3810 section 5.2.13, RFC 2710 section 3.
    Optional<Listener> from = arrival.source().isLinkLocal() ? from(arrival) : Optional.empty();
    if (from.isEmpty() || message instanceof ListenerQuery) {
      return false;
    }
    from.get().soon = 0;
    if (message instanceof ListenerReport report) {
      listens(now, from.get(), report.group(), true, interfaceIndex, actions);
    } else if (message instanceof ListenerDone done) {
      listens(now, from.get(), done.group(), false, interfaceIndex, actions);
    } else if (message instanceof ListenerReport2 report) {
      for (GroupRecord one : report.records()) {
        switch (one.type()) {
          case GroupRecord.MODE_IS_EXCLUDE, GroupRecord.CHANGE_TO_EXCLUDE ->
              listens(now, from.get(), one.group(), true, interfaceIndex, actions);
          case GroupRecord.MODE_IS_INCLUDE,
              GroupRecord.CHANGE_TO_INCLUDE,
              GroupRecord.ALLOW_NEW_SOURCES -> {
            boolean wanted = !one.sources().isEmpty();
            listens(now, from.get(), one.group(), wanted, interfaceIndex, actions);
          }
          default -> {
            // Sources that are blocked, which are not told apart, or a type that nobody knows,
            // which is ignored (RFC 3810 section 5.2.12).
          }
        }
      }
    }
    return true;
  }

  /**
   * Whose tunnel it came by, and by nothing else. Of several home addresses that share a plain
   * tunnel, the one that the source is made of; or the one that was there first.
   */
  private Optional<Listener> from(Arrival arrival) {
    ImmutableList<SecurityPath.Step> steps = arrival.securityPath().steps();
    if (steps.size() != 1) {
      return Optional.empty();
    }
    SecurityPath.Step step = steps.get(0);
    List<Listener> all =
        byCareOf.getOrDefault(step.source(), Set.of()).stream()
            .filter(
                it ->
                    step.protocol() == it.tunnel.protocol()
                        && step.mode() == it.tunnel.mode()
                        && step.destination().equals(agent)
                        && step.reqId().equals(it.tunnel.reqId()))
            .toList();
    return all.stream()
        .filter(it -> ListenerDiscovery.source(it.home).equals(arrival.source()))
        .findFirst()
        .or(() -> all.stream().findFirst());
  }

  private void listens(
      Instant now,
      Listener who,
      Ipv6Address group,
      boolean wanted,
      int interfaceIndex,
      List<NodeAction> actions) {
    // Groups of a smaller scope are told of all the same, and not passed on.
    if (wanted && !group.isGlobalMulticast()) {
      return;
    }
    var membership = new Membership(who.home, group);
    if (!wanted) {
      ends.remove(membership);
      if (who.groups.remove(group)) {
        actions.add(new NodeAction.Subscribe(interfaceIndex, who.home, group, false));
      }
    } else if (!who.groups.contains(group) && who.groups.size() >= MAXIMUM_GROUPS) {
      actions.add(new NodeAction.Refuse(NodeAction.Refusal.LIMIT, who.home.value()));
    } else {
      ends.put(membership, now.plus(ListenerDiscovery.MULTICAST_ADDRESS_LISTENING_INTERVAL));
      if (who.groups.add(group)) {
        actions.add(new NodeAction.Subscribe(interfaceIndex, who.home, group, true));
      }
    }
  }

  void deadlines(Instant now, int interfaceIndex, List<NodeAction> actions) {
    for (int asked = 0; asked < MOST_QUERIES; asked++) {
      Optional<HomeAddress> next = queries.poll(now);
      if (next.isEmpty()) {
        break;
      }
      Listener who = listeners.get(next.get());
      if (who != null) {
        ask(now, who, actions);
      }
    }
    for (var it = ends.poll(now); it.isPresent(); it = ends.poll(now)) {
      Listener who = listeners.get(it.get().home());
      if (who != null) {
        listens(now, who, it.get().group(), false, interfaceIndex, actions);
      }
    }
  }

  private void ask(Instant now, Listener who, List<NodeAction> actions) {
    actions.add(
        new NodeAction.SendListenerMessage(
            who.home,
            /* toMobileNode= */ true,
            GENERAL_QUERY,
            ListenerDiscovery.source(agent),
            Ipv6Address.ALL_NODES));
    if (who.soon > 0) {
      queries.put(who.home, now.plus(FIRST_WAIT.multipliedBy(1L << (MOST_SOON - who.soon))));
      who.soon--;
      return;
    }
    who.startupQueries = Math.max(0, who.startupQueries - 1);
    queries.put(
        who.home,
        now.plus(
            who.startupQueries > 0
                ? ListenerDiscovery.STARTUP_QUERY_INTERVAL
                : ListenerDiscovery.QUERY_INTERVAL));
  }

  Optional<Instant> nextDeadline() {
    Optional<Instant> end = ends.next();
    return queries.next().filter(it -> end.filter(it::isAfter).isEmpty()).or(() -> end);
  }
}
