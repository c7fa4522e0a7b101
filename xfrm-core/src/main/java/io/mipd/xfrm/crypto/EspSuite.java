package io.mipd.xfrm.crypto;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The algorithms of one ESP association at work, in place on an array. For one thread. The part of
 * the packet that it sees, offsets from {@code esp}:
 *
 * <pre>
 *   +---------------------------------------------------------------+
 *   |              Security Parameters Index (SPI)                  | 0
 *   +---------------------------------------------------------------+
 *   |                      Sequence Number                          | 4
 *   +---------------------------------------------------------------+
 *   |                  IV (ivLength octets)                         | 8
 *   +---------------------------------------------------------------+
 *   |   text: payload, padding, Pad Length, Next Header             | 8 + ivLength
 *   +---------------------------------------------------------------+
 *   |                  ICV (icvLength octets)                       |
 *   +---------------------------------------------------------------+
 * </pre>
 *
 * RFC 4303 section 2. With extended sequence numbers the high-order half is authenticated without
 * being sent (section 2.2.1).
 */
public abstract class EspSuite {
  static final int HEADER = 8;

  private final int ivLength;
  private final int blockLength;
  private final int icvLength;

  private EspSuite(int ivLength, int blockLength, int icvLength) {
    this.ivLength = ivLength;
    this.blockLength = blockLength;
    this.icvLength = icvLength;
  }

  /**
   * @param extended whether sequence numbers have 64 bits
   */
  public static EspSuite of(
      EncryptionAlgorithm encryption,
      KeyMaterial encryptionKey,
      IntegrityAlgorithm integrity,
      KeyMaterial integrityKey,
      boolean extended) {
    return of(encryption, encryptionKey, integrity, integrityKey, extended, new SecureRandom());
  }

  /**
   * @param extended whether sequence numbers have 64 bits
   * @param random for initialization vectors; must not be predictable outside simulations
   */
  public static EspSuite of(
      EncryptionAlgorithm encryption,
      KeyMaterial encryptionKey,
      IntegrityAlgorithm integrity,
      KeyMaterial integrityKey,
      boolean extended,
      RandomGenerator random) {
    return switch (encryption) {
      case NULL -> new Authenticated(integrity, integrityKey, extended);
      case AES_CBC -> new Cbc(encryptionKey, integrity, integrityKey, extended, random);
      case AES_GCM_16 -> new Gcm(encryptionKey, extended);
    };
  }

  public final int ivLength() {
    return ivLength;
  }

  /** The text must be a multiple of this, and of four (RFC 4303 section 2.4). */
  public final int blockLength() {
    return blockLength;
  }

  public final int icvLength() {
    return icvLength;
  }

  /**
   * Encrypts the text, and writes IV and ICV.
   *
   * @param length of the text
   */
  public abstract void seal(byte[] array, int esp, int length, long sequence);

  /**
   * Whether the ICV is right; then the text is decrypted. If not, the text is undefined.
   *
   * @param length of the text
   */
  public abstract boolean open(byte[] array, int esp, int length, long sequence);

  private static IllegalStateException unexpected(GeneralSecurityException e) {
    // Lengths and parameters are ours; what comes from outside is compared, never trusted.
    return new IllegalStateException("a cipher that was set up fails: " + e.getMessage(), e);
  }

  /** HMAC over all from the SPI on (RFC 4303 section 3.3.2.1), and no encryption (RFC 2410). */
  private static class Authenticated extends EspSuite {
    private final Hmac hmac;
    private final boolean extended;

    Authenticated(IntegrityAlgorithm integrity, KeyMaterial key, boolean extended) {
      this(0, 1, integrity, key, extended);
    }

    Authenticated(
        int ivLength,
        int blockLength,
        IntegrityAlgorithm integrity,
        KeyMaterial key,
        boolean extended) {
      super(ivLength, blockLength, integrity.icvLength());
      hmac = new Hmac(integrity, key);
      this.extended = extended;
    }

    @Override
    public void seal(byte[] array, int esp, int length, long sequence) {
      int icv = esp + HEADER + ivLength() + length;
      cover(array, esp, icv, sequence);
      hmac.finish(array, icv);
    }

    @Override
    public boolean open(byte[] array, int esp, int length, long sequence) {
      int icv = esp + HEADER + ivLength() + length;
      cover(array, esp, icv, sequence);
      return hmac.verify(array, icv);
    }

    private void cover(byte[] array, int esp, int end, long sequence) {
      hmac.update(array, esp, end - esp);
      if (extended) {
        hmac.update((int) (sequence >>> 32));
      }
    }
  }

  /**
   * AES-CBC (RFC 3602), then HMAC. The cipher is set up once, with an IV of zero, and the IV of a
   * packet is what it makes of a block that never repeats: the forward cipher over a nonce, so that
   * nobody can predict it (NIST SP 800-38A appendix C). Decrypting the IV as if it were the first
   * block leaves the rest right, for a block depends on the one before it only. So no packet needs
   * an initialization, which costs more than a small packet's encryption.
   */
  private static final class Cbc extends Authenticated {
    private static final int BLOCK = 16;

    /** A multiple of the block; the JDK's CBC copies what it is to do in place, so we do. */
    private static final int CHUNK = 2048;

    private final KeyMaterial key;

    /** Of an association that goes one way one is enough, and each is some KiB. */
    private @Nullable Cipher encrypt;

    private @Nullable Cipher decrypt;
    private final byte[] nonce = new byte[BLOCK];

    /** As large as what has been done at once so far, for there may be very many of us. */
    private byte[] chunk = {};

