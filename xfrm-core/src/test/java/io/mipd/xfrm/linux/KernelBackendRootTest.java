package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Lists;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Policies in this host's own kernel, in a namespace; {@code ip xfrm} says what became of them. */
@Tag("root")
class KernelBackendRootTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address NEW_CARE_OF = Ipv6Address.parse("2001:db8:b::10");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::2");
  private static final ReqId USER = new ReqId(1);
  private static final ReqId MOBILITY = new ReqId(2);

  private static final Template INNER = Template.tunnel(TransformProtocol.ESP, HOME, PEER, USER);
  private static final Template OUTER =
      Template.tunnel(TransformProtocol.ESP, CARE_OF, AGENT, MOBILITY);
  private static final Policy MERGED =
      Policy.allow(Selector.between(HOME, PEER), Direction.OUT, 100, Bundle.of(INNER, OUTER));

  private TestNamespace namespace;
  private KernelBackend backend;

  @BeforeEach
  void open() throws Exception {
    TestNamespace.require("ip");
    namespace = TestNamespace.create();
    backend = namespace.within(KernelBackend::open);
  }

  @AfterEach
  void close() {
    if (backend != null) {
      backend.close();
      namespace.close();
    }
  }

  private void done(XfrmCommand command) {
    assertThat(backend.apply(command)).isEqualTo(XfrmReply.DONE);
  }

  private void refused(XfrmCommand command, XfrmError error, String... words) {
    assertThat(backend.apply(command))
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class,
            failed -> {
              assertThat(failed.error()).isEqualTo(error);
              assertThat(failed.text()).contains(words);
            });
  }

  private List<XfrmNotice> notices() throws Exception {
    List<XfrmNotice> notices = new ArrayList<>();
    backend.receive(notices::add);
    return notices;
  }

  private String ip(String command) throws Exception {
    return namespace.sh("ip xfrm " + command).replaceAll("\\s+", " ").strip();
  }

  @Test
  void installsAPolicyAsIpPrintsIt() throws Exception {
    done(new XfrmCommand.AddPolicy(MERGED));

    assertThat(ip("policy"))
        .isEqualTo(
            "src 2001:db8:1::10/128 dst 2001:db8:c::2/128 dir out priority 100 ptype main"
                + " mark 0/0x80000000"
                + " tmpl src 2001:db8:1::10 dst 2001:db8:c::2 proto esp reqid 1 mode tunnel"
                + " tmpl src 2001:db8:a::10 dst 2001:db8:1::1 proto esp reqid 2 mode tunnel");
    assertThat(backend.policies()).containsExactly(MERGED);
    assertThat(backend.foreignPolicies()).isEmpty();
  }

  @Test
  void aPolicyIsAddedOnceChangedInPlaceAndRemovedOnce() throws Exception {
    done(new XfrmCommand.AddPolicy(MERGED));
    refused(
        new XfrmCommand.AddPolicy(MERGED),
        XfrmError.EXISTS,
        "XFRM_MSG_NEWPOLICY",
        HOME.toString(),
        "EEXIST");

    String index = index();
    var moved =
        Policy.allow(
            MERGED.selector(),
            Direction.OUT,
            90,
            Bundle.of(INNER, OUTER.withAddresses(NEW_CARE_OF, AGENT)));
    done(new XfrmCommand.UpdatePolicy(moved));
    assertThat(index()).isEqualTo(index);
    assertThat(backend.policies()).containsExactly(moved);

    done(new XfrmCommand.DeletePolicy(moved.id()));
    refused(new XfrmCommand.DeletePolicy(moved.id()), XfrmError.NOT_FOUND, "ENOENT");
    assertThat(backend.policies()).isEmpty();
  }

  private String index() throws Exception {
    return namespace
        .sh("ip -s xfrm policy")
        .replaceAll("\\s+", " ")
        .replaceAll(".* index ([0-9]+) .*", "$1");
  }

  @Test
  void standsBesideAUsersPolicyOfEqualSelectorAndIsRemovedAlone() throws Exception {
    namespace.sh(
        "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir out priority 7"
            + " tmpl src 2001:db8:1::10 dst 2001:db8:c::2 proto esp reqid 1 mode tunnel");
    done(new XfrmCommand.AddPolicy(MERGED));

    assertThat(backend.policies()).containsExactly(MERGED);
    assertThat(backend.foreignPolicies())
        .singleElement()
        .satisfies(
            foreign ->
                assertThat(foreign.policy())
                    .hasValue(Policy.allow(MERGED.selector(), Direction.OUT, 7, Bundle.of(INNER))));

    done(new XfrmCommand.Flush());
    assertThat(backend.policies()).isEmpty();
    assertThat(backend.foreignPolicies()).hasSize(1);
  }

  @Test
  void everyPartOfAPolicyComesBack() throws Exception {
    var prefixes =
        Selector.between(Ipv6Prefix.parse("2001:db8:1::/64"), Ipv6Prefix.parse("2000::/3"));
    ImmutableList<Policy> policies =
        ImmutableList.of(
            Policy.block(prefixes.withType(IpProtocol.MOBILITY, 5), Direction.IN, 3),
            Policy.allow(
                Selector.between(AGENT, HOME),
                Direction.IN,
                4,
                Bundle.of(Template.transport(TransformProtocol.AH, USER).asOptional())),
            Policy.allow(
                Selector.between(PEER, HOME),
                Direction.IN,
                5,
                Bundle.of(INNER.withAddresses(PEER, HOME), Template.routingHeader(PEER, HOME))),
            Policy.allow(
                Selector.between(HOME, PEER),
                Direction.IN,
                6,
                Bundle.of(Template.homeAddressOption(HOME, PEER).asOptional())),
            Policy.allow(prefixes, Direction.FWD, 8, Bundle.EMPTY),
            Policy.allow(
                prefixes,
                Direction.OUT,
                9,
                Bundle.of(
                    new Template(
                        TransformProtocol.HAO,
                        Mode.IN_TRIGGER,
                        HOME,
                        Ipv6Address.UNSPECIFIED,
                        ReqId.ANY,
                        Spi.ANY,
                        true))));

    assertThat(
            backend.applyAll(
                policies.stream()
                    .map(XfrmCommand.AddPolicy::new)
                    .collect(ImmutableList.toImmutableList())))
        .containsOnly(XfrmReply.DONE)
        .hasSize(policies.size());

    assertThat(backend.policies())
        .containsExactlyInAnyOrderElementsOf(
            policies.stream().map(KernelPolicy::asInstalled).toList());
    assertThat(ip("policy"))
        .contains("proto mobility-header type 5 dir in action block priority 3")
        .contains("mark 0/0x80000000")
        .contains("tmpl src :: dst :: proto hao reqid 0 mode ro level use")
        .contains("tmpl src 2001:db8:c::2 dst 2001:db8:1::10 proto route2 reqid 0 mode ro");
  }

  @Test
  void aBatchReportsWhichFailed() throws Exception {
    List<XfrmCommand> commands = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      var peer = new Ipv6Address(0x2001_0db8_000c_0000L, i % 700);
      commands.add(
          new XfrmCommand.AddPolicy(
              Policy.allow(
                  Selector.between(HOME, peer), Direction.OUT, i, Bundle.of(INNER, OUTER))));
    }

    var replies = backend.applyAll(commands);

    assertThat(replies.subList(0, 700)).containsOnly(XfrmReply.DONE);
    assertThat(replies.subList(700, 1000))
        .hasSize(300)
        .allSatisfy(
            reply ->
                assertThat(reply)
                    .isInstanceOfSatisfying(
                        XfrmReply.Failed.class,
                        failed -> assertThat(failed.error()).isEqualTo(XfrmError.EXISTS)));
    assertThat(backend.policies()).hasSize(700);
    done(new XfrmCommand.Flush());
    assertThat(backend.policies()).isEmpty();
  }

  @Test
  void refusesWhatTheKernelCannotDoInClearWords() {
    var plain =
        Policy.allow(
            MERGED.selector(),
            Direction.OUT,
            1,
            Bundle.of(INNER, Template.ipv6InIpv6(CARE_OF, AGENT)));
    var six =
        Policy.allow(
            MERGED.selector(),
            Direction.OUT,
            1,
            Bundle.of(OUTER, OUTER, OUTER, OUTER, OUTER, OUTER));

    refused(new XfrmCommand.AddPolicy(plain), XfrmError.INVALID, "ip6tnl");
    for (Mark mark :
        List.of(new Mark(0x4000_0010, -1), new Mark(0x10, 0x8000_00ff), new Mark(1, 0x3fff_ffff))) {
      var marked =
          Policy.allow(MERGED.selector().withMark(mark), Direction.OUT, 1, Bundle.of(INNER));
      refused(new XfrmCommand.AddPolicy(marked), XfrmError.INVALID, "mark");
    }
    refused(new XfrmCommand.AddPolicy(six), XfrmError.LIMIT, "6 templates");
    assertThat(
            backend.applyAll(
                ImmutableList.of(
                    new XfrmCommand.AddPolicy(plain), new XfrmCommand.AddPolicy(MERGED))))
        .element(1)
        .isEqualTo(XfrmReply.DONE);
  }

  /** Of any kind of mark that a user may have, beside his own policy of the same selector. */
  @Test
  void aPolicyMayHaveAMarkOfItsOwn() throws Exception {
    List<Policy> marked = new ArrayList<>();
    for (Mark mark : List.of(new Mark(0x2a, -1), new Mark(0x10, 0xf0), new Mark(0, 1))) {
      namespace.sh(
          "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir out priority 70000 mark "
              + mark.value()
              + " mask 0x"
              + Integer.toHexString(mark.mask()));
      marked.add(
          Policy.allow(
              MERGED.selector().withMark(mark),
              Direction.OUT,
              marked.size() + 1,
              Bundle.of(INNER, OUTER)));
    }
    // One that covers our bit is a user's all the same.
    namespace.sh(
        "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir out priority 70000"
            + " mark 0x10 mask 0x80000010");

    assertThat(backend.applyAll(marked.stream().map(XfrmCommand.AddPolicy::new).toList()))
        .containsOnly(XfrmReply.DONE);
    assertThat(ip("policy"))
        .contains("priority 1 ptype main mark 0x2a/0xbfffffff")
        .contains("priority 2 ptype main mark 0x10/0x800000f0")
        .contains("priority 3 ptype main mark 0/0x80000001");
    assertThat(backend.policies()).containsExactlyInAnyOrderElementsOf(marked);
    assertThat(backend.foreignPolicies()).hasSize(4);

    Policy changed = Policy.allow(marked.get(0).selector(), Direction.OUT, 9, Bundle.of(INNER));
    done(new XfrmCommand.UpdatePolicy(changed));
    assertThat(backend.policy(changed.id())).hasValue(changed);
    KernelPolicy others = backend.foreignPolicies().get(0).withPriority(50_000);
    assertThat(backend.changeOthers(List.of(others))).containsExactly(XfrmReply.DONE);
    assertThat(ip("policy")).containsOnlyOnce("priority 50000");
    assertThat(backend.policies()).hasSize(3).contains(changed);

    done(new XfrmCommand.Flush());
    assertThat(backend.policies()).isEmpty();
    assertThat(backend.foreignPolicies()).hasSize(4);
  }

  @Test
  void refusalsCarryTheKernelsOwnWords() {
    var optional = Policy.allow(MERGED.selector(), Direction.OUT, 1, Bundle.of(OUTER.asOptional()));

    refused(
        new XfrmCommand.AddPolicy(optional),
        XfrmError.INVALID,
        "XFRM_MSG_NEWPOLICY",
        "2001:db8:1::10",
        "EINVAL",
        "Mode in optional template not allowed in outbound policy");
  }

  @Test
  void movesTheTunnelOfAPolicy() throws Exception {
    done(new XfrmCommand.AddPolicy(MERGED));

    done(new XfrmCommand.Migrate(MERGED.id(), ImmutableList.of(move())));

    assertThat(backend.policies())
        .containsExactly(
            Policy.allow(
                MERGED.selector(),
                Direction.OUT,
                100,
                Bundle.of(INNER, OUTER.withAddresses(NEW_CARE_OF, AGENT))));
    assertThat(notices()).isEmpty();
    refused(
        new XfrmCommand.Migrate(MERGED.id(), ImmutableList.of(move())),
        XfrmError.NOT_FOUND,
        "XFRM_MSG_MIGRATE");
  }

  private static XfrmCommand.Move move() {
    return new XfrmCommand.Move(
        TransformProtocol.ESP, Mode.TUNNEL, MOBILITY, CARE_OF, AGENT, NEW_CARE_OF, AGENT);
  }

  /** The kernel finds the user's, which comes first and has no such tunnel. */
  @Test
  void movesOursAlsoWhereAUsersPolicyHasTheSelector() throws Exception {
    namespace.sh(
        "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir out priority 7"
            + " tmpl src 2001:db8:1::10 dst 2001:db8:c::2 proto esp reqid 1 mode tunnel");
    done(new XfrmCommand.AddPolicy(MERGED));
    var foreign = backend.foreignPolicies();
    notices();

    done(new XfrmCommand.Migrate(MERGED.id(), ImmutableList.of(move())));

    assertThat(backend.policies())
        .containsExactly(
            Policy.allow(
                MERGED.selector(),
                Direction.OUT,
                100,
                Bundle.of(INNER, OUTER.withAddresses(NEW_CARE_OF, AGENT))));
    assertThat(backend.foreignPolicies()).isEqualTo(foreign);
    assertThat(notices()).isEmpty();
  }

  @Test
  void tellsOthersChangesAndNotItsOwn() throws Exception {
    done(new XfrmCommand.AddPolicy(MERGED));
    done(new XfrmCommand.UpdatePolicy(MERGED));
    done(new XfrmCommand.DeletePolicy(MERGED.id()));
    assertThat(notices()).isEmpty();

    ip("policy add src ::/0 dst 2001:db8:c::2 dir out action block");
    ip("policy add src ::/0 dst 2001:db8:c::3 dir out action block");
    assertThat(notices()).containsExactly(new XfrmNotice.PoliciesChanged());
    assertThat(notices()).isEmpty();

    ip("policy flush");
    assertThat(notices()).containsExactly(new XfrmNotice.PoliciesChanged());
  }

  @Test
  void manyChangesOfItsOwnDoNotCrowdOutOthers() throws Exception {
    List<XfrmCommand> commands = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      var peer = new Ipv6Address(0x2001_0db8_000c_0000L, i);
      commands.add(
          new XfrmCommand.AddPolicy(
              Policy.allow(
                  Selector.between(HOME, peer), Direction.OUT, 1, Bundle.of(INNER, OUTER))));
    }
    ip("policy add src ::/0 dst 2001:db8:d::2 dir out action block");

    assertThat(backend.applyAll(commands)).containsOnly(XfrmReply.DONE);

    assertThat(notices()).containsExactly(new XfrmNotice.PoliciesChanged());
    assertThat(backend.overruns()).isZero();
  }

  /** Somebody else changes policies all the time, before and behind what is being read. */
  @Test
  void aListThatChangesWhileItIsReadLacksNothing() throws Exception {
    ImmutableList<XfrmCommand> lasting = adding(0, 5_000);
    assertThat(backend.applyAll(lasting)).containsOnly(XfrmReply.DONE);
    var done = new AtomicBoolean();
    try (var other = namespace.within(KernelBackend::open)) {
      var changes = new AtomicInteger();
      var restless =
          new Thread(
              () -> {
                for (int i = 0; !done.get(); i = (i + 100) % 1_000) {
                  ImmutableList<XfrmCommand> some = adding(100_000 + i, 100);
                  other.applyAll(some);
                  other.applyAll(Lists.transform(some, KernelBackendRootTest::deleting));
                  changes.incrementAndGet();
                }
              });
      restless.start();
      try {
        int disturbed = 0;
        for (int round = 0; disturbed < 20; round++) {
          assertThat(round)
              .as("rounds, of which so many were disturbed: " + disturbed)
              .isLessThan(500);
          int before = changes.get();
          ImmutableList<Policy> list = backend.policies();
          assertThat(list).doesNotHaveDuplicates();
          assertThat(list.stream().filter(policy -> policy.priority() < 100_000))
              .hasSize(lasting.size());
          disturbed += changes.get() > before ? 1 : 0;
        }
      } finally {
        done.set(true);
        restless.join();
      }
    }
  }

  private static ImmutableList<XfrmCommand> adding(int first, int count) {
    return IntStream.range(first, first + count)
        .mapToObj(
            i ->
                new XfrmCommand.AddPolicy(
                    Policy.allow(
                        Selector.between(HOME, new Ipv6Address(0x2001_0db8_000c_0000L, i)),
                        Direction.OUT,
                        i,
                        Bundle.of(INNER, OUTER))))
        .collect(ImmutableList.toImmutableList());
  }

  private static XfrmCommand deleting(XfrmCommand added) {
    return new XfrmCommand.DeletePolicy(((XfrmCommand.AddPolicy) added).policy().id());
  }

  /** More notices than the queue holds: no silence. */
  @Test
  void saysThatNoticesWereLost() throws Exception {
    try (var other = namespace.within(KernelBackend::open)) {
      List<XfrmCommand> commands = new ArrayList<>();
      for (int i = 0; i < 20_000; i++) {
        var peer = new Ipv6Address(0x2001_0db8_000c_0000L, i);
        commands.add(
            new XfrmCommand.AddPolicy(
                Policy.allow(
                    Selector.between(HOME, peer), Direction.OUT, 1, Bundle.of(INNER, OUTER))));
      }
      assertThat(other.applyAll(commands)).containsOnly(XfrmReply.DONE);
    }

    List<XfrmNotice> all = new ArrayList<>();
    for (List<XfrmNotice> some = notices(); !some.isEmpty(); some = notices()) {
      all.addAll(some);
    }
    assertThat(all).contains(new XfrmNotice.Resync());
    assertThat(backend.overruns()).isEqualTo(1);
    assertThat(backend.policies()).hasSize(20_000);
  }

  /** What the model cannot say is there all the same. */
  @Test
  void listsForeignPoliciesThatTheModelCannotSay() throws Exception {
    ip("policy add src 192.0.2.1 dst 198.51.100.0/24 dir out action block");
    ip(
        "policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir out"
            + " tmpl src 192.0.2.1 dst 198.51.100.1 proto esp mode tunnel");
    ip("policy add src 2001:db8:1::10 dst 2001:db8:c::2 dir in ptype sub action block");

    var foreign = backend.foreignPolicies();

    assertThat(foreign).hasSize(3);
    assertThat(foreign).filteredOn(policy -> policy.policy().isEmpty()).hasSize(2);
    assertThat(foreign).filteredOn(policy -> !policy.isMain()).hasSize(1);
    assertThat(backend.policies()).isEmpty();
  }
}
