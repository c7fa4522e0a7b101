package io.mipd.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

    @Override
    public XfrmReply apply(XfrmCommand command) {
      asked++;
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
}
