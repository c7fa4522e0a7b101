package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static io.mipd.xfrm.engine.Scene.USER;
import static io.mipd.xfrm.engine.Scene.esp;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.engine.EngineCounters.Traffic;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.PacketBuffer.Segmentation;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Path MTU, fragments, super-packets (RFC 8201, RFC 2473 section 7, RFC 8200 section 4.5). */
class PacketSizeTest {
  private static final Ipv6Address ROUTER = Ipv6Address.parse("2001:db8:a::1");

  /** Octets of the largest inner packet that the first packet too big tells of. */
  private static int toldMtu(TestNode node, byte[] tooBig) {
    byte[] error = node.delivered.remove(node.delivered.size() - 1);
    assertThat(Packets.destination(error)).isEqualTo(Packets.source(tooBig));
    assertThat(error[40]).isEqualTo((byte) IcmpErrors.PACKET_TOO_BIG);
    assertThat(error).hasSize(1280);
    assertThat(Packets.checksum(error, 40, IpProtocol.ICMPV6)).isZero();
    assertThat(Arrays.copyOfRange(error, 48, error.length))
        .isEqualTo(Arrays.copyOf(tooBig, 1280 - 48));
    return Wire.getInt(error, 44);
  }

  @Test
  void theInnerSenderIsToldTheLargestSizeThatFits() {
    for (Scene scene : List.of(Scene.registered(), Scene.plainTunnel())) {
      byte[] tooBig = Packets.udp(HOME, PEER, 1452);
      assertThat(tooBig).hasSize(1500);
      scene.mobileNode.output(tooBig);
      scene.mobileNode.addresses.setErrorSource(HOME);
      assertThat(scene.mobileNode.transmitted).isEmpty();
      assertThat(scene.mobileNode.engine.counters().of(Discard.OUT_TOO_BIG)).isEqualTo(1);
      int mtu = toldMtu(scene.mobileNode, tooBig);

      scene.mobileNode.output(Packets.udp(HOME, PEER, mtu - 48));
      assertThat(scene.mobileNode.transmitted)
          .singleElement()
          .satisfies(p -> assertThat(p.length).isBetween(1485, 1500));
      scene.mobileNode.output(Packets.udp(HOME, PEER, mtu - 47));
      assertThat(scene.mobileNode.transmitted).hasSize(1);
    }
  }

  @Test
  void aLinkMtuOfAnAddressCounts() {
    var scene = Scene.plainTunnel();
    scene.mobileNode.engine.setLinkMtu(CARE_OF, 1400);
    byte[] tooBig = Packets.udp(HOME, PEER, 1400);
    scene.mobileNode.output(tooBig);
    assertThat(toldMtu(scene.mobileNode, tooBig)).isEqualTo(1360);
  }

  @Test
  void aPacketTooBigAboutOurOuterPacketTeachesThePathMtuForTenMinutes() {
    var scene = Scene.registered();
    byte[] big = Packets.udp(HOME, PEER, 1352);
    scene.mobileNode.output(big);
    byte[] outer = scene.mobileNode.onlyTransmitted();
    byte[] error = Packets.error(ROUTER, CARE_OF, IcmpErrors.PACKET_TOO_BIG, 0, 1420, outer);
    assertThat(scene.mobileNode.claims(error)).isTrue();
    scene.mobileNode.input(error);
    assertThat(scene.mobileNode.engine.counters().of(Traffic.PACKET_TOO_BIG_LEARNT)).isEqualTo(1);

    scene.mobileNode.output(big);
    assertThat(scene.mobileNode.transmitted).isEmpty();
    int mtu = toldMtu(scene.mobileNode, big);
    scene.mobileNode.output(Packets.udp(HOME, PEER, mtu - 48));
    assertThat(scene.mobileNode.transmitted.remove(0).length).isBetween(1405, 1420);

    assertThat(scene.mobileNode.engine.nextDeadline())
        .contains(TestNode.START.plus(Duration.ofMinutes(10)));
    scene.mobileNode.engine.tick(TestNode.START.plus(Duration.ofMinutes(10)));
    scene.mobileNode.output(big);
    assertThat(scene.mobileNode.transmitted).hasSize(1);
    assertThat(scene.mobileNode.engine.nextDeadline()).isEmpty();
  }

