package io.mipd.daemon;

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
  static ConfigurationException at(Path file, int line, String key, String wrong, String allowed) {
    return new ConfigurationException(
        file
            + (line > 0 ? ":" + line : "")
            + ": "
            + (key.isEmpty() ? "" : key + ": ")
            + wrong
            + "; allowed: "
            + allowed);
  }
}
