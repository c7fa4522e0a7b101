package io.mipd.mobility.wire;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.packet.Octets;
import java.time.Duration;

/** A mobility option (RFC 6275 section 6.2). Padding is the codec's business. */
public sealed interface MobilityOption {
  int PAD1 = 0;
  int PADN = 1;
  int BINDING_REFRESH_ADVICE = 2;
  int ALTERNATE_CARE_OF_ADDRESS = 3;
  int NONCE_INDICES = 4;
  int BINDING_AUTHORIZATION_DATA = 5;

  /** Its type on the wire. */
  int type();

  /**
   * When the home agent would like the next home registration (section 6.2.4).
   *
   * @param units of four seconds, 0 to 65535
   */
  record BindingRefreshAdvice(int units) implements MobilityOption {
    public BindingRefreshAdvice {
      checkArgument(units >= 0 && units <= 0xffff, "not 16 bits: %s", units);
    }

    public Duration asDuration() {
      return Duration.ofSeconds(4L * units);
    }

    @Override
    public int type() {
      return BINDING_REFRESH_ADVICE;
    }
  }

  /** The care-of address to bind, instead of the packet's source (section 6.2.5). */
  record AlternateCareOfAddress(CareOfAddress careOf) implements MobilityOption {
    @Override
    public int type() {
      return ALTERNATE_CARE_OF_ADDRESS;
    }
  }

  /** Which nonces the correspondent shall take (section 6.2.6). */
  record NonceIndices(int home, int careOf) implements MobilityOption {
    public NonceIndices {
      checkArgument(home >= 0 && home <= 0xffff, "not 16 bits: %s", home);
      checkArgument(careOf >= 0 && careOf <= 0xffff, "not 16 bits: %s", careOf);
    }

    @Override
    public int type() {
      return NONCE_INDICES;
    }
  }

  /**
   * Proof that the sender holds the binding management key (section 6.2.7); the last option.
   *
   * @param mhData what it vouches for beside the addresses, octet for octet as it was sent, with
   *     the padding and the reserved bits that the message's values do not keep: the Mobility
   *     Header up to the authenticator, its checksum zero. On the wire it is the message itself
   */
  record BindingAuthorizationData(Octets authenticator, Octets mhData) implements MobilityOption {
    @Override
    public int type() {
      return BINDING_AUTHORIZATION_DATA;
    }

    @Override
    public String toString() {
      return "BindingAuthorizationData[authenticator=" + authenticator + "]";
    }
  }

  /** An option that we do not know; skipped by who receives it (section 6.2.1), kept by us. */
  record Unknown(int type, Octets data) implements MobilityOption {
    public Unknown {
      checkArgument(type > PADN && type <= 255, "not the type of an option: %s", type);
      checkArgument(data.length() <= 255, "too long: %s", data.length());
    }
  }
}
