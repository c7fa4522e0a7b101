package io.mipd.movein;

import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Spi;
import java.util.HexFormat;
import java.util.Random;

/** The text of a file of keys: lines of SPI, encryption key and integrity key. */
public final class KeyText {
  private final StringBuilder lines = new StringBuilder();

  /**
   * @param title a comment, a line
   */
  public KeyText(String title) {
    lines.append("# ").append(title).append('\n');
  }

  /** Adds the keys of an association. */
  public void add(Spi spi, KeyMaterial encryption, KeyMaterial integrity) {
    lines
        .append(String.format("0x%x ", Integer.toUnsignedLong(spi.value())))
        .append(encryption.length() == 0 ? "-" : HexFormat.of().formatHex(encryption.reveal()))
        .append(' ')
        .append(HexFormat.of().formatHex(integrity.reveal()))
        .append('\n');
  }

  /**
   * Adds new keys.
   *
   * @param random good enough for keys
   * @param encryptionLength octets; 0 for none
   * @param integrityLength octets
   */
  public void addNew(Spi spi, Random random, int encryptionLength, int integrityLength) {
    add(spi, fresh(random, encryptionLength), fresh(random, integrityLength));
  }

  private static KeyMaterial fresh(Random random, int length) {
    byte[] octets = new byte[length];
    random.nextBytes(octets);
    return KeyMaterial.copyOf(octets);
  }

  /** The secret lines themselves, for a file that nobody else can read. */
  public String reveal() {
    return lines.toString();
  }
}
