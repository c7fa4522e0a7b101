package io.mipd.sim.run;

import com.google.common.collect.ImmutableList;
import io.mipd.host.HomeAssociations;
import io.mipd.sim.event.Randomness;
import io.mipd.sim.report.WiresharkProfile.EspKeys;
import io.mipd.sim.scenario.Scenario.MobileNodePlan;
import io.mipd.sim.scenario.Scenario.UserAssociation;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Associations and their keys, drawn by the seed and worth nothing outside of the run. The SPIs of
 * the first mobile node are those of the lab's.
 */
public final class RunKeys {
  private static final int FIRST_SPI = 0x1001;

  /** SPIs between one mobile node and the next. */
  private static final int STEP = 0x10;

  private static final int ENCRYPTION_KEY = 16;
  private static final int INTEGRITY_KEY = 32;
  private static final int REPLAY_WINDOW = 128;

  private final Randomness randomness;

  public RunKeys(Randomness randomness) {
    this.randomness = randomness;
  }

  /**
   * @param number of the mobile node, from 0
   */
  public static HomeAssociations of(int number, MobileNodePlan plan) {
    int first = FIRST_SPI + STEP * number;
    return new HomeAssociations(
        pair(first),
        Optional.of(pair(first + 6)),
        Optional.of(pair(first + 2)),
        plan.payloadIpsec() ? Optional.of(pair(first + 4)) : Optional.empty());
  }

  /** An SPI of mobility's, of so many mobile nodes. */
  static boolean isTaken(Spi spi, int mobileNodes) {
    long value = Integer.toUnsignedLong(spi.value());
    return value >= FIRST_SPI && value < FIRST_SPI + (long) STEP * mobileNodes;
  }

  private static HomeAssociations.Pair pair(int up) {
    return new HomeAssociations.Pair(new Spi(up), new Spi(up + 1), new ReqId(up));
  }

  public ImmutableList<SecurityAssociation> between(
      HomeAssociations associations, Ipv6Address home, Ipv6Address agent) {
    return associations.between(home, agent, this::withKeys);
  }

  public SecurityAssociation of(UserAssociation plan) {
    var id = new AssociationId(plan.destination(), plan.protocol(), plan.spi());
    SecurityAssociation.Builder builder =
        SecurityAssociation.builder(id, plan.source(), plan.mode())
            .reqId(plan.reqId())
            .replayWindow(REPLAY_WINDOW)
            .integrity(
                IntegrityAlgorithm.HMAC_SHA2_256_128,
                key("integrity key " + plan.spi(), INTEGRITY_KEY));
    return plan.protocol() == TransformProtocol.AH
        ? builder.encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY).build()
        : builder
            .encryption(
                EncryptionAlgorithm.AES_CBC, key("encryption key " + plan.spi(), ENCRYPTION_KEY))
            .build();
  }

  private SecurityAssociation.Builder withKeys(Spi spi, SecurityAssociation.Builder association) {
    return association
        .replayWindow(REPLAY_WINDOW)
        .encryption(EncryptionAlgorithm.AES_CBC, key("encryption key " + spi, ENCRYPTION_KEY))
        .integrity(
            IntegrityAlgorithm.HMAC_SHA2_256_128, key("integrity key " + spi, INTEGRITY_KEY));
  }

  private KeyMaterial key(String component, int octets) {
    byte[] key = new byte[octets];
    randomness.of(component).nextBytes(key);
    return KeyMaterial.copyOf(key);
  }

  /** For the profile that decrypts the captures. */
  public static EspKeys profile(SecurityAssociation association) {
    return new EspKeys(
        "0x" + Integer.toHexString(association.id().spi().value()),
        HexFormat.of().formatHex(association.encryptionKey().reveal()),
        HexFormat.of().formatHex(association.integrityKey().reveal()));
  }
}
