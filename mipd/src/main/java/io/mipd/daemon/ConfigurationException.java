package io.mipd.daemon;

import com.typesafe.config.ConfigException;
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
    return at(file, 0, "", reason(e), allowed);
  }

  /** Why a file cannot be read. */
  static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "there is no such file";
    } else if (e instanceof AccessDeniedException) {
      return "may not be read by this user";
    } else if (e instanceof CharacterCodingException) {
      return "is not text in UTF-8";
    }
    return "cannot be read: " + e.getMessage();
  }

  /**
   * What the library does not read, or {@link Includes} refuses.
   *
   * @param file that it was given
   */
  public static ConfigurationException syntax(Path file, ConfigException e) {
    if (e.getCause() instanceof ConfigurationException refused) {
      return refused;
    }
    String words = "" + e.getMessage();
    int line = 0;
    Path where = file;
    if (e.origin() != null) {
      line = e.origin().lineNumber();
      where = Includes.file(e.origin(), file);
      // Its own message begins with where it is.
      String place = e.origin().description() + ": ";
      words = words.startsWith(place) ? words.substring(place.length()) : words;
    }
    return at(
        where,
        line,
        "",
        words,
        "HOCON: each brace and bracket closed, texts with other signs than letters in quotes");
  }
}
