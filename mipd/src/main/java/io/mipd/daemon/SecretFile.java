package io.mipd.daemon;

import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.packet.Octets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Files by which ends prove who they are. No message repeats what is in one. */
final class SecretFile {
  /** What one value of vici holds. */
  private static final int MAX_LENGTH = 0xffff;

  private SecretFile() {}

  /**
   * The only line of a file that nobody else may read.
   *
   * @throws ConfigurationException if others may read it, or it is not one line
   */
  static KeyMaterial line(Section section, String key) throws ConfigurationException {
    String text = new String(secret(section, key), StandardCharsets.UTF_8).strip();
    if (text.isEmpty() || text.contains("\n")) {
      throw section.wrong(key, section.path(key) + " is not one line", "a file of one line");
    }
    return KeyMaterial.copyOf(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * All of a file that nobody else may read.
   *
   * @throws ConfigurationException if others may read it
   */
  static KeyMaterial whole(Section section, String key) throws ConfigurationException {
    return KeyMaterial.copyOf(secret(section, key));
  }

  /** All of a file that anybody may read. */
  static Octets publicly(Section section, String key) throws ConfigurationException {
    return Octets.of(octets(section, key, section.path(key)));
  }

  private static byte[] secret(Section section, String key) throws ConfigurationException {
    Path file = section.path(key);
    try {
      KeyFile.ownersAlone(file, "this secret");
    } catch (IOException e) {
      throw unreadable(section, key, file, e);
    }
    return octets(section, key, file);
  }

  private static byte[] octets(Section section, String key, Path file)
      throws ConfigurationException {
    try {
      byte[] octets = Files.readAllBytes(file);
      if (octets.length == 0 || octets.length > MAX_LENGTH) {
        throw section.wrong(
            key, file + " has " + octets.length + " octets", "1 to " + MAX_LENGTH + " octets");
      }
      return octets;
    } catch (IOException e) {
      throw unreadable(section, key, file, e);
    }
  }

  private static ConfigurationException unreadable(
      Section section, String key, Path file, IOException e) {
    String why =
        e instanceof NoSuchFileException
            ? " is not there"
            : e instanceof AccessDeniedException
                ? " may not be read by this user"
                : " cannot be read: " + e.getMessage();
    return section.wrong(key, file + why, "a readable file");
  }
}
