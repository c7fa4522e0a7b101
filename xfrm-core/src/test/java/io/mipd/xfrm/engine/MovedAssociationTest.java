package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.CARE_OF_B;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PAYLOAD;
import static io.mipd.xfrm.engine.Scene.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import org.junit.jupiter.api.Test;

/** Packets that are under way while a mobile node with two links moves its tunnel. */
class MovedAssociationTest {
  private static final byte[] TO_HOME = Packets.udp(PEER, HOME, 100);

  private static void move(TestNode mobileNode) {
    var move =
        new XfrmCommand.Move(
            TransformProtocol.ESP, Mode.TUNNEL, PAYLOAD, AGENT, CARE_OF, AGENT, CARE_OF_B);
    var policy = new Policy.Id(Scene.to(HOME), Direction.IN);
    assertThat(mobileNode.backend.apply(new XfrmCommand.Migrate(policy, ImmutableList.of(move))))
        .isEqualTo(XfrmReply.DONE);
  }

  private static void update(
      TestNode node, Selector selector, Direction direction, Template template) {
    node.apply(
        new XfrmCommand.UpdatePolicy(Policy.allow(selector, direction, 100, Bundle.of(template))));
  }

  @Test
  void whatWasSentToTheOldCareOfAddressStillArrives() {
    var scene = Scene.registered();
    scene.mobileNode.has(CARE_OF_B, Role.LINK);
    scene.homeAgent.output(TO_HOME);

    move(scene.mobileNode);

    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(TO_HOME);
  }

  @Test
  void whatWasSentFromTheOldCareOfAddressStillArrives() {
    var scene = Scene.registered();
    byte[] packet = Packets.udp(HOME, PEER, 100);
    scene.mobileNode.output(packet);
    var move =
        new XfrmCommand.Move(
            TransformProtocol.ESP, Mode.TUNNEL, PAYLOAD, CARE_OF, AGENT, CARE_OF_B, AGENT);
    for (Direction direction : new Direction[] {Direction.FWD, Direction.IN}) {
      var policy = new Policy.Id(Scene.from(HOME), direction);
      scene.homeAgent.apply(new XfrmCommand.Migrate(policy, ImmutableList.of(move)));
    }

    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(packet);

    // From anywhere else it is refused as ever.
    scene.mobileNode.output(packet);
    scene.homeAgent.input(
        Packets.withSource(scene.mobileNode.onlyTransmitted(), Scene.OTHER_CARE_OF));
    scene.homeAgent.hasRefused(Discard.TUNNEL_SOURCE_MISMATCH);
  }

  @Test
  void aReplayToTheOldCareOfAddressIsRefusedByTheSameWindow() {
    var scene = Scene.registered();
    scene.mobileNode.has(CARE_OF_B, Role.LINK);
    scene.homeAgent.output(TO_HOME);
    byte[] outer = scene.homeAgent.transmitted.get(0);
    scene.homeAgent.sendsTo(scene.mobileNode);

    move(scene.mobileNode);
    scene.mobileNode.input(outer);

    assertThat(scene.mobileNode.engine.counters().of(Discard.IN_STATE_SEQ_ERROR)).isEqualTo(1);
    assertThat(scene.mobileNode.delivered).containsExactly(TO_HOME);
  }

  /** Without an association there is the policy alone, and only our own end may be a former one. */
  @Test
  void aPlainTunnelStillArrivesAtTheOldCareOfAddress() {
    var scene = Scene.plainTunnel();
    scene.mobileNode.has(CARE_OF_B, Role.LINK);
    scene.homeAgent.output(TO_HOME);
    byte[] outer = scene.homeAgent.onlyTransmitted();

    update(scene.mobileNode, Scene.to(HOME), Direction.IN, Template.ipv6InIpv6(AGENT, CARE_OF_B));

    scene.mobileNode.input(outer);
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(TO_HOME);
    // From anybody but the home agent it is refused as ever.
    scene.mobileNode.input(Packets.withSource(outer, Scene.OTHER_CARE_OF));
    assertThat(scene.mobileNode.delivered).isEmpty();
  }

  /** RFC 6275 section 10.4.5: without ESP the source must be the care-of address that is bound. */
  @Test
  void aPlainTunnelFromTheOldCareOfAddressIsRefused() {
    var scene = Scene.plainTunnel();
    scene.mobileNode.output(Packets.udp(HOME, PEER, 100));
    byte[] outer = scene.mobileNode.onlyTransmitted();
    for (Direction direction : new Direction[] {Direction.FWD, Direction.IN}) {
      update(scene.homeAgent, Scene.from(HOME), direction, Template.ipv6InIpv6(CARE_OF_B, AGENT));
    }

    scene.homeAgent.input(outer);
    scene.homeAgent.hasRefused(Discard.TUNNEL_SOURCE_MISMATCH);
  }
}
