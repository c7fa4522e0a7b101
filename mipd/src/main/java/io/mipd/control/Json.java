package io.mipd.control;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValueFactory;
import java.util.Map;

/** Documents of maps with text keys, lists, texts, numbers and truth values. */
public final class Json {
  private static final ConfigParseOptions OPTIONS =
      ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON);

  private Json() {}

  /** One line, without its end; keys in alphabetical order. */
  public static String render(Map<String, ?> document) {
    return ConfigValueFactory.fromMap(document).render(ConfigRenderOptions.concise());
  }

  /**
   * @throws IllegalArgumentException if it is no JSON object
   */
  public static Config parse(String text) {
    try {
      return ConfigFactory.parseString(text, OPTIONS);
    } catch (ConfigException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
