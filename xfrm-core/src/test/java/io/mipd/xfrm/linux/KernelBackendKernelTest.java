package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.groups.Tuple.tuple;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.netlink.SequencePosition;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * States in a kernel with ESP, AH and Mobile IPv6; {@code ip xfrm} says what became of them. What
 * the kernel lacks fails the tests.
 */
@Tag("kernel")
class KernelBackendKernelTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address NEW_CARE_OF = Ipv6Address.parse("2001:db8:b::10");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::2");
  private static final ReqId MOBILITY = new ReqId(2);
  private static final int PORT = 7777;
  private static final int OWN_PORT = 4000;
  private static final KeyMaterial KEY16 = KeyMaterial.parseHex("00112233445566778899aabbccddeeff");
  private static final KeyMaterial KEY20 =
      KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213");
  private static final KeyMaterial KEY32 =
      KeyMaterial.parseHex("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

  private TestNamespace namespace;
  private KernelBackend backend;

  @BeforeEach
  void open() throws Exception {
    namespace = TestNamespace.create();
    namespace.sh(
        "ip link add d0 type dummy && ip link set d0 up"
            + " && ip addr add 2001:db8:1::10/64 dev d0 nodad"
            + " && ip addr add 2001:db8:a::10/64 dev d0 nodad"
            + " && ip addr add 2001:db8:b::10/64 dev d0 nodad"
            + " && ip -6 route add default dev d0");
    backend = namespace.within(KernelBackend::open);
    if (backend.putWildcard(TransformProtocol.HAO) instanceof XfrmReply.Failed failed) {
      fail("this kernel has no Mobile IPv6 (CONFIG_IPV6_MIP6, module mip6): " + failed.text());
    }
    done(
        new XfrmCommand.DeleteRouteOptimization(
            KernelAssociation.wildcardId(TransformProtocol.HAO)));
  }

  @AfterEach
  void close() {
    if (backend != null) {
      backend.close();
    }
    if (namespace != null) {
      namespace.close();
    }
  }

  private static void done(XfrmReply reply) {
    assertThat(reply).isEqualTo(XfrmReply.DONE);
  }

  private void done(XfrmCommand command) {
    done(backend.apply(command));
  }

  private XfrmReply install(
      SecurityAssociation association, SequencePosition position, int noticeEvery) {
    return backend
        .install(ImmutableList.of(new KernelBackend.Continued(association, position, noticeEvery)))
        .get(0);
  }

  private List<XfrmNotice> notices() throws Exception {
    List<XfrmNotice> notices = new ArrayList<>();
    backend.receive(notices::add);
    return notices;
  }

  private String states() throws Exception {
    return namespace.sh("ip xfrm state").replaceAll("\\s+", " ").strip();
  }

  private DatagramSocket socket() throws Exception {
    return namespace.within(
        () -> new DatagramSocket(new InetSocketAddress(HOME.toInetAddress(), OWN_PORT)));
  }

  private static void send(DatagramSocket socket, Ipv6Address to, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      socket.send(new DatagramPacket(new byte[10], 10, to.toInetAddress(), PORT));
    }
  }

  private static SecurityAssociation.Builder esp(
      Ipv6Address from, Ipv6Address to, int spi, Mode mode) {
    return SecurityAssociation.builder(
            new AssociationId(to, TransformProtocol.ESP, new Spi(spi)), from, mode)
        .reqId(MOBILITY)
        .encryption(EncryptionAlgorithm.AES_CBC, KEY16)
        .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, KEY32);
  }

  private static SecurityAssociation nulls(
      Ipv6Address from, Ipv6Address to, int spi, Mode mode, AssociationLifetime lifetime) {
    return esp(from, to, spi, mode)
        .encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY)
        .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20)
        .replayWindow(32)
        .lifetime(lifetime)
        .build();
  }

  private static Policy tunnel() {
    return Policy.allow(
        Selector.between(HOME, PEER),
        Direction.OUT,
        10,
        Bundle.of(Template.tunnel(TransformProtocol.ESP, CARE_OF, AGENT, MOBILITY)));
  }

  @Test
  void installsAssociationsAsIpPrintsThem() throws Exception {
    done(
        new XfrmCommand.AddAssociation(
            esp(CARE_OF, AGENT, 0x2001, Mode.TUNNEL)
                .replayWindow(32)
                .selector(Selector.between(HOME, PEER).withType(IpProtocol.MOBILITY, 5))
                .build()));

    assertThat(states())
        .isEqualTo(
            "src 2001:db8:a::10 dst 2001:db8:1::1 proto esp spi 0x00002001 reqid 2 mode tunnel"
                + " replay-window 32 mark 0/0x80000000"
                + " auth-trunc hmac(sha256)"
                + " 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 128"
                + " enc cbc(aes) 0x00112233445566778899aabbccddeeff"
                + " anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000"
                + " sel src 2001:db8:1::10/128 dst 2001:db8:c::2/128"
                + " proto mobility-header type 5");
  }

  @Test
  void everyPartOfAnAssociationComesBack() throws Exception {
    ImmutableList<SecurityAssociation> all =
        ImmutableList.of(
            esp(CARE_OF, AGENT, 0x2001, Mode.TUNNEL).replayWindow(32).build(),
            esp(HOME, AGENT, 0x2002, Mode.TRANSPORT).replayWindow(1024).build(),
            esp(AGENT, HOME, 0x2003, Mode.TRANSPORT)
                .replayWindow(128)
                .extendedSequenceNumbers(true)
                .build(),
            nulls(AGENT, CARE_OF, 0x2004, Mode.TUNNEL, AssociationLifetime.FOREVER),
            esp(AGENT, CARE_OF, 0x2005, Mode.TUNNEL)
                .encryption(EncryptionAlgorithm.AES_GCM_16, KEY20)
                .integrity(IntegrityAlgorithm.NONE, KeyMaterial.EMPTY)
                .lifetime(
                    new AssociationLifetime(
                        1000, 2000, 10, 20, Duration.ofSeconds(30), Duration.ofSeconds(40)))
                .build(),
            SecurityAssociation.builder(
                    new AssociationId(AGENT, TransformProtocol.AH, new Spi(0x2006)),
                    HOME,
                    Mode.TRANSPORT)
                .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20)
                .selector(Selector.between(HOME, AGENT))
                .replayWindow(8)
                .build());

    assertThat(
            backend.applyAll(
                all.stream()
                    .map(XfrmCommand.AddAssociation::new)
                    .collect(ImmutableList.toImmutableList())))
        .containsOnly(XfrmReply.DONE);

    assertThat(backend.associations())
        .extracting(state -> state.association(backend.ours()).orElseThrow())
        .containsExactlyInAnyOrderElementsOf(all);
    assertThat(backend.apply(new XfrmCommand.AddAssociation(all.get(0))))
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class,
            failed -> {
              assertThat(failed.error()).isEqualTo(XfrmError.EXISTS);
              assertThat(failed.text()).doesNotContain("aabbccdd");
            });
    done(new XfrmCommand.DeleteAssociation(all.get(0).id()));
    assertThat(backend.apply(new XfrmCommand.DeleteAssociation(all.get(0).id())))
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class,
            failed -> assertThat(failed.error()).isEqualTo(XfrmError.NOT_FOUND));
  }

  /** Configured keys: what was sent or taken before a restart is not sent or taken again. */
  @Test
  void sequenceNumbersGoOnWhereTheyAreTold() throws Exception {
    var small = esp(CARE_OF, AGENT, 0x2001, Mode.TUNNEL).replayWindow(32).build();
    var large = esp(CARE_OF, AGENT, 0x2002, Mode.TUNNEL).replayWindow(100).build();
    var extended =
        esp(CARE_OF, AGENT, 0x2003, Mode.TUNNEL)
            .replayWindow(64)
            .extendedSequenceNumbers(true)
            .build();
    done(install(small, new SequencePosition(0xffff_0000L, 70_000), 0));
    done(install(large, new SequencePosition(5, 6), 0));
    done(install(extended, new SequencePosition(0x1_0000_0007L, 0x2_0000_0008L), 0));

    assertThat(backend.sequenceOf(small.id())).hasValue(new SequencePosition(0xffff_0000L, 70_000));
    assertThat(backend.sequenceOf(large.id())).hasValue(new SequencePosition(5, 6));
    assertThat(backend.sequenceOf(extended.id()))
        .hasValue(new SequencePosition(0x1_0000_0007L, 0x2_0000_0008L));
    assertThat(states())
        .contains("seq 0x11170, oseq 0xffff0000, bitmap 0xffffffff")
        .contains("replay_window 128, bitmap-length 4 ffffffff ffffffff ffffffff ffffffff")
        .contains("seq-hi 0x2, seq 0x8, oseq-hi 0x1, oseq 0x7");
  }

  @Test
  void aRouteOptimizationStateChangesItsCareOfAddressInPlace() throws Exception {
    var state = RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF);
    done(new XfrmCommand.PutRouteOptimization(state));
    assertThat(states())
        .isEqualTo(
            "src 2001:db8:1::10 dst 2001:db8:c::2 proto hao reqid 0 mode ro replay-window 0"
                + " mark 0/0x80000000 coa 2001:db8:a::10"
                + " anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000"
                + " sel src ::/0 dst ::/0");

    var moved = new RouteOptimizationState(state.id(), NEW_CARE_OF);
    done(new XfrmCommand.PutRouteOptimization(moved));
    assertThat(backend.associations())
        .singleElement()
        .satisfies(only -> assertThat(only.routeOptimization()).hasValue(moved));
    assertThat(notices()).isEmpty();

    done(new XfrmCommand.DeleteRouteOptimization(state.id()));
    assertThat(backend.apply(new XfrmCommand.DeleteRouteOptimization(state.id())))
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class,
            failed -> assertThat(failed.error()).isEqualTo(XfrmError.NOT_FOUND));
  }

  @Test
  void aBatchAddsAndChangesRouteOptimizationStates() throws Exception {
    var old = RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF);
    var moved = RouteOptimizationState.homeAddressOption(HOME, PEER, NEW_CARE_OF);
    var other = RouteOptimizationState.routingHeader(PEER, HOME, CARE_OF);
    done(new XfrmCommand.PutRouteOptimization(old));

    assertThat(
            backend.applyAll(
                ImmutableList.of(
                    new XfrmCommand.PutRouteOptimization(moved),
                    new XfrmCommand.PutRouteOptimization(other),
                    new XfrmCommand.AddPolicy(tunnel()))))
        .containsExactly(XfrmReply.DONE, XfrmReply.DONE, XfrmReply.DONE);

    assertThat(backend.associations())
        .extracting(state -> state.routeOptimization().orElseThrow())
        .containsExactlyInAnyOrder(moved, other);
  }

  /** The state that an acquire leaves is in the way of a new one. */
  @Test
  void putsARouteOptimizationStateInThePlaceOfAnAcquires() throws Exception {
    var policy =
        Policy.allow(
            Selector.between(HOME, PEER),
            Direction.OUT,
            10,
            Bundle.of(Template.homeAddressOption(HOME, PEER)));
    done(new XfrmCommand.AddPolicy(policy));
    try (var socket = socket()) {
      send(socket, PEER, 1);
      assertThat(notices())
          .containsExactly(
              new XfrmNotice.Acquire(
                  Flow.withPorts(HOME, PEER, IpProtocol.UDP, OWN_PORT, PORT),
                  policy.id(),
                  Template.homeAddressOption(HOME, PEER)));
      assertThat(backend.ownAssociations()).hasSize(1);
    }

    var state = RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF);
    done(new XfrmCommand.PutRouteOptimization(state));

    assertThat(backend.ownAssociations())
        .extracting(one -> one.routeOptimization().orElseThrow())
        .containsExactly(state);
  }

  @Test
  void asksForTheTunnelThatIsMissing() throws Exception {
    var inner = Template.tunnel(TransformProtocol.ESP, HOME, PEER, new ReqId(1));
    var outer = Template.tunnel(TransformProtocol.ESP, CARE_OF, AGENT, MOBILITY);
    var policy =
        Policy.allow(Selector.between(HOME, PEER), Direction.OUT, 10, Bundle.of(inner, outer));
    done(new XfrmCommand.AddPolicy(policy));
    var flow = Flow.withPorts(HOME, PEER, IpProtocol.UDP, OWN_PORT, PORT);
    try (var socket = socket()) {
      send(socket, PEER, 1);
      assertThat(notices()).containsExactly(new XfrmNotice.Acquire(flow, policy.id(), inner));

      done(
          new XfrmCommand.AddAssociation(
              esp(HOME, PEER, 0x1001, Mode.TUNNEL).reqId(new ReqId(1)).build()));
      send(socket, PEER, 1);
      assertThat(notices()).containsExactly(new XfrmNotice.Acquire(flow, policy.id(), outer));
    }
  }

  @Test
  void tellsSoftAndHardExpiry() throws Exception {
    var lifetime =
        new AssociationLifetime(
            AssociationLifetime.UNLIMITED,
            AssociationLifetime.UNLIMITED,
            2,
            4,
            Duration.ZERO,
            Duration.ZERO);
    var association = nulls(CARE_OF, AGENT, 0x2001, Mode.TUNNEL, lifetime);
    done(new XfrmCommand.AddAssociation(association));
    done(new XfrmCommand.AddPolicy(tunnel()));
    try (var socket = socket()) {
      send(socket, PEER, 3);
      assertThat(notices()).contains(new XfrmNotice.Expire(association.id(), false));
      sendRefused(socket);
      sendRefused(socket);
    }
    // The kernel's own timer removes it, at once but not in our call.
    List<XfrmNotice> told = new ArrayList<>();
    TestNamespace.await(
        "hard expiry",
        () -> {
          told.addAll(notices());
          return told.contains(new XfrmNotice.Expire(association.id(), true));
        });
    assertThat(backend.sequenceOf(association.id())).isEmpty();
  }

  private static void sendRefused(DatagramSocket socket) {
    try {
      send(socket, PEER, 1);
    } catch (Exception e) {
      // The kernel says EINVAL for the packet that the limit stops.
    }
  }

  @Test
  void tellsHowFarTheSequenceNumbersHaveCome() throws Exception {
    var association = nulls(CARE_OF, AGENT, 0x2001, Mode.TUNNEL, AssociationLifetime.FOREVER);
    done(install(association, new SequencePosition(1000, 0), 10));
    done(new XfrmCommand.AddPolicy(tunnel()));
    try (var socket = socket()) {
      send(socket, PEER, 25);
    }

    assertThat(notices())
        .containsExactly(
            new XfrmNotice.SequencesMoved(association.id(), 1010, 0),
            new XfrmNotice.SequencesMoved(association.id(), 1020, 0));
    assertThat(backend.remove(association.id()).last()).hasValue(new SequencePosition(1025, 0));
    assertThat(backend.remove(association.id()).reply())
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class,
            failed -> assertThat(failed.error()).isEqualTo(XfrmError.NOT_FOUND));
    assertThat(notices()).isEmpty();
  }

  @Test
  void movesATunnelWithItsNumbersAndKeys() throws Exception {
    var out = nulls(CARE_OF, AGENT, 0x2001, Mode.TUNNEL, AssociationLifetime.FOREVER);
    var in = nulls(AGENT, CARE_OF, 0x2002, Mode.TUNNEL, AssociationLifetime.FOREVER);
    done(install(out, new SequencePosition(41, 0), 0));
    done(install(in, new SequencePosition(0, 17), 0));
    done(new XfrmCommand.AddPolicy(tunnel()));
    try (var socket = socket()) {
      send(socket, PEER, 1);
    }

    done(
        new XfrmCommand.Migrate(
            tunnel().id(),
            ImmutableList.of(
                move(CARE_OF, NEW_CARE_OF),
                new XfrmCommand.Move(
                    TransformProtocol.ESP,
                    Mode.TUNNEL,
                    MOBILITY,
                    AGENT,
                    CARE_OF,
                    AGENT,
                    NEW_CARE_OF))));

    assertThat(backend.ownAssociations())
        .extracting(
            state -> state.association(backend.ours()).orElseThrow(), KernelAssociation::position)
        .containsExactlyInAnyOrder(
            tuple(out.movedTo(NEW_CARE_OF, AGENT), new SequencePosition(42, 0)),
            tuple(in.movedTo(AGENT, NEW_CARE_OF), new SequencePosition(0, 17)));
    assertThat(notices()).isEmpty();
  }

  /** It has the addresses and the reqid of the tunnel that is to move, and no keys. */
  @Test
  void movesATunnelAlsoWhereAnAcquireIsInTheWay() throws Exception {
    var ofAnotherFlow =
        esp(CARE_OF, AGENT, 0x2001, Mode.TUNNEL)
            .selector(Selector.between(HOME, PEER).withProtocol(IpProtocol.TCP))
            .build();
    done(install(ofAnotherFlow, new SequencePosition(41, 0), 0));
    done(new XfrmCommand.AddPolicy(tunnel()));
    try (var socket = socket()) {
      send(socket, PEER, 1);
    }
    assertThat(backend.ownAssociations()).hasSize(2);
    notices();

    done(new XfrmCommand.Migrate(tunnel().id(), ImmutableList.of(move(CARE_OF, NEW_CARE_OF))));

    assertThat(backend.ownAssociations())
        .extracting(
            state -> state.association(backend.ours()).orElseThrow(), KernelAssociation::position)
        .containsExactly(
            tuple(ofAnotherFlow.movedTo(NEW_CARE_OF, AGENT), new SequencePosition(41, 0)));
    assertThat(notices()).isEmpty();
  }

  private static XfrmCommand.Move move(Ipv6Address from, Ipv6Address to) {
    return new XfrmCommand.Move(
        TransformProtocol.ESP, Mode.TUNNEL, MOBILITY, from, AGENT, to, AGENT);
  }

  @Test
  void flushesOnlyWhatIsOurs() throws Exception {
    namespace.sh(
        "ip xfrm state add src 2001:db8:1::10 dst 2001:db8:c::2 proto esp spi 0x1001 reqid 1"
            + " mode tunnel enc 'ecb(cipher_null)' '' auth 'hmac(sha1)'"
            + " 0x000102030405060708090a0b0c0d0e0f10111213"
            + " && ip xfrm state add src :: dst :: proto route2 mode ro coa :: flag wildrecv");
    assertThat(notices()).containsExactly(new XfrmNotice.AssociationsChanged());
    var foreign = backend.associations();
    done(
        new XfrmCommand.PutRouteOptimization(
            RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF)));
    done(new XfrmCommand.AddAssociation(esp(CARE_OF, AGENT, 0x2001, Mode.TUNNEL).build()));
    done(backend.putWildcard(TransformProtocol.HAO));
    done(backend.putWildcard(TransformProtocol.ROUTE2));
    assertThat(backend.ownAssociations()).hasSize(3);

    done(new XfrmCommand.Flush());

    assertThat(backend.associations()).containsExactlyInAnyOrderElementsOf(foreign);
    assertThat(backend.ownAssociations()).isEmpty();
  }

  /** Asks for route optimization and holds no packet. */
  @Test
  void aTriggerAsksAndLetsPacketsPass() throws Exception {
    var trigger =
        new Template(
            TransformProtocol.HAO,
            Mode.IN_TRIGGER,
            HOME,
            Ipv6Address.UNSPECIFIED,
            ReqId.ANY,
            Spi.ANY,
            true);
    var policy =
        Policy.allow(
            Selector.between(Ipv6Prefix.host(HOME), Ipv6Prefix.ANY),
            Direction.OUT,
            10,
            Bundle.of(trigger));
    done(new XfrmCommand.AddPolicy(policy));
    try (var socket = socket()) {
      send(socket, PEER, 1);
    }

    assertThat(notices())
        .containsExactly(
            new XfrmNotice.Acquire(
                Flow.withPorts(HOME, PEER, IpProtocol.UDP, OWN_PORT, PORT), policy.id(), trigger));
    assertThat(namespace.sh("grep XfrmOut /proc/net/xfrm_stat").lines())
        .allMatch(line -> line.endsWith("\t0") || line.endsWith(" 0"), "nothing was dropped");
  }

  /**
   * A Home Address option without a binding: RFC 6275 section 9.3.3, the input of a Binding Error.
   * Where a policy allows one it is let in by the wildcard state.
   */
  @Test
  void reportsAHomeAddressOptionWithoutABindingOrLetsItIn() throws Exception {
    var peer = TestNamespace.create();
    try (peer) {
      TestNamespace.connect(namespace, "v0", peer, "v1");
      namespace.sh("ip addr add 2001:db8:d::1/64 dev v0 nodad");
      peer.sh(
          "ip addr add 2001:db8:d::2/64 dev v1 nodad && ip addr add 2001:db8:d::3/64 dev v1 nodad");
      var here = Ipv6Address.parse("2001:db8:d::1");
      var home = Ipv6Address.parse("2001:db8:d::2");
      var careOf = Ipv6Address.parse("2001:db8:d::3");
      done(backend.putWildcard(TransformProtocol.HAO));
      List<XfrmNotice> told = new ArrayList<>();
      try (var there = peer.within(KernelBackend::open)) {
        done(
            there.apply(
                new XfrmCommand.PutRouteOptimization(
                    RouteOptimizationState.homeAddressOption(home, here, careOf))));
        done(
            there.apply(
                new XfrmCommand.AddPolicy(
                    Policy.allow(
                        Selector.between(home, here),
                        Direction.OUT,
                        10,
                        Bundle.of(Template.homeAddressOption(home, here))))));
        try (var socket =
            peer.within(
                () -> new DatagramSocket(new InetSocketAddress(home.toInetAddress(), OWN_PORT)))) {
          TestNamespace.await(
              "a report",
              () -> {
                send(socket, here, 1);
                told.addAll(notices());
                return told.stream().anyMatch(XfrmNotice.Report.class::isInstance);
              });
          done(
              new XfrmCommand.AddPolicy(
                  Policy.allow(
                      Selector.between(home, here),
                      Direction.IN,
                      10,
                      Bundle.of(Template.homeAddressOption(home, here).asOptional()))));
          try (var receiver =
              namespace.within(
                  () -> new DatagramSocket(new InetSocketAddress(here.toInetAddress(), PORT)))) {
            receiver.setSoTimeout(10_000);
            send(socket, here, 1);
            var packet = new DatagramPacket(new byte[100], 100);
            receiver.receive(packet);
            assertThat(Ipv6Address.of(packet.getAddress())).isEqualTo(home);
          }
        }
      }
      assertThat(told)
          .filteredOn(XfrmNotice.Report.class::isInstance)
          .first()
          .isInstanceOfSatisfying(
              XfrmNotice.Report.class,
              report -> {
                assertThat(report.protocol()).isEqualTo(TransformProtocol.HAO);
                assertThat(report.careOf()).isEqualTo(careOf);
                assertThat(report.flow().source()).isEqualTo(home);
                assertThat(report.flow().destination()).isEqualTo(here);
                assertThat(report.flow().protocol()).isEqualTo(IpProtocol.UDP);
              });
    }
  }
}
