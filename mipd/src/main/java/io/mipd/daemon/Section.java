package io.mipd.daemon;

import com.google.common.base.Joiner;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSortedMap;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One object of a configuration file, read key by key; {@link #finish} refuses what nobody read.
 * Every error names the file, the line, the key, and what is allowed there.
 */
public final class Section {
  private static final String INTERFACE_NAME =
      "the name of a network interface, 1 to 15 characters without space or /";
  private static final String OBJECT = "an object in braces";
  private static final String OBJECTS = "a list in brackets of one or more objects in braces";

  private static final String NO_LIST = "not a list of objects";

  /** Objects of a list that are worth several threads. */
  private static final int MANY = 1000;

  private final Path file;
  private final ConfigObject object;
  private final Supplier<String> path;
  private final Reading reading;
  private final Optional<PlainList> plain;

  /** Few, some of them more than once. */
  private final List<String> known = new ArrayList<>();

  /** Hears what is asked for, whether it is there or not. */
  interface Reading {
    Reading UNHEARD = (path, allowed, byDefault) -> {};

    /**
     * @param path full, with the index in brackets of what is in a list
     * @param byDefault what it is where the key is left out; empty where that is an error, or where
     *     it was asked before whether the key is there
     */
    void asked(String path, String allowed, Optional<String> byDefault);

    /** It was asked whether a key is there, so that it may be left out. */
    default void mayBeLeftOut(String path) {}
  }

  /**
   * @param path of the object in its file; empty for the whole
   */
  public Section(Path file, ConfigObject object, String path) {
    this(file, object, path, Reading.UNHEARD);
  }

  Section(Path file, ConfigObject object, String path, Reading reading) {
    this(file, object, () -> path, reading, Optional.empty());
  }

  Section(Path file, ConfigObject object, String path, Reading reading, Optional<PlainList> plain) {
    this(file, object, () -> path, reading, plain);
  }

  /**
   * @param path is put together when it is asked for, for there may be very many
   * @param plain what belongs into the empty list at its path
   */
  private Section(
      Path file,
      ConfigObject object,
      Supplier<String> path,
      Reading reading,
      Optional<PlainList> plain) {
    this.file = file;
    this.object = object;
    this.path = path;
    this.reading = reading;
    this.plain = plain;
  }

  public Path file() {
    return file;
  }

  public boolean has(String key) {
    known.add(key);
    if (reading != Reading.UNHEARD) {
      reading.mayBeLeftOut(path(key, -1));
    }
    return object.containsKey(key);
  }

  public String string(String key, String allowed) throws ConfigurationException {
    return text(required(key, allowed), key, allowed);
  }

  public String string(String key, String byDefault, String allowed) throws ConfigurationException {
    ConfigValue value = optional(key, allowed, byDefault);
    return value == null ? byDefault : text(value, key, allowed);
  }

  public Path path(String key, Path byDefault) throws ConfigurationException {
    String allowed = "the path of a file, relative to this file's folder or absolute";
    ConfigValue value = optional(key, allowed, byDefault);
    return value == null ? byDefault : resolve(text(value, key, allowed));
  }

  public Path path(String key) throws ConfigurationException {
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
  Entries entries() {
    return new Entries(
        () -> {
          var entries = ImmutableMap.<String, String>builder();
          put(path.get(), object, entries);
          return entries.buildOrThrow();
        });
  }

  private void put(String at, ConfigValue value, ImmutableMap.Builder<String, String> into) {
    if (value instanceof ConfigObject inner) {
      inner.forEach((key, one) -> put(at.isEmpty() ? key : at + "." + key, one, into));
    } else if (value instanceof ConfigList list) {
      List<? extends ConfigValue> all = elements(list, at);
      for (int i = 0; i < all.size(); i++) {
        put(at + "[" + i + "]", all.get(i), into);
      }
    } else {
      into.put(at, String.valueOf(value.unwrapped()));
    }
  }

  private Path resolve(String text) {
    return file.toAbsolutePath().resolveSibling(text).normalize();
  }

  public String interfaceName(String key, String byDefault) throws ConfigurationException {
    asked(key, INTERFACE_NAME, byDefault);
    return has(key) ? interfaceName(key) : byDefault;
  }

  public String interfaceName(String key) throws ConfigurationException {
    String name = string(key, INTERFACE_NAME);
    if (!name.matches("[^\\s/:]{1,15}")) {
      throw wrong(key, "not an interface name: \"" + name + "\"", INTERFACE_NAME);
    }
    return name;
  }

  public Ipv6Address globalAddress(String key) throws ConfigurationException {
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

  public Ipv6Prefix prefix(String key) throws ConfigurationException {
    String allowed = "an IPv6 prefix in quotes, such as \"2001:db8:1::/64\"";
    String text = string(key, allowed);
    try {
      return Ipv6Prefix.parse(text);
    } catch (IllegalArgumentException e) {
      throw wrong(key, "not an IPv6 prefix: \"" + text + "\"", allowed);
    }
  }

  public Spi spi(String key) throws ConfigurationException {
    String allowed = "a number from 256 to 4294967295, decimal, or hexadecimal with 0x";
    String text = string(key, allowed);
    try {
      return Spi.ofAssociation(Long.decode(text));
    } catch (IllegalArgumentException e) {
      throw wrong(key, "not an SPI: \"" + text + "\"", allowed);
    }
  }

  public boolean flag(String key, boolean byDefault) throws ConfigurationException {
    String allowed = "true, false, on, off, yes or no";
    ConfigValue value = optional(key, allowed, byDefault ? "on" : "off");
    if (value == null) {
      return byDefault;
    }
    return switch (text(value, key, allowed)) {
      case "true", "on", "yes" -> true;
      case "false", "off", "no" -> false;
      default -> throw wrong(key, "neither true nor false", allowed);
    };
  }

  public int integer(String key, int byDefault, int least, int most) throws ConfigurationException {
    String allowed = "a whole number from " + least + " to " + most;
    ConfigValue value = optional(key, allowed, byDefault);
    if (value == null) {
      return byDefault;
    }
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
  public Duration duration(String key, Duration byDefault, Duration least, Duration most)
      throws ConfigurationException {
    String allowed = "a time with its unit from " + words(least) + " to " + words(most);
    ConfigValue value = optional(key, allowed, words(byDefault));
    if (value == null) {
      return byDefault;
    }
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

  public <T> T choice(String key, ImmutableMap<String, T> choices) throws ConfigurationException {
    String allowed = Joiner.on(", ").join(choices.keySet());
    return chosen(key, string(key, allowed), choices);
  }

  public <T> T choice(String key, String byDefault, ImmutableMap<String, T> choices)
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

  public Section section(String key) throws ConfigurationException {
    return sectionOf(required(key, OBJECT), key, -1);
  }

  public Optional<Section> optionalSection(String key) throws ConfigurationException {
    ConfigValue value = optional(key, OBJECT, "none");
    return value == null ? Optional.empty() : Optional.of(sectionOf(value, key, -1));
  }

  /** Makes something of an object of a list. */
  interface ElementReader<T> {
    /** May be called by several threads, of different objects. */
    T read(Section element) throws ConfigurationException;
  }

  /** What came of it: something, or what was wrong. */
  private record Outcome<T>(Optional<T> value, Optional<ConfigurationException> wrong) {}

  /**
   * What is made of each object of a list, with at least one. The list may be long: it is read by
   * several threads, and each object is there while it is read.
   *
   * @throws ConfigurationException of the first that is wrong
   */
  <T> ImmutableList<T> elements(String key, ElementReader<T> reader) throws ConfigurationException {
    List<? extends ConfigValue> list = listOfObjects(key);
    int size = list.size();
    var indexes = IntStream.range(0, size);
    List<Outcome<T>> outcomes =
        (reading == Reading.UNHEARD && size > MANY ? indexes.parallel() : indexes)
            .mapToObj(i -> outcome(reader, list.get(i), key, i))
            .toList();
    var all = ImmutableList.<T>builderWithExpectedSize(size);
    for (Outcome<T> outcome : outcomes) {
      if (outcome.wrong().isPresent()) {
        throw outcome.wrong().get();
      }
      outcome.value().ifPresent(all::add);
    }
    return all.build();
  }

  private <T> Outcome<T> outcome(
      ElementReader<T> reader, ConfigValue value, String key, int index) {
    try {
      T made = reader.read(sectionOf(value, key, index));
      return new Outcome<>(Optional.of(made), Optional.empty());
    } catch (ConfigurationException e) {
      return new Outcome<>(Optional.empty(), Optional.of(e));
    }
  }

  /** One of a list that has been read. */
  Section element(String key, int index) throws ConfigurationException {
    if (!(object.get(key) instanceof ConfigList list)) {
      throw wrong(key, NO_LIST, OBJECTS);
    }
    return sectionOf(elements(list, path(key, -1)).get(index), key, index);
  }

  private List<? extends ConfigValue> listOfObjects(String key) throws ConfigurationException {
    if (!(required(key, OBJECTS) instanceof ConfigList list)
        || elements(list, path(key, -1)).isEmpty()) {
      throw wrong(key, NO_LIST, OBJECTS);
    }
    return elements(list, path(key, -1));
  }

  private List<? extends ConfigValue> elements(ConfigList list, String at) {
    return plain.isEmpty() || !at.equals(PlainList.PATH) ? list : plain.get().elements();
  }

  /** A list of objects, with at least one. */
  public ImmutableList<Section> sections(String key) throws ConfigurationException {
    List<? extends ConfigValue> list = listOfObjects(key);
    var sections = ImmutableList.<Section>builder();
    for (int i = 0; i < list.size(); i++) {
      sections.add(sectionOf(list.get(i), key, i));
    }
    return sections.build();
  }

  /** A list of objects that may be empty or left out. */
  public ImmutableList<Section> optionalSections(String key) throws ConfigurationException {
    ConfigValue value = optional(key, OBJECTS, "none");
    return value == null || (value instanceof ConfigList list && list.isEmpty())
        ? ImmutableList.of()
        : sections(key);
  }

  /** The objects of an object, in the order of their keys; none if it is left out. */
  public ImmutableSortedMap<String, Section> namedSections(String key)
      throws ConfigurationException {
    Optional<Section> all = optionalSection(key);
    if (all.isEmpty()) {
      return ImmutableSortedMap.of();
    }
    var named = ImmutableSortedMap.<String, Section>naturalOrder();
    for (String name : new TreeSet<>(all.get().object.keySet())) {
      named.put(name, all.get().section(name));
    }
    return named.buildOrThrow();
  }

  /** A list of texts that may be left out. */
  public ImmutableList<String> strings(String key, String allowed) throws ConfigurationException {
    ConfigValue value = optional(key, allowed, "none");
    if (value == null) {
      return ImmutableList.of();
    }
    if (!(value instanceof ConfigList list)) {
      throw wrong(key, "not a list", allowed);
    }
    var strings = ImmutableList.<String>builder();
    for (ConfigValue one : list) {
      strings.add(text(one, key, allowed));
    }
    return strings.build();
  }

  /** A number that need not be whole. */
  public double decimal(String key, double byDefault, double least, double most)
      throws ConfigurationException {
    String allowed = "a number from " + least + " to " + most;
    ConfigValue value = optional(key, allowed, byDefault);
    if (value == null) {
      return byDefault;
    }
    String text = text(value, key, allowed);
    try {
      double number = Double.parseDouble(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw wrong(key, "not a number: \"" + text + "\"", allowed);
    }
    throw wrong(key, "out of range: " + text, allowed);
  }

  /** What {@code reader} makes of a text; its complaint is the error's. */
  public <T> T parsed(String key, String allowed, Function<String, T> reader)
      throws ConfigurationException {
    String text = string(key, allowed);
    try {
      return reader.apply(text);
    } catch (IllegalArgumentException e) {
      throw wrong(key, "\"" + text + "\": " + e.getMessage(), allowed);
    }
  }

  public <T> T parsed(String key, T byDefault, String allowed, Function<String, T> reader)
      throws ConfigurationException {
    asked(key, allowed, byDefault);
    return has(key) ? parsed(key, allowed, reader) : byDefault;
  }

  /** Refuses keys that nobody asked for. */
  public void finish() throws ConfigurationException {
    if (!known.containsAll(object.keySet())) {
      var unknown = new TreeSet<>(object.keySet());
      known.forEach(unknown::remove);
      throw wrong(unknown.first(), "unknown key", Joiner.on(", ").join(new TreeSet<>(known)));
    }
  }

  public ConfigurationException wrong(String key, String wrong, String allowed) {
    return new ConfigurationException(place(key) + ": " + wrong + "; allowed: " + allowed);
  }

  /** File, line and full path of a key; for one that is missing, the line of its object. */
  private String place(String key) {
    ConfigValue value = object.get(key);
    ConfigOrigin origin = value == null ? object.origin() : value.origin();
    int line = origin.lineNumber();
    return Includes.file(origin, file) + (line > 0 ? ":" + line : "") + ": " + path(key, -1);
  }

  private Section sectionOf(ConfigValue value, String key, int index)
      throws ConfigurationException {
    if (!(value instanceof ConfigObject inner)) {
      throw wrong(key, "not an object", "an object in braces");
    }
    return new Section(file, inner, () -> path(key, index), reading, plain);
  }

  private String path(String key, int index) {
    String whole = path.get();
    return (whole.isEmpty() ? key : whole + "." + key) + (index < 0 ? "" : "[" + index + "]");
  }

  /** A list may be long: where nobody listens, no path is put together. */
  private void asked(String key, String allowed, @Nullable Object byDefault) {
    if (reading != Reading.UNHEARD) {
      reading.asked(path(key, -1), allowed, Optional.ofNullable(byDefault).map(String::valueOf));
    }
  }

  private @Nullable ConfigValue optional(String key, String allowed, Object byDefault) {
    asked(key, allowed, byDefault);
    known.add(key);
    return object.get(key);
  }

  private ConfigValue required(String key, String allowed) throws ConfigurationException {
    asked(key, allowed, null);
    known.add(key);
    ConfigValue value = object.get(key);
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
