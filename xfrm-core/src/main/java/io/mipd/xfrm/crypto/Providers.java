package io.mipd.xfrm.crypto;

import java.security.GeneralSecurityException;
import java.security.Provider;
import javax.crypto.Cipher;
import org.jspecify.annotations.Nullable;

/**
 * Who does the arithmetic. AES-GCM is done by the Amazon Corretto Crypto Provider where somebody
 * has put it on the class path, for it is faster than the JDK's; CBC and HMAC are not faster there.
 * No provider is installed for the whole process.
 */
final class Providers {
  private static final @Nullable Provider CORRETTO = corretto();

  /** Whether a GCM cipher decrypts in place without a copy of its own. */
  static final boolean GCM_OPENS_IN_PLACE = CORRETTO != null;

  private Providers() {}

  static Cipher gcm() throws GeneralSecurityException {
    return CORRETTO == null
        ? Cipher.getInstance("AES/GCM/NoPadding")
        : Cipher.getInstance("AES/GCM/NoPadding", CORRETTO);
  }

  private static @Nullable Provider corretto() {
    try {
      Class<?> type =
          Class.forName("com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider");
      return (Provider) type.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException | LinkageError e) {
      return null; // Not there, or not for this machine: the JDK's does.
    }
  }
}
