package io.mipd.daemon;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A configuration that cannot be used; its message is for the person who wrote it. */
public final class ConfigurationException extends Exception {
  private static final long serialVersionUID = 1L;

  ConfigurationException(String message) {
    super(message);
  }

  /**
   * @param line from 1; 0 or less if unknown
   * @param key the full path of the key
   * @param wrong what is wrong
   * @param allowed what is allowed instead
   */
  public static ConfigurationException at(
      Path file, int line, String key, String wrong, String allowed) {
    return new ConfigurationException(
        file
            + (line > 0 ? ":" + line : "")
            + ": "
            + (key.isEmpty() ? "" : key + ": ")
            + wrong
            + "; allowed: "
            + allowed);
  }

  /** A file that the system does not let us read. */
  public static ConfigurationException unreadable(Path file, IOException e, String allowed) {
    String wrong;
    if (e instanceof NoSuchFileException) {
      wrong = "there is no such file";
    } else if (e instanceof AccessDeniedException) {
      wrong = "may not be read by this user";
    } else if (e instanceof CharacterCodingException) {
      wrong = "is not text in UTF-8";
    } else {
      wrong = "cannot be read: " + e.getMessage();
    }
    return at(file, 0, "", wrong, allowed);
  }
}
