package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelPolicy;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OwnershipTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");

  /** A route to the peer. */
  private static final Policy OURS =
      Policy.allow(
          Selector.between(HOME, PEER),
          Direction.OUT,
          1000,
          Bundle.of(Template.homeAddressOption(HOME, PEER)));

  /** Of the same selector, as a key manager puts it in the place of ours. */
  private static final Policy USERS =
      Policy.allow(
          OURS.selector(),
          Direction.OUT,
          1000,
          Bundle.of(Template.tunnel(TransformProtocol.ESP, HOME, PEER, new ReqId(9))));

  private final RememberedPolicies remembered = new RememberedPolicies();
  private final Ownership ownership =
      new Ownership(KernelBackend.OURS, remembered, UnmarkedAssociations.NONE);

  @BeforeEach
  void put() {
    remembered.coming(OURS);
  }

  private static KernelPolicy unmarked(Policy policy) {
    return KernelPolicy.of(policy, Mark.ANY);
  }

  @Test
  void whatIsAsPutIsOursWithoutAMark() {
    assertThat(ownership.isOurs(unmarked(OURS))).isTrue();
    assertThat(ownership.isUnmarkedOfOthers(unmarked(OURS))).isFalse();
    ownership.cede(OURS.id(), Optional.of(unmarked(OURS)));
    assertThat(ownership.markOf(OURS.id())).isEqualTo(Mark.ANY);
  }

  @Test
  void whatAUserHasPutInItsPlaceIsHis() {
    assertThat(ownership.isOurs(unmarked(USERS))).isFalse();
    assertThat(ownership.isUnmarkedOfOthers(unmarked(USERS))).isTrue();
    ownership.cede(OURS.id(), Optional.of(unmarked(USERS)));
    assertThat(ownership.markOf(OURS.id())).isEqualTo(KernelBackend.OURS);
    assertThat(ownership.isOurs(KernelPolicy.of(OURS, KernelBackend.OURS))).isTrue();
  }

  @Test
  void whatSomebodyHasTakenAwayStaysToBePutBack() {
    ownership.cede(OURS.id(), Optional.empty());
    assertThat(ownership.markOf(OURS.id())).isEqualTo(Mark.ANY);
  }

  @Test
  void anAdditionWithoutAnAnswerIsOursIfTheKernelHasIt() {
    ownership.failed(OURS.id(), Optional.of(unmarked(OURS)));
    assertThat(ownership.isOurs(unmarked(OURS))).isTrue();
  }

  @Test
  void anAdditionThatHasFailedIsForgotten() {
    ownership.failed(OURS.id(), Optional.empty());
    assertThat(remembered.policies).isEmpty();
    remembered.coming(OURS);
    ownership.failed(OURS.id(), Optional.of(unmarked(USERS)));
    assertThat(remembered.policies).isEmpty();
  }
}