  @Test
  void aPacketTooBigThatIsFalseTeachesNothing() {
    var scene = Scene.registered();
    scene.mobileNode.output(Packets.udp(HOME, PEER, 1000));
    byte[] outer = scene.mobileNode.onlyTransmitted();
    byte[] otherSpi = outer.clone();
    otherSpi[40] ^= 1;
    assertThat(
            scene.mobileNode.claims(
                Packets.error(ROUTER, CARE_OF, IcmpErrors.PACKET_TOO_BIG, 0, 1300, otherSpi)))
        .isFalse();
    // Below the minimum, and above what is known (RFC 8201 section 4).
    scene.mobileNode.input(
        Packets.error(ROUTER, CARE_OF, IcmpErrors.PACKET_TOO_BIG, 0, 1279, outer));
    scene.mobileNode.input(
        Packets.error(ROUTER, CARE_OF, IcmpErrors.PACKET_TOO_BIG, 0, 9000, outer));
    byte[] damaged = Packets.error(ROUTER, CARE_OF, IcmpErrors.PACKET_TOO_BIG, 0, 1300, outer);
    damaged[46] ^= 1;
    scene.mobileNode.input(damaged);
    assertThat(scene.mobileNode.engine.counters().of(Traffic.PACKET_TOO_BIG_LEARNT)).isZero();
    assertThat(scene.mobileNode.engine.counters().of(Discard.MALFORMED_CHECKSUM)).isEqualTo(1);
  }

  @Test
  void whatCannotBeSmallerIsFragmentedOutside() {
    var scene = Scene.registered();
    scene.mobileNode.engine.setLinkMtu(CARE_OF, 1280);
    byte[] smallest = Packets.udp(HOME, PEER, 1280 - 48);
    scene.mobileNode.output(smallest);
    assertThat(scene.mobileNode.transmitted)
        .hasSize(2)
        .allSatisfy(p -> assertThat(p.length).isLessThanOrEqualTo(1280));
    assertThat(scene.mobileNode.engine.counters().of(Traffic.FRAGMENTS_SENT)).isEqualTo(2);
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(smallest);
    assertThat(scene.homeAgent.engine.counters().of(Traffic.REASSEMBLED)).isEqualTo(1);

    // One octet more is for the sender to make smaller, though a tunnel cannot carry 1280.
    byte[] larger = Packets.udp(HOME, PEER, 1281 - 48);
    scene.mobileNode.output(larger);
    assertThat(toldMtu(scene.mobileNode, larger)).isEqualTo(1280);
  }

