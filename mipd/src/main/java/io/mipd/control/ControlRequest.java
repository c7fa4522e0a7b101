package io.mipd.control;

import com.google.common.collect.ImmutableMap;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigValue;
import io.mipd.control.ControlException.Reason;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What is asked of a daemon.
 *
 * @param arguments texts, numbers and truth values, as text
 */
public record ControlRequest(String name, ImmutableMap<String, String> arguments) {
  /** Of the protocol. Another number is another protocol: what is only added keeps it. */
  public static final int VERSION = 1;

  /** In octets, without the end of the line. */
  public static final int LONGEST = 4096;

  private static final String VERSION_KEY = "version";
  private static final String NAME_KEY = "request";

  public static ControlRequest of(String name) {
    return new ControlRequest(name, ImmutableMap.of());
  }

  /** Another argument. */
  public ControlRequest with(String key, Object value) {
    return new ControlRequest(
        name,
        ImmutableMap.<String, String>builder()
            .putAll(arguments)
            .put(key, value.toString())
            .buildOrThrow());
  }

  /**
   * @throws ControlException if it is no request, or of another version
   */
  public static ControlRequest parse(String line) throws ControlException {
    ImmutableMap<String, String> all = values(line);
    String version = all.get(VERSION_KEY);
    String name = all.get(NAME_KEY);
    if (version == null || name == null) {
      throw new ControlException(
          Reason.NOT_A_REQUEST, "without version or request; both are needed");
    }
    if (!version.equals(String.valueOf(VERSION))) {
      throw new ControlException(
          Reason.UNSUPPORTED_VERSION, "version " + version + "; this mipd speaks " + VERSION);
    }
    return new ControlRequest(
        name,
        all.entrySet().stream()
            .filter(it -> !it.getKey().equals(VERSION_KEY) && !it.getKey().equals(NAME_KEY))
            .collect(ImmutableMap.toImmutableMap(Map.Entry::getKey, Map.Entry::getValue)));
  }

  /**
   * A request whose arguments alone are a JSON object, or no text at all.
   *
   * @throws ControlException if they are not
   */
  public static ControlRequest ofArguments(String name, String json) throws ControlException {
    return new ControlRequest(name, json.isBlank() ? ImmutableMap.of() : values(json));
  }

  private static ImmutableMap<String, String> values(String json) throws ControlException {
    Config document;
    try {
      document = Json.parse(json);
    } catch (IllegalArgumentException e) {
      throw new ControlException(
          Reason.NOT_A_REQUEST,
          "not a JSON object; for instance {\"version\":1,\"request\":\"status\"}");
    }
    var values = ImmutableMap.<String, String>builder();
    for (Map.Entry<String, ConfigValue> entry : document.root().entrySet()) {
      switch (entry.getValue().valueType()) {
        case STRING, NUMBER, BOOLEAN ->
            values.put(entry.getKey(), entry.getValue().unwrapped().toString());
        default ->
            throw new ControlException(
                Reason.NOT_A_REQUEST, entry.getKey() + ": not a text, a number, true or false");
      }
    }
    return values.buildOrThrow();
  }

  /** One line, without its end. */
  public String render() {
    return Json.render(
        ImmutableMap.<String, Object>builder()
            .put(VERSION_KEY, VERSION)
            .put(NAME_KEY, name)
            .putAll(arguments)
            .buildOrThrow());
  }

  public Optional<String> argument(String key) {
    return Optional.ofNullable(arguments.get(key));
  }

  /**
   * @throws ControlException if it is missing
   */
  public String required(String key) throws ControlException {
    return argument(key)
        .orElseThrow(
            () -> new ControlException(Reason.BAD_ARGUMENT, name + " needs \"" + key + "\""));
  }

  /**
   * @throws ControlException if it is neither true nor false
   */
  public boolean flag(String key) throws ControlException {
    String value = argument(key).orElse("false");
    if (!value.equals("true") && !value.equals("false")) {
      throw new ControlException(Reason.BAD_ARGUMENT, key + ": neither true nor false");
    }
    return value.equals("true");
  }

  /**
   * @throws ControlException if there is any other argument
   */
  public void allow(Set<String> known) throws ControlException {
    for (String key : arguments.keySet()) {
      if (!known.contains(key)) {
        throw new ControlException(
            Reason.BAD_ARGUMENT,
            name
                + " knows no \""
                + key
                + "\""
                + (known.isEmpty() ? "" : "; allowed: " + String.join(", ", known)));
      }
    }
  }
}
