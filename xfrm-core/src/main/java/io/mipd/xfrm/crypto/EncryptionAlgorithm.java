package io.mipd.xfrm.crypto;

/**
 * Encryption of ESP: what RFC 8221 section 5 lets an implementation offer, of which we do these.
 */
public enum EncryptionAlgorithm {
  /** No encryption (RFC 2410), for experiments; needs an integrity algorithm. */
  NULL("ecb(cipher_null)", 0, 1, false),
  /** AES-CBC (RFC 3602), keys of 128, 192 or 256 bits. */
  AES_CBC("cbc(aes)", 16, 16, false),
  /** AES-GCM with a 16-octet ICV (RFC 4106): combined mode; the key ends in a 4-octet salt. */
  AES_GCM_16("rfc4106(gcm(aes))", 8, 1, true);

  private final String kernelName;
  private final int ivLength;
  private final int blockLength;
  private final boolean combined;

  EncryptionAlgorithm(String kernelName, int ivLength, int blockLength, boolean combined) {
    this.kernelName = kernelName;
    this.ivLength = ivLength;
    this.blockLength = blockLength;
    this.combined = combined;
  }

  /** As {@code ip xfrm state} names it. */
  public String kernelName() {
    return kernelName;
  }

  /** Octets of initialization vector at the head of the ESP payload. */
  public int ivLength() {
    return ivLength;
  }

  /** Octets that the encrypted part must be a multiple of, beside ESP's own four. */
  public int blockLength() {
    return blockLength;
  }

  /** Whether it authenticates too, so that no integrity algorithm goes with it. */
  public boolean isCombined() {
    return combined;
  }

  /**
   * Whether a repeated nonce under the same key breaks it, so that keys configured by hand must not
   * be used with it (RFC 8221 section 3, RFC 4106 section 2).
   */
  public boolean isCounterMode() {
    return this == AES_GCM_16;
  }

  /** Whether {@code octets} of key material, salt included, are a key of this algorithm. */
  public boolean acceptsKeyLength(int octets) {
    return switch (this) {
      case NULL -> octets == 0;
      case AES_CBC -> octets == 16 || octets == 24 || octets == 32;
      case AES_GCM_16 -> octets == 16 + SALT_LENGTH || octets == 32 + SALT_LENGTH;
    };
  }

  /** Octets of salt at the end of an AES-GCM key (RFC 4106 section 8.1). */
  public static final int SALT_LENGTH = 4;
}
