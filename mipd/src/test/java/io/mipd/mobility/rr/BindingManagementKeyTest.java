package io.mipd.mobility.rr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.Captures;
import io.mipd.mobility.wire.Captures.Captured;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.KeygenToken;
import io.mipd.mobility.wire.MobilityOption.BindingAuthorizationData;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Against messages of another implementation (the captures' README says which). */
class BindingManagementKeyTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse("2001:db8:c::c");
  private static final CareOfAddress CARE_OF =
      new CareOfAddress(Ipv6Address.parse("2001:db8:a::ff:fe00:aa"));
  private static final CareOfAddress AT_HOME = new CareOfAddress(HOME);

  private static <T extends MobilityMessage> T message(String name, Class<T> kind)
      throws IOException, MalformedPacketException {
    return kind.cast(Captures.first(name, kind).message());
  }

  private static final String ROUTE_OPTIMIZATION = "rr-and-route-optimization-cn";
  private static final String RETURNING_HOME = "esp-registration-rr-core";

  private static BindingManagementKey capturedKey() throws IOException, MalformedPacketException {
    return BindingManagementKey.of(
        message(ROUTE_OPTIMIZATION, HomeTest.class).token(),
        message(ROUTE_OPTIMIZATION, CareOfTest.class).token());
  }

  private static BindingUpdate withoutProof(BindingUpdate update) {
    return new BindingUpdate(
        update.sequence(),
        update.flags(),
        update.lifetime(),
        update.options().stream()
            .filter(option -> !(option instanceof BindingAuthorizationData))
            .collect(ImmutableList.toImmutableList()));
  }

  private static String hex(MobilityMessage message, Captured as) {
    ByteBuf out = Unpooled.buffer();
    MobilityCodec.encode(message, as.packet().stableSource(), as.packet().stableDestination(), out);
    return ByteBufUtil.hexDump(out);
  }

  @Test
  void vouchesForACapturedUpdate() throws Exception {
    BindingUpdate update = message(ROUTE_OPTIMIZATION, BindingUpdate.class);
    BindingManagementKey key = capturedKey();
    assertThat(key.vouchesFor(update, CARE_OF, CORRESPONDENT)).isTrue();

    assertThat(key.vouchesFor(update, AT_HOME, CORRESPONDENT)).isFalse();
    assertThat(key.vouchesFor(update, CARE_OF, HOME)).isFalse();
    KeygenToken home = message(ROUTE_OPTIMIZATION, HomeTest.class).token();
    KeygenToken careOf = message(ROUTE_OPTIMIZATION, CareOfTest.class).token();
    assertThat(
            BindingManagementKey.of(/* home= */ careOf, /* careOf= */ home)
                .vouchesFor(update, CARE_OF, CORRESPONDENT))
        .isFalse();
    assertThat(BindingManagementKey.forDeletion(home).vouchesFor(update, CARE_OF, CORRESPONDENT))
        .isFalse();
  }

  @Test
  void makesTheCapturedUpdateOctetForOctet() throws Exception {
    Captured captured = Captures.first(ROUTE_OPTIMIZATION, BindingUpdate.class);
    BindingUpdate update = (BindingUpdate) captured.message();
    BindingUpdate ours = capturedKey().authorize(withoutProof(update), CARE_OF, CORRESPONDENT);
    assertThat(ours).isEqualTo(update);
    assertThat(hex(ours, captured)).isEqualTo(captured.packet().payload().toString());
  }

  /** Of a mobile node that has come home: lifetime zero, from the home address. */
  @Test
  void makesTheCapturedDeletionFromTheHomeTokenAlone() throws Exception {
    Captured captured = Captures.first(RETURNING_HOME, BindingUpdate.class);
    BindingUpdate update = (BindingUpdate) captured.message();
    assertThat(update.lifetime()).isEqualTo(BindingLifetime.DEREGISTER);
    var key = BindingManagementKey.forDeletion(message(RETURNING_HOME, HomeTest.class).token());
    assertThat(key.vouchesFor(update, AT_HOME, CORRESPONDENT)).isTrue();
    assertThat(key.vouchesFor(update, CARE_OF, CORRESPONDENT)).isFalse();
    assertThat(hex(key.authorize(withoutProof(update), AT_HOME, CORRESPONDENT), captured))
        .isEqualTo(captured.packet().payload().toString());
  }

  /**
   * The captures have no acknowledgement of a correspondent: that mobile node asks for none. This
   * one was written out by hand, and its authenticator computed with Python's hmac and hashlib from
   * the captured tokens.
   */
  @Test
  void authenticatesAnAcknowledgement() throws Exception {
    var acknowledgement =
        new BindingAcknowledgement(
            BindingStatus.ACCEPTED,
            false,
            new SequenceNumber(63767),
            new BindingLifetime(105),
            ImmutableList.of());
    BindingAcknowledgement ours = capturedKey().authorize(acknowledgement, CARE_OF, CORRESPONDENT);
    assertThat(ours.options())
        .containsExactly(
            new BindingAuthorizationData(
                Octets.parse("98ec463094484cb267424944"),
                Octets.parse("3b030600000000" + "00f9170069" + "010400000000" + "050c")));
    assertThat(capturedKey().vouchesFor(ours, CARE_OF, CORRESPONDENT)).isTrue();
  }

  /** Each octet of the message, the padding and the reserved bits included, but the checksum. */
  @Test
  void coversEveryBit() throws Exception {
    Captured captured = Captures.first(ROUTE_OPTIMIZATION, BindingUpdate.class);
    BindingAuthorizationData proof =
        captured.message().option(BindingAuthorizationData.class).orElseThrow();
    BindingManagementKey key = capturedKey();
    byte[] covered = proof.mhData().toArray();
    for (int bit = 0; bit < 8 * covered.length; bit++) {
      byte[] changed = covered.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(key.vouchesFor(proven(proof.authenticator(), changed), CARE_OF, CORRESPONDENT))
          .as("bit %s", bit)
          .isFalse();
    }
    byte[] authenticator = proof.authenticator().toArray();
    for (int bit = 0; bit < 8 * authenticator.length; bit++) {
      byte[] changed = authenticator.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(key.vouchesFor(proven(Octets.of(changed), covered), CARE_OF, CORRESPONDENT))
          .as("bit %s of the authenticator", bit)
          .isFalse();
    }
    assertThat(key.vouchesFor(proven(proof.authenticator(), covered), CARE_OF, CORRESPONDENT))
        .isTrue();
  }

  private static BindingUpdate proven(Octets authenticator, byte[] mhData) {
    return new BindingUpdate(
        new SequenceNumber(1),
        ImmutableSet.of(),
        new BindingLifetime(1),
        ImmutableList.of(new BindingAuthorizationData(authenticator, Octets.of(mhData))));
  }

  @Test
  void refusesAnAuthenticatorOfAnotherLengthOrNone() throws Exception {
    BindingUpdate update = message(ROUTE_OPTIMIZATION, BindingUpdate.class);
    BindingAuthorizationData proof = update.option(BindingAuthorizationData.class).orElseThrow();
    String right = proof.authenticator().toString();
    BindingManagementKey key = capturedKey();
    for (String wrong : new String[] {"", right.substring(2), right + "00", right + right}) {
      assertThat(
              key.vouchesFor(
                  proven(Octets.parse(wrong), proof.mhData().toArray()), CARE_OF, CORRESPONDENT))
          .as(wrong)
          .isFalse();
    }
    assertThat(key.vouchesFor(withoutProof(update), CARE_OF, CORRESPONDENT)).isFalse();
  }

  @Test
  void authorizesNothingTwice() throws Exception {
    BindingUpdate update = message(ROUTE_OPTIMIZATION, BindingUpdate.class);
    BindingManagementKey key = capturedKey();
    assertThatThrownBy(() -> key.authorize(update, CARE_OF, CORRESPONDENT))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void printsNoSecret() throws Exception {
    assertThat(capturedKey()).hasToString("binding management key");
    assertThat(message(ROUTE_OPTIMIZATION, HomeTest.class).toString())
        .doesNotContain("6c60b343")
        .doesNotContain(Long.toString(0x6c60b3436f9f995dL));
    assertThat(new Nonces(() -> 7).issue(Instant.EPOCH, AT_HOME).toString())
        .contains("keygen token,");
  }
}