  @Test
  void ownMessagesAreFragmentedBehindTheHomeAddressOption() {
    var scene = Scene.bare();
    scene.signalling();
    byte[] message = Packets.ipv6(HOME, AGENT, IpProtocol.MOBILITY, new byte[2040]);
    message[40] = IpProtocol.NO_NEXT_HEADER;
    message[41] = (byte) 254;
    message[42] = Packets.BINDING_UPDATE;
    scene.mobileNode.output(message, CARE_OF);
    assertThat(scene.mobileNode.transmitted).hasSize(2);
    byte[] first = scene.mobileNode.transmitted.get(0);
    assertThat(Packets.nextHeader(first)).isEqualTo(IpProtocol.DESTINATION_OPTIONS);
    assertThat(first[40] & 0xff).isEqualTo(IpProtocol.FRAGMENT);
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.messages).containsExactly(message);
  }

  @Test
  void fragmentsOfTheLocalStackAreJoinedBeforeTransportMode() {
    var scene = Scene.bare();
    var user = esp(HOME, PEER, Mode.TRANSPORT, 0x5001, USER).build();
    Template option = Template.homeAddressOption(HOME, PEER);
    scene
        .mobileNode
        .association(user)
        .policy(Scene.fromTo(HOME, PEER), Direction.OUT, Scene.espTransport(USER), option)
        .state(RouteOptimizationState.homeAddressOption(HOME, PEER, CARE_OF));
    var peer = new TestNode().has(PEER, Role.LINK);
    peer.association(user)
        .policy(Scene.fromTo(HOME, PEER), Direction.IN, Scene.espTransport(USER), option);

    byte[] whole = Packets.udp(HOME, PEER, 3000);
    scene.mobileNode.output(Packets.fragment(whole, 9, 0, 1400));
    scene.mobileNode.output(Packets.fragment(whole, 9, 2800, whole.length - 40));
    assertThat(scene.mobileNode.transmitted).isEmpty();
    scene.mobileNode.output(Packets.fragment(whole, 9, 1400, 2800));
    assertThat(scene.mobileNode.transmitted).hasSize(3);
    scene.mobileNode.sendsTo(peer);
    assertThat(peer.onlyDelivered()).isEqualTo(whole);
  }

  @Test
  void innerFragmentsGoThroughTheTunnelAsTheyAre() {
    var scene = Scene.registered();
    byte[] whole = Packets.udp(HOME, PEER, 2000);
    byte[] fragment = Packets.fragment(whole, 3, 1304, whole.length - 40);
    scene.mobileNode.output(fragment);
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(fragment);
  }

  @Test
  void anErrorFromWithinAPlainTunnelIsRelayedToTheInnerSource() {
    var scene = Scene.plainTunnel();
    byte[] inner = Packets.udp(PEER, HOME, 1300);
    scene.homeAgent.output(inner);
    byte[] outer = scene.homeAgent.onlyTransmitted();

    scene.homeAgent.input(Packets.error(ROUTER, AGENT, IcmpErrors.TIME_EXCEEDED, 0, 0, outer));
    byte[] unreachable = scene.homeAgent.delivered.remove(0);
    assertThat(Packets.destination(unreachable)).isEqualTo(PEER);
    assertThat(unreachable[40]).isEqualTo((byte) IcmpErrors.DESTINATION_UNREACHABLE);
    assertThat(unreachable[41]).isEqualTo((byte) IcmpErrors.CODE_ADDRESS_UNREACHABLE);
    assertThat(Packets.checksum(unreachable, 40, IpProtocol.ICMPV6)).isZero();

    scene.homeAgent.input(Packets.error(ROUTER, AGENT, IcmpErrors.PACKET_TOO_BIG, 0, 1380, outer));
    byte[] tooBig = scene.homeAgent.delivered.remove(0);
    assertThat(Packets.destination(tooBig)).isEqualTo(PEER);
    assertThat(tooBig[40]).isEqualTo((byte) IcmpErrors.PACKET_TOO_BIG);
    assertThat(Wire.getInt(tooBig, 44)).isEqualTo(1340);
  }

  @Test
  void strangersCannotUseUpTheErrorsForOurSenders() {
    var scene = Scene.registered();
    byte[] strange = Packets.withOption(Packets.bindingUpdate(PEER, CARE_OF), 0xbe);
    for (int i = 0; i < 200; i++) {
      scene.mobileNode.input(strange);
    }
    assertThat(scene.mobileNode.engine.counters().of(Traffic.ICMPV6_ERRORS_SUPPRESSED))
        .isPositive();
    scene.mobileNode.delivered.clear();
    byte[] tooBig = Packets.udp(HOME, PEER, 1452);
    scene.mobileNode.output(tooBig);
    assertThat(toldMtu(scene.mobileNode, tooBig)).isGreaterThan(1400);
  }

  @Test
  void noErrorIsSentAboutAnError() {
    var scene = Scene.plainTunnel();
    byte[] error = Packets.ipv6(HOME, PEER, IpProtocol.ICMPV6, new byte[1452]);
    error[40] = IcmpErrors.DESTINATION_UNREACHABLE;
    scene.mobileNode.output(error);
    assertThat(scene.mobileNode.engine.counters().of(Discard.OUT_TOO_BIG)).isEqualTo(1);
    assertThat(scene.mobileNode.delivered).isEmpty();
  }

  // Super-packets.

  private static PacketBuffer superPacket(byte[] packet, Segmentation kind, int size) {
    PacketBuffer buffer = Packets.buffer(packet);
    int field = kind == Segmentation.TCP ? 16 : 6;
    // As the kernel leaves it: the pseudo-header's sum in the field.
    long sum = Wire.pseudoHeader(buffer.array(), buffer.start(), packet[6], packet.length - 40);
    Wire.putShort(buffer.array(), buffer.start() + 40 + field, Wire.fold(sum));
    buffer.setPartialChecksum(40, field);
    buffer.setSegmentation(kind, size);
    return buffer;
  }

  @Test
  void aTcpSuperPacketIsCutIntoSegments() {
    var scene = Scene.registered();
    int cwrPshFinAck = 0x80 | 0x08 | 0x01 | 0x10;
    byte[] packet = Packets.tcp(HOME, PEER, cwrPshFinAck, 60_000);
    scene.mobileNode.engine.output(superPacket(packet, Segmentation.TCP, 1300));
    int segments = (60_000 + 1299) / 1300;
    assertThat(scene.mobileNode.transmitted).hasSize(segments);
    assertThat(scene.mobileNode.engine.counters().of(Traffic.SEGMENTS)).isEqualTo(segments);
    scene.mobileNode.sendsTo(scene.homeAgent);

    var payload = new ByteArrayOutputStream();
    int sequence = 0xffff_fff0;
    for (int i = 0; i < segments; i++) {
      byte[] segment = scene.homeAgent.delivered.get(i);
      assertThat(Packets.checksum(segment, 40, IpProtocol.TCP)).as("checksum %s", i).isZero();
      assertThat(Wire.getInt(segment, 44)).isEqualTo(sequence);
      int flags = 0x10 | (i == 0 ? 0x80 : 0) | (i == segments - 1 ? 0x09 : 0);
      assertThat(segment[53] & 0xff).isEqualTo(flags);
      sequence += segment.length - 72;
      payload.write(segment, 72, segment.length - 72);
    }
    assertThat(payload.toByteArray()).isEqualTo(Arrays.copyOfRange(packet, 72, packet.length));
  }

  @Test
  void aUdpSuperPacketIsCutIntoDatagrams() {
    var scene = Scene.registered();
    byte[] packet = Packets.udp(HOME, PEER, 5_000);
    scene.mobileNode.engine.output(superPacket(packet, Segmentation.UDP, 1201));
    scene.mobileNode.sendsTo(scene.homeAgent);
    assertThat(scene.homeAgent.delivered).hasSize(5);
    for (byte[] datagram : scene.homeAgent.delivered) {
      assertThat(Packets.checksum(datagram, 40, IpProtocol.UDP)).isZero();
      assertThat(Wire.getShort(datagram, 44)).isEqualTo(datagram.length - 40);
    }
    assertThat(scene.homeAgent.delivered.get(4)).hasSize(48 + 5_000 - 4 * 1201);
  }

  @Test
  void aChecksumThatWasLeftToTheDeviceIsCompleted() {
    var scene = Scene.registered();
    byte[] packet = Packets.tcp(HOME, PEER, 0x18, 777);
    scene.mobileNode.engine.output(superPacket(packet, Segmentation.NONE, 0));
    scene.mobileNode.sendsTo(scene.homeAgent);
    // The helper knows only TCP's field; the packet comes out as it was with its checksum.
    assertThat(Packets.checksum(scene.homeAgent.onlyDelivered(), 40, IpProtocol.TCP)).isZero();
  }

  @Test
  void aSuperPacketWithSegmentsTooBigIsAnsweredOnce() {
    var scene = Scene.registered();
    byte[] packet = Packets.tcp(HOME, PEER, 0x10, 20_000);
    scene.mobileNode.engine.output(superPacket(packet, Segmentation.TCP, 1428));
    assertThat(scene.mobileNode.transmitted).isEmpty();
    assertThat(scene.mobileNode.delivered).hasSize(1);
    assertThat(Wire.getInt(scene.mobileNode.delivered.get(0), 44)).isBetween(1400, 1438);
  }

  @Test
  void aSuperPacketThatIsNoneIsRefused() {
    var scene = Scene.registered();
    scene.mobileNode.engine.output(
        superPacket(Packets.udp(HOME, PEER, 5_000), Segmentation.TCP, 1000));
    scene.mobileNode.engine.output(
        superPacket(Packets.tcp(HOME, PEER, 0x10, 5_000), Segmentation.TCP, 0));
    assertThat(scene.mobileNode.engine.counters().of(Discard.MALFORMED_SEGMENTATION)).isEqualTo(2);
  }

  // Reassembly.

  private static byte[] outer(Scene scene, int length) {
    scene.mobileNode.engine.setLinkMtu(CARE_OF, 9000);
    scene.mobileNode.output(Packets.udp(HOME, PEER, length));
    byte[] outer = scene.mobileNode.transmitted.get(0);
    scene.mobileNode.transmitted.clear();
    return outer;
  }

  @Test
  void fragmentsArriveInAnyOrderAndTwice() {
    var scene = Scene.registered();
    byte[] outer = outer(scene, 4000);
    int end = outer.length - 40;
    scene.homeAgent.input(Packets.fragment(outer, 5, 2400, end));
    scene.homeAgent.input(Packets.fragment(outer, 5, 0, 1200));
    scene.homeAgent.input(Packets.fragment(outer, 5, 0, 1200));
    scene.homeAgent.input(Packets.fragment(outer, 5, 1200, 2400));
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(Packets.udp(HOME, PEER, 4000));
    assertThat(scene.homeAgent.engine.nextDeadline()).isEmpty();
  }

  @Test
  void overlappingFragmentsMakeThePacketVoid() {
    var scene = Scene.registered();
    byte[] outer = outer(scene, 4000);
    int end = outer.length - 40;
    scene.homeAgent.input(Packets.fragment(outer, 5, 0, 1200));
    scene.homeAgent.input(Packets.fragment(outer, 5, 1192, 2400));
    scene.homeAgent.input(Packets.fragment(outer, 5, 1200, 2400));
    scene.homeAgent.input(Packets.fragment(outer, 5, 2400, end));
    assertThat(scene.homeAgent.delivered).isEmpty();
    assertThat(scene.homeAgent.engine.counters().of(Discard.REASSEMBLY_OVERLAP)).isEqualTo(3);
  }

  @Test
  void fragmentsThatWaitTooLongAreForgottenAndTold() {
    var scene = Scene.registered();
    byte[] outer = outer(scene, 4000);
    byte[] first = Packets.fragment(outer, 5, 0, 1200);
    scene.homeAgent.input(first);
    var due = TestNode.START.plusSeconds(60);
    assertThat(scene.homeAgent.engine.nextDeadline()).contains(due);
    scene.homeAgent.engine.tick(due);
    assertThat(scene.homeAgent.engine.counters().of(Discard.REASSEMBLY_TIMEOUT)).isEqualTo(1);
    byte[] error = scene.homeAgent.transmitted.get(0);
    assertThat(error[40]).isEqualTo((byte) IcmpErrors.TIME_EXCEEDED);
    assertThat(error[41]).isEqualTo((byte) IcmpErrors.CODE_REASSEMBLY_TIME_EXCEEDED);
    assertThat(Arrays.copyOfRange(error, 48, error.length)).isEqualTo(Arrays.copyOf(first, 1232));
  }

  @Test
  void oneSourceCannotTakeAllRoomForReassembly() {
    var scene = Scene.registered();
    byte[] outer = outer(scene, 4000);
    int limit = EngineSettings.DEFAULT.maxReassembliesPerSource();
    for (int id = 0; id < limit + 10; id++) {
      scene.homeAgent.input(Packets.fragment(outer, id, 0, 1200));
    }
    assertThat(scene.homeAgent.engine.counters().of(Discard.REASSEMBLY_LIMIT)).isEqualTo(10);
    scene.homeAgent.engine.tick(TestNode.START.plusSeconds(60));
    scene.homeAgent.input(Packets.fragment(outer, 0, 0, 1200));
    assertThat(scene.homeAgent.engine.counters().of(Discard.REASSEMBLY_LIMIT)).isEqualTo(10);
  }

  @Test
  void aFragmentInClearDoesNotCompleteOneFromTheTunnel() {
    var scene = Scene.registered();
    byte[] inner = Packets.udp(PEER, HOME, 2000);
    scene.homeAgent.output(Packets.fragment(inner, 7, 0, 1000));
    scene.homeAgent.sendsTo(scene.mobileNode);
    scene.mobileNode.input(Packets.fragment(inner, 7, 1000, inner.length - 40));
    assertThat(scene.mobileNode.delivered).isEmpty();
    scene.homeAgent.output(Packets.fragment(inner, 7, 1000, inner.length - 40));
    scene.homeAgent.sendsTo(scene.mobileNode);
    assertThat(scene.mobileNode.delivered).containsExactly(inner);
  }

  @Test
  void aPacketInOneFragmentIsDealtWithAlone() {
    var scene = Scene.registered();
    byte[] outer = outer(scene, 500);
    scene.homeAgent.input(Packets.fragment(outer, 5, 0, outer.length - 40));
    assertThat(scene.homeAgent.onlyDelivered()).isEqualTo(Packets.udp(HOME, PEER, 500));
  }

  @Test
  void malformedFragmentsGetTheirAnswer() {
    var scene = Scene.plainTunnel();
    byte[] outer = Packets.tunnelled(CARE_OF, AGENT, Packets.udp(HOME, PEER, 1000));
    scene.homeAgent.input(Packets.fragment(outer, 5, 0, 1003));
    byte[] error = scene.homeAgent.transmitted.remove(0);
    assertThat(error[40]).isEqualTo((byte) IcmpErrors.PARAMETER_PROBLEM);
    assertThat(Wire.getInt(error, 44)).isEqualTo(Wire.PAYLOAD_LENGTH);

    byte[] beyond = Packets.fragment(outer, 5, 0, 1000);
    Wire.putShort(beyond, 42, 0xfff8);
    scene.homeAgent.input(beyond);
    assertThat(Wire.getInt(scene.homeAgent.transmitted.remove(0), 44)).isEqualTo(42);
    assertThat(scene.homeAgent.engine.counters().of(Discard.MALFORMED_FRAGMENT)).isEqualTo(2);
  }
}
