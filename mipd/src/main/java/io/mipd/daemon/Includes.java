package io.mipd.daemon;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigIncludeContext;
import com.typesafe.config.ConfigIncluder;
import com.typesafe.config.ConfigIncluderClasspath;
import com.typesafe.config.ConfigIncluderFile;
import com.typesafe.config.ConfigIncluderURL;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What a file in HOCON includes. The library leaves out, unsaid, an include that it does not find,
 * and with it, maybe, the user's IPsec: here that is an error.
 */
public final class Includes
    implements ConfigIncluder, ConfigIncluderFile, ConfigIncluderURL, ConfigIncluderClasspath {
  private static final String FILE =
      "a file by its whole name, absolute or relative to the folder of the file that includes it";

  /** Files in one another. */
  private static final int DEEPEST = 16;

  private final Path file;
  private final String text;
  private final boolean allowed;
  private final int depth;

  private Includes(Path file, String text, boolean allowed, int depth) {
    this.file = file;
    this.text = text;
    this.allowed = allowed;
    this.depth = depth;
  }

  /**
   * How a file is parsed that may include others: from the folder that it is in, and nothing but
   * files.
   *
   * @param text of the file, where an include's line is looked up
   */
  static ConfigParseOptions files(Path file, String text) {
    return options(new Includes(file, text, /* allowed= */ true, /* depth= */ 0));
  }

  /** How a text is parsed that must be whole. */
  public static ConfigParseOptions none(Path file, String text) {
    return options(new Includes(file, text, /* allowed= */ false, /* depth= */ 0));
  }

  private static ConfigParseOptions options(Includes includes) {
    return ConfigParseOptions.defaults()
        .setSyntax(ConfigSyntax.CONF)
        .setAllowMissing(false)
        .setIncluder(includes);
  }

  /**
   * The file that something is written in.
   *
   * @param main that includes the others
   */
  static Path file(ConfigOrigin origin, Path main) {
    URL url = origin.url();
    if (url == null || !url.getProtocol().equals("file")) {
      return main;
    }
    Path its = Path.of(URI.create(url.toString()));
    return its.equals(main.toAbsolutePath()) ? main : its;
  }

  /** Those of the library would leave out what they do not find. */
  @Override
  public ConfigIncluder withFallback(ConfigIncluder fallback) {
    return this;
  }

  @Override
  public ConfigObject include(ConfigIncludeContext context, String what) {
    return included(what);
  }

  @Override
  public ConfigObject includeFile(ConfigIncludeContext context, File what) {
    return included(what.getPath());
  }

  @Override
  public ConfigObject includeURL(ConfigIncludeContext context, URL what) {
    throw passed(refused(what.toString(), "not a file"));
  }

  @Override
  public ConfigObject includeResources(ConfigIncludeContext context, String what) {
    throw passed(refused(what, "not a file"));
  }

  private ConfigObject included(String what) {
    try {
      return read(what);
    } catch (ConfigurationException e) {
      throw passed(e);
    }
  }

  private ConfigObject read(String what) throws ConfigurationException {
    if (!allowed) {
      throw refused(what, "other files belong to no scenario");
    }
    if (depth == DEEPEST) {
      throw refused(what, "more than " + DEEPEST + " files in one another, maybe in a circle");
    }
    Path path;
    try {
      path = file.resolveSibling(what);
    } catch (InvalidPathException e) {
      throw refused(what, "no path: " + e.getReason());
    }
    String its;
    try {
      its = Files.readString(path);
    } catch (IOException e) {
      throw refused(what, path + ": " + ConfigurationException.reason(e));
    }
    ConfigObject object;
    try {
      var within = options(new Includes(path, its, allowed, depth + 1));
      object = ConfigFactory.parseFile(path.toAbsolutePath().toFile(), within).root();
    } catch (ConfigException e) {
      throw ConfigurationException.syntax(path, e);
    }
    DuplicateKeys.check(path, its);
    return object;
  }

  private ConfigurationException refused(String what, String wrong) {
    String remedy = allowed ? FILE : "all in this file";
    return ConfigurationException.at(file, line(what), "include \"" + what + "\"", wrong, remedy);
  }

  /** Through the library; {@link ConfigurationException#syntax} has it again. */
  private static ConfigException passed(ConfigurationException refused) {
    return new ConfigException.Generic("" + refused.getMessage(), refused);
  }

  /** Where something is included, which the library does not tell; 0 if that is not found. */
  private int line(String what) {
    Pattern include =
        Pattern.compile("^(?!\\s*(#|//)).*\\binclude\\b.*" + Pattern.quote("\"" + what + "\""));
    List<String> lines = text.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      if (include.matcher(lines.get(i)).find()) {
        return i + 1;
      }
    }
    return 0;
  }
}
