package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.AGENT_2;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.CARE_OF_B;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.OTHER_CARE_OF;
import static io.mipd.xfrm.engine.Scene.OTHER_HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static io.mipd.xfrm.engine.Scene.esp;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import org.junit.jupiter.api.Test;

/** What must not come in, and why it does not (RFC 6275 9.3.1, 10.4.5, 11.3.3; RFC 4301 5.2). */
class DoorwayTest {
  private static final byte[] TO_PEER = Packets.udp(HOME, PEER, 100);
  private static final byte[] TO_AGENT = Packets.udp(HOME, AGENT, 100);
  private static final byte[] UPDATE = Packets.bindingUpdate(HOME, AGENT);

  private static byte[] onTheWire(TestNode node, byte[] packet) {
    node.output(packet);
    return node.onlyTransmitted();
  }

  private static byte[] update(Scene scene) {
    scene.mobileNode.output(UPDATE, CARE_OF);
    return scene.mobileNode.onlyTransmitted();
  }

  private static byte[] withHomeAddress(byte[] packet, Ipv6Address home) {
    byte[] changed = packet.clone();
    home.write(changed, 48);
    return changed;
  }

  // Signalling.

  @Test
  void aBindingUpdateOutsideEsp() {
    var scene = Scene.registered();
    byte[] naked = Packets.withHomeAddress(Packets.withSource(UPDATE, CARE_OF), HOME);
    assertThat(scene.homeAgent.claims(naked)).isTrue();
    scene.homeAgent.input(naked);
    scene.homeAgent.hasRefused(Discard.IN_TEMPLATE_MISMATCH);
  }

  @Test
  void aBindingUpdateInsideThePayloadTunnelOnly() {
    var scene = Scene.registered();
    // A mobile node that forgot its signalling policy sends it as payload.
    scene.mobileNode.apply(
        new XfrmCommand.DeletePolicy(new Policy.Id(Scene.mobility(HOME, AGENT), Direction.OUT)));
    byte[] tunnelled = onTheWire(scene.mobileNode, UPDATE);
    scene.homeAgent.input(tunnelled);
    scene.homeAgent.hasRefused(Discard.IN_TEMPLATE_MISMATCH);
  }

  @Test
  void aReplayedBindingUpdate() {
    var scene = Scene.registered();
    byte[] update = update(scene);
    scene.homeAgent.input(update);
    assertThat(scene.homeAgent.messages).hasSize(1);
    scene.homeAgent.messages.clear();
    scene.homeAgent.input(update);
    scene.homeAgent.hasRefused(Discard.IN_STATE_SEQ_ERROR);
  }

  @Test
  void anAssociationOfOneMobileNodeWithTheHomeAddressOfAnother() {
    var scene = Scene.registered();
    scene.otherMobileNode();
    scene.homeAgent.input(withHomeAddress(update(scene), OTHER_HOME));
    scene.homeAgent.hasRefused(Discard.IN_STATE_MISMATCH);
  }

  @Test
  void anAssociationThatIsForAnotherPolicy() {
    // An SA for anything between the right addresses, but of another reqid than the policy wants.
    var scene = Scene.registered();
    var stray = esp(HOME, AGENT, Mode.TRANSPORT, 0x7001, Scene.USER).build();
    scene.homeAgent.association(stray);
    var sender = new TestNode();
    sender
        .association(stray)
        .policy(Scene.fromTo(HOME, AGENT), Direction.OUT, Scene.espTransport(Scene.USER));
    scene.homeAgent.input(onTheWire(sender, UPDATE));
    scene.homeAgent.hasRefused(Discard.IN_TEMPLATE_MISMATCH);
  }

  @Test
  void aBindingUpdateToAnotherAddressOfTheHomeAgent() {
    var scene = Scene.registered();
    scene.homeAgent.has(AGENT_2, Role.LINK);
    byte[] update = Packets.withDestination(update(scene), AGENT_2);
    assertThat(scene.homeAgent.claims(update)).isTrue();
    scene.homeAgent.input(update);
    scene.homeAgent.hasRefused(Discard.IN_NO_STATES);
  }

