package io.mipd.movein;

/** Writes a configuration, a key a line. */
final class Hocon {
  private final StringBuilder text = new StringBuilder();
  private int depth;

  private StringBuilder line() {
    return text.append("  ".repeat(depth));
  }

  Hocon comment(String words) {
    line().append("# ").append(words).append('\n');
    return this;
  }

  Hocon gap() {
    text.append('\n');
    return this;
  }

  /** A value of letters, digits and hyphens. */
  Hocon put(String key, String value) {
    line().append(key).append(" = ").append(value).append('\n');
    return this;
  }

  Hocon put(String key, boolean value) {
    return put(key, value ? "on" : "off");
  }

  Hocon putSeconds(String key, long seconds) {
    return put(key, seconds + "s");
  }

  /** A value that needs quotes. */
  Hocon quote(String key, Object value) {
    line().append(key).append(" = ").append(quoted("" + value)).append('\n');
    return this;
  }

  static String quoted(String value) {
    return '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** An object on a line of its own, as it stands. */
  Hocon item(String object) {
    line().append(object).append('\n');
    return this;
  }

  Hocon open(String key) {
    line().append(key).append(" {\n");
    depth++;
    return this;
  }

  Hocon openItem() {
    line().append("{\n");
    depth++;
    return this;
  }

  Hocon close() {
    depth--;
    line().append("}\n");
    return this;
  }

  Hocon openList(String key) {
    line().append(key).append(" = [\n");
    depth++;
    return this;
  }

  Hocon closeList() {
    depth--;
    line().append("]\n");
    return this;
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
