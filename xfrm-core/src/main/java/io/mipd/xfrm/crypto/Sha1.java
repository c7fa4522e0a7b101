package io.mipd.xfrm.crypto;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;

/** SHA-1 of secrets, for a protocol that makes its keys with it. */
public final class Sha1 {
  private Sha1() {}

  /** Twenty octets, as secret as what they are made of. */
  public static KeyMaterial of(KeyMaterial secret) {
    try {
      return KeyMaterial.copyOf(MessageDigest.getInstance("SHA-1").digest(secret.reveal()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has SHA-1", e);
    }
  }
}
