package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernel told of policies by PF_KEY as far as that goes, and by netlink beyond. */
@Tag("kernel")
class UnmarkedPoliciesKernelTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::aa");
  private static final Ipv6Address NEXT_CARE_OF = Ipv6Address.parse("2001:db8:b::aa");
  private static final ReqId REQID = new ReqId(5);
  private static final Policy TUNNELLED =
      Policy.allow(
          Selector.between(HOME, PEER),
          Direction.OUT,
          1000,
          Bundle.of(Template.tunnel(TransformProtocol.ESP, CARE_OF, AGENT, REQID)));

  /** The same flow with what PF_KEY has no word for. */
  private static final Policy DIRECT =
      Policy.allow(
          TUNNELLED.selector(),
          Direction.OUT,
          900,
          Bundle.of(Template.homeAddressOption(HOME, PEER)));

  private static final Policy BY_TYPE =
      Policy.block(
          Selector.between(HOME, PEER)
              .withProtocol(IpProtocol.ICMPV6)
              .withPorts(new PortMatch(0x90, 0xf0), PortMatch.ANY),
          Direction.OUT,
          10);

  private final RememberedPolicies remembered = new RememberedPolicies();
  private TestNamespace node;
  private KernelBackend backend;

  @BeforeEach
  void open() throws Exception {
    TestNamespace.require("ip");
    node = TestNamespace.create();
    backend = open(KernelInterface.PF_KEY);
  }

  private KernelBackend open(KernelInterface by) throws Exception {
    return node.within(() -> KernelBackend.open(by, remembered, UnmarkedAssociations.NONE));
  }

  @AfterEach
  void close() {
    backend.close();
    node.close();
  }

  private void done(XfrmCommand command) {
    assertThat(backend.apply(command)).as("%s", command).isEqualTo(XfrmReply.DONE);
  }

  private String policies() throws Exception {
    return node.sh("ip xfrm policy");
  }

  private List<XfrmNotice> notices() throws Exception {
    List<XfrmNotice> all = new ArrayList<>();
    backend.receive(all::add);
    return all;
  }

  @Test
  void whatEitherInterfacePutsIsChangedInPlaceByTheOther() throws Exception {
    done(new XfrmCommand.AddPolicy(TUNNELLED));
    assertThat(backend.pfKeyRequests()).isOne();
    done(new XfrmCommand.UpdatePolicy(DIRECT));
    assertThat(backend.pfKeyRequests()).isOne();
    assertThat(policies()).contains("proto hao").doesNotContain("proto esp", "mark");
    assertThat(backend.policies()).containsExactly(DIRECT);
    assertThat(backend.policy(DIRECT.id())).hasValue(DIRECT);
    done(new XfrmCommand.UpdatePolicy(TUNNELLED));
    assertThat(policies()).contains("proto esp").doesNotContain("proto hao", "mark");
    assertThat(backend.policies()).containsExactly(TUNNELLED);
    assertThat(notices()).as("of our own doing").isEmpty();
    done(new XfrmCommand.DeletePolicy(TUNNELLED.id()));
    assertThat(policies()).isEmpty();
    assertThat(remembered.policies).isEmpty();
    // PF_KEY would carry the deletion out and not answer.
    done(new XfrmCommand.AddPolicy(DIRECT));
    done(new XfrmCommand.DeletePolicy(DIRECT.id()));
    assertThat(policies()).isEmpty();
    assertThat(notices()).as("of our own doing").isEmpty();
  }

  @Test
  void whatPfKeyCannotNameHasTheMark() throws Exception {
    Policy marked =
        Policy.block(TUNNELLED.selector().withMark(new Mark(1, 0xff)), Direction.OUT, 10);
    assertThat(
            backend.applyAll(
                ImmutableList.of(
                    new XfrmCommand.AddPolicy(BY_TYPE),
                    new XfrmCommand.AddPolicy(TUNNELLED),
                    new XfrmCommand.AddPolicy(marked))))
        .containsOnly(XfrmReply.DONE);
    assertThat(remembered.policies.values()).containsExactly(TUNNELLED);
    assertThat(backend.policies()).containsExactlyInAnyOrder(BY_TYPE, TUNNELLED, marked);
    assertThat(backend.foreignPolicies()).isEmpty();
    done(new XfrmCommand.Flush());
    assertThat(policies()).isEmpty();
  }

  @Test
  void standsBesideAUsersOfEqualSelector() throws Exception {
    String users = "src " + HOME + "/128 dst " + PEER + "/128 dir out";
    node.sh("ip xfrm policy add " + users + " priority 70000");
    done(new XfrmCommand.UpdatePolicy(TUNNELLED));
    assertThat(remembered.policies).isEmpty();
    assertThat(backend.policies()).containsExactly(TUNNELLED);
    assertThat(backend.foreignPolicies()).hasSize(1);
    // It keeps its kind when the user's has gone.
    node.sh("ip xfrm policy delete " + users);
    done(new XfrmCommand.UpdatePolicy(DIRECT));
    assertThat(remembered.policies).isEmpty();
    assertThat(backend.policies()).containsExactly(DIRECT);
    done(new XfrmCommand.DeletePolicy(DIRECT.id()));
    assertThat(policies()).isEmpty();
  }

  @Test
  void whatAUserReplacesIsHisAndOursStandsBesideIt() throws Exception {
    done(new XfrmCommand.AddPolicy(TUNNELLED));
    assertThat(remembered.policies.values()).containsExactly(TUNNELLED);
    String users =
        "src " + HOME + "/128 dst " + PEER + "/128 dir out priority 70000 tmpl src " + HOME;
    String update = "ip xfrm policy update " + users + " dst " + PEER + " proto esp mode tunnel";
    node.sh(update);
    assertThat(notices()).containsExactly(new XfrmNotice.PoliciesChanged());
    assertThat(backend.policies()).isEmpty();
    assertThat(backend.policy(TUNNELLED.id())).isEmpty();
    assertThat(backend.foreignPolicies()).hasSize(1);
    // As a repair has it.
    done(new XfrmCommand.UpdatePolicy(TUNNELLED));
    assertThat(remembered.policies).isEmpty();
    assertThat(backend.policies()).containsExactly(TUNNELLED);
    assertThat(backend.foreignPolicies()).hasSize(1);
    done(new XfrmCommand.DeletePolicy(TUNNELLED.id()));
    assertThat(policies()).contains("priority 70000").doesNotContain("mark");
    node.sh("ip xfrm policy flush");

    // Replaced when nobody has looked yet.
    done(new XfrmCommand.AddPolicy(TUNNELLED));
    node.sh(update);
    assertThat(backend.apply(new XfrmCommand.DeletePolicy(TUNNELLED.id())))
        .isInstanceOf(XfrmReply.Failed.class);
    done(new XfrmCommand.Flush());
    assertThat(remembered.policies).isEmpty();
    assertThat(policies()).contains("priority 70000");
  }

  @Test
  void movesByPfKeyAndKnowsItForItsOwnDoing() throws Exception {
    done(new XfrmCommand.AddPolicy(TUNNELLED));
    var move =
        new XfrmCommand.Move(
            TransformProtocol.ESP, Mode.TUNNEL, REQID, CARE_OF, AGENT, NEXT_CARE_OF, AGENT);
    long before = backend.pfKeyRequests();
    done(new XfrmCommand.Migrate(TUNNELLED.id(), ImmutableList.of(move)));
    assertThat(backend.pfKeyRequests()).isEqualTo(before + 1);
    assertThat(backend.policies().get(0).bundle().templates())
        .containsExactly(Template.tunnel(TransformProtocol.ESP, NEXT_CARE_OF, AGENT, REQID));
    done(new XfrmCommand.TellKeyManager(Mode.TUNNEL, REQID, NEXT_CARE_OF, AGENT));
    assertThat(remembered.policies.keySet()).as("no carrier left").containsExactly(TUNNELLED.id());
    assertThat(backend.foreignPolicies()).isEmpty();
    assertThat(notices()).as("of our own doing").isEmpty();
    node.sh("ip xfrm policy delete src " + HOME + " dst " + PEER + " dir out");
    assertThat(notices()).containsExactly(new XfrmNotice.PoliciesChanged());
  }

  @Test
  void aSuccessorByEitherInterfaceKnowsThemAndTakesThemAway() throws Exception {
    for (KernelInterface by : KernelInterface.values()) {
      done(new XfrmCommand.AddPolicy(TUNNELLED));
      done(new XfrmCommand.AddPolicy(BY_TYPE));
      backend.close();
      backend = open(by);
      assertThat(backend.policies()).as("%s", by).containsExactlyInAnyOrder(TUNNELLED, BY_TYPE);
      done(new XfrmCommand.UpdatePolicy(DIRECT));
      assertThat(backend.policies()).as("%s", by).containsExactlyInAnyOrder(DIRECT, BY_TYPE);
      done(new XfrmCommand.Flush());
      assertThat(policies()).as("%s", by).isEmpty();
      backend.close();
      backend = open(KernelInterface.PF_KEY);
    }
  }
}
