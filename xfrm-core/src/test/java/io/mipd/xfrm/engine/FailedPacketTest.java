package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.Discard;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What ICMPv6 errors tell of packets of mobility's (RFC 6275 sections 9.3.4 and 11.3.5). */
class FailedPacketTest {
  private static final Ipv6Address ROUTER = Ipv6Address.parse("2001:db8:a::1");
  private static final int HOME_TEST_INIT = 1;
  private static final int CARE_OF_TEST_INIT = 2;

  private final Scene scene = Scene.registered();
  private final TestNode mobileNode = scene.mobileNode;

  private static byte[] unreachable(Ipv6Address to, byte[] quoted) {
    return Packets.error(ROUTER, to, IcmpErrors.DESTINATION_UNREACHABLE, 3, 0, quoted);
  }

  private static byte[] unrecognized(Ipv6Address to, byte[] quoted) {
    return Packets.error(PEER, to, IcmpErrors.PARAMETER_PROBLEM, 1, Wire.NEXT_HEADER, quoted);
  }

  @Test
  void tellsBothAddressesOfAPacketWithAHomeAddressOption() {
    byte[] direct = Packets.withHomeAddress(Packets.udp(CARE_OF, PEER, 100), HOME);
    byte[] error = unreachable(CARE_OF, direct);
    assertThat(mobileNode.claims(error)).isTrue();
    mobileNode.input(error);
    assertThat(mobileNode.failed)
        .containsExactly(new FailedPacket(1, 3, CARE_OF, PEER, HOME, PEER, IpProtocol.UDP));
    assertThat(mobileNode.delivered).isEmpty();
  }

  @Test
  void tellsBothAddressesOfAPacketWithARoutingHeader() {
    byte[] direct = Packets.withRoutingHeader(Packets.udp(AGENT, CARE_OF, 100), HOME, 1);
    scene.homeAgent.input(unreachable(AGENT, direct));
    assertThat(scene.homeAgent.failed)
        .containsExactly(new FailedPacket(1, 3, AGENT, CARE_OF, AGENT, HOME, IpProtocol.UDP));
  }

  @Test
  void tellsWhoDoesNotKnowTheMobilityHeader() {
    byte[] error = unrecognized(CARE_OF, Packets.mobility(CARE_OF, PEER, CARE_OF_TEST_INIT));
    assertThat(mobileNode.claims(error)).isTrue();
    mobileNode.input(error);
    assertThat(mobileNode.failed)
        .singleElement()
        .matches(FailedPacket::isUnrecognizedMobilityHeader)
        .returns(CARE_OF, FailedPacket::wireSource);
  }

  /** A Home Test Init goes through the tunnel, and so does what is said about it. */
  @Test
  void tellsItOfWhatCameThroughTheTunnel() {
    byte[] error = unrecognized(HOME, Packets.mobility(HOME, PEER, HOME_TEST_INIT));
    scene.homeAgent.output(error);
    scene.homeAgent.sendsTo(mobileNode);
    assertThat(mobileNode.failed)
        .singleElement()
        .matches(FailedPacket::isUnrecognizedMobilityHeader)
        .returns(HOME, FailedPacket::wireSource);
  }

  /** Somebody on the foreign link says so, whom policy does not let speak to the home address. */
  @Test
  void doesNotTellItOfWhatCameToTheHomeAddressOtherwise() {
    mobileNode.input(unrecognized(HOME, Packets.mobility(HOME, PEER, HOME_TEST_INIT)));
    assertThat(mobileNode.failed).isEmpty();
    mobileNode.hasRefused(Discard.IN_TEMPLATE_MISMATCH);
  }

  /** Packets of others, and such as are none of mobility's, are left to the kernel. */
  @Test
  void tellsOfNothingElse() {
    assertThat(mobileNode.claims(unreachable(CARE_OF, Packets.udp(CARE_OF, PEER, 100)))).isFalse();
    byte[] ofOther = Packets.withHomeAddress(Packets.udp(ROUTER, PEER, 100), HOME);
    assertThat(mobileNode.claims(unreachable(CARE_OF, ofOther))).isFalse();
  }

  /** As {@link FailedPacket#read} finds it, for whoever hears of it otherwise. */
  @Test
  void readsWhatIsThere() {
    byte[] direct = Packets.withHomeAddress(Packets.mobility(CARE_OF, PEER, 5), HOME);
    byte[] packet = unrecognized(CARE_OF, direct);
    byte[] message = Arrays.copyOfRange(packet, 40, packet.length);
    var whole = new FailedPacket(4, 1, CARE_OF, PEER, HOME, PEER, IpProtocol.MOBILITY);
    assertThat(FailedPacket.read(message)).hasValue(whole);
    for (int length = 0; length < message.length; length++) {
      var read = FailedPacket.read(Arrays.copyOf(message, length));
      assertThat(read.isPresent()).as("length %s", length).isEqualTo(length >= 48);
      read.filter(FailedPacket::isUnrecognizedMobilityHeader)
          .ifPresent(it -> assertThat(it).isEqualTo(whole));
    }
    message[0] = (byte) 128;
    assertThat(FailedPacket.read(message)).isEmpty();
  }
}
