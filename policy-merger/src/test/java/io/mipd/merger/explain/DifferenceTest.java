package io.mipd.merger.explain;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import org.junit.jupiter.api.Test;

class DifferenceTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Selector TO_AGENT = Selector.between(H, A);
  private static final Selector TO_PEER = Selector.between(H, P);
  private static final Finding FINDING =
      new Finding(Finding.Kind.LOOP, "a loop", Flow.of(H, P, IpProtocol.TCP));

  private static Merged merged(ImmutableList<Finding> findings, Policy... policies) {
    var all = ImmutableList.<MergedPolicy>builder();
    for (Policy policy : policies) {
      all.add(new MergedPolicy(policy, ImmutableList.of()));
    }
    return new Merged(all.build(), findings);
  }

  private static Policy tunnel(Selector selector, int priority, String careOf) {
    return Policy.allow(
        selector,
        Direction.OUT,
        priority,
        Bundle.of(Template.ipv6InIpv6(Ipv6Address.parse(careOf), A)));
  }

  @Test
  void tellsWhatIsAddedRemovedChangedAndMerelyMoved() {
    Policy stays = tunnel(Selector.between(A, P), 1, "2001:db8:a::10");
    Policy moves = tunnel(TO_PEER, 2, "2001:db8:a::10");
    Policy goes = Policy.block(TO_AGENT, Direction.OUT, 3);
    Policy comes = Policy.block(TO_AGENT, Direction.IN, 4);
    var before = merged(ImmutableList.of(FINDING), stays, moves, goes);
    var handover =
        Difference.between(
            before, merged(ImmutableList.of(), stays, tunnel(TO_PEER, 2, "2001:db8:b::10"), comes));

    assertThat(handover.added()).containsExactly(comes);
    assertThat(handover.removed()).containsExactly(goes);
    assertThat(handover.changed()).extracting(Difference.Change::before).containsExactly(moves);
    assertThat(handover.reordered()).isEmpty();
    assertThat(handover.appeared()).isEmpty();
    assertThat(handover.disappeared()).containsExactly(FINDING);
    assertThat(handover.plan().steps()).hasSize(3);

    var later =
        Difference.between(
            before,
            merged(ImmutableList.of(FINDING), stays, tunnel(TO_PEER, 5, "2001:db8:a::10"), goes));
    assertThat(later.changed()).isEmpty();
    assertThat(later.reordered()).hasSize(1);
    assertThat(Difference.between(before, before).isNothing()).isTrue();
    assertThat(later.isNothing()).isFalse();
  }

  @Test
  void theTextTellsTheStepsInTheirOrder() {
    Policy goes = Policy.block(TO_AGENT, Direction.OUT, 3);
    Policy comes = tunnel(TO_PEER, 2, "2001:db8:a::10");
    assertThat(
            DifferenceText.of(
                Difference.between(
                    merged(ImmutableList.of(), goes), merged(ImmutableList.of(FINDING), comes))))
        .isEqualTo(
            "added:\n  + "
                + comes
                + "\nremoved:\n  - "
                + goes
                + "\nsteps, in this order:\n  1. add "
                + comes
                + "\n  2. delete "
                + goes.id()
                + "\nfindings that appear:\n  + "
                + FINDING
                + "\n");
    var none = merged(ImmutableList.of());
    assertThat(DifferenceText.of(Difference.between(none, none)))
        .isEqualTo("nothing would change\n");
  }
}
