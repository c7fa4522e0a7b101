package io.mipd.xfrm.crypto;

import static com.google.common.base.Preconditions.checkArgument;

import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A truncated HMAC (RFC 2404, RFC 4868) over parts of packets. For one thread. */
public final class Hmac {
  private final Mac mac;
  private final int icvLength;
  private final byte[] full;

  /**
   * @throws IllegalArgumentException for {@link IntegrityAlgorithm#NONE}
   */
  public Hmac(IntegrityAlgorithm algorithm, KeyMaterial key) {
    checkArgument(algorithm != IntegrityAlgorithm.NONE, "no integrity algorithm");
    String name = algorithm == IntegrityAlgorithm.HMAC_SHA1_96 ? "HmacSHA1" : "HmacSHA256";
    try {
      mac = Mac.getInstance(name);
      mac.init(new SecretKeySpec(key.reveal(), name));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has " + name, e);
    }
    icvLength = algorithm.icvLength();
    full = new byte[mac.getMacLength()];
  }

  public void update(byte[] array, int offset, int length) {
    mac.update(array, offset, length);
  }

  /** Four octets in network order. */
  public void update(int word) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      mac.update((byte) (word >>> shift));
    }
  }

  /** Writes the integrity check value of what was given since the last. */
  public void finish(byte[] array, int offset) {
    finish();
    System.arraycopy(full, 0, array, offset, icvLength);
  }

  /** Whether it stands there; takes as long wherever it differs. */
  public boolean verify(byte[] array, int offset) {
    finish();
    int difference = 0;
    for (int i = 0; i < icvLength; i++) {
      difference |= full[i] ^ array[offset + i];
    }
    return difference == 0;
  }

  private void finish() {
    try {
      mac.doFinal(full, 0);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the buffer has the length of the value", e);
    }
  }
}