  @Test
  void aTamperedBindingUpdate() {
    var scene = Scene.registered();
    byte[] update = update(scene);
    update[update.length - 20] ^= 1;
    scene.homeAgent.input(update);
    scene.homeAgent.hasRefused(Discard.IN_STATE_PROTO_ERROR);
  }

  // Reverse tunnelling.

  @Test
  void aTamperedOuterSource() {
    var scene = Scene.registered();
    byte[] outer = Packets.withSource(onTheWire(scene.mobileNode, TO_PEER), CARE_OF_B);
    assertThat(scene.homeAgent.claims(outer)).isTrue();
    scene.homeAgent.input(outer);
    scene.homeAgent.hasRefused(Discard.TUNNEL_SOURCE_MISMATCH);
  }

  @Test
  void aPlainTunnelFromElsewhere() {
    var scene = Scene.plainTunnel();
    byte[] outer = Packets.tunnelled(CARE_OF_B, AGENT, TO_PEER);
    // Its end points are not ours, but the packet within is one that we expect in a tunnel.
    assertThat(scene.homeAgent.claims(outer)).isTrue();
    scene.homeAgent.input(outer);
    scene.homeAgent.hasRefused(Discard.TUNNEL_SOURCE_MISMATCH);
  }

  @Test
  void aPlainTunnelWhereEspIsRequired() {
    var scene = Scene.registered();
    byte[] outer = Packets.tunnelled(CARE_OF, AGENT, TO_PEER);
    assertThat(scene.homeAgent.claims(outer)).isTrue();
    scene.homeAgent.input(outer);
    scene.homeAgent.hasRefused(Discard.IN_TEMPLATE_MISMATCH);
  }

  @Test
  void anInnerSourceOfAnotherMobileNodeInAPlainTunnel() {
    var scene = Scene.plainTunnel();
    scene
        .homeAgent
        .has(OTHER_HOME, Role.SERVED)
        .policy(Scene.from(OTHER_HOME), Direction.FWD, Template.ipv6InIpv6(OTHER_CARE_OF, AGENT));
    byte[] outer = Packets.tunnelled(CARE_OF, AGENT, Packets.udp(OTHER_HOME, PEER, 10));
    scene.homeAgent.input(outer);
    scene.homeAgent.hasRefused(Discard.TUNNEL_SOURCE_MISMATCH);
  }

