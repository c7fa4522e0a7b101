package io.mipd.daemon;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Finds keys that one file gives twice. HOCON lets the later one win (or merges the two), which
 * hides mistakes; the library drops that knowledge while it parses, so that the text is read here
 * once more, for its braces, keys and strings only.
 */
public final class DuplicateKeys {
  private final Path file;
  private final String text;
  private int at;
  private int line = 1;

  private DuplicateKeys(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  /**
   * Reads a text that the HOCON parser has accepted.
   *
   * @throws ConfigurationException if a key is there twice
   */
  public static void check(Path file, String text) throws ConfigurationException {
    var reader = new DuplicateKeys(file, text);
    reader.skipSeparators();
    if (reader.sees('{')) {
      reader.at++;
    }
    reader.object("");
  }

  /** The rest of an object, its opening brace read. */
  private void object(String path) throws ConfigurationException {
    Map<String, Integer> seen = new HashMap<>();
    while (true) {
      skipSeparators();
      if (at >= text.length()) {
        return;
      }
      if (sees('}')) {
        at++;
        return;
      }
      if (text.startsWith("include", at) && skipInclude()) {
        continue;
      }
      int where = line;
      String key = key();
      String whole = path.isEmpty() ? key : path + "." + key;
      boolean appends = text.startsWith("+=", at);
      if (appends) {
        at += 2;
      } else if (sees('=') || sees(':')) {
        at++;
      }
      Integer first = seen.putIfAbsent(key, where);
      if (first != null && !appends) {
        throw ConfigurationException.at(
            file, where, whole, "given twice, first in line " + first, "each key once in a file");
      }
      value(whole);
    }
  }

  private void list(String path) throws ConfigurationException {
    for (int index = 0; ; index++) {
      skipSeparators();
      if (at >= text.length()) {
        return;
      }
      if (sees(']')) {
        at++;
        return;
      }
      value(path + "[" + index + "]");
    }
  }

  /** A value may be several pieces in a row; a comma, a line end or a closing one ends it. */
  private void value(String path) throws ConfigurationException {
    skipBlank();
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '{') {
        at++;
        object(path);
      } else if (c == '[') {
        at++;
        list(path);
      } else if (c == '"') {
        quoted();
      } else if (text.startsWith("${", at)) {
        at = Math.max(text.indexOf('}', at), at) + 1;
      } else if (c == ',' || c == '\n' || c == '}' || c == ']' || isComment()) {
        return;
      } else {
        at++;
      }
    }
  }

  /** The text of a key up to its separator or brace, quotes left out. */
  private String key() {
    var key = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '=' || c == ':' || c == '{' || text.startsWith("+=", at)) {
        break;
      }
      if (c == '"') {
        key.append(quoted());
      } else {
        if (c == '\n') {
          line++;
        }
        key.append(c);
        at++;
      }
    }
    return key.toString().strip();
  }

  private String quoted() {
    String fence = text.startsWith("\"\"\"", at) ? "\"\"\"" : "\"";
    int start = at + fence.length();
    int end = start;
    while (end < text.length() && !text.startsWith(fence, end)) {
      end += fence.length() == 1 && text.charAt(end) == '\\' ? 2 : 1;
    }
    end = Math.min(end, text.length());
    String inside = text.substring(start, end);
    line += (int) inside.chars().filter(c -> c == '\n').count();
    at = end + fence.length();
    return inside;
  }

  /** Includes are files of their own. */
  private boolean skipInclude() {
    int end = at + "include".length();
    if (end >= text.length() || !Character.isWhitespace(text.charAt(end))) {
      return false;
    }
    String rest = text.substring(end).stripLeading();
    if (!rest.matches("(?s)(\"|required\\s*\\(|file\\s*\\(|url\\s*\\(|classpath\\s*\\().*")) {
      return false;
    }
    int lineEnd = text.indexOf('\n', at);
    at = lineEnd < 0 ? text.length() : lineEnd;
    return true;
  }

  private void skipSeparators() {
    skipBlank();
    while (sees(',')) {
      at++;
      skipBlank();
    }
  }

  private void skipBlank() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (isComment()) {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else if (Character.isWhitespace(c)) {
        if (c == '\n') {
          line++;
        }
        at++;
      } else {
        return;
      }
    }
  }

  private boolean isComment() {
    return sees('#') || text.startsWith("//", at);
  }

  private boolean sees(char c) {
    return at < text.length() && text.charAt(at) == c;
  }
}