    Cbc(
        KeyMaterial key,
        IntegrityAlgorithm integrity,
        KeyMaterial integrityKey,
        boolean extended,
        RandomGenerator random) {
      super(BLOCK, BLOCK, integrity, integrityKey, extended);
      random.nextBytes(nonce);
      this.key = key;
    }

    private Cipher cipher(int mode) {
      byte[] octets = key.reveal();
      try {
        Cipher cipher = Cipher.getInstance("AES/CBC/NoPadding");
        cipher.init(mode, new SecretKeySpec(octets, "AES"), new IvParameterSpec(new byte[BLOCK]));
        return cipher;
      } catch (GeneralSecurityException e) {
        throw unexpected(e);
      } finally {
        Arrays.fill(octets, (byte) 0);
      }
    }

    @Override
    public void seal(byte[] array, int esp, int length, long sequence) {
      for (int i = BLOCK - 1; i >= 0 && ++nonce[i] == 0; i--) {
        // carries on
      }
      int iv = esp + HEADER;
      System.arraycopy(nonce, 0, array, iv, BLOCK);
      Cipher cipher = encrypt;
      if (cipher == null) {
        cipher = cipher(Cipher.ENCRYPT_MODE);
        encrypt = cipher;
      }
      run(cipher, array, iv, BLOCK + length);
      super.seal(array, esp, length, sequence);
    }

    @Override
    public boolean open(byte[] array, int esp, int length, long sequence) {
      if (length % BLOCK != 0 || !super.open(array, esp, length, sequence)) {
        return false;
      }
      Cipher cipher = decrypt;
      if (cipher == null) {
        cipher = cipher(Cipher.DECRYPT_MODE);
        decrypt = cipher;
      }
      run(cipher, array, esp + HEADER, BLOCK + length);
      return true;
    }

    private void run(Cipher cipher, byte[] array, int from, int length) {
      try {
        int at = from;
        int left = length;
        int most = Math.min(length, CHUNK);
        if (chunk.length < most) {
          chunk = new byte[Math.min(2 * Integer.highestOneBit(most), CHUNK)];
        }
        while (left > CHUNK) {
          cipher.update(array, at, CHUNK, chunk, 0);
          System.arraycopy(chunk, 0, array, at, CHUNK);
          at += CHUNK;
          left -= CHUNK;
        }
        cipher.doFinal(array, at, left, chunk, 0);
        System.arraycopy(chunk, 0, array, at, left);
      } catch (GeneralSecurityException e) {
        throw unexpected(e);
      }
    }
  }

  /**
   * AES-GCM with an ICV of 16 octets (RFC 4106). The IV is the sequence number, which never repeats
   * under a key, for keys that are negotiated.
   */
  private static final class Gcm extends EspSuite {
    private static final int IV = 8;
    private static final int ICV = 16;
    private static final int SALT = EncryptionAlgorithm.SALT_LENGTH;

    private final SecretKeySpec key;
    private final Cipher cipher;
    private final byte[] nonce = new byte[SALT + IV];
    private final byte[] extendedAad = new byte[12];
    private final boolean extended;
    private byte[] scratch = new byte[2048];

    Gcm(KeyMaterial material, boolean extended) {
      super(IV, 1, ICV);
      this.extended = extended;
      byte[] octets = material.reveal();
      int keyLength = octets.length - SALT;
      key = new SecretKeySpec(octets, 0, keyLength, "AES");
      System.arraycopy(octets, keyLength, nonce, 0, SALT);
      Arrays.fill(octets, (byte) 0);
      try {
        cipher = Providers.gcm();
      } catch (GeneralSecurityException e) {
        throw unexpected(e);
      }
    }

    @Override
    public void seal(byte[] array, int esp, int length, long sequence) {
      int iv = esp + HEADER;
      int text = iv + IV;
      putLong(array, iv, sequence);
      try {
        begin(Cipher.ENCRYPT_MODE, array, esp, sequence);
        cipher.doFinal(array, text, length, array, text);
      } catch (GeneralSecurityException e) {
        throw unexpected(e);
      }
    }

    @Override
    public boolean open(byte[] array, int esp, int length, long sequence) {
      int text = esp + HEADER + IV;
      try {
        begin(Cipher.DECRYPT_MODE, array, esp, sequence);
        if (Providers.GCM_OPENS_IN_PLACE) {
          cipher.doFinal(array, text, length + ICV, array, text);
        } else {
          // The JDK's would make an array as long as the whole buffer.
          reserve(length + ICV);
          cipher.doFinal(array, text, length + ICV, scratch, 0);
          System.arraycopy(scratch, 0, array, text, length);
        }
        return true;
      } catch (AEADBadTagException e) {
        return false;
      } catch (GeneralSecurityException e) {
        throw unexpected(e);
      }
    }

    private void reserve(int octets) {
      if (scratch.length < octets) {
        scratch = new byte[octets];
      }
    }

    private void begin(int mode, byte[] array, int esp, long sequence)
        throws GeneralSecurityException {
      System.arraycopy(array, esp + HEADER, nonce, SALT, IV);
      cipher.init(mode, key, new GCMParameterSpec(8 * ICV, nonce));
      if (extended) {
        // RFC 4106 section 5: SPI and the whole 64-bit number.
        System.arraycopy(array, esp, extendedAad, 0, 4);
        putLong(extendedAad, 4, sequence);
        cipher.updateAAD(extendedAad);
      } else {
        cipher.updateAAD(array, esp, HEADER);
      }
    }

    private static void putLong(byte[] array, int at, long value) {
      for (int i = 0; i < 8; i++) {
        array[at + i] = (byte) (value >>> (56 - 8 * i));
      }
    }
  }
}
