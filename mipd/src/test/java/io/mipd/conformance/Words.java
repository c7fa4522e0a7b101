package io.mipd.conformance;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The words of a text: separated by blanks that are neither in quotes nor in parentheses; a bracket
 * is a word.
 */
final class Words {
  private final List<String> words;
  private int next;

  Words(String text) {
    words = split(text);
  }

  static List<String> split(String text) {
    List<String> words = new ArrayList<>();
    var word = new StringBuilder();
    int depth = 0;
    boolean quoted = false;
    for (char c : (text + " ").toCharArray()) {
      quoted ^= c == '"';
      depth += !quoted && c == '(' ? 1 : 0;
      depth -= !quoted && c == ')' ? 1 : 0;
      boolean separates = !quoted && depth == 0 && (c == ' ' || c == '[' || c == ']');
      if (!separates) {
        word.append(c);
        continue;
      }
      if (!word.isEmpty()) {
        words.add(word.toString());
        word.setLength(0);
      }
      if (c != ' ') {
        words.add(String.valueOf(c));
      }
    }
    if (quoted || depth != 0) {
      throw new IllegalArgumentException("unbalanced: " + text);
    }
    return words;
  }

  boolean isAtEnd() {
    return next == words.size() || words.get(next).equals("]");
  }

  String peek() {
    return isAtEnd() ? "" : words.get(next);
  }

  String next() {
    if (next == words.size()) {
      throw new IllegalArgumentException("a word is missing at the end of: " + words);
    }
    return words.get(next++);
  }

  int number() {
    return number(next());
  }

  /** Decimal, or hexadecimal after 0x. */
  static int number(String word) {
    return Integer.decode(word);
  }

  void expect(String word) {
    String found = next();
    if (!found.equals(word)) {
      throw new IllegalArgumentException("not " + word + " but " + found + " in: " + words);
    }
  }

  /** What stands in the parentheses of {@code name(...)}. */
  static Words arguments(String word) {
    return new Words(word.substring(word.indexOf('(') + 1, word.length() - 1));
  }

  static String name(String word) {
    int at = word.indexOf('(');
    return at < 0 ? word : word.substring(0, at);
  }

  /** Octets of hexadecimal digits, right-aligned in so many octets. */
  static byte[] hex(String digits, int octets) {
    return HexFormat.of().parseHex("0".repeat(octets * 2 - digits.length()) + digits);
  }
}
