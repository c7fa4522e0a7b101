package io.mipd.mobility.ha;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.ListenerDiscovery;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Subscribe;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.packet.Icmpv6Message.GroupRecord;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerReport2;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a home agent keeps of the groups that mobile nodes listen to, in plain tunnels. */
class GroupMembershipTest {
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final HomeAddress OTHER = new HomeAddress(Ipv6Address.parse("2001:db8:1::200"));
  private static final CareOfAddress AT_A = careOf("2001:db8:a::100");
  private static final CareOfAddress AT_B = careOf("2001:db8:b::100");
  private static final int HOME_LINK = 2;
  private static final int LIMIT = GroupMembership.MAXIMUM_GROUPS;

  private Instant now = Instant.EPOCH;
  private final GroupMembership groups = new GroupMembership(AGENT);

  private static CareOfAddress careOf(String address) {
    return new CareOfAddress(Ipv6Address.parse(address));
  }

  private static Ipv6Address group(int number) {
    return Ipv6Address.parse("ff0e::" + Integer.toHexString(number));
  }

  private void binds(HomeAddress home, CareOfAddress careOf) {
    groups.bound(
        now, home, careOf, new HomePolicies(home, AGENT, TunnelProtection.NONE).tunnel(careOf));
  }

  /** A report of the mobile node, by its tunnel; returns what comes of it. */
  private List<NodeAction> reports(
      HomeAddress home, CareOfAddress careOf, int type, int... numbers) {
    Template out = new HomePolicies(home, AGENT, TunnelProtection.NONE).tunnel(careOf).payloadOut();
    var step =
        new SecurityPath.Step(
            out.protocol(), out.mode(), out.source(), out.destination(), out.reqId(), out.spi());
    var report =
        new ListenerReport2(
            IntStream.of(numbers)
                .mapToObj(it -> new GroupRecord(type, group(it), ImmutableList.of()))
                .collect(ImmutableList.toImmutableList()));
    var arrival =
        new Arrival(
            ListenerDiscovery.source(home),
            ListenerDiscovery.ALL_ROUTERS_2,
            Optional.empty(),
            false,
            new SecurityPath(ImmutableList.of(step)),
            0);
    List<NodeAction> actions = new ArrayList<>();
    groups.arrived(now, report, arrival, HOME_LINK, actions);
    return actions;
  }

  private List<NodeAction> joins(HomeAddress home, CareOfAddress careOf, int... numbers) {
    return reports(home, careOf, GroupRecord.CHANGE_TO_EXCLUDE, numbers);
  }

  private List<NodeAction> leaves(HomeAddress home, CareOfAddress careOf, int... numbers) {
    return reports(home, careOf, GroupRecord.CHANGE_TO_INCLUDE, numbers);
  }

  private static Subscribe subscribe(HomeAddress home, int number, boolean on) {
    return new Subscribe(HOME_LINK, home, group(number), on);
  }

  private static int[] numbers(int count) {
    return IntStream.rangeClosed(1, count).toArray();
  }

  /** Each binding has so many, and takes nothing of the others' share. */
  @Test
  void aBindingHasSoManyGroups() {
    binds(HOME, AT_A);
    binds(OTHER, AT_B);
    assertThat(joins(HOME, AT_A, numbers(LIMIT))).hasSize(LIMIT);
    assertThat(joins(HOME, AT_A, LIMIT + 1))
        .containsExactly(new NodeAction.Refuse(NodeAction.Refusal.LIMIT, HOME.value()));
    assertThat(groups.groups(HOME)).hasSize(LIMIT).doesNotContain(group(LIMIT + 1));
    assertThat(joins(OTHER, AT_B, LIMIT + 1)).containsExactly(subscribe(OTHER, LIMIT + 1, true));

    assertThat(joins(HOME, AT_A, 1)).as("it has that already").isEmpty();
    assertThat(leaves(HOME, AT_A, 1)).containsExactly(subscribe(HOME, 1, false));
    assertThat(joins(HOME, AT_A, LIMIT + 1)).containsExactly(subscribe(HOME, LIMIT + 1, true));
  }

