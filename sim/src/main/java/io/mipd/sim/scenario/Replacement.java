package io.mipd.sim.scenario;

import com.google.common.primitives.Ints;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import io.mipd.daemon.ConfigurationException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A value in place of another. HOCON's paths end at lists; ours name one of a list by its number,
 * from 0.
 */
final class Replacement {
  private static final String IT = "it";

  private Replacement() {}

  /**
   * @param unresolved with its substitutions, which stay
   * @param given for messages, from where path and value are
   * @throws ConfigurationException if the value is none, or a list has no element of that number
   */
  static Config in(Config unresolved, Path given, String path, String value)
      throws ConfigurationException {
    Config plain = ScenarioReader.parseUnresolved(given, path + " = " + value);
    List<String> keys = ConfigUtil.splitPath(path);
    ConfigValue here = unresolved.root();
    for (int depth = 0; depth < keys.size(); depth++) {
      if (here instanceof ConfigList list) {
        List<String> rest = keys.subList(depth + 1, keys.size());
        single(given, value);
        ConfigValue whole = in(list, given, path, keys.get(depth), rest, value);
        return unresolved.withValue(ConfigUtil.joinPath(keys.subList(0, depth)), whole);
      }
      here = here instanceof ConfigObject object ? child(object, keys.get(depth)) : null;
    }
    return plain.withFallback(unresolved);
  }

  /** Null where there is none; what is put together of several is not looked into. */
  private static @Nullable ConfigValue child(ConfigObject object, String key) {
    try {
      return object.get(key);
    } catch (ConfigException.NotResolved e) {
      return null;
    }
  }

  private static ConfigValue single(Path given, String value) throws ConfigurationException {
    ConfigObject one = ScenarioReader.parseUnresolved(given, IT + " = " + value).root();
    ConfigValue it = one.get(IT);
    if (one.size() != 1 || it == null) {
      throw ConfigurationException.at(
          given, 0, "", value + " is more than a value", "one for each path into a list");
    }
    return it;
  }

  private static ConfigValue in(
      ConfigList list, Path given, String path, String number, List<String> rest, String value)
      throws ConfigurationException {
    Integer at = Ints.tryParse(number);
    if (at == null || at < 0 || at >= list.size()) {
      throw ConfigurationException.at(
          given,
          0,
          path,
          "there is a list, and " + number + " is none of it",
          list.isEmpty() ? "another path: it is empty" : "0 to " + (list.size() - 1));
    }
    List<ConfigValue> all = new ArrayList<>(list);
    all.set(at, replaced(all.get(at), given, rest, value));
    return ConfigValueFactory.fromIterable(all);
  }

  private static ConfigValue replaced(
      ConfigValue element, Path given, List<String> rest, String value)
      throws ConfigurationException {
    if (rest.isEmpty()) {
      return single(given, value);
    }
    String path = ConfigUtil.joinPath(rest);
    return element instanceof ConfigObject object
        ? in(object.toConfig(), given, path, value).root()
        : ScenarioReader.parseUnresolved(given, path + " = " + value).root().withFallback(element);
  }
}
