package io.mipd.vici;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.vici.ViciElement.Value;
import io.mipd.vici.ViciElement.Values;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Named elements in their order: a message, or a section of one. Values may be secrets, so that no
 * text of it shows one.
 */
public record ViciMessage(ImmutableMap<String, ViciElement> elements) implements ViciElement {
  public static final ViciMessage EMPTY = new ViciMessage(ImmutableMap.of());

  /** The most octets of a name. */
  static final int MAX_NAME = 255;

  /** The text of that name; empty if there is none. */
  public Optional<String> text(String name) {
    return elements.get(name) instanceof Value value ? Optional.of(value.text()) : Optional.empty();
  }

  /** The texts of the list of that name; none if there is no such list. */
  public ImmutableList<String> texts(String name) {
    return elements.get(name) instanceof Values values
        ? values.all().stream().map(Value::text).collect(ImmutableList.toImmutableList())
        : ImmutableList.of();
  }

  /** The section of that name; an empty one if there is none. */
  public ViciMessage section(String name) {
    return elements.get(name) instanceof ViciMessage section ? section : EMPTY;
  }

  /** All sections by name. */
  public ImmutableMap<String, ViciMessage> sections() {
    var all = ImmutableMap.<String, ViciMessage>builder();
    elements.forEach(
        (name, element) -> {
          if (element instanceof ViciMessage section) {
            all.put(name, section);
          }
        });
    return all.buildOrThrow();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Makes a message, in order. */
  public static final class Builder {
    private final Map<String, ViciElement> elements = new LinkedHashMap<>();

    private Builder() {}

    public Builder put(String name, ViciElement element) {
      int length = name.getBytes(StandardCharsets.UTF_8).length;
      checkArgument(length > 0 && length <= MAX_NAME, "a name of %s octets", length);
      checkArgument(elements.put(name, element) == null, "%s is there twice", name);
      return this;
    }

    public Builder put(String name, String text) {
      return put(name, Value.of(text));
    }

    public Builder put(String name, long number) {
      return put(name, Long.toString(number));
    }

    public Builder put(String name, List<String> texts) {
      return put(
          name, new Values(texts.stream().map(Value::of).collect(ImmutableList.toImmutableList())));
    }

    public ViciMessage build() {
      return new ViciMessage(ImmutableMap.copyOf(elements));
    }
  }
}
