package io.mipd.mobility.rr;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.primitives.Bytes;
import com.google.common.primitives.Longs;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.KeygenToken;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.MobilityOption.BindingAuthorizationData;
import io.mipd.xfrm.crypto.Hmac;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.crypto.Sha1;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Octets;
import java.util.Optional;
import java.util.function.Function;

/**
 * Kbm: who has it can be reached at both addresses (RFC 6275 section 5.2.5). It authenticates
 * Binding Updates to correspondent nodes, and their acknowledgements:
 *
 * <pre>
 * Mobility Data = care-of address | correspondent | MH Data
 * Authenticator = First (96, HMAC_SHA1 (Kbm, Mobility Data))                    section 6.2.7
 * </pre>
 *
 * The care-of address is the one that the update asks to bind, of an Alternate Care-of Address
 * option if it has one; the home address where the update asks to delete the binding. The
 * correspondent's address is the stable one: its home address, if it is mobile itself. Prints
 * nothing of the secret.
 */
public final class BindingManagementKey {
  private static final IntegrityAlgorithm ALGORITHM = IntegrityAlgorithm.HMAC_SHA1_96;

  private static final BindingAuthorizationData BLANK =
      new BindingAuthorizationData(Octets.of(new byte[ALGORITHM.icvLength()]), Octets.EMPTY);

  private final KeyMaterial key;

  private BindingManagementKey(byte[] tokens) {
    key = Sha1.of(KeyMaterial.copyOf(tokens));
  }

  /** Kbm = SHA-1 (home keygen token | care-of keygen token). */
  public static BindingManagementKey of(KeygenToken home, KeygenToken careOf) {
    return new BindingManagementKey(
        Bytes.concat(Longs.toByteArray(home.value()), Longs.toByteArray(careOf.value())));
  }

  /** To delete a binding: Kbm = SHA-1 (home keygen token). */
  public static BindingManagementKey forDeletion(KeygenToken home) {
    return new BindingManagementKey(Longs.toByteArray(home.value()));
  }

  /**
   * The update with its authenticator.
   *
   * @param update complete but for the Binding Authorization Data option
   * @param careOf the care-of address to bind; the home address in a deletion
   */
  public BindingUpdate authorize(
      BindingUpdate update, CareOfAddress careOf, Ipv6Address correspondent) {
    return prove(
        proof ->
            new BindingUpdate(
                update.sequence(),
                update.flags(),
                update.lifetime(),
                with(update.options(), proof)),
        careOf,
        correspondent);
  }

  /**
   * The acknowledgement with its authenticator.
   *
   * @param acknowledgement complete but for the Binding Authorization Data option
   * @param careOf as in the update that it answers
   */
  public BindingAcknowledgement authorize(
      BindingAcknowledgement acknowledgement, CareOfAddress careOf, Ipv6Address correspondent) {
    return prove(
        proof ->
            new BindingAcknowledgement(
                acknowledgement.status(),
                acknowledgement.keyManagement(),
                acknowledgement.sequence(),
                acknowledgement.lifetime(),
                with(acknowledgement.options(), proof)),
        careOf,
        correspondent);
  }

  /**
   * Whether a message that has arrived carries its authenticator; takes as long wherever that
   * differs. Compared over what was sent, octet for octet, not over the values read from it.
   *
   * @param careOf as in {@link #authorize}
   */
  public boolean vouchesFor(
      MobilityMessage message, CareOfAddress careOf, Ipv6Address correspondent) {
    Optional<BindingAuthorizationData> proof = message.option(BindingAuthorizationData.class);
    return proof.isPresent()
        && proof.get().authenticator().length() == ALGORITHM.icvLength()
        && over(careOf, correspondent, proof.get().mhData())
            .verify(proof.get().authenticator().toArray(), 0);
  }

  private <T extends MobilityMessage> T prove(
      Function<MobilityOption, T> message, CareOfAddress careOf, Ipv6Address correspondent) {
    Octets mhData = MobilityCodec.mhData(message.apply(BLANK), ALGORITHM.icvLength());
    byte[] authenticator = new byte[ALGORITHM.icvLength()];
    over(careOf, correspondent, mhData).finish(authenticator, 0);
    return message.apply(new BindingAuthorizationData(Octets.of(authenticator), mhData));
  }

  private Hmac over(CareOfAddress careOf, Ipv6Address correspondent, Octets mhData) {
    var hmac = new Hmac(ALGORITHM, key);
    hmac.update(careOf.value().toOctets(), 0, Ipv6Address.LENGTH);
    hmac.update(correspondent.toOctets(), 0, Ipv6Address.LENGTH);
    hmac.update(mhData.toArray(), 0, mhData.length());
    return hmac;
  }

  private static ImmutableList<MobilityOption> with(
      ImmutableList<MobilityOption> options, MobilityOption proof) {
    checkArgument(
        options.stream().noneMatch(BindingAuthorizationData.class::isInstance),
        "it is authorized already");
    return ImmutableList.<MobilityOption>builder().addAll(options).add(proof).build();
  }

  @Override
  public String toString() {
    return "binding management key";
  }
}
