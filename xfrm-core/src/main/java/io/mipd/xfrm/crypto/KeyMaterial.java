package io.mipd.xfrm.crypto;

import static com.google.common.base.Preconditions.checkArgument;

import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Secret octets. They leave this object only for a cipher or the kernel, never as text. */
public final class KeyMaterial {
  public static final KeyMaterial EMPTY = new KeyMaterial(new byte[0]);

  private final byte[] octets;

  private KeyMaterial(byte[] octets) {
    this.octets = octets;
  }

  public static KeyMaterial copyOf(byte[] octets) {
    return new KeyMaterial(octets.clone());
  }

  /**
   * Reads hexadecimal digits, with or without {@code 0x} before them.
   *
   * @throws IllegalArgumentException if they are not; the message does not repeat them
   */
  public static KeyMaterial parseHex(String text) {
    String digits = text.startsWith("0x") ? text.substring(2) : text;
    checkArgument(
        digits.length() % 2 == 0 && digits.matches("[0-9a-fA-F]*"),
        "a key must be an even number of hexadecimal digits");
    return new KeyMaterial(HexFormat.of().parseHex(digits));
  }

  /** Octets. */
  public int length() {
    return octets.length;
  }

  /** A copy of the secret, for a cipher or the kernel. */
  public byte[] reveal() {
    return octets.clone();
  }

  /** Compares without telling by time where the first difference is. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof KeyMaterial key && MessageDigest.isEqual(octets, key.octets);
  }

  /** Says nothing about the secret. */
  @Override
  public int hashCode() {
    return octets.length;
  }

  @Override
  public String toString() {
    return "key of " + octets.length * 8 + " bits";
  }
}
