package io.mipd.daemon;

import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Spi;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Secrets of configured associations, apart from the configuration. A line is
 *
 * <pre>
 *   SPI ENCRYPTION-KEY INTEGRITY-KEY
 * </pre>
 *
 * with the keys in hexadecimal digits and {@code -} for no encryption key; {@code #} starts a
 * comment. The file must be readable by its owner alone.
 */
final class KeyFile {
  private static final String FORM =
      "lines of SPI, encryption key and integrity key, keys in hexadecimal, - for none";
  private static final Set<PosixFilePermission> OWNERS =
      Set.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);

  /** The keys of one association. */
  record Keys(KeyMaterial encryption, KeyMaterial integrity) {}

  private final Path file;
  private final ImmutableMap<Spi, Keys> keys;

  private KeyFile(Path file, ImmutableMap<Spi, Keys> keys) {
    this.file = file;
    this.keys = keys;
  }

  Path file() {
    return file;
  }

  ImmutableMap<Spi, Keys> keys() {
    return keys;
  }

  /**
   * @throws ConfigurationException if others may read it, or a line is not of the form above; no
   *     message repeats a key
   */
  static KeyFile read(Path file) throws ConfigurationException {
    List<String> lines;
    try {
      ownersAlone(file, "these keys");
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw ConfigurationException.unreadable(file, e, "a file of keys, mode 0600");
    }
    var keys = new TreeMap<Integer, Keys>(Integer::compareUnsigned);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).replaceFirst("#.*", "").trim();
      if (line.isEmpty()) {
        continue;
      }
      Spi spi;
      Keys found;
      try {
        List<String> words = List.of(line.split("\\s+"));
        if (words.size() != 3) {
          throw new IllegalArgumentException("not three words");
        }
        spi = spiOf(words.get(0));
        found = new Keys(key(words.get(1)), key(words.get(2)));
      } catch (IllegalArgumentException e) {
        throw ConfigurationException.at(file, i + 1, "", "" + e.getMessage(), FORM);
      }
      if (keys.put(spi.value(), found) != null) {
        throw ConfigurationException.at(
            file, i + 1, spi.toString(), "given twice", "each SPI once in a file");
      }
    }
    var result = ImmutableMap.<Spi, Keys>builder();
    keys.forEach((spi, found) -> result.put(new Spi(spi), found));
    return new KeyFile(file, result.buildOrThrow());
  }

  /**
   * @param what is in the file
   * @throws ConfigurationException if others may read or change it
   */
  static void ownersAlone(Path file, String what) throws ConfigurationException, IOException {
    for (PosixFilePermission permission : Files.getPosixFilePermissions(file)) {
      if (!OWNERS.contains(permission)) {
        throw ConfigurationException.at(
            file, 0, "", "others may read or change " + what, "mode 0600 or stricter");
      }
    }
  }

  private static Spi spiOf(String word) {
    try {
      return Spi.ofAssociation(Long.decode(word));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("the first word is not an SPI", e);
    }
  }

  private static KeyMaterial key(String word) {
    return word.equals("-") ? KeyMaterial.EMPTY : KeyMaterial.parseHex(word);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof KeyFile that && file.equals(that.file) && keys.equals(that.keys);
  }

  @Override
  public int hashCode() {
    return file.hashCode();
  }
}
