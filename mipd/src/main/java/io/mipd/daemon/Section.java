package io.mipd.daemon;

import com.google.common.base.Joiner;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Spi;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One object of a configuration file, read key by key; {@link #finish} refuses what nobody read.
 */
final class Section {
  private final Path file;
  private final ConfigObject object;
  private final String path;
  private final TreeSet<String> known = new TreeSet<>();

  Section(Path file, ConfigObject object, String path) {
    this.file = file;
    this.object = object;
    this.path = path;
  }

  Path file() {
    return file;
  }

  boolean has(String key) {
    known.add(key);
    return object.containsKey(key);
  }

  String string(String key, String allowed) throws ConfigurationException {
    return text(required(key, allowed), key, allowed);
  }

  String string(String key, String byDefault, String allowed) throws ConfigurationException {
    ConfigValue value = optional(key);
    return value == null ? byDefault : text(value, key, allowed);
  }

  Path path(String key, Path byDefault) throws ConfigurationException {
    String allowed = "the path of a file, relative to this file's folder or absolute";
    ConfigValue value = optional(key);
    return value == null ? byDefault : resolve(text(value, key, allowed));
  }

  Path path(String key) throws ConfigurationException {
    String allowed = "the path of a file, relative to this file's folder or absolute";
    return resolve(string(key, allowed));
  }

  /** A file of keys; what is wrong with it is told with the key here that names it. */
  KeyFile keyFile(String key) throws ConfigurationException {
    Path keys = path(key);
    try {
      return KeyFile.read(keys);
    } catch (ConfigurationException e) {
      throw new ConfigurationException(place(key) + ": " + e.getMessage());
    }
  }

  /** All that is written here and within, by full path. */
  ImmutableMap<String, String> entries() {
    var entries = new TreeMap<String, String>();
    put(path, object, entries);
    return ImmutableMap.copyOf(entries);
  }

  private static void put(String at, ConfigValue value, Map<String, String> into) {
    if (value instanceof ConfigObject inner) {
      inner.forEach((key, one) -> put(at.isEmpty() ? key : at + "." + key, one, into));
    } else if (value instanceof ConfigList list) {
      for (int i = 0; i < list.size(); i++) {
        put(at + "[" + i + "]", list.get(i), into);
      }
    } else {
      into.put(at, String.valueOf(value.unwrapped()));
    }
  }

  private Path resolve(String text) {
    return file.toAbsolutePath().resolveSibling(text).normalize();
  }

  String interfaceName(String key, String byDefault) throws ConfigurationException {
    return has(key) ? interfaceName(key) : byDefault;
  }

  String interfaceName(String key) throws ConfigurationException {
    String allowed = "the name of a network interface, 1 to 15 characters without space or /";
    String name = string(key, allowed);
    if (!name.matches("[^\\s/:]{1,15}")) {
      throw wrong(key, "not an interface name: \"" + name + "\"", allowed);
    }
    return name;
  }

  Ipv6Address globalAddress(String key) throws ConfigurationException {
    String allowed = "a global unicast IPv6 address in quotes, such as \"2001:db8:1::1\"";
    String text = string(key, allowed);
    try {
      Ipv6Address address = Ipv6Address.parse(text);
      if (address.isGlobalUnicast()) {
        return address;
      }
    } catch (IllegalArgumentException e) {
      throw wrong(key, "not an IPv6 address: \"" + text + "\"", allowed);
    }
    throw wrong(key, "not a global unicast address: \"" + text + "\"", allowed);
  }

  Ipv6Prefix prefix(String key) throws ConfigurationException {
    String allowed = "an IPv6 prefix in quotes, such as \"2001:db8:1::/64\"";
    String text = string(key, allowed);
    try {
      return Ipv6Prefix.parse(text);
    } catch (IllegalArgumentException e) {
      throw wrong(key, "not an IPv6 prefix: \"" + text + "\"", allowed);
    }
  }

  Spi spi(String key) throws ConfigurationException {
    String allowed = "a number from 256 to 4294967295, decimal, or hexadecimal with 0x";
    String text = string(key, allowed);
    try {
      return Spi.ofAssociation(Long.decode(text));
    } catch (IllegalArgumentException e) {
      throw wrong(key, "not an SPI: \"" + text + "\"", allowed);
    }
  }

  boolean flag(String key, boolean byDefault) throws ConfigurationException {
    ConfigValue value = optional(key);
    if (value == null) {
      return byDefault;
    }
    String allowed = "true, false, on, off, yes or no";
    return switch (text(value, key, allowed)) {
      case "true", "on", "yes" -> true;
      case "false", "off", "no" -> false;
      default -> throw wrong(key, "neither true nor false", allowed);
    };
  }

  int integer(String key, int byDefault, int least, int most) throws ConfigurationException {
    ConfigValue value = optional(key);
    if (value == null) {
      return byDefault;
    }
    String allowed = "a whole number from " + least + " to " + most;
    String text = text(value, key, allowed);
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw wrong(key, "not a whole number: \"" + text + "\"", allowed);
    }
    throw wrong(key, "out of range: " + text, allowed);
  }

  /** A time with its unit, in HOCON's way: {@code 420s}, {@code 500ms}, {@code 7 minutes}. */
  Duration duration(String key, Duration byDefault, Duration least, Duration most)
      throws ConfigurationException {
    ConfigValue value = optional(key);
    if (value == null) {
      return byDefault;
    }
    String allowed = "a time with its unit from " + words(least) + " to " + words(most);
    String text = text(value, key, allowed);
    if (value.valueType() == ConfigValueType.NUMBER) {
      throw wrong(key, "a time without unit: " + text, allowed);
    }
    Duration duration;
    try {
      duration = object.toConfig().getDuration("\"" + key + "\"");
    } catch (ConfigException e) {
      throw wrong(key, "not a time: \"" + text + "\"", allowed);
    }
    if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
      throw wrong(key, "out of range: " + text, allowed);
    }
    return duration;
  }

  private static String words(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + "s"
        : duration.toMillis() + "ms";
  }

  <T> T choice(String key, ImmutableMap<String, T> choices) throws ConfigurationException {
    String allowed = Joiner.on(", ").join(choices.keySet());
    return chosen(key, string(key, allowed), choices);
  }

  <T> T choice(String key, String byDefault, ImmutableMap<String, T> choices)
      throws ConfigurationException {
    return chosen(key, string(key, byDefault, Joiner.on(", ").join(choices.keySet())), choices);
  }

  private <T> T chosen(String key, String text, ImmutableMap<String, T> choices)
      throws ConfigurationException {
    T value = choices.get(text);
    if (value == null) {
      throw wrong(key, "unknown: \"" + text + "\"", Joiner.on(", ").join(choices.keySet()));
    }
    return value;
  }

  Section section(String key) throws ConfigurationException {
    return sectionOf(required(key, "an object in braces"), key, path(key, -1));
  }

  Optional<Section> optionalSection(String key) throws ConfigurationException {
    ConfigValue value = optional(key);
    return value == null ? Optional.empty() : Optional.of(sectionOf(value, key, path(key, -1)));
  }

  /** A list of objects, with at least one. */
  ImmutableList<Section> sections(String key) throws ConfigurationException {
    String allowed = "a list in brackets of one or more objects in braces";
    ConfigValue value = required(key, allowed);
    if (!(value instanceof ConfigList list) || list.isEmpty()) {
      throw wrong(key, "not a list of objects", allowed);
    }
    var sections = ImmutableList.<Section>builder();
    for (int i = 0; i < list.size(); i++) {
      sections.add(sectionOf(list.get(i), key, path(key, i)));
    }
    return sections.build();
  }

  /** A list of objects that may be empty or left out. */
  ImmutableList<Section> optionalSections(String key) throws ConfigurationException {
    ConfigValue value = optional(key);
    return value == null || (value instanceof ConfigList list && list.isEmpty())
        ? ImmutableList.of()
        : sections(key);
  }

  /** What {@code reader} makes of a text; its complaint is the error's. */
  <T> T parsed(String key, String allowed, Function<String, T> reader)
      throws ConfigurationException {
    String text = string(key, allowed);
    try {
      return reader.apply(text);
    } catch (IllegalArgumentException e) {
      throw wrong(key, "\"" + text + "\": " + e.getMessage(), allowed);
    }
  }

  <T> T parsed(String key, T byDefault, String allowed, Function<String, T> reader)
      throws ConfigurationException {
    return has(key) ? parsed(key, allowed, reader) : byDefault;
  }

  /** Refuses keys that nobody asked for. */
  void finish() throws ConfigurationException {
    for (String key : new TreeSet<>(object.keySet())) {
      if (!known.contains(key)) {
        throw wrong(key, "unknown key", Joiner.on(", ").join(known));
      }
    }
  }

  ConfigurationException wrong(String key, String wrong, String allowed) {
    return new ConfigurationException(place(key) + ": " + wrong + "; allowed: " + allowed);
  }

  /** File, line and full path of a key; for one that is missing, the line of its object. */
  private String place(String key) {
    ConfigValue value = object.get(key);
    ConfigOrigin origin = value == null ? object.origin() : value.origin();
    int line = origin.lineNumber();
    return file + (line > 0 ? ":" + line : "") + ": " + path(key, -1);
  }

  private Section sectionOf(ConfigValue value, String key, String where)
      throws ConfigurationException {
    if (!(value instanceof ConfigObject inner)) {
      throw wrong(key, "not an object", "an object in braces");
    }
    return new Section(file, inner, where);
  }

  private String path(String key, int index) {
    return (path.isEmpty() ? key : path + "." + key) + (index < 0 ? "" : "[" + index + "]");
  }

  private @Nullable ConfigValue optional(String key) {
    known.add(key);
    return object.get(key);
  }

  private ConfigValue required(String key, String allowed) throws ConfigurationException {
    ConfigValue value = optional(key);
    if (value == null) {
      throw wrong(key, "missing", allowed);
    }
    return value;
  }

  private String text(ConfigValue value, String key, String allowed) throws ConfigurationException {
    return switch (value.valueType()) {
      // HOCON's null is the name of an algorithm here (RFC 2410).
      case STRING, NUMBER, BOOLEAN, NULL -> String.valueOf(value.unwrapped());
      default -> throw wrong(key, "not a single value", allowed);
    };
  }
}