  @Test
  void whatIsNotReportedAgainEnds() {
    binds(HOME, AT_A);
    joins(HOME, AT_A, 1, 2);
    now = now.plusSeconds(100);
    joins(HOME, AT_A, 2);
    assertThat(passes(ListenerDiscovery.MULTICAST_ADDRESS_LISTENING_INTERVAL.minusSeconds(101)))
        .isEmpty();
    assertThat(passes(Duration.ofSeconds(1))).containsExactly(subscribe(HOME, 1, false));
    assertThat(passes(Duration.ofSeconds(99))).isEmpty();
    assertThat(passes(Duration.ofSeconds(1))).containsExactly(subscribe(HOME, 2, false));
    assertThat(groups.groups(HOME)).isEmpty();
  }

  /** What was left is over, and does not end once more when it would have run out. */
  @Test
  void nothingIsLeftOfABindingThatEnds() {
    binds(HOME, AT_A);
    joins(HOME, AT_A, 1, 2);
    leaves(HOME, AT_A, 1);
    List<NodeAction> actions = new ArrayList<>();
    groups.unbound(HOME, HOME_LINK, actions);
    assertThat(actions).containsExactly(subscribe(HOME, 2, false));
    assertThat(groups.groups(HOME)).isEmpty();
    assertThat(groups.nextDeadline()).isEmpty();
    assertThat(joins(HOME, AT_A, 1)).as("it is not bound").isEmpty();
  }

  /** From where it was nothing is taken any more; what it listens to goes along. */
  @Test
  void aBindingThatMovesTakesItsGroupsAlong() {
    binds(HOME, AT_A);
    joins(HOME, AT_A, 1);
    binds(HOME, AT_B);
    assertThat(groups.groups(HOME)).containsExactly(group(1));
    assertThat(leaves(HOME, AT_A, 1)).isEmpty();
    assertThat(leaves(HOME, AT_B, 1)).containsExactly(subscribe(HOME, 1, false));
  }

  /** Two home addresses of one mobile node, in one plain tunnel: the source tells them apart. */
  @Test
  void homeAddressesThatShareATunnelAreToldApart() {
    binds(HOME, AT_A);
    binds(OTHER, AT_A);
    assertThat(joins(OTHER, AT_A, 1)).containsExactly(subscribe(OTHER, 1, true));
    List<NodeAction> actions = new ArrayList<>();
    groups.unbound(HOME, HOME_LINK, actions);
    assertThat(actions).isEmpty();
    assertThat(leaves(OTHER, AT_A, 1)).containsExactly(subscribe(OTHER, 1, false));
  }

  /** The first questions may come before the mobile node's kernel has the tunnel. */
  @Test
  void whoHasRegisteredIsAskedAgainSoonAndThenAsAQuerierDoes() {
    binds(HOME, AT_A);
    assertThat(after(Duration.ZERO)).hasSize(1);
    asksAfter(Duration.ofSeconds(2));
    asksAfter(Duration.ofSeconds(4));
    asksAfter(Duration.ofSeconds(8));
    asksAfter(ListenerDiscovery.STARTUP_QUERY_INTERVAL);
    asksAfter(ListenerDiscovery.QUERY_INTERVAL);
  }

  @Test
  void whoRegistersAgainWhereHeIsIsAskedOnce() {
    binds(HOME, AT_A);
    assertThat(after(Duration.ZERO)).hasSize(1);
    joins(HOME, AT_A, 1);
    binds(HOME, AT_A);
    assertThat(after(Duration.ZERO)).hasSize(1);
    asksAfter(ListenerDiscovery.STARTUP_QUERY_INTERVAL);
  }

  @Test
  void whoSaysSomethingIsAskedAsAQuerierDoes() {
    binds(HOME, AT_A);
    assertThat(after(Duration.ZERO)).hasSize(1);
    joins(HOME, AT_A, 1);
    asksAfter(Duration.ofSeconds(2));
    asksAfter(ListenerDiscovery.STARTUP_QUERY_INTERVAL);
    asksAfter(ListenerDiscovery.QUERY_INTERVAL);
  }

  private void asksAfter(Duration time) {
    assertThat(after(time.minusMillis(1))).isEmpty();
    assertThat(after(Duration.ofMillis(1)))
        .singleElement()
        .isInstanceOf(NodeAction.SendListenerMessage.class);
  }

  /** Returns which memberships end meanwhile. */
  private List<NodeAction> passes(Duration time) {
    List<NodeAction> actions = after(time);
    actions.removeIf(it -> !(it instanceof Subscribe));
    return actions;
  }

  private List<NodeAction> after(Duration time) {
    now = now.plus(time);
    List<NodeAction> actions = new ArrayList<>();
    groups.deadlines(now, HOME_LINK, actions);
    return actions;
  }
}
