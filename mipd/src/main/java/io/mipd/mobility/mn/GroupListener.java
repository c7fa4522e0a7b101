package io.mipd.mobility.mn;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import com.google.common.collect.Sets;
import io.mipd.mobility.ListenerDiscovery;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message.GroupRecord;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerDone;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerQuery;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerReport;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerReport2;
import io.mipd.xfrm.packet.Icmpv6Message.OfListeners;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * A listener of Multicast Listener Discovery whose link is the tunnel to the home agent (RFC 6275
 * section 11.3.4): says nothing before the home agent has asked, and answers in the version in
 * which it did last. Of sources it says that all are welcome: what programs have said of them their
 * own stack goes by.
 */
final class GroupListener {
  /** Groups that one report tells of: it fits into a tunnel's packet. */
  private static final int RECORDS = 50;

  private final HomeAddress home;
  private final RandomGenerator random;
  private ImmutableSet<Ipv6Address> joined = ImmutableSet.of();

  /** The home agent has asked since the binding is there. */
  private boolean asked;

  private boolean firstVersion;

  /** When the query that came last is answered, and of what. */
  private Optional<Instant> answerAt = Optional.empty();

  private ImmutableSet<Ipv6Address> answer = ImmutableSet.of();

  /** When it is said once more which groups were joined and left last, and which they are. */
  private Optional<Instant> repeatAt = Optional.empty();

  private ImmutableSet<Ipv6Address> came = ImmutableSet.of();
  private ImmutableSet<Ipv6Address> went = ImmutableSet.of();

  GroupListener(HomeAddress home, RandomGenerator random) {
    this.home = home;
    this.random = random;
  }

  /** The groups that programs listen to. */
  void joined(Instant now, ImmutableSet<Ipv6Address> groups, List<NodeAction> actions) {
    Set<Ipv6Address> more = Sets.difference(groups, joined);
    Set<Ipv6Address> fewer = Sets.difference(joined, groups);
    if (asked && !(more.isEmpty() && fewer.isEmpty())) {
      came = ImmutableSet.copyOf(Sets.union(Sets.difference(came, fewer), more));
      went = ImmutableSet.copyOf(Sets.union(Sets.difference(went, more), fewer));
      change(actions);
      repeatAt = Optional.of(now.plus(delay(ListenerDiscovery.UNSOLICITED_REPORT_INTERVAL)));
    }
    joined = groups;
  }

  /** The home agent asks. */
  void asked(Instant now, ListenerQuery query) {
    asked = true;
    firstVersion = query.querier().isEmpty();
    Set<Ipv6Address> of =
        query.group().isUnspecified()
            ? joined
            : Sets.intersection(joined, ImmutableSet.of(query.group()));
    if (of.isEmpty()) {
      return;
    }
    Instant at = now.plus(delay(query.maximumResponse()));
    answer = ImmutableSet.copyOf(answerAt.isPresent() ? Sets.union(answer, of) : of);
    answerAt = answerAt.filter(it -> it.isBefore(at)).or(() -> Optional.of(at));
  }

  /** There is no binding any more: the next one's home agent is to ask first. */
  void unbound() {
    asked = false;
    answerAt = Optional.empty();
    forgetChange();
  }

  private void forgetChange() {
    repeatAt = Optional.empty();
    came = ImmutableSet.of();
    went = ImmutableSet.of();
  }

  void deadlines(Instant now, List<NodeAction> actions) {
    if (repeatAt.filter(it -> !now.isBefore(it)).isPresent()) {
      change(actions);
      forgetChange();
    }
    if (answerAt.filter(it -> !now.isBefore(it)).isPresent()) {
      answerAt = Optional.empty();
      report(GroupRecord.MODE_IS_EXCLUDE, Sets.intersection(answer, joined), actions);
    }
  }

  Optional<Instant> nextDeadline() {
    return answerAt.filter(it -> repeatAt.filter(it::isAfter).isEmpty()).or(() -> repeatAt);
  }

  private Duration delay(Duration longest) {
    return Duration.ofMillis(random.nextLong(Math.max(1, longest.toMillis())));
  }

  private void change(List<NodeAction> actions) {
    report(GroupRecord.CHANGE_TO_EXCLUDE, came, actions);
    report(GroupRecord.CHANGE_TO_INCLUDE, went, actions);
  }

  private void report(int type, Collection<Ipv6Address> groups, List<NodeAction> actions) {
    if (firstVersion) {
      for (Ipv6Address group : groups) {
        if (type == GroupRecord.CHANGE_TO_INCLUDE) {
          send(new ListenerDone(group), Ipv6Address.ALL_ROUTERS, actions);
        } else {
          send(new ListenerReport(group), group, actions);
        }
      }
      return;
    }
    for (List<Ipv6Address> some : Iterables.partition(groups, RECORDS)) {
      send(
          new ListenerReport2(
              some.stream()
                  .map(group -> new GroupRecord(type, group, ImmutableList.of()))
                  .collect(ImmutableList.toImmutableList())),
          ListenerDiscovery.ALL_ROUTERS_2,
          actions);
    }
  }

  private void send(OfListeners message, Ipv6Address destination, List<NodeAction> actions) {
    actions.add(
        new NodeAction.SendListenerMessage(
            home, /* toMobileNode= */ false, message, ListenerDiscovery.source(home), destination));
  }
}
