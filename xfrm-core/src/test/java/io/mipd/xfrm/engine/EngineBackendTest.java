package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.CARE_OF_B;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PAYLOAD;
import static io.mipd.xfrm.engine.Scene.PEER;
import static io.mipd.xfrm.engine.Scene.esp;
import static io.mipd.xfrm.engine.Scene.espTunnel;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.MemorySequenceStore;
import java.time.Duration;
import java.util.Collections;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Commands, and what packets see of them. */
class EngineBackendTest {
  private static final byte[] TO_PEER = Packets.udp(HOME, PEER, 100);

  private static void fails(TestNode node, XfrmCommand command, XfrmError error) {
    assertThat(node.backend.apply(command))
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class, failed -> assertThat(failed.error()).isEqualTo(error));
  }

  private static XfrmCommand.Move move(
      Ipv6Address oldSource,
      Ipv6Address oldDestination,
      Ipv6Address newSource,
      Ipv6Address newDestination) {
    return new XfrmCommand.Move(
        TransformProtocol.ESP,
        Mode.TUNNEL,
        PAYLOAD,
        oldSource,
        oldDestination,
        newSource,
        newDestination);
  }

  private static final XfrmCommand.Move UPWARD = move(CARE_OF, AGENT, CARE_OF_B, AGENT);
  private static final XfrmCommand.Move DOWNWARD = move(AGENT, CARE_OF, AGENT, CARE_OF_B);

  private static XfrmCommand migrate(
      Selector selector, Direction direction, XfrmCommand.Move move) {
    return new XfrmCommand.Migrate(new Policy.Id(selector, direction), ImmutableList.of(move));
  }

  @Test
  void migrationMovesTemplatesAndAssociationsAndKeepsTheirNumbers() {
    var scene = Scene.registered();
    scene.mobileNode.output(TO_PEER);
    byte[] before = scene.mobileNode.transmitted.get(0);
    scene.mobileNode.sendsTo(scene.homeAgent);
    scene.homeAgent.delivered.clear();

    scene.mobileNode.has(CARE_OF_B, Role.LINK);
    scene.mobileNode.apply(migrate(Scene.from(HOME), Direction.OUT, UPWARD));
    scene.mobileNode.apply(migrate(Scene.to(HOME), Direction.IN, DOWNWARD));
    // The home agent's policies share associations; the second finds them moved already.
    scene.homeAgent.apply(migrate(Scene.from(HOME), Direction.FWD, UPWARD));
    scene.homeAgent.apply(migrate(Scene.from(HOME), Direction.IN, UPWARD));
    scene.homeAgent.apply(migrate(Scene.to(HOME), Direction.OUT, DOWNWARD));

    scene.mobileNode.output(TO_PEER);
    byte[] after = scene.mobileNode.transmitted.get(0);
    assertThat(Packets.source(after)).isEqualTo(CARE_OF_B);
    assertThat(Wire.getInt(after, 44)).as("sequence number").isEqualTo(2);
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(TO_PEER);
    scene.homeAgent.output(Packets.udp(PEER, HOME, 10));
    assertThat(Packets.destination(scene.homeAgent.transmitted.get(0))).isEqualTo(CARE_OF_B);
    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(Packets.udp(PEER, HOME, 10));

    // What was received before the move is a replay after it.
    scene.homeAgent.input(Packets.withSource(before, CARE_OF_B));
    scene.homeAgent.hasRefused(Discard.IN_STATE_SEQ_ERROR);
  }

  @Test
  void migrationIsDoneWholeOrNotAtAll() {
    var scene = Scene.registered();
    TestNode node = scene.mobileNode;
    // The new identity of the downward association is taken.
    node.association(esp(AGENT, CARE_OF_B, Mode.TUNNEL, 0x2002, new ReqId(5)).build());
    fails(node, migrate(Scene.to(HOME), Direction.IN, DOWNWARD), XfrmError.EXISTS);
    scene.homeAgent.output(Packets.udp(PEER, HOME, 10));
    scene.homeAgent.sendsTo(node);
    assertThat(node.delivered).hasSize(1);

    fails(node, migrate(Scene.from(PEER), Direction.OUT, UPWARD), XfrmError.NOT_FOUND);
    fails(
        node,
        migrate(Scene.from(HOME), Direction.OUT, move(CARE_OF_B, AGENT, CARE_OF, AGENT)),
        XfrmError.NOT_FOUND);
    node.output(TO_PEER);
    assertThat(Packets.source(node.transmitted.get(0))).isEqualTo(CARE_OF);
  }

  @Test
  void anUpdateReplacesInPlace() {
    var scene = Scene.plainTunnel();
    scene.mobileNode.output(TO_PEER);
    Policy policy =
        Policy.allow(
            Scene.from(HOME), Direction.OUT, 5, Bundle.of(Template.ipv6InIpv6(CARE_OF_B, AGENT)));
    fails(scene.mobileNode, new XfrmCommand.AddPolicy(policy), XfrmError.EXISTS);
    scene.mobileNode.apply(new XfrmCommand.UpdatePolicy(policy));
    scene.mobileNode.output(TO_PEER);
    assertThat(Packets.source(scene.mobileNode.transmitted.get(0))).isEqualTo(CARE_OF);
    assertThat(Packets.source(scene.mobileNode.transmitted.get(1))).isEqualTo(CARE_OF_B);

    scene.mobileNode.apply(new XfrmCommand.DeletePolicy(policy.id()));
    fails(scene.mobileNode, new XfrmCommand.DeletePolicy(policy.id()), XfrmError.NOT_FOUND);
    scene.mobileNode.output(TO_PEER);
    scene.mobileNode.hasRefused(Discard.OUT_NO_POLICY);
  }

  @Test
  void whatIsThereOrMissingIsSaid() {
    var node = Scene.registered().mobileNode;
    SecurityAssociation association = esp(AGENT, CARE_OF, Mode.TUNNEL, 0x2002, PAYLOAD).build();
    fails(node, new XfrmCommand.AddAssociation(association), XfrmError.EXISTS);
    node.apply(new XfrmCommand.DeleteAssociation(association.id()));
    fails(node, new XfrmCommand.DeleteAssociation(association.id()), XfrmError.NOT_FOUND);

    var id = RouteOptimizationState.homeAddressOption(HOME, AGENT, CARE_OF).id();
    node.apply(new XfrmCommand.DeleteRouteOptimization(id));
    fails(node, new XfrmCommand.DeleteRouteOptimization(id), XfrmError.NOT_FOUND);
  }

  @Test
  void limitsAreSaid() {
    Template tunnel = Template.ipv6InIpv6(CARE_OF, AGENT);
    int max = new TestNode().backend.limits().maxTemplates();
    var tooMany = new Bundle(ImmutableList.copyOf(Collections.nCopies(max + 1, tunnel)));
    fails(
        new TestNode(),
        new XfrmCommand.AddPolicy(Policy.allow(Scene.from(HOME), Direction.OUT, 1, tooMany)),
        XfrmError.LIMIT);
  }

  @Test
  void flushForgetsEverything() {
    var scene = Scene.registered();
    scene.mobileNode.apply(new XfrmCommand.Flush());
    assertThat(scene.mobileNode.engine.associations()).isEmpty();
    scene.mobileNode.output(TO_PEER);
    scene.mobileNode.hasRefused(Discard.OUT_NO_POLICY);
  }

  // Limits of associations (RFC 4301 section 4.4.2.1).

  private static Scene limited(AssociationLifetime lifetime) {
    var scene = Scene.bare();
    scene.payload(espTunnel(CARE_OF, AGENT, PAYLOAD), espTunnel(AGENT, CARE_OF, PAYLOAD));
    var association = esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, PAYLOAD);
    scene.mobileNode.association(association.lifetime(lifetime).build());
    scene.homeAgent.association(association.lifetime(lifetime).build());
    return scene;
  }

  private static XfrmNotice expire(boolean hard) {
    return new XfrmNotice.Expire(
        esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, PAYLOAD).build().id(), hard);
  }

  @Test
  void packetLimits() {
    var scene =
        limited(
            new AssociationLifetime(
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                2,
                3,
                Duration.ZERO,
                Duration.ZERO));
    for (int i = 0; i < 5; i++) {
      scene.mobileNode.output(TO_PEER);
    }
    assertThat(scene.mobileNode.transmitted).hasSize(3);
    assertThat(scene.mobileNode.notices).containsExactly(expire(false), expire(true));
    assertThat(scene.mobileNode.engine.counters().of(Discard.OUT_STATE_EXPIRED)).isEqualTo(2);

    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.delivered).hasSize(3);
    assertThat(scene.homeAgent.notices).containsExactly(expire(false), expire(true));

    // A new association of the same reqid takes over.
    scene.mobileNode.association(esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2003, PAYLOAD).build());
    scene.mobileNode.output(TO_PEER);
    assertThat(scene.mobileNode.transmitted).hasSize(1);
    assertThat(Wire.getInt(scene.mobileNode.transmitted.get(0), 40)).isEqualTo(0x2003);
  }

  @Test
  void octetLimits() {
    var scene =
        limited(
            new AssociationLifetime(
                200,
                400,
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                Duration.ZERO,
                Duration.ZERO));
    for (int i = 0; i < 5; i++) {
      scene.mobileNode.output(TO_PEER);
    }
    // 148 octets each: the third passes the hard limit, and none is sent after it.
    assertThat(scene.mobileNode.transmitted).hasSize(3);
    assertThat(scene.mobileNode.notices).containsExactly(expire(false), expire(true));
  }

  @Test
  void timeLimits() {
    var scene =
        limited(
            new AssociationLifetime(
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                Duration.ofSeconds(100),
                Duration.ofSeconds(120)));
    PacketEngine engine = scene.mobileNode.engine;
    assertThat(engine.nextDeadline()).contains(TestNode.START.plusSeconds(100));
    engine.tick(TestNode.START.plusSeconds(99));
    assertThat(scene.mobileNode.notices).isEmpty();
    engine.tick(TestNode.START.plusSeconds(100));
    assertThat(scene.mobileNode.notices).containsExactly(expire(false));
    assertThat(engine.nextDeadline()).contains(TestNode.START.plusSeconds(120));
    scene.mobileNode.output(TO_PEER);
    assertThat(scene.mobileNode.transmitted).hasSize(1);
    assertThat(engine.expiredAssociationCount()).isZero();
    engine.tick(TestNode.START.plusSeconds(120));
    assertThat(scene.mobileNode.notices).containsExactly(expire(false), expire(true));
    assertThat(engine.nextDeadline()).isEmpty();
    scene.mobileNode.output(TO_PEER);
    scene.mobileNode.hasRefused(Discard.OUT_STATE_EXPIRED);
    assertThat(engine.associations().get(0).expired()).isTrue();
    assertThat(engine.expiredAssociationCount()).isEqualTo(1);
  }

  @Test
  void ageCountsFromTheFirstTimeThatTheEngineIsTold() {
    var lifetime =
        new AssociationLifetime(
            AssociationLifetime.UNLIMITED,
            AssociationLifetime.UNLIMITED,
            AssociationLifetime.UNLIMITED,
            AssociationLifetime.UNLIMITED,
            Duration.ZERO,
            Duration.ofSeconds(10));
    var sink = new TestNode();
    var engine =
        new PacketEngine(
            EngineSettings.DEFAULT, sink, sink.addresses, new MemorySequenceStore(), new Random(1));
    new EngineBackend(engine)
        .apply(
            new XfrmCommand.AddAssociation(
                esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, PAYLOAD).lifetime(lifetime).build()));
    engine.tick(TestNode.START);
    assertThat(engine.nextDeadline()).contains(TestNode.START.plusSeconds(10));
    assertThat(sink.notices).isEmpty();
  }

  @Test
  void aDeletedAssociationLeavesNoDeadline() {
    var scene =
        limited(
            new AssociationLifetime(
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                AssociationLifetime.UNLIMITED,
                Duration.ZERO,
                Duration.ofSeconds(10)));
    scene.mobileNode.apply(
        new XfrmCommand.DeleteAssociation(
            esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, PAYLOAD).build().id()));
    assertThat(scene.mobileNode.engine.nextDeadline()).isEmpty();
  }
}
