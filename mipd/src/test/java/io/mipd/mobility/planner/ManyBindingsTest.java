package io.mipd.mobility.planner;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.StandingMerge;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A home agent with many bindings. Flows "from one home address to any" meet those "from any to
 * another": the result must not have a policy for each pair.
 */
class ManyBindingsTest {
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Template USERS = Template.transport(TransformProtocol.ESP, new ReqId(1));
  private static final int DESTINATION_UNREACHABLE = 1;
  private static final int ECHO_REQUEST = 128;

  private final StandingMerge<Integer> merge = new StandingMerge<>(new XfrmBackend.Limits(5));

  private static Ipv6Address home(int number) {
    return new Ipv6Address(0x2001_0db8_0001_0000L, 0x1000 + number);
  }

  private static Ipv6Address careOf(int number, int move) {
    return new Ipv6Address(0x2001_0db8_000a_0000L + move, 0x1000 + number);
  }

  /** Returns how many policies of the result it has changed. */
  private int bind(int number, int move) {
    var planner = new HomePolicies(new HomeAddress(home(number)), A, TunnelProtection.NONE);
    var wish = planner.homeAgentBound(new CareOfAddress(careOf(number, move)));
    return merge.want(number, wish.policies()).after().size();
  }

  private void userForAny() {
    ImmutableList<Policy> users =
        Arrays.stream(Direction.values())
            .map(direction -> Policy.allow(Selector.ANY, direction, 1000, Bundle.of(USERS)))
            .collect(ImmutableList.toImmutableList());
    merge.users(users, ImmutableList.of());
  }

  private Stream<Template> out(Flow flow) {
    return merge.decides(Direction.OUT, flow).orElseThrow().policy().bundle().templates().stream();
  }

  @Test
  void eachAddsWhatTheFirstDid() {
    userForAny();
    int none = merge.policies().size();
    bind(0, 0);
    int each = merge.policies().size() - none;
    for (int number = 1; number < 40; number++) {
      bind(number, 0);
    }
    assertThat(merge.policies()).hasSize(none + 40 * each);
  }

  @Test
  void aMoveChangesAsMuchAmongManyAsAlone() {
    userForAny();
    bind(0, 0);
    int alone = bind(0, 1);
    for (int number = 1; number < 40; number++) {
      bind(number, 0);
    }
    assertThat(bind(0, 2)).isEqualTo(alone);
    assertThat(bind(20, 1)).isEqualTo(alone);
  }

  /** Whichever of the two came first. */
  @Test
  void errorsFromOneMobileNodeToAnotherAreExemptAndTakeItsTunnel() {
    userForAny();
    for (int number = 0; number < 3; number++) {
      bind(number, 0);
    }
    for (int from = 0; from < 3; from++) {
      for (int to = 0; to < 3; to++) {
        Flow error = Flow.icmpv6(home(from), home(to), DESTINATION_UNREACHABLE, 0);
        Template tunnel = Template.ipv6InIpv6(A, careOf(to, 0));
        assertThat(out(error)).as("error from %d to %d", from, to).startsWith(tunnel);
        Flow echo = Flow.icmpv6(home(from), home(to), ECHO_REQUEST, 0);
        assertThat(out(echo)).as("echo from %d to %d", from, to).startsWith(USERS, tunnel);
      }
    }
    merge.want(1, ImmutableList.of());
    assertThat(out(Flow.icmpv6(home(0), home(1), DESTINATION_UNREACHABLE, 0)))
        .as("not bound any more, still an error of the other")
        .isEmpty();
  }
}
