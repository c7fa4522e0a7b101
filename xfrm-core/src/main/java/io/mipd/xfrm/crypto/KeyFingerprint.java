package io.mipd.xfrm.crypto;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A name for a pair of keys that tells whether they are the same, and nothing else about them. */
public final class KeyFingerprint {
  private static final byte[] PURPOSE =
      "mipd sequence numbers 1".getBytes(StandardCharsets.US_ASCII);
  private static final int OCTETS = 8;

  private KeyFingerprint() {}

  /** Sixteen hexadecimal digits. */
  public static String of(KeyMaterial encryption, KeyMaterial integrity) {
    byte[] first = encryption.reveal();
    byte[] second = integrity.reveal();
    byte[] both = new byte[first.length + second.length + 1];
    both[0] = (byte) first.length;
    System.arraycopy(first, 0, both, 1, first.length);
    System.arraycopy(second, 0, both, 1 + first.length, second.length);
    try {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(both, "HmacSHA256"));
      return HexFormat.of().formatHex(mac.doFinal(PURPOSE), 0, OCTETS);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has HmacSHA256", e);
    }
  }
}
