package io.mipd.xfrm.crypto;

/** Integrity of ESP and AH (RFC 8221 section 6). */
public enum IntegrityAlgorithm {
  /** Only with a combined-mode encryption algorithm. */
  NONE("", 0, 0),
  /** RFC 2404. */
  HMAC_SHA1_96("hmac(sha1)", 20, 12),
  /** RFC 4868. */
  HMAC_SHA2_256_128("hmac(sha256)", 32, 16);

  private final String kernelName;
  private final int keyLength;
  private final int icvLength;

  IntegrityAlgorithm(String kernelName, int keyLength, int icvLength) {
    this.kernelName = kernelName;
    this.keyLength = keyLength;
    this.icvLength = icvLength;
  }

  /** As {@code ip xfrm state} names it. */
  public String kernelName() {
    return kernelName;
  }

  /** Octets of key. */
  public int keyLength() {
    return keyLength;
  }

  /** Octets of the truncated integrity check value. */
  public int icvLength() {
    return icvLength;
  }
}
