package io.mipd.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class InstalledPoliciesTest {
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final CareOfAddress AT_A = new CareOfAddress(Ipv6Address.parse("2001:db8:a::10"));
  private static final CareOfAddress AT_B = new CareOfAddress(Ipv6Address.parse("2001:db8:b::10"));
  private static final ReqId PAYLOAD = new ReqId(5);

  private static final HomePolicies PLANNER =
      new HomePolicies(
          HOME,
          AGENT,
          new TunnelProtection(
              Optional.of(new ReqId(1)), Optional.empty(), Optional.empty(), Optional.of(PAYLOAD)));

  /** Takes everything, or refuses everything. */
  static final class Backend implements XfrmBackend {
    final Map<Policy.Id, Policy> policies = new LinkedHashMap<>();
    final List<XfrmCommand.Migrate> moves = new ArrayList<>();
    Optional<XfrmError> refuses = Optional.empty();
    int asked;

    final Set<RouteOptimizationState> states = new LinkedHashSet<>();

    /** Whose state is refused. */
    Optional<Ipv6Address> refusesState = Optional.empty();

    @Override
    public XfrmReply apply(XfrmCommand command) {
      asked++;
      if (command instanceof XfrmCommand.PutRouteOptimization put) {
        RouteOptimizationState.Id id = put.state().id();
        if (refusesState.filter(it -> id.toString().contains(it.toString())).isPresent()) {
          return new XfrmReply.Failed(XfrmError.NO_MEMORY, "refused by the test");
        }
        states.add(put.state());
      } else if (command instanceof XfrmCommand.DeleteRouteOptimization delete) {
        states.removeIf(state -> state.id().equals(delete.id()));
      }
      if (refuses.isPresent()) {
        return new XfrmReply.Failed(refuses.get(), "refused by the test");
      }
      if (command instanceof XfrmCommand.AddPolicy add) {
        policies.put(add.policy().id(), add.policy());
      } else if (command instanceof XfrmCommand.UpdatePolicy update) {
        policies.put(update.policy().id(), update.policy());
      } else if (command instanceof XfrmCommand.DeletePolicy delete) {
        policies.remove(delete.id());
      } else if (command instanceof XfrmCommand.Migrate migrate) {
        moves.add(migrate);
      }
      return XfrmReply.DONE;
    }

    @Override
    public Limits limits() {
      return new Limits(5);
    }
  }

  private final Backend backend = new Backend();
  private final InstalledPolicies policies = new InstalledPolicies(backend, ImmutableList.of());

  private boolean move(Ipv6Address from, Ipv6Address to) {
    return policies.move(
        new NodeAction.MoveTunnel(HOME, AGENT, from, to), ImmutableList.of(PAYLOAD));
  }

  private static ImmutableList<Policy> fresh(MobilityWish wish) {
    var other = new InstalledPolicies(new Backend(), ImmutableList.of());
    assertThat(other.want(WishOwner.of(HOME), wish)).isTrue();
    return other.policies();
  }

  @Test
  void whatThereWasNoMemoryForIsInstalledWhenThereIs() {
    assertThat(policies.want(WishOwner.of(HOME), PLANNER.mobileNodeUnregistered())).isTrue();
    backend.refuses = Optional.of(XfrmError.NO_MEMORY);

    assertThat(move(HOME.value(), AT_A.value())).isFalse();
    assertThat(policies.want(WishOwner.of(HOME), PLANNER.mobileNodeAway(AT_A))).isFalse();
    assertThat(policies.isBehind()).isTrue();
    assertThat(policies.retry()).isFalse();
    // Until then it is as it was, whole.
    assertThat(policies.policies()).isEqualTo(fresh(PLANNER.mobileNodeUnregistered()));

    backend.refuses = Optional.empty();
    assertThat(policies.retry()).isTrue();
    assertThat(policies.isBehind()).isFalse();
    assertThat(policies.policies()).isEqualTo(fresh(PLANNER.mobileNodeAway(AT_A)));
    assertThat(backend.policies.values()).containsExactlyInAnyOrderElementsOf(policies.policies());
    assertThat(backend.moves).hasSize(1);
  }

  @Test
  void laterStepsDoNotOvertakeThoseThatWait() {
    assertThat(policies.want(WishOwner.of(HOME), PLANNER.mobileNodeUnregistered())).isTrue();
    backend.refuses = Optional.of(XfrmError.NO_MEMORY);
    assertThat(move(HOME.value(), AT_A.value())).isFalse();
    assertThat(move(AT_A.value(), AT_B.value())).isFalse();

    backend.refuses = Optional.empty();
    assertThat(policies.want(WishOwner.of(HOME), PLANNER.mobileNodeAway(AT_B))).isTrue();
    assertThat(backend.moves)
        .extracting(it -> it.moves().get(0).newSource())
        .containsExactly(AT_A.value(), AT_B.value());
    assertThat(policies.policies()).isEqualTo(fresh(PLANNER.mobileNodeAway(AT_B)));
  }

  @Test
  void whatIsWrongInItselfIsNotTriedAgain() {
    backend.refuses = Optional.of(XfrmError.INVALID);
    assertThat(policies.want(WishOwner.of(HOME), PLANNER.mobileNodeUnregistered())).isFalse();
    assertThat(policies.isBehind()).isFalse();
    int asked = backend.asked;
    assertThat(policies.retry()).isTrue();
    assertThat(backend.asked).isEqualTo(asked);
  }

  private static ImmutableMap<WishOwner, MobilityWish> bindings(int count) {
    var all = ImmutableMap.<WishOwner, MobilityWish>builder();
    for (int i = 1; i <= count; i++) {
      var home = new HomeAddress(Ipv6Address.parse("2001:db8:1::2:" + i));
      all.put(
          WishOwner.of(home),
          new HomePolicies(home, AGENT, TunnelProtection.NONE).homeAgentBound(AT_A));
    }
    return all.buildOrThrow();
  }

  @Test
  void manyAtOnceAreAsOneByOne() {
    assertThat(policies.want(bindings(5))).isTrue();

    var others = new Backend();
    var oneByOne = new InstalledPolicies(others, ImmutableList.of());
    bindings(5).forEach((owner, wish) -> assertThat(oneByOne.want(owner, wish)).isTrue());
    assertThat(backend.policies.keySet()).isEqualTo(others.policies.keySet());
    assertThat(backend.states).isEqualTo(others.states).hasSize(10);
    assertThat(policies.inputs().wishes()).isEqualTo(oneByOne.inputs().wishes());
    assertThat(policies.changes()).isEqualTo(5);
  }

  @Test
  void ofManyThoseThatTheBackendTakesAreThere() {
    backend.refusesState = Optional.of(Ipv6Address.parse("2001:db8:1::2:3"));
    assertThat(policies.want(bindings(5))).isFalse();

    assertThat(policies.inputs().wishes()).hasSize(5);
    assertThat(policies.isBehind()).isTrue();
    assertThat(backend.states).hasSize(8);
    assertThat(backend.policies.values()).containsExactlyInAnyOrderElementsOf(policies.policies());

    backend.refusesState = Optional.empty();
    assertThat(policies.retry()).isTrue();
    assertThat(policies.inputs().wishes()).hasSize(6);
    assertThat(backend.states).hasSize(10);
  }
}