  @Test
  void anInnerSourceOfAnotherMobileNodeInAnEspTunnel() {
    var scene = Scene.registered();
    scene.otherMobileNode();
    // MN 1's tunnel carries what claims to come from MN 2.
    scene.mobileNode.policy(
        Scene.from(OTHER_HOME), Direction.OUT, Scene.espTunnel(CARE_OF, AGENT, Scene.PAYLOAD));
    var generous = esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, Scene.PAYLOAD).build();
    scene.mobileNode.apply(new XfrmCommand.DeleteAssociation(generous.id()));
    scene.mobileNode.association(generous);
    scene.homeAgent.input(onTheWire(scene.mobileNode, Packets.udp(OTHER_HOME, PEER, 10)));
    scene.homeAgent.hasRefused(Discard.IN_STATE_MISMATCH);
  }

  @Test
  void aTunnelThatNoPolicyKnows() {
    var scene = Scene.plainTunnel();
    byte[] outer = Packets.tunnelled(CARE_OF, AGENT, Packets.udp(PEER, OTHER_HOME, 10));
    scene.homeAgent.input(outer);
    scene.homeAgent.hasRefused(Discard.IN_NO_POLICIES);
  }

  @Test
  void aTunnelToTheMobileNodeFromSomebodyElseThanItsHomeAgent() {
    var scene = Scene.plainTunnel();
    byte[] outer = Packets.tunnelled(AGENT_2, CARE_OF, Packets.udp(PEER, HOME, 10));
    assertThat(scene.mobileNode.claims(outer)).isTrue();
    scene.mobileNode.input(outer);
    scene.mobileNode.hasRefused(Discard.TUNNEL_SOURCE_MISMATCH);
  }

  @Test
  void aReplayedPayloadPacket() {
    var scene = Scene.registered();
    byte[] outer = onTheWire(scene.mobileNode, TO_PEER);
    scene.homeAgent.input(outer);
    scene.homeAgent.delivered.clear();
    scene.homeAgent.input(outer);
    scene.homeAgent.hasRefused(Discard.IN_STATE_SEQ_ERROR);
  }

  // Home Address option.

  private static byte[] optimized(byte[] packet) {
    return Packets.withHomeAddress(Packets.withSource(packet, CARE_OF), HOME);
  }

  @Test
  void aHomeAddressOptionIsBelievedWithABinding() {
    var scene = Scene.bare();
    scene.homeAgent.state(RouteOptimizationState.homeAddressOption(HOME, AGENT, CARE_OF));
    byte[] packet = optimized(TO_AGENT);
    assertThat(scene.homeAgent.claims(packet)).isTrue();
    scene.homeAgent.input(packet);
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(TO_AGENT);
  }

  @Test
  void aHomeAddressOptionWithoutABinding() {
    var scene = Scene.bare();
    scene.homeAgent.input(optimized(TO_AGENT));
    scene.homeAgent.hasRefused(Discard.HAO_WITHOUT_BINDING);
    assertThat(scene.homeAgent.notices)
        .singleElement()
        .isInstanceOfSatisfying(
            XfrmNotice.Report.class,
            report -> {
              assertThat(report.protocol()).isEqualTo(TransformProtocol.HAO);
              assertThat(report.flow().source()).isEqualTo(HOME);
              assertThat(report.careOf()).isEqualTo(CARE_OF);
            });
  }

  @Test
  void aHomeAddressOptionWithABindingOfAnotherCareOfAddress() {
    var scene = Scene.bare();
    scene.homeAgent.state(RouteOptimizationState.homeAddressOption(HOME, AGENT, CARE_OF_B));
    scene.homeAgent.input(optimized(TO_AGENT));
    scene.homeAgent.hasRefused(Discard.HAO_WITHOUT_BINDING);
  }

  @Test
  void aHomeAddressOptionInFrontOfATunnelNeedsABindingToo() {
    var scene = Scene.plainTunnel();
    byte[] outer = Packets.tunnelled(CARE_OF_B, AGENT, TO_PEER);
    scene.homeAgent.input(Packets.withHomeAddress(outer, CARE_OF));
    scene.homeAgent.hasRefused(Discard.HAO_WITHOUT_BINDING);
  }

  @Test
  void twoHomeAddressOptionsOrOneThatIsNoUnicastAddress() {
    var scene = Scene.bare();
    scene.homeAgent.input(Packets.withHomeAddress(optimized(TO_AGENT), HOME));
    scene.homeAgent.hasRefused(Discard.HAO_INVALID);

    var second = Scene.bare();
    second.homeAgent.input(
        Packets.withHomeAddress(Packets.withSource(UPDATE, CARE_OF), Ipv6Address.parse("fe80::1")));
    second.homeAgent.hasRefused(Discard.HAO_INVALID);
  }

  @Test
  void aBindingUpdateMayComeFromAnyCareOfAddress() {
    // As to a correspondent node: the core will look at its authenticator.
    var scene = Scene.bare();
    scene.homeAgent.input(optimized(UPDATE));
    assertThat(scene.homeAgent.messages).containsExactly(UPDATE);
    assertThat(scene.homeAgent.arrivals.get(0).securityPath().isProtected()).isFalse();
    assertThat(scene.homeAgent.engine.counters().discards()).isEmpty();
  }

  // Type 2 routing header.

  @Test
  void aRoutingHeaderWithAnAddressThatIsNotOurHomeAddress() {
    for (Ipv6Address wrong : new Ipv6Address[] {OTHER_HOME, CARE_OF, PEER}) {
      var scene = Scene.bare();
      byte[] packet =
          Packets.withRoutingHeader(Packets.udp(PEER, CARE_OF, 10), wrong, /* segmentsLeft= */ 1);
      assertThat(scene.mobileNode.claims(packet)).isTrue();
      scene.mobileNode.input(packet);
      scene.mobileNode.hasRefused(Discard.ROUTING_HEADER_NOT_OURS);
      assertThat(scene.mobileNode.transmitted).as("silently").isEmpty();
    }
  }

  @Test
  void aRoutingHeaderWithOtherSegmentsLeft() {
    for (int segmentsLeft : new int[] {0, 2, 255}) {
      var scene = Scene.bare();
      scene.mobileNode.input(
          Packets.withRoutingHeader(Packets.udp(PEER, CARE_OF, 10), HOME, segmentsLeft));
      scene.mobileNode.hasRefused(Discard.ROUTING_HEADER_NOT_OURS);
    }
  }

  @Test
  void aRoutingHeaderToOurHomeAddressIsTakenOff() {
    var scene = Scene.bare();
    byte[] inner = Packets.udp(PEER, HOME, 10);
    scene.mobileNode.input(
        Packets.withRoutingHeader(Packets.withDestination(inner, CARE_OF), HOME, 1));
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(inner);
  }

  @Test
  void aRoutingHeaderWherePayloadMustComeThroughTheTunnel() {
    var scene = Scene.registered();
    byte[] inner = Packets.udp(PEER, HOME, 10);
    scene.mobileNode.input(
        Packets.withRoutingHeader(Packets.withDestination(inner, CARE_OF), HOME, 1));
    scene.mobileNode.hasRefused(Discard.IN_TEMPLATE_MISMATCH);
  }

  @Test
  void anotherTypeOfRoutingHeaderGetsItsAnswer() {
    var scene = Scene.bare();
    byte[] packet = Packets.withRoutingHeader(UPDATE, HOME, 1);
    packet[42] = 0;
    scene.homeAgent.input(packet);
    // The answer goes to the home address, for which there is no policy.
    assertThat(scene.homeAgent.engine.counters().of(Discard.ROUTING_HEADER_UNKNOWN)).isEqualTo(1);

    byte[] fromPeer = Packets.withRoutingHeader(Packets.bindingUpdate(PEER, AGENT), HOME, 1);
    fromPeer[42] = 0;
    scene.homeAgent.input(fromPeer);
    byte[] error = scene.homeAgent.transmitted.get(0);
    assertThat(error[40]).isEqualTo((byte) IcmpErrors.PARAMETER_PROBLEM);
    assertThat(Wire.getInt(error, 44)).as("pointer").isEqualTo(42);
    assertThat(Packets.checksum(error, 40, IpProtocol.ICMPV6)).isZero();
    assertThat(Packets.destination(error)).isEqualTo(PEER);
  }

  // Options (RFC 8200 section 4.2).

  @Test
  void unknownOptionsAreDealtWithByTheirHighestBits() {
    int skip = 0x3e;
    int discard = 0x7e;
    int report = 0xbe;
    int reportUnlessMulticast = 0xfe;

    var skipped = Scene.bare().homeAgent;
    byte[] update = Packets.bindingUpdate(PEER, AGENT);
    skipped.input(Packets.withOption(update, skip));
    assertThat(skipped.messages).containsExactly(update);

    var discarded = Scene.bare().homeAgent;
    discarded.input(Packets.withOption(update, discard));
    discarded.hasRefused(Discard.UNKNOWN_OPTION);
    assertThat(discarded.transmitted).isEmpty();

    for (int type : new int[] {report, reportUnlessMulticast}) {
      var reported = Scene.bare().homeAgent;
      byte[] packet = Packets.withOption(update, type);
      reported.input(packet);
      reported.hasRefused(Discard.UNKNOWN_OPTION);
      byte[] error = reported.transmitted.get(0);
      assertThat(error[40]).isEqualTo((byte) IcmpErrors.PARAMETER_PROBLEM);
      assertThat(error[41]).isEqualTo((byte) IcmpErrors.CODE_UNRECOGNIZED_OPTION);
      assertThat(Wire.getInt(error, 44)).as("pointer").isEqualTo(42);
      assertThat(error).endsWith(packet);
    }
  }

  @Test
  void errorsAreLimitedInTheirRate() {
    var agent = Scene.bare().homeAgent;
    byte[] packet = Packets.withOption(Packets.bindingUpdate(PEER, AGENT), 0xbe);
    for (int i = 0; i < 200; i++) {
      agent.input(packet);
    }
    assertThat(agent.transmitted).hasSize(EngineSettings.DEFAULT.errorBurst());
    agent.engine.tick(TestNode.START.plusMillis(100));
    for (int i = 0; i < 200; i++) {
      agent.input(packet);
    }
    assertThat(agent.transmitted)
        .hasSize(
            EngineSettings.DEFAULT.errorBurst() + EngineSettings.DEFAULT.errorsPerSecond() / 10);
    assertThat(agent.engine.counters().of(EngineCounters.Traffic.ICMPV6_ERRORS_SUPPRESSED))
        .isEqualTo(400 - agent.transmitted.size());
  }

  // Whose packets these are.

  @Test
  void whatIsNotOursIsLeftToTheKernel() {
    var scene = Scene.registered();
    TestNode agent = scene.homeAgent;
    byte[] ours = onTheWire(scene.mobileNode, TO_PEER);

    byte[] unknownSpi = ours.clone();
    unknownSpi[41] ^= 0x55;
    assertThat(agent.claims(unknownSpi)).as("ESP of the kernel's own").isFalse();
    assertThat(agent.claims(Packets.withDestination(ours, PEER))).as("transit").isFalse();
    assertThat(agent.claims(Packets.udp(PEER, AGENT, 10))).as("plain").isFalse();
    assertThat(agent.claims(Packets.withOption(Packets.udp(PEER, AGENT, 10), 0x3e)))
        .as("another destination option")
        .isFalse();
    byte[] foreign = Packets.udp(PEER, OTHER_HOME, 10);
    assertThat(agent.claims(Packets.tunnelled(PEER, AGENT, foreign)))
        .as("somebody else's tunnel to the same address")
        .isFalse();
    assertThat(agent.claims(Packets.fragment(Packets.udp(PEER, AGENT, 2000), 1, 0, 1024)))
        .as("fragments of UDP")
        .isFalse();
  }

  @Test
  void fragmentsOfWhatIsOursAreOurs() {
    var scene = Scene.registered();
    byte[] ours = onTheWire(scene.mobileNode, TO_PEER);
    assertThat(scene.homeAgent.claims(Packets.fragment(ours, 1, 0, 64))).isTrue();
    assertThat(scene.homeAgent.claims(Packets.fragment(ours, 1, 64, 128))).isTrue();
    byte[] others = Packets.withSource(ours, PEER);
    assertThat(scene.homeAgent.claims(Packets.fragment(others, 1, 64, 128))).isFalse();
  }

  @Test
  void espOfTheKernelWithinTheTunnelIsDelivered() {
    var scene = Scene.registered();
    byte[] kernels = Packets.ipv6(PEER, HOME, IpProtocol.ESP, new byte[64]);
    scene.homeAgent.output(kernels);
    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.onlyDelivered()).isEqualTo(kernels);
  }
}
