package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.OTHER_CARE_OF;
import static io.mipd.xfrm.engine.Scene.OTHER_HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static io.mipd.xfrm.engine.Scene.SIGNALLING;
import static io.mipd.xfrm.engine.Scene.USER;
import static io.mipd.xfrm.engine.Scene.esp;
import static io.mipd.xfrm.engine.Scene.espTransport;
import static io.mipd.xfrm.engine.Scene.espTunnel;
import static io.mipd.xfrm.engine.Scene.fromTo;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Packets between a mobile node and its home agent, and what policies make of them. */
class PacketEngineTest {
  private static final byte[] TO_PEER = Packets.udp(HOME, PEER, 100);
  private static final byte[] TO_HOME = Packets.udp(PEER, HOME, 100);

  @Test
  void payloadGoesThroughTheEspTunnelBothWays() {
    var scene = Scene.registered();

    scene.mobileNode.output(TO_PEER);
    byte[] outer = scene.mobileNode.transmitted.get(0);
    assertThat(Packets.source(outer)).isEqualTo(CARE_OF);
    assertThat(Packets.destination(outer)).isEqualTo(AGENT);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.ESP);
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(TO_PEER);

    scene.homeAgent.output(TO_HOME);
    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(TO_HOME);
  }

  @Test
  void payloadGoesThroughThePlainTunnelBothWays() {
    var scene = Scene.plainTunnel();

    scene.mobileNode.output(TO_PEER);
    byte[] outer = scene.mobileNode.transmitted.get(0);
    assertThat(outer).hasSize(40 + TO_PEER.length).endsWith(TO_PEER);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.IPV6);
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(TO_PEER);

    scene.homeAgent.output(TO_HOME);
    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(TO_HOME);
  }

  /** The routing header is met first, when the packet's source is still a care-of address. */
  @Test
  void bothPeersAreMobile() {
    var away = new TestNode().has(HOME, Role.HOME).has(CARE_OF, Role.LINK);
    var peer = new TestNode().has(OTHER_HOME, Role.HOME).has(OTHER_CARE_OF, Role.LINK);
    var option = Template.homeAddressOption(HOME, OTHER_HOME);
    var routing = Template.routingHeader(HOME, OTHER_HOME);
    away.policy(Scene.fromTo(HOME, OTHER_HOME), Direction.OUT, option, routing);
    peer.policy(Scene.fromTo(HOME, OTHER_HOME), Direction.IN, option, routing);
    for (TestNode node : new TestNode[] {away, peer}) {
      node.state(RouteOptimizationState.homeAddressOption(HOME, OTHER_HOME, CARE_OF));
      node.state(RouteOptimizationState.routingHeader(HOME, OTHER_HOME, OTHER_CARE_OF));
    }

    byte[] packet = Packets.udp(HOME, OTHER_HOME, 100);
    away.output(packet);
    byte[] outer = away.transmitted.get(0);
    assertThat(Packets.source(outer)).isEqualTo(CARE_OF);
    assertThat(Packets.destination(outer)).isEqualTo(OTHER_CARE_OF);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.ROUTING);
    assertThat(outer[40] & 0xff).isEqualTo(IpProtocol.DESTINATION_OPTIONS);

    away.sendsTo(peer);
    assertThat(peer.onlyDelivered()).isEqualTo(packet);
  }

  @Test
  void aBindingUpdateBearsTheCareOfAddressThatItIsGiven() {
    var scene = Scene.bare();
    scene.signalling();
    byte[] update = Packets.bindingUpdate(HOME, AGENT);

    scene.mobileNode.output(update, CARE_OF);
    byte[] outer = scene.mobileNode.transmitted.get(0);
    assertThat(Packets.source(outer)).isEqualTo(CARE_OF);
    assertThat(Packets.destination(outer)).isEqualTo(AGENT);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.DESTINATION_OPTIONS);
    assertThat(outer[40] & 0xff).isEqualTo(IpProtocol.ESP);

    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.messages).containsExactly(update);
    Arrival arrival = scene.homeAgent.arrivals.get(0);
    assertThat(arrival.source()).isEqualTo(HOME);
    assertThat(arrival.destination()).isEqualTo(AGENT);
    assertThat(arrival.careOf()).contains(CARE_OF);
    assertThat(arrival.routingHeader()).isFalse();
    assertThat(arrival.securityPath().passedThrough(SIGNALLING)).isTrue();
    assertThat(arrival.securityPath().steps().get(0).protocol()).isEqualTo(TransformProtocol.ESP);
    assertThat(arrival.securityPath().steps().get(1).protocol()).isEqualTo(TransformProtocol.HAO);
  }

  @Test
  void anAcknowledgementComesBackByTheRoutingHeader() {
    var scene = Scene.bare();
    scene.signalling();
    byte[] acknowledgement = Packets.mobility(AGENT, HOME, 6);

    scene.homeAgent.output(acknowledgement, CARE_OF);
    byte[] outer = scene.homeAgent.transmitted.get(0);
    assertThat(Packets.destination(outer)).isEqualTo(CARE_OF);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.ROUTING);
    assertThat(outer[40] & 0xff).isEqualTo(IpProtocol.ESP);

    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.messages).containsExactly(acknowledgement);
    Arrival arrival = scene.mobileNode.arrivals.get(0);
    assertThat(arrival.routingHeader()).isTrue();
    assertThat(arrival.destination()).isEqualTo(HOME);
    assertThat(arrival.careOf()).isEmpty();
  }

  @Test
  void withoutCareOfAddressOrStateTheOptionalStepIsLeftOut() {
    var scene = Scene.bare();
    scene.signalling();
    byte[] update = Packets.bindingUpdate(HOME, AGENT);

    scene.mobileNode.output(update);
    byte[] outer = scene.mobileNode.transmitted.get(0);
    assertThat(Packets.source(outer)).isEqualTo(HOME);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.ESP);
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.messages).containsExactly(update);
    assertThat(scene.homeAgent.arrivals.get(0).careOf()).isEqualTo(Optional.empty());

    // A care-of address that is the home address says the same.
    scene.mobileNode.output(update, HOME);
    assertThat(Packets.source(scene.mobileNode.onlyTransmitted())).isEqualTo(HOME);
  }

  @Test
  void aStateSaysWhereTheHomeAddressIs() {
    var scene = Scene.bare();
    scene.signalling();
    scene.states();
    scene.mobileNode.output(Packets.bindingUpdate(HOME, AGENT));
    assertThat(Packets.source(scene.mobileNode.transmitted.get(0))).isEqualTo(CARE_OF);

    // The cached path falls with the state.
    scene.mobileNode.state(RouteOptimizationState.homeAddressOption(HOME, AGENT, Scene.CARE_OF_B));
    scene.mobileNode.output(Packets.bindingUpdate(HOME, AGENT));
    assertThat(Packets.source(scene.mobileNode.transmitted.get(1))).isEqualTo(Scene.CARE_OF_B);
  }

  @Test
  void theUsersTunnelGoesInsideTheReverseTunnel() {
    var scene = Scene.registered();
    var peer = new TestNode().has(PEER, Role.LINK);
    var userOut = esp(HOME, PEER, Mode.TUNNEL, 0x5001, USER).selector(fromTo(HOME, PEER)).build();
    scene.mobileNode.association(userOut);
    peer.association(userOut);
    // The merger's work: one policy, the user's template first; before the general one.
    scene.mobileNode.apply(
        new XfrmCommand.AddPolicy(
            Policy.allow(
                fromTo(HOME, PEER),
                Direction.OUT,
                1,
                Bundle.of(espTunnel(HOME, PEER, USER), espTunnel(CARE_OF, AGENT, Scene.PAYLOAD)))));
    peer.policy(fromTo(HOME, PEER), Direction.IN, espTunnel(HOME, PEER, USER));

    scene.mobileNode.output(TO_PEER);
    scene.mobileNode.sendsTo(scene.homeAgent);
    byte[] within = scene.homeAgent.onlyDelivered();
    assertThat(Packets.source(within)).isEqualTo(HOME);
    assertThat(Packets.destination(within)).isEqualTo(PEER);
    assertThat(Packets.nextHeader(within)).isEqualTo(IpProtocol.ESP);
    peer.input(within);
    assertThat(peer.onlyDelivered()).isEqualTo(TO_PEER);
  }

  @Test
  void bothLayersAreUndoneWhereTheyEndAtOneHost() {
    var scene = Scene.registered();
    var user = esp(PEER, HOME, Mode.TRANSPORT, 0x5002, USER).selector(fromTo(PEER, HOME)).build();
    var peer = new TestNode().has(PEER, Role.LINK);
    peer.association(user).policy(fromTo(PEER, HOME), Direction.OUT, espTransport(USER));
    scene.mobileNode.association(user);
    scene.mobileNode.apply(
        new XfrmCommand.AddPolicy(
            Policy.allow(
                fromTo(PEER, HOME),
                Direction.IN,
                1,
                Bundle.of(espTransport(USER), espTunnel(AGENT, CARE_OF, Scene.PAYLOAD)))));

    peer.output(TO_HOME);
    scene.homeAgent.output(peer.onlyTransmitted());
    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(TO_HOME);

    // Without the user's ESP the same flow is refused.
    scene.homeAgent.output(TO_HOME);
    scene.homeAgent.sendsTo(scene.mobileNode);
    scene.mobileNode.hasRefused(Discard.IN_TEMPLATE_MISMATCH);
  }

  @Test
  void theUsersTunnelGoesInsideTheHomeAddressOption() {
    var scene = Scene.bare();
    var peer = new TestNode().has(PEER, Role.LINK);
    var user = esp(HOME, PEER, Mode.TUNNEL, 0x5001, USER).build();
    Template option = Template.homeAddressOption(HOME, PEER);
    scene
        .mobileNode
        .association(user)
        .policy(fromTo(HOME, PEER), Direction.OUT, espTunnel(HOME, PEER, USER), option)
        .state(RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF));
    peer.association(user)
        .policy(fromTo(HOME, PEER), Direction.IN, espTunnel(HOME, PEER, USER), option);

    scene.mobileNode.output(TO_PEER);
    byte[] outer = scene.mobileNode.transmitted.get(0);
    assertThat(Packets.source(outer)).isEqualTo(CARE_OF);
    assertThat(Packets.destination(outer)).isEqualTo(PEER);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.DESTINATION_OPTIONS);
    assertThat(outer[40] & 0xff).isEqualTo(IpProtocol.ESP);
    scene.mobileNode.sendsTo(peer);
    assertThat(peer.onlyDelivered()).isEqualTo(TO_PEER);
  }

  @Test
  void anAuthenticationHeaderCoversTheHomeAddressOption() {
    for (Mode mode : new Mode[] {Mode.TRANSPORT, Mode.TUNNEL}) {
      var scene = Scene.bare();
      var peer = new TestNode().has(PEER, Role.LINK);
      var ah = Scene.association(TransformProtocol.AH, HOME, PEER, mode, 0x6001, USER).build();
      Template protection =
          mode == Mode.TUNNEL
              ? Template.tunnel(TransformProtocol.AH, HOME, PEER, USER)
              : Template.transport(TransformProtocol.AH, USER);
      Template option = Template.homeAddressOption(HOME, PEER);
      scene
          .mobileNode
          .association(ah)
          .policy(fromTo(HOME, PEER), Direction.OUT, protection, option)
          .state(RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF));
      // Within one header the order of the two in the list does not matter inbound.
      peer.association(ah);
      if (mode == Mode.TUNNEL) {
        peer.policy(fromTo(HOME, PEER), Direction.IN, protection, option);
      } else {
        peer.policy(fromTo(HOME, PEER), Direction.IN, option, protection);
      }

      scene.mobileNode.output(TO_PEER);
      byte[] outer = scene.mobileNode.transmitted.get(0);
      assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.DESTINATION_OPTIONS);
      assertThat(outer[40] & 0xff).isEqualTo(IpProtocol.AH);
      scene.mobileNode.sendsTo(peer);
      assertThat(peer.onlyDelivered()).as("%s", mode).isEqualTo(TO_PEER);

      // The value covers the care-of address: another one does not verify.
      scene.mobileNode.output(TO_PEER);
      byte[] next = scene.mobileNode.onlyTransmitted();
      peer.input(Packets.withSource(next, Scene.CARE_OF_B));
      peer.hasRefused(Discard.IN_STATE_PROTO_ERROR);
    }
  }

  @Test
  void bothEndsMayBeMobile() {
    var scene = Scene.bare();
    var peer = new TestNode().has(PEER, Role.HOME).has(Scene.CARE_OF_B, Role.LINK);
    scene
        .mobileNode
        .policy(
            fromTo(HOME, PEER),
            Direction.OUT,
            Template.homeAddressOption(HOME, PEER),
            Template.routingHeader(/* peer= */ HOME, /* homeAddress= */ PEER))
        .state(RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF))
        .state(
            RouteOptimizationState.routingHeader(
                /* peer= */ HOME, /* homeAddress= */ PEER, Scene.CARE_OF_B));
    peer.state(RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF));

    scene.mobileNode.output(TO_PEER);
    byte[] outer = scene.mobileNode.transmitted.get(0);
    assertThat(Packets.source(outer)).isEqualTo(CARE_OF);
    assertThat(Packets.destination(outer)).isEqualTo(Scene.CARE_OF_B);
    assertThat(Packets.nextHeader(outer)).isEqualTo(IpProtocol.ROUTING);
    assertThat(outer[40] & 0xff).isEqualTo(IpProtocol.DESTINATION_OPTIONS);
    scene.mobileNode.sendsTo(peer);
    assertThat(peer.onlyDelivered()).isEqualTo(TO_PEER);
  }

  @Test
  void aHomeAddressNeverLeavesWithoutAPolicy() {
    var scene = Scene.bare();
    scene.mobileNode.output(TO_PEER);
    scene.mobileNode.hasRefused(Discard.OUT_NO_POLICY);
    scene.homeAgent.output(TO_HOME);
    scene.homeAgent.hasRefused(Discard.OUT_NO_POLICY);
    assertThat(scene.homeAgent.transmitted).isEmpty();

    // The home agent's own address on its link may.
    var agent = new TestNode().has(AGENT, Role.LINK);
    byte[] plain = Packets.udp(AGENT, PEER, 10);
    agent.output(plain);
    assertThat(agent.onlyTransmitted()).isEqualTo(plain);
  }

  @Test
  void whatAnAddressIsIsAskedForEachPacketWithoutAPolicy() {
    var node = new TestNode();
    byte[] message = Packets.mobility(CARE_OF, PEER, 7);
    node.has(CARE_OF, Role.HOME);
    node.output(message);
    node.hasRefused(Discard.OUT_NO_POLICY);
    node.has(CARE_OF, Role.LINK);
    node.output(message);
    assertThat(node.transmitted).containsExactly(message);
    // A router passes it on.
    node.has(CARE_OF, Role.OTHER);
    node.output(message);
    assertThat(node.transmitted).hasSize(2);
    node.has(CARE_OF, Role.HOME);
    node.output(message);
    assertThat(node.transmitted).hasSize(2);
  }

  @Test
  void aBlockingPolicyWins() {
    var scene = Scene.registered();
    scene.mobileNode.apply(
        new XfrmCommand.AddPolicy(Policy.block(fromTo(HOME, PEER), Direction.OUT, 1)));
    scene.mobileNode.output(TO_PEER);
    scene.mobileNode.hasRefused(Discard.OUT_POLICY_BLOCK);

    scene.mobileNode.apply(
        new XfrmCommand.AddPolicy(Policy.block(fromTo(PEER, HOME), Direction.IN, 1)));
    scene.homeAgent.output(TO_HOME);
    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.engine.counters().of(Discard.IN_POLICY_BLOCK)).isEqualTo(1);
  }

  @Test
  void aMissingAssociationIsAskedForOnceASecond() {
    var scene = Scene.bare();
    Template template = espTunnel(CARE_OF, AGENT, new ReqId(7));
    scene.mobileNode.policy(Scene.from(HOME), Direction.OUT, template);

    scene.mobileNode.output(TO_PEER);
    scene.mobileNode.output(TO_PEER);
    assertThat(scene.mobileNode.engine.counters().of(Discard.OUT_NO_STATES)).isEqualTo(2);
    assertThat(scene.mobileNode.transmitted).isEmpty();
    assertThat(scene.mobileNode.notices)
        .singleElement()
        .isInstanceOfSatisfying(
            XfrmNotice.Acquire.class,
            acquire -> {
              assertThat(acquire.template()).isEqualTo(template);
              assertThat(acquire.flow().source()).isEqualTo(HOME);
            });

    scene.mobileNode.engine.tick(TestNode.START.plusSeconds(1));
    scene.mobileNode.output(TO_PEER);
    assertThat(scene.mobileNode.notices).hasSize(2);

    // When it comes, the flow goes.
    scene.mobileNode.association(esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, new ReqId(7)).build());
    scene.mobileNode.output(TO_PEER);
    assertThat(scene.mobileNode.transmitted).hasSize(1);
  }

  @Test
  void aPacketPassesAsManyTransformsAsAPolicyMayHave() {
    var sender = new TestNode().has(HOME, Role.HOME);
    var receiver = new TestNode().has(PEER, Role.LINK);
    var templates = new Template[EngineSettings.MAX_TEMPLATES];
    for (int i = 0; i < templates.length; i++) {
      var association = esp(HOME, PEER, Mode.TUNNEL, 0x8000 + i, new ReqId(100 + i)).build();
      sender.association(association);
      receiver.association(association);
      templates[i] = espTunnel(HOME, PEER, new ReqId(100 + i));
    }
    sender.policy(fromTo(HOME, PEER), Direction.OUT, templates);
    receiver.policy(fromTo(HOME, PEER), Direction.IN, templates);
    sender.output(TO_PEER);
    sender.sendsTo(receiver);
    assertThat(receiver.onlyDelivered()).isEqualTo(TO_PEER);
  }

  @Test
  void oneLookUpServesAFlow() {
    var scene = Scene.registered();
    for (int i = 0; i < 10; i++) {
      scene.mobileNode.output(TO_PEER);
    }
    assertThat(scene.mobileNode.engine.counters().of(EngineCounters.Traffic.FLOW_CACHE_MISSES))
        .isEqualTo(1);
    assertThat(scene.mobileNode.transmitted).hasSize(10);
  }

  @Test
  void statusTellsWhatAnAssociationCarried() {
    var scene = Scene.registered();
    scene.mobileNode.output(TO_PEER);
    AssociationStatus tunnel = scene.mobileNode.engine.associations().get(2);
    assertThat(tunnel.id().spi().value()).isEqualTo(0x2001);
    assertThat(tunnel.packets()).isEqualTo(1);
    assertThat(tunnel.octets()).isEqualTo(TO_PEER.length);
    assertThat(tunnel.toString()).contains("cbc(aes)").doesNotContain("key");
  }
}
